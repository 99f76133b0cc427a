//! The last good copy of a playlist, for as long as it may be shown while the origin fails (RFC 5861, 4).
//!
//! In: a good response, or a key. Out: the copy. Does not know why it is wanted.
//!
//! It lies under a key of its own. The first copy's `stale-while-revalidate` cannot be made longer for it: everybody
//! but the one who fetches is given what is stale and within that time, at once, whether the origin fails or not.

use std::io::Write as _;
use std::time::Duration;

use edge_answer::Freshness;
use edge_answer::config::DENY_BYTES_MAX;
use fastly::Response;
use fastly::cache::core::{CacheKey, insert, lookup};

use crate::kept;
use crate::origin::read;

/// The surrogate key of the deny list. Its copy outlives a purge: that makes edges look for a newer list, and if there
/// is none to be had the last one is better than none.
const DENIED: &str = "denied";

/// A copy.
pub(crate) struct Spare {
    /// The response, with its age.
    pub(crate) response: Response,
    /// Its age.
    pub(crate) age: Duration,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// Puts a copy beside, if the response may be shown past its lifetime.
pub(crate) fn put(key: &str, fresh: &Freshness, response: &Response, body: &[u8]) {
    let keys = kept::keys(response);
    let keys = keys.split_ascii_whitespace().filter(|key| *key != DENIED);
    let writer = insert(name(key), fresh.max_age.saturating_add(fresh.stale_if_error))
        .initial_age(fresh.age)
        .surrogate_keys(keys)
        .user_metadata(kept::described(response).into())
        .execute();
    // Without the copy there is less for a bad day, and nothing else.
    let written = writer.map(|mut writer| {
        let written = writer.write_all(body);
        written.and_then(|()| writer.finish())
    });
    if !matches!(written, Ok(Ok(()))) {
        eprintln!("the last good copy could not be kept");
    }
}

/// The copy, if there is one that may still be shown.
pub(crate) fn take(key: &str) -> Option<Spare> {
    let found = lookup(name(key)).execute().ok().flatten().filter(|found| !found.is_stale())?;
    let mut response = kept::rebuilt(&found, "stale", kept::Wanted::Text)?;
    let age = found.age();
    let body = read(response.take_body(), DENY_BYTES_MAX)?;
    Some(Spare { response, age, body })
}

fn name(key: &str) -> CacheKey {
    CacheKey::from(format!("last {key}").into_bytes())
}
