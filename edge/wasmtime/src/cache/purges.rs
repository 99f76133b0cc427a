//! What was purged, for objects that were on their way meanwhile.
//!
//! In: surrogate keys to purge. Out: whether an object that was asked for at some point has been purged since. Does not
//! know the objects. What lies in the store is dropped by the store at once; this remembers the purge for an answer the
//! origin had begun before it, and that comes after it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The purges of this process.
#[derive(Debug)]
pub(super) struct Purges {
    state: Mutex<State>,
    keys_max: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Counts purges: the time of this module.
    count: u64,
    hard: HashMap<Box<str>, u64>,
    soft: HashMap<Box<str>, u64>,
    /// Everything that was asked for before this counts as purged: more keys were purged than are kept.
    all: u64,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Kept,
    /// Its lifetime is over.
    Stale,
    /// It is gone.
    Gone,
}

impl Purges {
    pub(super) fn new(keys_max: usize) -> Self {
        Self { state: Mutex::default(), keys_max }
    }

    /// Now, as an object's fetch begins.
    pub(super) fn now(&self) -> u64 {
        self.state().count
    }

    /// Purges all objects of these keys that were asked for before now.
    pub(super) fn purge<'a>(&self, keys: impl IntoIterator<Item = &'a str>, is_soft: bool) {
        let mut state = self.state();
        state.count += 1;
        let now = state.count;
        for key in keys {
            let known = if is_soft { &mut state.soft } else { &mut state.hard };
            known.insert(key.into(), now);
        }
        if state.hard.len() + state.soft.len() > self.keys_max {
            state.hard.clear();
            state.soft.clear();
            state.all = now;
        }
    }

    /// What became of an object of these keys that was asked for at `since`.
    pub(super) fn verdict(&self, keys: &[Box<str>], since: u64) -> Verdict {
        let state = self.state();
        if state.count <= since {
            return Verdict::Kept;
        }
        let after = |known: &HashMap<Box<str>, u64>| {
            keys.iter().any(|key| known.get(key).is_some_and(|at| *at > since))
        };
        if state.all > since || after(&state.hard) {
            Verdict::Gone
        } else if after(&state.soft) {
            Verdict::Stale
        } else {
            Verdict::Kept
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> Vec<Box<str>> {
        keys.iter().map(|key| Box::from(*key)).collect()
    }

    #[test]
    fn what_was_asked_for_before_a_purge_is_gone_and_what_was_after_is_not() {
        let purges = Purges::new(10);
        let before = purges.now();
        purges.purge(["show"], false);
        assert_eq!(purges.verdict(&keys(&["other", "show"]), before), Verdict::Gone);
        assert_eq!(purges.verdict(&keys(&["other"]), before), Verdict::Kept);
        assert_eq!(purges.verdict(&keys(&["show"]), purges.now()), Verdict::Kept);
        purges.purge(["other"], true);
        assert_eq!(purges.verdict(&keys(&["other"]), before), Verdict::Stale);
    }

    #[test]
    fn more_keys_than_are_kept_purge_everything_before() {
        let purges = Purges::new(3);
        let before = purges.now();
        purges.purge(["a", "b", "c", "d"], true);
        assert_eq!(purges.verdict(&keys(&["z"]), before), Verdict::Gone);
        assert_eq!(purges.verdict(&keys(&["z"]), purges.now()), Verdict::Kept);
    }
}
