//! How fast a bucket is asked: many requests at once while it answers, few and far between while it does not.
//!
//! In: how requests went. Out: how many may be under way now, and when one that failed may go again. Does not know what
//! is asked.

use super::Limits;

/// What a failure takes out of the budget; a success puts one back.
const FAILURE_COSTS: u32 = 4;

/// The budget of failures, and how long the bucket is left alone when it is used up.
#[derive(Debug)]
pub(super) struct Pace {
    budget: u32,
    /// Failures since the last success.
    strikes: u32,
    quiet_until_us: u64,
}

impl Pace {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { budget: limits.failures_max * FAILURE_COSTS, strikes: 0, quiet_until_us: 0 }
    }

    pub(super) fn succeeded(&mut self, limits: &Limits) {
        self.budget = (self.budget + 1).min(limits.failures_max * FAILURE_COSTS);
        self.strikes = 0;
        self.quiet_until_us = 0;
    }

    pub(super) fn failed(&mut self, limits: &Limits, now_us: u64) {
        self.budget = self.budget.saturating_sub(FAILURE_COSTS);
        self.strikes = self.strikes.saturating_add(1);
        if self.is_spent() {
            self.quiet_until_us = now_us + pause_us(limits, self.strikes, u64::from(self.strikes));
        }
    }

    /// Whether failures have used up the budget.
    pub(super) const fn is_spent(&self) -> bool {
        self.budget < FAILURE_COSTS
    }

    /// How many requests may be under way now.
    pub(super) const fn at_once(&self, limits: &Limits, now_us: u64) -> usize {
        if !self.is_spent() {
            limits.at_once_max
        } else if now_us < self.quiet_until_us {
            0
        } else {
            1
        }
    }
}

/// The pause after so many failures: twice as long each time, up to the limit, and three quarters of that at least, so
/// that what failed together does not come again together.
pub(super) fn pause_us(limits: &Limits, failures: u32, spread: u64) -> u64 {
    let doubled = limits.pause_ms_min.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause_us = doubled.min(limits.pause_ms_max) * 1000;
    let quarter = pause_us / 4;
    pause_us - spread.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (quarter + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failures_change_nothing_many_slow_down_and_a_success_ends_the_quiet() {
        let limits = Limits { failures_max: 2, at_once_max: 4, ..Limits::default() };
        let mut pace = Pace::new(&limits);
        pace.failed(&limits, 0);
        assert_eq!(pace.at_once(&limits, 0), 4);
        pace.failed(&limits, 0);
        assert_eq!(pace.at_once(&limits, 0), 0);
        let probes: Vec<u64> = (0..12)
            .map(|_| {
                let at = pace.quiet_until_us;
                assert_eq!((pace.at_once(&limits, at - 1), pace.at_once(&limits, at)), (0, 1));
                pace.failed(&limits, at);
                pace.quiet_until_us - at
            })
            .collect();
        assert!(probes.windows(2).all(|pair| pair[0] <= pair[1] * 4 / 3), "{probes:?}");
        let last = probes[11];
        assert!((22_500_000..=30_000_000).contains(&last), "{last}");
        pace.succeeded(&limits);
        assert_eq!(pace.at_once(&limits, 0), 1, "one at a time until it has earned more");
        (0..4).for_each(|_| pace.succeeded(&limits));
        assert_eq!(pace.at_once(&limits, 0), 4);
    }
}
