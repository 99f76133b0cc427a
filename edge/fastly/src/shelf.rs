//! Playlists and the deny list in Fastly's core cache: one fetch for all who ask alike.
//!
//! In: a key and how to fetch. Out: the response, with `Age` and `X-Cache`. Does not know what it holds. The core
//! cache rather than the HTTP cache, because its way of collapsing has a time limit and runs under Viceroy too.

use std::time::Duration;

use edge_answer::Freshness;
use edge_answer::config::ORIGIN_WAIT_MS;
use fastly::Response;
use fastly::cache::core::{CacheError, CacheKey, Found, Transaction};

use crate::origin::Failure;

/// What is kept beside a body: the status and these headers.
const KEPT: [&str; 7] =
    ["cache-control", "content-encoding", "content-type", "date", "etag", "last-modified", "vary"];

/// The response of this key: from the shelf, or fetched, and put there if the origin allows. Whoever asks while
/// it is being fetched waits for it.
pub(crate) fn take(
    key: String,
    fetch: impl Fn() -> Result<Response, Failure>,
) -> Result<Response, Failure> {
    let wait = Duration::from_millis(ORIGIN_WAIT_MS);
    let lookup = Transaction::lookup(CacheKey::from(key)).timeout(wait);
    let transaction = match lookup.execute() {
        Ok(transaction) => transaction,
        Err(CacheError::Timeout) => return Err(Failure::TimedOut),
        // A key that is too long, or a cache out of order: the origin is still there.
        Err(_) => return fetch(),
    };
    if !transaction.must_insert_or_update() {
        return match transaction.found().and_then(|found| rebuilt(&found, "hit")) {
            Some(response) => Ok(response),
            None => fetch(),
        };
    }
    let response = match fetch() {
        Ok(response) => response,
        Err(failure) => {
            // Let the next one try.
            _ = transaction.cancel_insert_or_update();
            return Err(failure);
        }
    };
    put(transaction, response)
}

fn put(transaction: Transaction, mut response: Response) -> Result<Response, Failure> {
    let status = response.get_status().as_u16();
    let fresh = Freshness::of(status, &|name| response.get_header_str(name));
    let Some(fresh) = fresh else {
        _ = transaction.cancel_insert_or_update();
        return Ok(response.with_header("x-cache", "pass"));
    };
    let keys = response.get_header_str("surrogate-key").unwrap_or_default().to_owned();
    let insert = transaction
        .insert(fresh.max_age)
        .initial_age(fresh.age)
        .stale_while_revalidate(fresh.stale_while_revalidate)
        .surrogate_keys(keys.split_ascii_whitespace())
        .user_metadata(described(&response).into());
    let Ok((mut writer, found)) = insert.execute_and_stream_back() else {
        return Ok(response.with_header("x-cache", "pass"));
    };
    writer.append(response.take_body());
    if writer.finish().is_err() {
        return Err(Failure::Unreachable);
    }
    rebuilt(&found, "miss").ok_or(Failure::Unreachable)
}

/// Status and headers as bytes: a JSON array of pairs, of which the first is the status.
fn described(response: &Response) -> Vec<u8> {
    let status = response.get_status().as_u16().to_string();
    let kept = KEPT.iter().filter_map(|name| {
        response.get_header_str(*name).map(|value| ((*name).to_owned(), value.to_owned()))
    });
    let pairs: Vec<(String, String)> =
        std::iter::once(("status".to_owned(), status)).chain(kept).collect();
    serde_json::to_vec(&pairs).unwrap_or_default()
}

fn rebuilt(found: &Found, how: &str) -> Option<Response> {
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
