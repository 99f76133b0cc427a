//! The decision: who are you, what may you see, what do we fetch.
//!
//! In: configuration, request, time, random bytes. Out: [`Decision`]. Does not know what the origin will say.

use shared_playlist::Directives;
use shared_ticket::{Admission, Admitted, SealedSession};
use shared_wire::ShowId;
use shared_wire::key::{KeyObject, MediaFile};

use crate::config::{BODY_BYTES_MAX, Config};
use crate::edit::{Edit, MARK, since};
use crate::encoding::takes_gzip;
use crate::enter::{Entrance, Entrant};
use crate::fetch::Then;
use crate::guarded::Begins;
use crate::policy;
use crate::route::{Door, Route};
use crate::{Answer, Fetch, Guarded, Method, Purge, Refusal, Request};

/// What to do with a request.
#[derive(Debug)]
pub enum Decision {
    /// Send this.
    Answer(Answer),
    /// Fetch this; anyone may have it.
    Open(Fetch),
    /// Fetch this if the deny list lets its viewer pass.
    Guarded(Guarded),
    /// Somebody with the edge key says what a cache must forget.
    Purge(Purge),
}

/// Decides about a request at `now_ms`, in milliseconds since the Unix epoch. The random bytes become its id, if it
/// brings none; any 16 bytes that differ from request to request will do.
#[must_use]
pub fn decide(config: &Config, request: &Request<'_>, now_ms: i64, random: [u8; 16]) -> Decision {
    let id = request.id(random);
    if request.method == "OPTIONS" {
        let mut answer = Answer::preflight(&id);
        // A preflight brings no cookie, so nobody knows yet whether one will come.
        if let Some(site) = request.site().filter(|_| request.path.starts_with("/live/")) {
            answer.head.open_to(site);
        }
        return Decision::Answer(answer);
    }
    let asked = Asked { config, request, id: &id, now_ms, now: now_ms.div_euclid(1000) };
    match asked.decide() {
        Ok(Decision::Answer(answer)) if request.method == "HEAD" => {
            Decision::Answer(answer.without_body())
        }
        Ok(decision) => decision,
        Err(refusal) => {
            let mut answer = refusal.answer(&id);
            if let Some(site) = request.cookie_site() {
                answer.head.open_to(&site);
            }
            let is_head = request.method == "HEAD";
            Decision::Answer(if is_head { answer.without_body() } else { answer })
        }
    }
}

/// A request with what is needed to decide about it.
struct Asked<'a, 'r> {
    config: &'a Config,
    request: &'a Request<'r>,
    id: &'a str,
    /// Milliseconds since the Unix epoch.
    now_ms: i64,
    /// Seconds since the Unix epoch.
    now: i64,
}

