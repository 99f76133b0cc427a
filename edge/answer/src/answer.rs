//! An answer to a viewer, and the headers that stand on every one.
//!
//! In: a status, headers, a body. Out: [`Answer`]. Does not know why.
//!
//! Every answer, errors too, is open to scripts of any site: players run anywhere. An answer to a viewer who came with
//! a cookie is open to the site that asked and to no other, since a browser hides it from everybody otherwise (Fetch
//! standard, CORS protocol).

use std::borrow::Cow;

use shared_wire::header::REQUEST_ID;

/// The name or the value of a header; most are the same on every answer.
pub type Text = Cow<'static, str>;

/// Headers of an answer that scripts of other sites may read. hls.js takes the first part it asks for from `Age`.
const EXPOSED: &str = "Age, Cache-Control, Content-Length, Content-Range, Date, ETag, Retry-After, \
    CTA-Common-Access-Token, X-Cache, X-Request-ID";
/// Headers a script of another site may send, with those of CMCD (CTA-5004).
const TAKEN: &str = "Authorization, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, \
    Content-Type, CTA-Common-Access-Token, If-None-Match, Range, X-Request-ID";
/// What stands on every answer, beside the request's id.
const ALWAYS: [(&str, &str); 5] = [
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", EXPOSED),
    ("cross-origin-resource-policy", "cross-origin"),
    ("timing-allow-origin", "*"),
    ("x-content-type-options", "nosniff"),
];
/// How many headers most answers have.
const HEADERS_USUAL: usize = 16;
/// How long a browser may remember a preflight, in seconds: the longest that any of them takes.
const PREFLIGHT_S: &str = "86400";

/// The head of an answer. Names are in lower case, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(Text, Text)>,
}

/// An answer that needs nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The body; empty for `HEAD`.
    pub body: Vec<u8>,
}

impl Head {
    /// A head with what stands on every answer.
    pub(crate) fn new(status: u16, request_id: &str) -> Self {
        let mut headers = Vec::with_capacity(HEADERS_USUAL);
        headers.extend(ALWAYS.map(|(name, value)| (name.into(), value.into())));
        headers.push((REQUEST_ID.into(), Cow::Owned(request_id.to_owned())));
        Self { status, headers }
    }

    /// Sets a header.
    pub(crate) fn put(&mut self, name: impl Into<Text>, value: impl Into<Text>) {
        let (name, value) = (name.into(), value.into());
        match self.headers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name, value)),
        }
    }

    /// A header's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_ref())
    }

    /// Opens it to scripts of this site alone, with what the browser keeps for us (Fetch standard, 3.2.3).
    pub(crate) fn open_to(&mut self, site: &str) {
        self.put("access-control-allow-origin", site.to_owned());
        self.put("access-control-allow-credentials", "true");
        let others = self.get("vary").map(|vary| format!("{vary}, Origin"));
        self.put("vary", others.map_or(Cow::Borrowed("Origin"), Cow::Owned));
    }
}

impl Answer {
    pub(crate) fn new(status: u16, request_id: &str) -> Self {
        Self { head: Head::new(status, request_id), body: Vec::new() }
    }

    pub(crate) fn with_body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.head.put("content-type", content_type.to_owned());
        self.body = body.into();
        self
    }

    /// The answer to `OPTIONS` (Fetch standard, CORS-preflight fetch).
    pub(crate) fn preflight(request_id: &str) -> Self {
        let mut answer = Self::new(204, request_id);
        answer.head.put("access-control-allow-methods", "GET, HEAD, POST, OPTIONS");
        answer.head.put("access-control-allow-headers", TAKEN);
        answer.head.put("access-control-max-age", PREFLIGHT_S);
        answer.head.put("cache-control", "public, max-age=86400");
        answer
    }

    /// It was done, and there is nothing to say.
    pub(crate) fn done(request_id: &str) -> Self {
        let mut answer = Self::new(204, request_id);
        answer.head.put("cache-control", "no-store");
        answer
    }

    /// The process is alive and has all it needs.
    pub(crate) fn healthy(request_id: &str) -> Self {
        let mut answer = Self::new(200, request_id);
        answer.head.put("cache-control", "no-store");
        answer.with_body("text/plain; charset=utf-8", "ok\n")
    }

    /// The time, as `urn:mpeg:dash:utc:http-xsdate:2014` has it (ISO/IEC 23009-1, 5.8.5.7).
    pub(crate) fn time(request_id: &str, now_ms: i64) -> Self {
        let mut answer = Self::new(200, request_id);
        answer.head.put("cache-control", "no-store");
        let now = shared_playlist::mpd::date_time(now_ms.saturating_mul(1000));
        answer.with_body("text/plain; charset=utf-8", now)
    }

    /// The same answer to a `HEAD` (RFC 9110, 9.3.2).
    pub(crate) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }
}
