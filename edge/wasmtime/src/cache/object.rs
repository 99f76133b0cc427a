//! An answer of the origin in memory, and how a request is answered from it.
//!
//! In: the origin's answer; later a request's method and conditions. Out: `200`, `206`, `304` or `416` from the same
//! bytes (RFC 9110, 13 and 14). Does not know the store, nor how long the object is good for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use shared_wire::Problem;
use shared_wire::header::{REQUEST_ID, SURROGATE_CONTROL, SURROGATE_KEY, TYPE_PROBLEM};

use super::freshness::directives;
use super::range::satisfy;

/// What concerns one connection or one request, and is not kept (RFC 9111, 3.1).
const NOT_KEPT: [HeaderName; 7] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-request-id"),
];
/// What a `304` does not change of what is stored (RFC 9111, 3.2).
const OF_THE_BYTES: [HeaderName; 4] =
    [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_RANGE, header::CONTENT_TYPE];
/// Most surrogate keys of one object; the rest is not heard.
const SURROGATE_KEYS_MAX: usize = 16;

/// The head of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    /// Without what concerns one connection, without `surrogate-*`.
    pub(crate) headers: HeaderMap,
    /// What the origin told edges, apart from what it tells everybody.
    pub(crate) surrogate_control: Option<HeaderValue>,
    /// What a purge may call it.
    pub(crate) surrogate_keys: Arc<[Box<str>]>,
}

/// What of a head is kept, in memory of its own: as it came it lies in its connection's read buffer, which each field
/// would keep whole, some 16 kB of it.
fn apart(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !NOT_KEPT.contains(name));
    kept.map(|(name, value)| {
        let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        own.set_sensitive(value.is_sensitive());
        (HeaderName::from_bytes(name.as_ref()).unwrap_or_else(|_| name.clone()), own)
    })
    .collect()
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) head: Arc<Head>,
    pub(crate) body: Bytes,
    /// What is made of its head for viewers, once anybody has said it.
    pub(crate) told: OnceLock<HeaderMap>,
}

impl Head {
    /// The head of an answer that came at `date`, which it is given if it has none (RFC 9110, 6.6.1).
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, date: &str) -> Self {
        let mut headers = apart(headers);
        let surrogate_control = headers.remove(SURROGATE_CONTROL);
        let keys = headers.remove(SURROGATE_KEY);
        let keys = keys.as_ref().and_then(|keys| keys.to_str().ok()).unwrap_or_default();
        let surrogate_keys =
            keys.split_ascii_whitespace().take(SURROGATE_KEYS_MAX).map(Box::from).collect();
        if !headers.contains_key(header::DATE) {
            set(&mut headers, header::DATE, date);
        }
        Self { status, headers, surrogate_control, surrogate_keys }
    }

    /// This head, which was stored, after the origin's `304` said that it still holds (RFC 9111, 4.3.4).
    pub(crate) fn confirmed(&self, by: &Self) -> Self {
        let mut headers = self.headers.clone();
        headers.remove(header::AGE);
        for (name, value) in &by.headers {
            if !OF_THE_BYTES.contains(name) {
                headers.insert(name, value.clone());
            }
        }
        let surrogate_control =
            by.surrogate_control.clone().or_else(|| self.surrogate_control.clone());
        let keys = if by.surrogate_keys.is_empty() { self } else { by };
        let surrogate_keys = Arc::clone(&keys.surrogate_keys);
        Self { status: self.status, headers, surrogate_control, surrogate_keys }
    }

    /// Whether it may be given to others that wait for the same key: not what is meant for one viewer, and not a
    /// success that nobody may keep. A failure is shared, so that a struggling origin is asked once.
    pub(crate) fn is_shareable(&self) -> bool {
        let control = self.headers.get(header::CACHE_CONTROL).and_then(|list| list.to_str().ok());
        let has =
            |word: &str| directives(control.unwrap_or_default()).any(|(name, _)| name == word);
        !has("private") && (!has("no-store") || self.status.as_u16() >= 400)
    }

    /// Its entity tag.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.headers.get(header::ETAG)?.to_str().ok()
    }

    /// When its bytes last changed, as the origin says it.
    pub(crate) fn last_modified(&self) -> Option<&str> {
        self.headers.get(header::LAST_MODIFIED)?.to_str().ok()
    }

    /// Bytes it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let fields = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let keys = self.surrogate_keys.iter().map(|key| key.len());
        fields.chain(keys).map(|bytes| bytes + 64).sum()
    }

    /// The headers to send, at this age.
    pub(crate) fn aged(&self, age: Option<Duration>) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(age) = age {
            headers.insert(header::AGE, age.as_secs().into());
        }
        headers
    }
}

