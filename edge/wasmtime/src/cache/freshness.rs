//! How long an answer is good for.
//!
//! In: the origin's answer and when it came. Out: [`Freshness`], or nothing if it must not be kept. The rules of RFC
//! 9111 for a shared cache are `http-cache-semantics`'; what is ours is that `Surrogate-Control` goes before
//! `Cache-Control`. Does not know the store.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_cache_semantics::{CacheOptions, CachePolicy};

use super::Object;

/// How long an answer may be kept, and how old it is already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Freshness {
    /// From now.
    pub(super) lifetime: Duration,
    /// After that, it may stand in for a failure for this long (RFC 5861, 4).
    pub(super) stale_if_error: Duration,
    /// Since the origin made it, as far as `Age` tells.
    pub(super) age: Duration,
    /// Whether it depends on the request's `Accept-Encoding`.
    pub(super) varies: bool,
}

/// The freshness of an answer that came `now`, to a `GET` of `path`.
pub(super) fn of(path: &str, gzip: bool, object: &Object, now: SystemTime) -> Option<Freshness> {
    let varies = varies(object)?;
    let mut request = Request::get(path);
    if gzip {
        request = request.header(header::ACCEPT_ENCODING, "gzip");
    }
    let request = request.body(()).ok()?;
    let mut response = Response::new(());
    *response.status_mut() = object.status;
    *response.headers_mut() = object.headers.clone();
    if let Some(control) = &object.surrogate_control {
        response.headers_mut().insert(header::CACHE_CONTROL, surrogate(control)?);
        response.headers_mut().remove(header::EXPIRES);
    }
    // No guesses: what the origin gives no lifetime, has none.
    let options = CacheOptions { cache_heuristic: 0.0, ..CacheOptions::default() };
    let policy = CachePolicy::new_options(&request, &response, now, options);
    let lifetime = policy.time_to_live(now);
    (policy.is_storable() && lifetime > Duration::ZERO).then(|| Freshness {
        lifetime,
        stale_if_error: stale_if_error(response.headers()),
        age: policy.age(now),
        varies,
    })
}

/// Whether the answer depends on `Accept-Encoding`; `None` if it depends on anything else, for then our key is no key.
fn varies(object: &Object) -> Option<bool> {
    let mut varies = false;
    for value in object.headers.get_all(header::VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if !name.eq_ignore_ascii_case("accept-encoding") {
                return None;
            }
            varies = true;
        }
    }
    Some(varies)
}

fn stale_if_error(headers: &HeaderMap) -> Duration {
    let control = headers.get(header::CACHE_CONTROL).and_then(|list| list.to_str().ok());
    let mut items = control.unwrap_or_default().split(',');
    let seconds = items.find_map(|item| item.trim().strip_prefix("stale-if-error=")?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// `Surrogate-Control` as a `Cache-Control`: `max-age` and `no-store` mean the same in both (Edge Architecture
/// Specification, 2.2); its `content` and extensions are nothing to us.
fn surrogate(control: &HeaderValue) -> Option<HeaderValue> {
    let items = control.to_str().ok()?.split(',').map(str::trim);
    let ours = items.filter_map(|item| match item.split_once('=') {
        Some(("stale-if-error", _)) => Some(item.to_owned()),
        // `max-age=600+30` allows 30 s more of staleness, which we do not use.
        Some(("max-age", age)) => Some(format!("max-age={}", age.split('+').next().unwrap_or(age))),
        None if item == "no-store" => Some("no-store".to_owned()),
        _ => None,
    });
    let ours: Vec<_> = ours.collect();
    HeaderValue::from_str(&ours.join(", ")).ok()
}
