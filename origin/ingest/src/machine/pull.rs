//! When a source that failed is tried again.
//!
//! In: how long it held. Out: how long to wait. Does not know sources.

use std::time::Duration;

/// The first wait; each further one is twice as long.
const WAIT_FIRST: Duration = Duration::from_secs(1);
/// The longest.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// A source that held this long is as good as one that never failed.
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// How often a source failed in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How long to wait, after it failed once more and had held this long.
    pub fn wait_after(&mut self, held: Duration) -> Duration {
        if held >= SETTLED_AFTER {
            self.failures = 0;
        }
        let wait = WAIT_FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        wait.min(WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_begin_anew_once_it_held() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> =
            (0..8).map(|_| backoff.wait_after(Duration::ZERO).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        for _ in 0..100 {
            assert_eq!(backoff.wait_after(Duration::from_secs(59)), WAIT_MAX);
        }
        assert_eq!(backoff.wait_after(Duration::from_secs(60)), WAIT_FIRST);
    }
}
