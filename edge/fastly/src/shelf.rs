//! Playlists, the deny list and what a bucket may have in Fastly's core cache: one fetch for all who ask alike.
//!
//! In: a key and how to fetch. Out: the response, with `Age` and `X-Cache`. Does not know what it holds. The core
//! cache rather than the HTTP cache, because its way of collapsing has a time limit and runs under Viceroy too.
//!
//! Whoever asks first fetches, the others wait. If the fetch fails and no last good copy may stand in, the next of them
//! takes over. What is stale and may be shown while it is renewed is shown at once, also to the one who renews it: that
//! is done when the answer is on its way.

use std::io::Write as _;
use std::time::Duration;

use edge_answer::Freshness;
use edge_answer::config::DENY_BYTES_MAX;
use fastly::Response;
use fastly::cache::core::{CacheError, CacheKey, Transaction};

use crate::config::AGAIN;
use crate::kept::Wanted;
use crate::origin::read;
use crate::upstream::Failure;
use crate::{kept, spare};

/// What was taken from the shelf.
pub(crate) struct Taken {
    pub(crate) response: Response,
    /// What the taker owes when the response is on its way.
    pub(crate) renewal: Option<Renewal>,
}

/// The duty to fetch anew what was taken stale.
pub(crate) struct Renewal {
    transaction: Transaction,
    key: String,
}

impl Taken {
    fn whole(response: Response) -> Self {
        Self { response, renewal: None }
    }
}

/// The response of this key: from the shelf, or fetched, and put there if the origin allows. Whoever asks while
/// it is being fetched waits for it, `wait` at most.
pub(crate) fn take(
    key: String,
    wait: Duration,
    wanted: Wanted<'_>,
    fetch: impl Fn() -> Result<Response, Failure>,
) -> Result<Taken, Failure> {
    let lookup = Transaction::lookup(CacheKey::from(key.clone())).timeout(wait);
    let transaction = match lookup.execute() {
        Ok(transaction) => transaction,
        Err(CacheError::Timeout) => return Err(Failure::TimedOut),
        // A key that is too long, or a cache out of order: the origin is still there.
        Err(_) => return fetch().map(Taken::whole),
    };
    let is_due = transaction.must_insert_or_update();
    let found = transaction.found().and_then(|found| {
        let how = if found.is_stale() { "stale" } else { "hit" };
        kept::rebuilt(&found, how, wanted)
    });
    match (found, is_due) {
        (Some(response), false) => Ok(Taken::whole(response)),
        (Some(response), true) => {
            Ok(Taken { response, renewal: Some(Renewal { transaction, key }) })
        }
        (None, true) => fill(transaction, &key, wanted, fetch).map(Taken::whole),
        (None, false) => fetch().map(Taken::whole),
    }
}

impl Renewal {
    /// Fetches and puts. A failure leaves the stale one, and the duty to whoever asks next.
    pub(crate) fn run(self, fetch: impl Fn() -> Result<Response, Failure>) {
        match fetch() {
            Ok(response) if !is_error(&response) => {
                drop(put(self.transaction, &self.key, Wanted::Text, response));
            }
            _ => drop(self.transaction.cancel_insert_or_update()),
        }
    }
}

fn fill(
    transaction: Transaction,
    key: &str,
    wanted: Wanted<'_>,
    fetch: impl Fn() -> Result<Response, Failure>,
) -> Result<Response, Failure> {
    let fetched = fetch();
    if let Ok(response) = fetched {
        if !is_error(&response) {
            return put(transaction, key, wanted, response);
        }
        return stand_in(transaction, key).map_or(Ok(response), Ok);
    }
    stand_in(transaction, key).map_or(fetched, Ok)
}

/// The last good copy instead, also for all who wait; without one, the next of them tries.
fn stand_in(transaction: Transaction, key: &str) -> Option<Response> {
    let Some(spare) = spare::take(key) else {
        drop(transaction.cancel_insert_or_update());
        return None;
    };
    let keys = kept::keys(&spare.response);
    let writer = transaction
        .insert(spare.age.saturating_add(AGAIN))
        .initial_age(spare.age)
        .surrogate_keys(keys.split_ascii_whitespace())
        .user_metadata(kept::described(&spare.response).into())
        .execute();
    if let Ok(mut writer) = writer
        && writer.write_all(&spare.body).is_ok()
    {
        drop(writer.finish());
    }
    Some(spare.response.with_body(spare.body))
}

/// What may be hidden behind a last good copy (RFC 5861, 4).
fn is_error(response: &Response) -> bool {
    matches!(response.get_status().as_u16(), 500 | 502 | 503 | 504)
}

fn put(
    transaction: Transaction,
    key: &str,
    wanted: Wanted<'_>,
    mut response: Response,
) -> Result<Response, Failure> {
    let Some(fresh) = kept::freshness(&response) else {
        drop(transaction.cancel_insert_or_update());
        return Ok(response.with_header("x-cache", "pass"));
    };
    let copied = copied(key, &fresh, &mut response);
    let Ok(whole) = copied else {
        drop(transaction.cancel_insert_or_update());
        return Err(Failure::Unreachable);
    };
    let keys = kept::keys(&response);
    let mut insert = transaction
        .insert(fresh.max_age)
        .initial_age(fresh.age)
        .stale_while_revalidate(fresh.stale_while_revalidate)
        .surrogate_keys(keys.split_ascii_whitespace())
        .user_metadata(kept::described(&response).into());
    let length = response.get_header_str("content-length");
    let length = length.and_then(|length| length.parse().ok());
    if let (Wanted::Media(_), Some(length), 200) = (wanted, length, response.get_status().as_u16())
    {
        insert = insert.known_length(length);
    }
    let Ok((mut writer, found)) = insert.execute_and_stream_back() else {
        let response = response.with_header("x-cache", "pass");
        return Ok(match whole {
            Some(whole) => response.with_body(whole),
            None => response,
        });
    };
    let is_written = match whole {
        Some(whole) => writer.write_all(&whole).is_ok(),
        None => {
            writer.append(response.take_body());
            true
        }
    };
    if !is_written || writer.finish().is_err() {
        return Err(Failure::Unreachable);
    }
    kept::rebuilt(&found, "miss", wanted).ok_or(Failure::Unreachable)
}

/// The body, read for a copy of it, if there is to be one; else it stays where it is.
fn copied(key: &str, fresh: &Freshness, response: &mut Response) -> Result<Option<Vec<u8>>, ()> {
    if fresh.stale_if_error.is_zero() || response.get_status().as_u16() != 200 {
        return Ok(None);
    }
    let whole = read(response.take_body(), DENY_BYTES_MAX).ok_or(())?;
    spare::put(key, fresh, response, &whole);
    Ok(Some(whole))
}
