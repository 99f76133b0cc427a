//! A request to the origin.
//!
//! In: what the decision found. Out: [`Fetch`], complete but for the origin's address. It holds nothing of the
//! viewer that could split a cache: who asked is gone from path, query and headers. Does not know how it is sent.

use std::borrow::Cow;
use std::fmt;

use shared_wire::header;

use crate::edit::Edit;
use crate::encoding::gzip;
use crate::purge::equal;
use crate::{Answer, Config, Head, Refusal, Request, Text};

/// How many headers a fetch has at most.
const HEADERS_MAX: usize = 6;
/// Where the origin keeps what edges fetch for viewers.
pub(crate) const OBJECTS: &str = "/o/";
/// What another edge may say of what it has, or wants of it.
const OF_EDGES: [&str; 3] = ["if-none-match", "if-range", "range"];
/// Where the origin keeps the deny list.
pub(crate) const DENIED: &str = "/edge/denied";

/// A method of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PURGE`, for a cache below this component.
    Purge,
}

impl Method {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Purge => "PURGE",
        }
    }
}

/// A request to the origin. Its headers hold the edge key.
#[derive(Clone)]
pub struct Fetch {
    /// The method. Only a `POST` has a body: the viewer's, up to [`crate::config::BODY_BYTES_MAX`].
    pub method: Method,
    /// Path and query on the origin.
    pub path_and_query: String,
    /// All headers to send.
    pub headers: Vec<(&'static str, Text)>,
    /// The viewer's request, by its id.
    pub request_id: String,
    /// What stands on the viewer's answer beside what stands on every one.
    pub(crate) own: Own,
    /// Whether the viewer takes gzip: of what is edited, which comes without.
    pub(crate) takes_gzip: bool,
    /// What becomes of the answer.
    pub(crate) then: Then,
}

/// What becomes of the origin's answer.
#[derive(Clone)]
pub(crate) enum Then {
    /// Media and media playlists: viewer-neutral bytes.
    Media,
    /// A playlist that becomes one viewer's own.
    Edit(Box<Edit>),
    /// Pages and the API: as the origin says.
    Public,
    /// A cache of ours says whether it purged.
    Purge,
}

/// What stands on one viewer's answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Own {
    /// The site that asked, of a viewer who came with a cookie or gets one.
    pub(crate) site: Option<String>,
    /// A renewed token.
    pub(crate) renewed: Option<(String, String)>,
}

impl Own {
    pub(crate) fn put(&self, head: &mut Head) {
        if let Some(site) = &self.site {
            head.open_to(site);
        }
        if let Some((name, value)) = &self.renewed {
            head.put(name.clone(), value.clone());
        }
    }
}

/// Without the headers, which hold the edge key, and without a prefix that holds a session.
impl fmt::Debug for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetch({} {})", self.method.name(), self.path_and_query)
    }
}

impl Fetch {
    pub(crate) fn new(
        config: &Config,
        method: Method,
        path_and_query: String,
        request_id: &str,
        then: Then,
    ) -> Self {
        let mut headers = Vec::with_capacity(HEADERS_MAX);
        headers.push((header::EDGE_KEY, Cow::Owned(config.edge_key.clone())));
        headers.push((header::REQUEST_ID, Cow::Owned(request_id.to_owned())));
        let request_id = request_id.to_owned();
        let (own, takes_gzip) = (Own::default(), false);
        Self { method, path_and_query, headers, request_id, own, takes_gzip, then }
    }