impl Object {
    pub(crate) const fn new(head: Arc<Head>, body: Bytes) -> Self {
        Self { head, body, told: OnceLock::new() }
    }

    /// Bytes it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        // The head twice: there may be another one for viewers.
        self.body.len() + self.head.bytes() * 2
    }

    /// Answers a `GET` or `HEAD` with these parts. `age` is set if the object lay in the store.
    pub(crate) fn respond(&self, request: &Parts, age: Option<Duration>) -> Response<Bytes> {
        let mut headers = self.head.aged(age);
        let (status, body) = if self.head.status != StatusCode::OK {
            (self.head.status, self.body.clone())
        } else if self.is_known(&request.headers) {
            headers.remove(header::CONTENT_LENGTH);
            headers.remove(header::CONTENT_TYPE);
            return with(StatusCode::NOT_MODIFIED, headers, Bytes::new());
        } else {
            self.part(&request.headers, &mut headers)
        };
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        let body = if request.method == Method::HEAD { Bytes::new() } else { body };
        with(status, headers, body)
    }

    /// Whether `If-None-Match` names this object (RFC 9110, 13.1.2: weak comparison), or, without one, it has not been
    /// modified since `If-Modified-Since`, which is taken for a validator: only the very date is known.
    fn is_known(&self, request: &HeaderMap) -> bool {
        if !request.contains_key(header::IF_NONE_MATCH) {
            let since = request.get(header::IF_MODIFIED_SINCE);
            return since.is_some() && since == self.head.headers.get(header::LAST_MODIFIED);
        }
        let Some(etag) = self.head.etag() else { return false };
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = strong(etag);
        let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|l| l.to_str().ok());
        lists.flat_map(|list| list.split(',')).any(|tag| tag.trim() == "*" || strong(tag) == own)
    }

    /// The part `Range` asks for, if it asks for one range that can be satisfied; otherwise the whole or `416`.
    fn part(&self, request: &HeaderMap, headers: &mut HeaderMap) -> (StatusCode, Bytes) {
        let whole = (StatusCode::OK, self.body.clone());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let Some(range) = request.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
            return whole;
        };
        if let Some(condition) = request.get(header::IF_RANGE)
            && !self.is_strongly(condition)
        {
            return whole;
        }
        let total = self.body.len();
        match satisfy(range, total) {
            None => whole,
            Some(Err(())) => {
                set(headers, header::CONTENT_RANGE, &format!("bytes */{total}"));
                set(headers, header::CONTENT_TYPE, TYPE_PROBLEM);
                let id =
                    request.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
                let title = "The range lies beyond the end.";
                let problem = Problem::new(416, "range_not_satisfiable", title, id);
                (StatusCode::RANGE_NOT_SATISFIABLE, problem.to_json().into())
            }
            Some(Ok(part)) => {
                let last = part.end.saturating_sub(1);
                let range = format!("bytes {}-{last}/{total}", part.start);
                set(headers, header::CONTENT_RANGE, &range);
                (StatusCode::PARTIAL_CONTENT, self.body.slice(part))
            }
        }
    }

    /// Whether an `If-Range` names these very bytes (RFC 9110, 13.1.5: strong comparison; a date must be the same).
    fn is_strongly(&self, condition: &HeaderValue) -> bool {
        let weak = condition.as_bytes().starts_with(b"W/");
        let headers = &self.head.headers;
        let same = |name| headers.get(name) == Some(condition);
        !weak && (same(header::ETAG) || same(header::LAST_MODIFIED))
    }
}

pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn with(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
