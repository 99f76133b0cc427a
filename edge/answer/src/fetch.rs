//! A request to the origin.
//!
//! In: what the decision found. Out: [`Fetch`], complete but for the origin's address. It holds nothing of the
//! viewer that could split a cache: who asked is gone from path, query and headers. Does not know how it is sent.

use std::fmt;

use shared_wire::header;

use crate::{Answer, Config, Refusal};

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
}

impl Method {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
        }
    }
}

/// A request to the origin. Its headers hold the edge key.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The method. Only a `POST` has a body: the viewer's, up to [`crate::config::BODY_BYTES_MAX`].
    pub method: Method,
    /// Path and query on the origin.
    pub path_and_query: String,
    /// All headers to send.
    pub headers: Vec<(&'static str, String)>,
    /// The viewer's request, by its id.
    pub request_id: String,
    /// What becomes of the answer.
    pub(crate) then: Then,
}

/// What becomes of the origin's answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// Media and media playlists: viewer-neutral bytes.
    Media,
    /// The multivariant playlist moves below `prefix`; `root` is its directory at the origin.
    Rewrite { prefix: String, root: String },
    /// Pages and the API: as the origin says.
    Public,
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
        let headers = vec![
            (header::EDGE_KEY, config.edge_key.clone()),
            (header::REQUEST_ID, request_id.to_owned()),
        ];
        Self { method, path_and_query, headers, request_id: request_id.to_owned(), then }
    }

    pub(crate) fn put(&mut self, name: &'static str, value: Option<&str>) {
        self.headers.extend(value.map(|value| (name, value.to_owned())));
    }

    /// The name under which a cache may keep the answer to this fetch of a playlist or the deny list, and let
    /// everyone who asks alike meanwhile wait for the same one. `None` for all else: objects that never change,
    /// pages, `POST`.
    ///
    /// A shell that answers from such a cache leaves `If-None-Match` out of the fetch: the answer is not one
    /// viewer's.
    #[must_use]
    pub fn collapse_key(&self) -> Option<String> {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        let collapses = path.ends_with(".m3u8") || path == DENIED;
        let encoding = self.headers.iter().find(|(name, _)| *name == "accept-encoding");
        let encoding = encoding.map_or("identity", |(_, value)| value.as_str());
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

    /// The answer if the playlist that was to be rewritten cannot be.
    #[must_use]
    pub fn not_rewritable(&self) -> Answer {
        self.refuse(&Refusal::OriginFailed("the playlist broke off or is too large"))
    }

    pub(crate) fn refuse(&self, refusal: &Refusal) -> Answer {
        let answer = refusal.answer(&self.request_id);
        if self.method == Method::Head { answer.without_body() } else { answer }
    }
}
