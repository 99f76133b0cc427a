//! Whether one origin is well: pure, the time is an argument.
//!
//! In: how requests and probes went. Out: whether to use it, and when to probe it. Does not know requests.
//!
//! A few failures in a row and it is left alone; then a few good probes in a row and it is used again. Each probe that
//! fails doubles the time until the next.

use crate::cache::ms;
use crate::config::OriginLimits;

/// One origin's health. Times are milliseconds of one clock.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    successes: u32,
    /// How long it is left alone, and until when; 0 if it is well.
    rest_ms: u64,
    rest_until_ms: u64,
    probed_ms: u64,
}

impl Health {
    /// Whether it is well.
    pub(super) const fn is_well(&self) -> bool {
        self.rest_ms == 0
    }

    /// When it may be asked again, for want of a better one; 0 if it is well.
    pub(super) const fn rest_until_ms(&self) -> u64 {
        if self.is_well() { 0 } else { self.rest_until_ms }
    }

    /// A request or a probe was answered. Whether that changed anything. While it is left alone, only probes count.
    pub(super) fn answered(&mut self, is_probe: bool, limits: &OriginLimits) -> bool {
        self.failures = 0;
        if self.is_well() {
            return false;
        }
        if is_probe {
            self.successes += 1;
            // The next probe of an origin that seems to come back is not put off.
            self.rest_until_ms = 0;
        }
        if self.successes < limits.successes_min {
            return false;
        }
        *self = Self { probed_ms: self.probed_ms, ..Self::default() };
        true
    }

    /// A request or a probe was not answered. Whether that changed anything.
    pub(super) fn failed(&mut self, now_ms: u64, is_probe: bool, limits: &OriginLimits) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.successes = 0;
        let was_well = self.is_well();
        if was_well && self.failures < limits.failures_max {
            return false;
        }
        if was_well || is_probe {
            let longer_ms = self.rest_ms.saturating_mul(2);
            self.rest_ms = longer_ms.clamp(ms(limits.rest_min).max(1), ms(limits.rest_max).max(1));
            self.rest_until_ms = now_ms.saturating_add(self.rest_ms);
        }
        was_well
    }

    /// Whether it is to be probed now. A yes is a claim.
    pub(super) fn is_due(&mut self, now_ms: u64, limits: &OriginLimits) -> bool {
        let due = now_ms >= self.probed_ms.saturating_add(ms(limits.probe_every))
            && now_ms >= self.rest_until_ms();
        if due {
            self.probed_ms = now_ms;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_after_failures_in_a_row_and_comes_back_after_good_probes_in_a_row() {
        let limits = OriginLimits::default();
        let mut health = Health::default();
        for now in [1, 2] {
            assert!(!health.failed(now, false, &limits));
        }
        health.answered(false, &limits);
        for now in [3, 4] {
            assert!(!health.failed(now, false, &limits) && health.is_well());
        }
        assert!(health.failed(5, false, &limits) && !health.is_well());
        assert!(!health.answered(false, &limits) && !health.is_well(), "a late answer is no cure");
        assert!(!health.answered(true, &limits) && !health.is_well());
        assert!(health.answered(true, &limits) && health.is_well());
    }

    #[test]
    fn probes_that_fail_come_ever_more_rarely() {
        let limits = OriginLimits::default();
        let mut health = Health::default();
        let mut now = 10_000;
        for _ in 0..3 {
            health.failed(now, false, &limits);
        }
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let start = now;
            while !health.is_due(now, &limits) {
                now += 500;
            }
            pauses.push((now - start) / 1000);
            health.failed(now, true, &limits);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    }
}