impl<'r> Asked<'_, 'r> {
    fn decide(&self) -> Result<Decision, Refusal> {
        let route = Route::of(self.request.plain_path()?);
        if route == Route::Unknown {
            return Err(Refusal::NotFound);
        }
        let method = match (self.request.method, route) {
            ("GET" | "HEAD", Route::Health) => {
                return Ok(Decision::Answer(Answer::healthy(self.id)));
            }
            ("GET" | "HEAD", Route::Time) => {
                return Ok(Decision::Answer(Answer::time(self.id, self.now_ms)));
            }
            ("POST", Route::Playback) => return self.playback().map(Decision::Open),
            ("POST", Route::Purge) => {
                return Purge::read(self.config, self.request, self.id).map(Decision::Purge);
            }
            ("GET", route) if !route.is_posted() => Method::Get,
            ("HEAD", route) if !route.is_posted() => Method::Head,
            (_, route) => return Err(Refusal::MethodNotAllowed(route.allow())),
        };
        match route {
            Route::Live { show, token, door } => {
                self.live(method, (show, door), token).map(Decision::Guarded)
            }
            Route::Session { session, rest } => {
                self.session(method, session, rest).map(Decision::Guarded)
            }
            _ => Ok(Decision::Open(self.public(method))),
        }
    }

    /// A token is swapped for a sealed session, once per playback.
    fn live(
        &self,
        method: Method,
        (show, door): (ShowId, Door),
        token: Option<&'r str>,
    ) -> Result<Guarded, Refusal> {
        let (config, request, id, now) = (self.config, self.request, self.id, self.now);
        let entrant = Entrance { config, request, id, show, door, now }.enter(token)?;
        let Entrant { admission, own, redirect } = entrant;
        let Admission { claims, replay, replayed, .. } = admission;
        policy::enter(&claims.policy, &request.client)?;
        let session = SealedSession {
            show,
            session: claims.session,
            ticket: claims.ticket,
            expires_at: u32::try_from(claims.expires_at).unwrap_or(u32::MAX),
            admitted: Admitted::from(&claims.policy),
        };
        let (root, ip) = (format!("/o/{show}/"), request.client.ip);
        let path = format!("{root}{}", door.file());
        let then = Then::Edit(Box::new(Edit::Enter { session, ip, root, door }));
        let mut fetch = self.fetch(method, path, then);
        fetch.own = own;
        fetch.takes_gzip = self.takes_gzip();
        let begins = Begins { isolated_s: config.isolated_s, replay, replayed, redirect };
        Ok(Guarded { session, begins: Some(begins), fetch })
    }

    /// A sealed session opens every object of its show that its tier admits to, and nothing that is not of the key
    /// scheme.
    fn session(&self, method: Method, sealed: &str, rest: &str) -> Result<Guarded, Refusal> {
        let ip = self.request.client.ip;
        let session = self.config.session_keys.open(sealed, ip, self.now)?;
        // Each object has one spelling, so what was read need not be written anew.
        let object = KeyObject::parse(rest).ok_or(Refusal::NotFound)?;
        policy::see(&session.admitted, &object)?;
        let mut path = format!("/o/{}/{rest}", session.show);
        let asked = Directives::parse(self.query_of(&object))
            .map_err(|error| Refusal::BadDirective(error.to_string()))?;
        let edit = Edit::of(self.config, sealed, &session, &object, asked);
        match &object {
            KeyObject::Playlist { .. } | KeyObject::IFrames { .. } => {
                let needs_whole = edit.as_ref().is_some_and(Edit::needs_whole);
                let skip = asked.skip.filter(|_| !needs_whole);
                append(&mut path, &Directives { skip, ..asked }.to_string());
            }
            KeyObject::Media { file, .. } => {
                self.within_depth(sealed, &session, rest, *file)?;
                append(&mut path, policy::media_query(&session.admitted));
            }
            // The storyboard shows the whole of the show; to go so far back may not be the viewer's.
            KeyObject::Storyboard if session.admitted.dvr_s_max.is_some() => {
                return Err(Refusal::DvrTooFar);
            }
            KeyObject::Multivariant
            | KeyObject::Manifest { .. }
            | KeyObject::Cover
            | KeyObject::Storyboard
            | KeyObject::ChapterList
            | KeyObject::ChapterCues => {}
        }
        let is_whole = edit.is_none();
        let then = edit.map_or(Then::Media, |edit| Then::Edit(Box::new(edit)));
        let mut fetch = self.fetch(method, path, then);
        if matches!(object, KeyObject::Media { .. }) {
            fetch.put("range", self.request.short_header("range"));
            fetch.put("if-range", self.request.short_header("if-range"));
        } else if is_whole {
            fetch.put("accept-encoding", self.gzip());
        }
        if is_whole {
            fetch.put("if-none-match", self.request.short_header("if-none-match"));
        } else {
            fetch.takes_gzip = self.takes_gzip();
        }
        Ok(Guarded { session, begins: None, fetch })
    }

    /// Where directives are looked for: playlists alone take them.
    fn query_of(&self, object: &KeyObject) -> &'r str {
        let takes = matches!(object, KeyObject::Playlist { .. } | KeyObject::IFrames { .. });
        self.request.short_query().filter(|_| takes).unwrap_or_default()
    }

    /// A session with a depth opens the media that its playlists listed, each of which they marked, and what its MPDs
    /// did, which mark the first segment of all that may be had.
    fn within_depth(
        &self,
        sealed: &str,
        session: &SealedSession,
        rest: &str,
        file: MediaFile,
    ) -> Result<(), Refusal> {
        if session.admitted.dvr_s_max.is_none() || matches!(file, MediaFile::Init(_)) {
            return Ok(());
        }
        let marker = self.config.session_keys.marker(sealed).ok_or(Refusal::DvrTooFar)?;
        let sent = self.request.parameter(MARK).unwrap_or_default();
        let is_since = || {
            let (first, mark) = sent.split_once('.')?;
            let (folder, MediaFile::Segment(msn)) = (rest.rsplit_once('/')?.0, file) else {
                return None;
            };
            let first = first.parse().ok().filter(|first| *first <= msn)?;
            Some(marker.knows(&since(&format!("{folder}/"), first), mark))
        };
        let is_known = marker.knows(rest, sent) || is_since() == Some(true);
        if is_known { Ok(()) } else { Err(Refusal::DvrTooFar) }
    }

    fn public(&self, method: Method) -> Fetch {
        let mut fetch = self.fetch(method, self.request.path.to_owned(), Then::Public);
        fetch.put("accept-encoding", self.gzip());
        fetch.put("if-none-match", self.request.short_header("if-none-match"));
        fetch
    }

    fn playback(&self) -> Result<Fetch, Refusal> {
        let content_type = self.request.short_header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::UnsupportedMediaType);
        }
        let length = (self.request.header)("content-length").map(str::parse::<usize>);
        if !matches!(length, None | Some(Ok(..=BODY_BYTES_MAX))) {
            return Err(Refusal::BodyTooLarge);
        }
        let mut fetch = self.fetch(Method::Post, self.request.path.to_owned(), Then::Public);
        fetch.put("content-type", Some("application/json"));
        // The origin tells a viewer's other devices which one took over.
        fetch.put("user-agent", self.request.short_header("user-agent"));
        Ok(fetch)
    }

    fn fetch(&self, method: Method, path_and_query: String, then: Then) -> Fetch {
        Fetch::new(self.config, method, path_and_query, self.id, then)
    }

    /// `Accept-Encoding` as one of two values, so that a cache keeps two forms at most (RFC 9110, 12.5.3).
    fn gzip(&self) -> Option<&'static str> {
        self.takes_gzip().then_some("gzip")
    }

    fn takes_gzip(&self) -> bool {
        takes_gzip((self.request.header)("accept-encoding"))
    }
}

fn append(path: &mut String, query: &str) {
    if !query.is_empty() {
        path.push('?');
        path.push_str(query);
    }
}

#[cfg(test)]
mod tests;
