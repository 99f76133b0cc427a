//! The decision: who are you, what may you see, what do we fetch.
//!
//! In: configuration, request, time, random bytes. Out: [`Decision`]. Does not know what the origin will say.

use shared_playlist::Directives;
use shared_ticket::{Admitted, SealedSession};
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject};

use crate::config::{BODY_BYTES_MAX, Config};
use crate::fetch::Then;
use crate::route::Route;
use crate::{Answer, DenyState, Fetch, Method, Refusal, Request};

/// What to do with a request.
#[derive(Debug)]
pub enum Decision {
    /// Send this.
    Answer(Answer),
    /// Fetch this; anyone may have it.
    Open(Fetch),
    /// Fetch this if the deny list lets its viewer pass.
    Guarded(Guarded),
}

/// A fetch for a viewer whose proof is good, and who may yet stand on the deny list.
#[derive(Debug)]
pub struct Guarded {
    session: SealedSession,
    fetch: Fetch,
}

impl Guarded {
    /// The fetch, or the answer for a viewer on the deny list.
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn admit(self, deny: &DenyState) -> Result<Fetch, Answer> {
        match deny.reason(&self.session.ticket, &self.session.session) {
            None => Ok(self.fetch),
            Some(reason) => Err(self.fetch.refuse(&Refusal::Denied(reason.to_owned()))),
        }
    }

    /// The id of the request, for [`crate::deny_request`].
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.fetch.request_id
    }
}

/// Decides about a request at `now_ms`, in milliseconds since the Unix epoch. The random bytes become its id, if it
/// brings none; any 16 bytes that differ from request to request will do.
#[must_use]
pub fn decide(config: &Config, request: &Request<'_>, now_ms: i64, random: [u8; 16]) -> Decision {
    let id = request.id(random);
    if request.method == "OPTIONS" {
        return Decision::Answer(Answer::preflight(&id));
    }
    let asked = Asked { config, request, id: &id, now: now_ms.div_euclid(1000) };
    match asked.decide() {
        Ok(Decision::Answer(answer)) if request.method == "HEAD" => {
            Decision::Answer(answer.without_body())
        }
        Ok(decision) => decision,
        Err(refusal) => {
            let answer = refusal.answer(&id);
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
    /// Seconds since the Unix epoch.
    now: i64,
}

impl Asked<'_, '_> {
    fn decide(&self) -> Result<Decision, Refusal> {
        let route = Route::of(self.request.plain_path()?);
        if route == Route::Unknown {
            return Err(Refusal::NotFound);
        }
        let method = match (self.request.method, route) {
            ("GET" | "HEAD", Route::Health) => {
                return Ok(Decision::Answer(Answer::healthy(self.id)));
            }
            ("POST", Route::Playback) => return self.playback().map(Decision::Open),
            ("GET", route) if route != Route::Playback => Method::Get,
            ("HEAD", route) if route != Route::Playback => Method::Head,
            (_, route) => return Err(Refusal::MethodNotAllowed(route.allow())),
        };
        match route {
            Route::Live { show } => self.live(method, show).map(Decision::Guarded),
            Route::Session { session, rest } => {
                self.session(method, session, rest).map(Decision::Guarded)
            }
            _ => Ok(Decision::Open(self.public(method))),
        }
    }

    /// A token is swapped for a sealed session, once per playback.
    fn live(&self, method: Method, show: ShowId) -> Result<Guarded, Refusal> {
        let bearer = (self.request.header)("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token)
        });
        let token = self.request.parameter("token").or(bearer).unwrap_or_default();
        let claims = self.config.verifier.verify(token, &show, self.now)?;
        let session = SealedSession {
            show,
            session: claims.session,
            ticket: claims.ticket,
            expires_at: u32::try_from(claims.expires_at).unwrap_or(u32::MAX),
            admitted: Admitted::from(&claims.policy),
        };
        let sealed = self.config.session_keys.seal(&session, self.request.client.ip)?;
        let prefix = format!("/p/{sealed}/");
        let then = Then::Rewrite { prefix, root: format!("/o/{show}/") };
        let fetch = self.fetch(method, format!("/o/{show}/index.m3u8"), then);
        Ok(Guarded { session, fetch })
    }

    /// A sealed session opens every object of its show, and nothing that is not of the key scheme.
    fn session(&self, method: Method, sealed: &str, rest: &str) -> Result<Guarded, Refusal> {
        let session = self.config.session_keys.open(sealed, self.request.client.ip, self.now)?;
        let key = Key::parse(&format!("{}/{rest}", session.show)).ok_or(Refusal::NotFound)?;
        let query = match key.object {
            KeyObject::Playlist { .. } | KeyObject::IFrames { .. } => {
                let query = self.request.short_query().unwrap_or_default();
                let directives = Directives::parse(query)
                    .map_err(|error| Refusal::BadDirective(error.to_string()))?;
                directives.to_string()
            }
            _ => String::new(),
        };
        let mark = if query.is_empty() { "" } else { "?" };
        let mut fetch = self.fetch(method, format!("/o/{key}{mark}{query}"), Then::Media);
        if matches!(key.object, KeyObject::Media { .. }) {
            fetch.put("range", self.request.short_header("range"));
            fetch.put("if-range", self.request.short_header("if-range"));
        } else {
            fetch.put("accept-encoding", self.gzip());
        }
        fetch.put("if-none-match", self.request.short_header("if-none-match"));
        Ok(Guarded { session, fetch })
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
        Ok(fetch)
    }

    fn fetch(&self, method: Method, path_and_query: String, then: Then) -> Fetch {
        Fetch::new(self.config, method, path_and_query, self.id, then)
    }

    /// `Accept-Encoding` as one of two values, so that a cache keeps two forms at most (RFC 9110, 12.5.3).
    fn gzip(&self) -> Option<&'static str> {
        let accepted = (self.request.header)("accept-encoding")?;
        let takes = accepted.split(',').any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
            coding.trim().eq_ignore_ascii_case("gzip")
                && !weight.trim_matches(['0', '.']).is_empty()
        });
        takes.then_some("gzip")
    }
}

#[cfg(test)]
mod tests;
