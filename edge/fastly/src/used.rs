//! Tokens for one use, remembered for all sandboxes of a POP.
//!
//! In: a token as a memory knows it, the time. Out: whether this is its first use. Does not know what a token says, nor
//! other POPs.
//!
//! The memory is the core cache: an empty object under a hash of the token, for as long as the token is good. Whoever
//! looks first must put it there, and those who look meanwhile wait for that, so that one of them is the first. It is a
//! cache: what it drops for want of room, or by a purge of all, is forgotten.

use std::time::Duration;

use edge_answer::{Sight, Use};
use fastly::cache::core::{CacheKey, Transaction};

use crate::config::{USED_GRACE, USED_MAX, USED_WAIT};

/// Notes that a token is used at `now_ms`, in milliseconds since the Unix epoch.
pub(crate) fn sight(one: &Use, now_ms: i64) -> Sight {
    let left_s = one.until().saturating_sub(now_ms.div_euclid(1000));
    let left = Duration::from_secs(u64::try_from(left_s).unwrap_or_default());
    if left > USED_MAX {
        return Sight::TooLong;
    }
    let key = [b"used ".as_slice(), one.key()].concat();
    let lookup = Transaction::lookup(CacheKey::from(key)).timeout(USED_WAIT);
    let Ok(transaction) = lookup.execute() else {
        eprintln!("the cache cannot be asked whether a token was used");
        return Sight::Unknown;
    };
    if transaction.must_insert() {
        return first(transaction, left.saturating_add(USED_GRACE));
    }
    if transaction.must_insert_or_update() {
        // It is there past its time: a clock is wrong somewhere, and the token was used all the same.
        drop(transaction.cancel_insert_or_update());
    }
    if transaction.found().is_some() { Sight::Again } else { Sight::Unknown }
}

/// Puts it there. Whoever waits is let go as soon as it is there, and until then nobody is the first.
fn first(transaction: Transaction, max_age: Duration) -> Sight {
    let written = transaction.insert(max_age).known_length(0).execute();
    match written.map(fastly::http::body::StreamingBody::finish) {
        Ok(Ok(())) => Sight::First,
        _ => {
            eprintln!("the cache did not keep that a token was used");
            Sight::Unknown
        }
    }
}
