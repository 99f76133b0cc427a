//! A whole answer of the origin in memory, and how a request is answered from it.
//!
//! In: the origin's answer; later a request's method and conditions. Out: `200`, `206`, `304` or `416` from the same
//! bytes (RFC 9110, 13 and 14). Does not know the store, nor how long the object is good for.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use shared_wire::Problem;
use shared_wire::header::{REQUEST_ID, TYPE_PROBLEM};

/// What concerns one connection or one request, and is not kept (RFC 9111, 3.1).
const NOT_KEPT: [HeaderName; 8] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("surrogate-key"),
];

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) status: StatusCode,
    /// Without what concerns one connection, without `surrogate-*`.
    pub(crate) headers: HeaderMap,
    /// What the origin told edges, apart from what it tells everybody.
    pub(crate) surrogate_control: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

impl Object {
    /// The object of an answer that was read to its end.
    pub(crate) fn new(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        for name in NOT_KEPT {
            headers.remove(name);
        }
        let surrogate_control = headers.remove("surrogate-control");
        Self { status, headers, surrogate_control, body }
    }

    /// Whether it may be given to others that wait for the same key: not what is meant for one viewer, and not a
    /// success that nobody may keep. A failure is shared, so that a struggling origin is asked once.
    pub(crate) fn is_shareable(&self) -> bool {
        let control = self.headers.get(header::CACHE_CONTROL).and_then(|list| list.to_str().ok());
        let has =
            |word: &str| control.is_some_and(|list| list.split(',').any(|i| i.trim() == word));
        !has("private") && (!has("no-store") || self.status.as_u16() >= 400)
    }

    /// Answers a `GET` or `HEAD` with these parts. `age` is set if the object lay in the store.
    pub(crate) fn respond(&self, request: &Parts, age: Option<Duration>) -> Response<Bytes> {
        let mut headers = self.headers.clone();
        if let Some(age) = age {
            headers.insert(header::AGE, age.as_secs().into());
        }
        let (status, body) = if self.status != StatusCode::OK {
            (self.status, self.body.clone())
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

    /// Whether `If-None-Match` names this object (RFC 9110, 13.1.2: weak comparison).
    fn is_known(&self, request: &HeaderMap) -> bool {
        let Some(etag) = self.headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else {
            return false;
        };
        let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = strong(etag);
        let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|l| l.to_str().ok());
        lists.flat_map(|list| list.split(',')).any(|tag| tag.trim() == "*" || strong(tag) == own)
    }

    /// The part `Range` asks for, if it asks for one range that can be satisfied; otherwise the whole or `416`.
    fn part(&self, request: &HeaderMap, headers: &mut HeaderMap) -> (StatusCode, Bytes) {
        let whole = (StatusCode::OK, self.body.clone());
        let Some(range) = request.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
            return whole;
        };
        if let Some(condition) = request.get(header::IF_RANGE)
            && Some(condition) != self.headers.get(header::ETAG)
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
                set(
                    headers,
                    header::CONTENT_RANGE,
                    &format!("bytes {}-{last}/{total}", part.start),
                );
                (StatusCode::PARTIAL_CONTENT, self.body.slice(part))
            }
        }
    }
}

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` (RFC 9110, 14.1.2). `None`: to be ignored, such as a second range.
fn satisfy(range: &str, total: usize) -> Option<Result<Range<usize>, ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix: usize = last.parse().ok()?;
        let range = total.saturating_sub(suffix)..total;
        return Some(if range.is_empty() { Err(()) } else { Ok(range) });
    }
    let first: usize = first.parse().ok()?;
    let end = if last.is_empty() {
        total
    } else {
        let last: usize = last.parse().ok()?;
        if last < first {
            return None;
        }
        last.saturating_add(1).min(total)
    };
    Some(if first < end { Ok(first..end) } else { Err(()) })
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
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
