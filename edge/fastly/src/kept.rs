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

/// What of a body is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All of it, as it comes.
    Text,
    /// Media: of known length, or a range of it, as `Range` says.
    Media(Option<&'a str>),
}

/// The response again, with its `Age` and how it came; `None` if it is not one of ours.
pub(crate) fn rebuilt(found: &Found, how: &str, wanted: Wanted<'_>) -> Option<Response> {
    let pairs: Vec<(String, String)> = serde_json::from_slice(&found.user_metadata()).ok()?;
    let mut pairs = pairs.into_iter();
    let (_, status) = pairs.next()?;
    let mut response = Response::from_status(status.parse::<u16>().ok()?);
    for (name, value) in pairs {
        response.set_header(name, value);
    }
    response.set_header("age", found.age().as_secs().to_string());
    response.set_header("x-cache", how);
    let total = found.known_length().filter(|_| response.get_status().as_u16() == 200);
    let (Wanted::Media(range), Some(total)) = (wanted, total) else {
        return Some(response.with_body(found.to_stream().ok()?));
    };
    // A range that cannot be had is no range (RFC 9110, 14.2).
    let Some((from, to)) = range.and_then(|range| bounds(range, total)) else {
        response.set_header("content-length", total.to_string());
        return Some(response.with_body(found.to_stream().ok()?));
    };
    response.set_status(206);
    response.set_header("content-range", format!("bytes {from}-{to}/{total}"));
    response.set_header("content-length", to.saturating_sub(from).saturating_add(1).to_string());
    Some(response.with_body(found.to_stream_from_range(Some(from), Some(to)).ok()?))
}

/// First and last byte of a single range of so many (RFC 9110, 14.1.2).
fn bounds(range: &str, total: u64) -> Option<(u64, u64)> {
    let (from, to) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let last = total.checked_sub(1)?;
    let (from, to) = match (from, to) {
        ("", count) => {
            (total.saturating_sub(count.parse::<u64>().ok().filter(|count| *count > 0)?), last)
        }
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<u64>().ok()?.min(last)),
    };
    (from <= to).then_some((from, to))
}
