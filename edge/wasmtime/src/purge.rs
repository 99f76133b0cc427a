//! The component's purges: `PURGE /` with the surrogate keys, which never leaves this host.
//!
//! In: a request that the component has authorised. Out: how many objects it reached. Does not know who asked.
//!
//! The key `denied` stands for the deny list: it is asked for at once.

use bytes::Bytes;
use http::{HeaderValue, Response, header, request};
use metrics::counter;
use shared_wire::Problem;
use shared_wire::header::{REQUEST_ID, SURROGATE_KEY};

use crate::cache::Cache;
use crate::follower::Book;
use crate::outbound::problem;

/// The method.
pub(crate) const METHOD: &str = "PURGE";
/// With the value `1`, objects are not dropped: only their lifetime ends, as on Fastly.
const SOFT: &str = "fastly-soft-purge";
/// The surrogate key of the deny list.
const DENIED: &str = "denied";
/// Most surrogate keys of one purge.
const KEYS_MAX: usize = 256;

/// Purges, and tells how many stored objects it reached.
pub(crate) async fn answer(
    request: &request::Parts,
    cache: &Cache,
    book: Option<&Book>,
) -> Response<Bytes> {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let keys: Vec<&str> = text(SURROGATE_KEY).unwrap_or_default().split_whitespace().collect();
    let id = text(REQUEST_ID).unwrap_or_default();
    if keys.is_empty() || keys.len() > KEYS_MAX {
        let title = "A purge names 1 to 256 surrogate keys, separated by spaces.";
        return problem(&Problem::new(400, "field_invalid", title, id));
    }
    if keys.contains(&DENIED)
        && let Some(book) = book
    {
        book.news();
    }
    let count = cache.purge(&keys, text(SOFT) == Some("1")).await;
    counter!("matinee_edge_purged_objects_total").increment(count as u64);
    let mut response = Response::new(Bytes::from(format!("{{\"purged\":{count}}}")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
