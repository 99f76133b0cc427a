//! What is kept of a response beside its body, in the bytes that Fastly's cache takes along.
//!
//! In: a response, or what was found in the cache. Out: bytes, or the response again. Does not know when.

use edge_answer::Freshness;
use fastly::Response;
use fastly::cache::core::Found;

/// The headers that are kept. What is for caches (`surrogate-*`) is for those of a shield's edges; the decision lets
/// none of it through to a viewer.
const HEADERS: [&str; 10] = [
    "cache-control",
    "content-encoding",
    "content-type",
    "date",
    "etag",
    "last-modified",
    "retry-after",
    "surrogate-control",
    "surrogate-key",
    "vary",
];

/// How long a response may be kept, if it may.
pub(crate) fn freshness(response: &Response) -> Option<Freshness> {
    let status = response.get_status().as_u16();
    Freshness::of(status, &|name| response.get_header_str(name))
}

/// What a purge may call the response, separated by spaces.
pub(crate) fn keys(response: &Response) -> String {
    response.get_header_str("surrogate-key").unwrap_or_default().to_owned()
}

/// Status and headers as bytes: a JSON array of pairs, of which the first is the status.
pub(crate) fn described(response: &Response) -> Vec<u8> {
    let status = response.get_status().as_u16().to_string();
    let kept = HEADERS.iter().filter_map(|name| {
        response.get_header_str(*name).map(|value| ((*name).to_owned(), value.to_owned()))
    });
    let pairs: Vec<(String, String)> =
        std::iter::once(("status".to_owned(), status)).chain(kept).collect();
    serde_json::to_vec(&pairs).unwrap_or_default()
}

/// The response again, with its `Age` and how it came; `None` if it is not one of ours.
pub(crate) fn rebuilt(found: &Found, how: &str) -> Option<Response> {
    let pairs: Vec<(String, String)> = serde_json::from_slice(&found.user_metadata()).ok()?;
    let mut pairs = pairs.into_iter();
    let (_, status) = pairs.next()?;
    let mut response = Response::from_status(status.parse::<u16>().ok()?);
    for (name, value) in pairs {
        response.set_header(name, value);
    }
    response.set_header("age", found.age().as_secs().to_string());
    response.set_header("x-cache", how);
    Some(response.with_body(found.to_stream().ok()?))
}
