//! A request to the origin.
//!
//! In: what the decision found. Out: [`Fetch`], complete but for the origin's address. It holds nothing of the
//! viewer that could split a cache: who asked is gone from path, query and headers. Does not know how it is sent.

use std::borrow::Cow;
use std::fmt;

use shared_wire::header;

use crate::edit::Edit;
use crate::{Answer, Config, Head, Refusal, Text};

/// How many headers a fetch has at most.
const HEADERS_MAX: usize = 6;
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
        Self { method, path_and_query, headers, request_id, own: Own::default(), then }
    }

    pub(crate) fn put(&mut self, name: &'static str, value: Option<&str>) {
        self.headers.extend(value.map(|value| (name, Cow::Owned(value.to_owned()))));
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
            Ok(body) => Answer { head, body },
            Err(refusal) => self.refuse(&refusal),
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
