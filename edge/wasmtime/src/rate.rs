//! How often something may happen per client or per session: a token bucket each, in a table that does not grow.
//!
//! In: a key and the time. Out: yes, or how long to wait. Does not know what a key stands for, and keeps only its keyed
//! hash.
//!
//! The bucket is the generic cell rate algorithm: one number per key, the time at which its bucket is full again. Where
//! the table has no room, the key forgotten is the one whose bucket is fullest, so that forgetting forgives least.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that share a lock.
const WAYS: usize = 8;

/// How often something may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run, per second.
    pub per_second: u32,
    /// At once, by someone who has been quiet.
    pub burst: u32,
}

/// Buckets.
pub(crate) struct Limiter {
    sets: Box<[Mutex<[Bucket; WAYS]>]>,
    hasher: RandomState,
    start: Instant,
    step_ns: u64,
    depth_ns: u64,
}

/// A key's hash, and when its bucket is full again, in nanoseconds since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    key: u64,
    full_ns: u64,
}

impl Limiter {
    /// Buckets for at least `keys_max` keys, all full.
    pub(crate) fn new(rate: Rate, keys_max: usize, now: Instant) -> Self {
        let step_ns = 1_000_000_000 / u64::from(rate.per_second.max(1));
        let sets = keys_max.div_ceil(WAYS).next_power_of_two();
        Self {
            sets: (0..sets).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            start: now,
            step_ns,
            depth_ns: step_ns.saturating_mul(u64::from(rate.burst.saturating_sub(1))),
        }
    }

    /// Takes from the bucket of `key`; if there is nothing in it, says when there will be.
    pub(crate) fn take(&self, key: impl Hash, now: Instant) -> Result<(), Duration> {
        let key = self.hasher.hash_one(key);
        let since = now.saturating_duration_since(self.start).as_nanos();
        let now_ns = u64::try_from(since).unwrap_or(u64::MAX);
        let index = usize::try_from(key >> 32).unwrap_or(0) & (self.sets.len() - 1);
        let Some(set) = self.sets.get(index) else { return Ok(()) };
        let mut set = set.lock().unwrap_or_else(PoisonError::into_inner);
        let place = set.iter().position(|bucket| bucket.key == key);
        let fullest = || (0..WAYS).min_by_key(|&way| set.get(way).map(|bucket| bucket.full_ns));
        let Some(bucket) = place.or_else(fullest).and_then(|way| set.get_mut(way)) else {
            return Ok(());
        };
        if bucket.key != key {
            *bucket = Bucket { key, full_ns: 0 };
        }
        let full_ns = bucket.full_ns.max(now_ns);
        let ahead_ns = full_ns - now_ns;
        if ahead_ns > self.depth_ns {
            return Err(Duration::from_nanos(ahead_ns - self.depth_ns));
        }
        bucket.full_ns = full_ns.saturating_add(self.step_ns);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 5 };

    #[test]
    fn a_burst_then_the_rate_and_each_for_itself() {
        let start = Instant::now();
        let limiter = Limiter::new(RATE, 100, start);
        let at_once = (0..20).filter(|_| limiter.take("one", start).is_ok()).count();
        assert_eq!(at_once, 5);
        assert_eq!(limiter.take("one", start), Err(Duration::from_millis(100)));
        assert_eq!(limiter.take("two", start), Ok(()), "another's bucket is full");
        let later = start + Duration::from_millis(100);
        assert_eq!(limiter.take("one", later), Ok(()));
        assert!(limiter.take("one", later).is_err());
        // In ten seconds of trying every 10 ms, a hundred and the burst.
        let tries = (1..=1000).map(|n| start + Duration::from_millis(n * 10));
        let passed = tries.filter(|&now| limiter.take("three", now).is_ok()).count();
        assert!((100..=105).contains(&passed), "{passed}");
    }

    #[test]
    fn the_table_does_not_grow_and_forgets_the_quiet() {
        let start = Instant::now();
        let limiter = Limiter::new(RATE, WAYS, start);
        assert_eq!(limiter.sets.len(), 1);
        let busy = (0..9).filter(|_| limiter.take("busy", start).is_ok()).count();
        assert_eq!(busy, 5);
        for stranger in 0..1000 {
            assert_eq!(limiter.take(stranger, start), Ok(()));
        }
        assert!(limiter.take("busy", start).is_err(), "strangers do not refill it");
    }
}
