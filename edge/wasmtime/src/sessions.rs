//! How many playback sessions are watching.
//!
//! In: the session segment of a path that was answered well, and the time. Out: how many were seen in the last 10 s.
//! Does not know what is sealed in a session, and does not keep it: only a keyed hash.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::access::session;

/// A session that has asked for nothing this long is not watching.
const ACTIVE: Duration = Duration::from_secs(10);

/// The sessions seen lately.
pub(crate) struct Sessions {
    seen: Mutex<HashMap<u64, Instant>>,
    hasher: RandomState,
    count_max: usize,
}

impl Sessions {
    /// None yet, and never more than `count_max`.
    pub(crate) fn new(count_max: usize) -> Self {
        Self { seen: Mutex::default(), hasher: RandomState::new(), count_max }
    }

    /// What stands for the session of this path here. Other paths have none.
    pub(crate) fn mark(&self, path: &str) -> Option<u64> {
        session(path).map(|session| self.hasher.hash_one(session))
    }

    /// Notes that this session was answered `now`.
    pub(crate) fn saw(&self, hash: u64, now: Instant) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < self.count_max || seen.contains_key(&hash) {
            seen.insert(hash, now);
        }
    }

    /// How many are active `now`; forgets the others.
    pub(crate) fn active(&self, now: Instant) -> usize {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, last| now.saturating_duration_since(*last) < ACTIVE);
        seen.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_active_for_ten_seconds_and_counted_once() {
        let sessions = Sessions::new(2);
        let start = Instant::now();
        let one = sessions.mark("/p/one/index.m3u8").unwrap();
        assert_eq!(sessions.mark("/p/one/720p/index.m3u8"), Some(one));
        assert_eq!(sessions.mark("/live/x/index.m3u8"), None);
        sessions.saw(one, start);
        sessions.saw(one, start + Duration::from_secs(1));
        assert_eq!(sessions.active(start + Duration::from_secs(10)), 1);
        assert_eq!(sessions.active(start + Duration::from_secs(11)), 0);
    }

    #[test]
    fn no_more_are_kept_than_may_be() {
        let sessions = Sessions::new(2);
        let now = Instant::now();
        for path in ["/p/a/x", "/p/b/x", "/p/c/x"] {
            sessions.saw(sessions.mark(path).unwrap(), now);
        }
        assert_eq!(sessions.active(now), 2);
    }
}
