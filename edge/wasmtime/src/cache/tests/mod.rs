//! The cache's rules, each by an example.

mod collapsing;
mod conditions;
mod lifetimes;
mod tiers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode};

use super::*;
use crate::origins::Failure;

const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";

fn request(path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn head(status: u16, headers: &[(&str, &str)]) -> Head {
    let named = headers.iter().map(|(name, value)| {
        (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
    });
    Head::new(StatusCode::from_u16(status).unwrap(), &named.collect(), DATE)
}

fn object(status: u16, headers: &[(&str, &str)], body: &str) -> Arc<Object> {
    let head = Arc::new(head(status, headers));
    Arc::new(Object::new(head, Bytes::copy_from_slice(body.as_bytes())))
}

fn cache_of(limits: &CacheLimits) -> (Cache, Clock) {
    let clock = Clock::system();
    (Cache::new(limits, clock.clone()).unwrap(), clock)
}

fn cache() -> Cache {
    cache_of(&CacheLimits::default()).0
}

type Told = (&'static str, String);

/// How a request was answered, and with what.
fn told(answer: Answer<()>, parts: &Parts) -> Told {
    match answer {
        Answer::Object(object, via, age) => {
            let body = object.respond(parts, age).into_body();
            (via.as_str(), String::from_utf8(body.to_vec()).unwrap())
        }
        Answer::Arriving(..) => ("arriving", String::new()),
        Answer::Stream(_) => ("stream", String::new()),
        Answer::Alone => ("alone", String::new()),
        Answer::Full => ("full", String::new()),
        Answer::Failed(_) => ("failed", String::new()),
    }
}

/// Asks for `path`; the origin would say `object`.
async fn ask(cache: &Cache, parts: &Parts, object: Arc<Object>) -> Told {
    let fetch = move |_| async move { Fetched::<()>::Whole(object) };
    told(cache.answer(Key::of(parts), parts, fetch).await, parts)
}

/// Asks for `path` while the origin is away.
async fn ask_nobody(cache: &Cache, parts: &Parts) -> Told {
    let fetch = |_| async { Fetched::<()>::Failed(Failure::Connect) };
    told(cache.answer(Key::of(parts), parts, fetch).await, parts)
}

#[test]
fn a_head_keeps_no_more_than_its_own_bytes() {
    let read = Bytes::from(vec![b'x'; 16 << 10]);
    let field = HeaderValue::from_maybe_shared(read.slice(100..120)).unwrap();
    let twice = HeaderName::from_static("x-twice");
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, field.clone());
    headers.append(&twice, HeaderValue::from_static("a"));
    headers.append(&twice, HeaderValue::from_static("b"));
    let head = Head::new(StatusCode::OK, &headers, DATE);
    assert_eq!(head.headers[header::ETAG], field);
    let lies = head.headers[header::ETAG].as_bytes().as_ptr_range();
    let buffer = read.as_ptr_range();
    assert!(!buffer.contains(&lies.start), "the connection's buffer stays in memory");
    let values: Vec<&HeaderValue> = head.headers.get_all(&twice).iter().collect();
    assert_eq!(values, ["a", "b"]);
}
