//! Which tickets there are, as far as memory goes, so that a flood of guesses cannot keep ticket holders out.
//!
//! In: hashes of tickets as they are issued. Out: whether a hash may be a ticket's. Does not know whether the ticket
//! still admits to anything.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// The first 64 bits of each hash; a stranger cannot find another text whose hash begins as one of them does.
pub(super) struct Known {
    max: usize,
    hashes: RwLock<HashSet<u64>>,
}

impl Known {
    /// None yet, and never more than `max`: holders of later tickets then wait with everybody else.
    pub(super) fn new(max: usize) -> Self {
        Self { max, hashes: RwLock::default() }
    }

    // A poisoned lock is used on: each writer does one operation.

    /// Remembers a ticket by its hash, in hexadecimal.
    pub(super) fn add(&self, hash: &str) {
        let mut hashes = self.hashes.write().unwrap_or_else(PoisonError::into_inner);
        if hashes.len() < self.max {
            hashes.extend(head(hash));
        }
    }

    /// Whether a hash is that of a ticket.
    pub(super) fn holds(&self, hash: &str) -> bool {
        let hashes = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        head(hash).is_some_and(|head| hashes.contains(&head))
    }
}

fn head(hash: &str) -> Option<u64> {
    u64::from_str_radix(hash.get(..16)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let known = Known::new(1);
        known.add("00000000000000010000");
        known.add("00000000000000020000");
        assert!(known.holds("00000000000000010000"));
        assert!(!known.holds("00000000000000020000"));
        assert!(!known.holds("") && !known.holds("x"));
    }
}