    /// The fetch that another edge asks this one for, which is its shield: of an object by the origin's own path, and
    /// with the edge key. Its answer is the origin's, for that edge to [`Fetch::relay`]. `None` for everybody else.
    #[must_use]
    pub fn of_edge(config: &Config, request: &Request<'_>, random: [u8; 16]) -> Option<Self> {
        let key = (request.header)(header::EDGE_KEY)?;
        let method = match request.method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => return None,
        };
        let path = request.plain_path().ok().filter(|path| path.starts_with(OBJECTS))?;
        if !equal(key.as_bytes(), config.edge_key.as_bytes()) {
            return None;
        }
        let query = request.short_query().map(|query| format!("?{query}")).unwrap_or_default();
        let (path, id) = (format!("{path}{query}"), request.id(random));
        let mut fetch = Self::new(config, method, path, &id, Then::Media);
        let takes = request.short_header("accept-encoding");
        fetch.put("accept-encoding", takes.filter(|takes| takes.contains("gzip")).map(|_| "gzip"));
        for name in OF_EDGES {
            fetch.put(name, request.short_header(name));
        }
        Some(fetch)
    }

    /// Whether everybody whose fetch is plain gets the same head for the same answer of the origin, but for the id of
    /// their request: a `GET` of media or of a media playlist, by a viewer who has nothing of their own to be told.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.method == Method::Get && matches!(self.then, Then::Media) && self.own == Own::default()
    }

    /// A fetch in the place of a plain one that is no longer at hand, to [`Fetch::relay`] its answer. Nothing to send:
    /// it has no headers.
    #[must_use]
    pub fn plain(request_id: String, path_and_query: String) -> Self {
        let own = Own { site: None, renewed: None };
        let (method, headers, then) = (Method::Get, Vec::new(), Then::Media);
        Self { method, path_and_query, headers, request_id, own, takes_gzip: false, then }
    }

    pub(crate) fn put(&mut self, name: &'static str, value: Option<&str>) {
        self.headers.extend(value.map(|value| (name, Cow::Owned(value.to_owned()))));
    }

    /// The name under which a cache may keep the answer to this fetch of a playlist, an MPD or the deny list, and let
    /// everyone who asks alike meanwhile wait for the same one. `None` for all else: objects that never change,
    /// pages, `POST`.
    ///
    /// A shell that answers from such a cache leaves `If-None-Match` out of the fetch: the answer is not one
    /// viewer's.
    #[must_use]
    pub fn collapse_key(&self) -> Option<String> {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        let collapses = path.ends_with(".m3u8") || path.ends_with(".mpd") || path == DENIED;
        let encoding = self.headers.iter().find(|(name, _)| *name == "accept-encoding");
        let encoding = encoding.map_or("identity", |(_, value)| value.as_ref());
        (collapses && self.method == Method::Get)
            .then(|| format!("{encoding} {}", self.path_and_query))
    }

    /// The answer if there is no connection to the origin, or it broke before the head came.
    #[must_use]
    pub fn unreachable(&self) -> Answer {
        self.refuse(&Refusal::OriginUnreachable)
    }

    /// The answer if the origin took too long.
    #[must_use]
    pub fn timed_out(&self) -> Answer {
        self.refuse(&Refusal::OriginTimedOut)
    }

    /// The answer if the viewer's body turned out to be too large.
    #[must_use]
    pub fn body_too_large(&self) -> Answer {
        self.refuse(&Refusal::BodyTooLarge)
    }

    /// What becomes of the whole body of a [`crate::Relay::Edit`] at `now_ms`: the answer to send.
    #[must_use]
    pub fn edit(&self, config: &Config, now_ms: i64, head: Head, body: &[u8]) -> Answer {
        let edited = match &self.then {
            Then::Edit(edit) => edit.apply(config, now_ms, body),
            Then::Media | Then::Public | Then::Purge => Ok(body.to_vec()),
        };
        match edited {
            Ok(body) => self.encoded(head, body),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    fn encoded(&self, mut head: Head, body: Vec<u8>) -> Answer {
        match self.takes_gzip.then(|| gzip(&body)).flatten() {
            Some(body) => {
                head.put("content-encoding", "gzip");
                Answer { head, body }
            }
            None => Answer { head, body },
        }
    }

    /// The answer if the playlist that was to be edited broke off, or is longer than
    /// [`crate::config::PLAYLIST_BYTES_MAX`].
    #[must_use]
    pub fn not_editable(&self) -> Answer {
        self.refuse(&Refusal::OriginFailed("the playlist broke off or is too large"))
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Answer {
        let mut answer = refusal.answer(&self.request_id);
        self.own.put(&mut answer.head);
        if self.method == Method::Head { answer.without_body() } else { answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;
    use crate::config::{EDGE_KEY, ORIGIN, SESSION_KEYS, TOKEN_KEYS};

    fn config() -> Config {
        let key = "A".repeat(43);
        Config::from_lookup(|name| match name {
            ORIGIN => Some("http://origin".to_owned()),
            EDGE_KEY => Some("edge-secret".to_owned()),
            SESSION_KEYS => Some(format!("s:{key}")),
            TOKEN_KEYS => {
                Some(format!(r#"{{"keys":[{{"kty":"oct","alg":"HS256","kid":"k","k":"{key}"}}]}}"#))
            }
            _ => None,
        })
        .unwrap()
    }

    fn of_edge(method: &str, path: &str, key: &'static str) -> Option<Fetch> {
        let header = |name: &str| match name {
            "matinee-edge-key" => Some(key),
            "accept-encoding" => Some("br, gzip"),
            "range" => Some("bytes=0-1"),
            "cookie" => Some("SPY"),
            _ => None,
        };
        let client = Client::default();
        let query = Some("_HLS_msn=5");
        let request = Request { method, path, query, header: &header, client };
        Fetch::of_edge(&config(), &request, [0; 16])
    }

    #[test]
    fn another_edge_may_ask_for_objects_by_the_key_and_nobody_else() {
        let fetch = of_edge("GET", "/o/show/720p/index.m3u8", "edge-secret").unwrap();
        assert_eq!(fetch.path_and_query, "/o/show/720p/index.m3u8?_HLS_msn=5");
        let key = fetch.collapse_key();
        assert_eq!(key.as_deref(), Some("gzip /o/show/720p/index.m3u8?_HLS_msn=5"));
        let names: Vec<&str> = fetch.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["matinee-edge-key", "x-request-id", "accept-encoding", "range"]);
        for (method, path, key) in [
            ("GET", "/o/show/720p/index.m3u8", "another"),
            ("GET", "/o/show/720p/index.m3u8", ""),
            ("POST", "/o/show/720p/index.m3u8", "edge-secret"),
            ("GET", "/o/../edge/denied", "edge-secret"),
            ("GET", "/edge/denied", "edge-secret"),
            ("GET", "/v1/shows", "edge-secret"),
        ] {
            assert!(of_edge(method, path, key).is_none(), "{method} {path}");
        }
    }
}
