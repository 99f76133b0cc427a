//! Answers from an object as it was told once.
//!
//! In: an object of the cache, who tells what a viewer gets of its head. Out: the answer, without asking again: of one
//! object only the age, the way it came and the request's id differ. Does not know what is told.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use shared_wire::header::{CACHE, REQUEST_ID};

use super::{CACHE_STATUS, count, label};
use crate::cache::{Object, Via};

/// Says what a viewer gets of the head of an answer with the status 200: all of its body, and this head. `None` if it
/// gets something else.
pub(crate) type Tell<'a> = &'a (dyn Fn(&HeaderMap) -> Option<HeaderMap> + Sync);

/// The answer to a plain request, if it is the object's body.
pub(super) fn answer(
    object: &Object,
    via: Via,
    age: Option<Duration>,
    tell: Tell<'_>,
) -> Option<Response<Bytes>> {
    if object.head.status != StatusCode::OK {
        return None;
    }
    let told = match object.told.get() {
        Some(told) => told,
        None => {
            let mut told = tell(&sample(object))?;
            told.remove(REQUEST_ID);
            object.told.get_or_init(|| told)
        }
    };
    let mut headers = told.clone();
    match (headers.get_mut(header::AGE), age) {
        (Some(at), Some(age)) => *at = age.as_secs().into(),
        (Some(_), None) => drop(headers.remove(header::AGE)),
        (None, _) => {}
    }
    if let Some(at) = headers.get_mut(CACHE) {
        *at = HeaderValue::from_static(via.as_str());
    }
    if let Some(at) = headers.get_mut(CACHE_STATUS) {
        *at = HeaderValue::from_static(via.status());
    }
    count(via);
    let mut response = Response::new(object.body.clone());
    *response.headers_mut() = headers;
    Some(response)
}

/// The head of an answer from the object that has all there may be.
fn sample(object: &Object) -> HeaderMap {
    let mut headers = object.head.aged(Some(Duration::ZERO));
    headers.insert(header::CONTENT_LENGTH, object.body.len().into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    label(&mut headers, Via::Hit);
    headers
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::cache::Head;

    fn object(status: u16) -> Object {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let status = StatusCode::from_u16(status).unwrap();
        let head = Head::new(status, &headers, "Tue, 24 Nov 2026 10:00:00 GMT");
        Object::new(Arc::new(head), Bytes::from_static(b"bytes"))
    }

    #[test]
    fn a_head_is_told_once_and_age_and_way_are_those_of_each_answer() {
        let object = object(200);
        let asked = AtomicU32::new(0);
        let tell = |headers: &HeaderMap| {
            asked.fetch_add(1, Ordering::Relaxed);
            let mut told = headers.clone();
            told.insert(REQUEST_ID, HeaderValue::from_static("the-first"));
            told.insert("x-ours", HeaderValue::from_static("1"));
            Some(told)
        };
        let text = |response: &Response<Bytes>, name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
        };
        for (via, age, aged) in [
            (Via::Hit, Some(Duration::from_millis(2900)), Some("2")),
            (Via::Collapsed, None, None),
            (Via::Stale, Some(Duration::from_secs(7)), Some("7")),
        ] {
            let response = answer(&object, via, age, &tell).unwrap();
            assert_eq!(text(&response, "age").as_deref(), aged);
            assert_eq!(text(&response, CACHE).as_deref(), Some(via.as_str()));
            assert_eq!(text(&response, "cache-status").as_deref(), Some(via.status()));
            assert_eq!(text(&response, "content-length").as_deref(), Some("5"));
            assert_eq!(text(&response, "x-ours").as_deref(), Some("1"));
            assert_eq!(text(&response, REQUEST_ID), None, "the first viewer's is not another's");
            assert_eq!(response.body(), "bytes");
        }
        assert_eq!(asked.into_inner(), 1);
    }

    #[test]
    fn what_is_not_passed_is_not_remembered() {
        let tell = |_: &HeaderMap| None;
        let one = object(200);
        assert!(answer(&one, Via::Hit, None, &tell).is_none());
        assert!(one.told.get().is_none());
        let pass = |headers: &HeaderMap| Some(headers.clone());
        assert!(answer(&object(404), Via::Hit, None, &pass).is_none());
    }
}
