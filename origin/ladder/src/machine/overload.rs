//! Whether a child keeps up, and when to ask less of it.
//!
//! In: each answer of the child, with how much media waits for it. Out: the wish to rest one more rung, or to wake one.
//! Does not know which rungs there are.
//!
//! Too much is asked when more media waits than may, and in a while it does not become less: a child that
//! catches up (at the start of a show, after another one's death) needs time, not less work. After a long calm one rung
//! is tried again; each time that was too early the calm must be twice as long.

use crate::config::{Config, micros};

/// Longest calm before a rung is tried again, as a multiple of the first.
const CALM_FACTOR_MAX: u64 = 16;

/// What should change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// One more rung rests.
    Rest,
    /// One that rests is tried again.
    Wake,
}

/// The watch over one child.
#[derive(Debug)]
pub(crate) struct Overload {
    lag_us_max: u64,
    patience_us: u64,
    calm_us: u64,
    calm_factor: u64,
    /// Since when too much waits, and how much it was then.
    late: Option<(u64, u64)>,
    /// Since when it does not.
    calm: Option<u64>,
}

impl Overload {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            lag_us_max: micros(config.overload_lag_ms_max),
            patience_us: micros(config.overload_patience_ms),
            calm_us: micros(config.overload_calm_ms),
            calm_factor: 1,
            late: None,
            calm: None,
        }
    }

    /// The child is gone: what waits now waits for the next one.
    pub(crate) fn interrupted(&mut self) {
        (self.late, self.calm) = (None, None);
    }

    /// The child has answered; media of `lag_us` waits for it. `resting` says how many rungs rest.
    pub(crate) fn answered(&mut self, now: u64, lag_us: u64, resting: usize) -> Option<Wish> {
        if lag_us <= self.lag_us_max {
            self.late = None;
            let since = *self.calm.get_or_insert(now);
            let is_long =
                now.saturating_sub(since) >= self.calm_us.saturating_mul(self.calm_factor);
            if resting == 0 || !is_long {
                return None;
            }
            self.calm = Some(now);
            return Some(Wish::Wake);
        }
        self.calm = None;
        let (since, lag_then) = *self.late.get_or_insert((now, lag_us));
        if now.saturating_sub(since) < self.patience_us {
            return None;
        }
        self.late = Some((now, lag_us));
        let catches_up = lag_us < lag_then - lag_then / 10;
        if catches_up {
            return None;
        }
        if resting > 0 {
            self.calm_factor = (self.calm_factor * 2).min(CALM_FACTOR_MAX);
        }
        Some(Wish::Rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000;

    fn overload() -> Overload {
        Overload::new(&Config::default())
    }

    /// Answers every 100 ms from `from` on; when something was wished.
    fn wishes(
        overload: &mut Overload,
        span_ms: std::ops::Range<u64>,
        resting: usize,
        lag_ms: impl Fn(u64) -> u64,
    ) -> Vec<(u64, Wish)> {
        let times = span_ms.step_by(100);
        let asked = times.map(|at| (at, overload.answered(at * MS, lag_ms(at) * MS, resting)));
        asked.filter_map(|(at, wish)| Some((at, wish?))).collect()
    }

    #[test]
    fn work_that_piles_up_rests_rungs_one_by_one() {
        let said = wishes(&mut overload(), 0..10_000, 0, |at| at / 2);
        // Late from 2 s of lag on, which is at 4.1 s; two seconds of patience each.
        assert_eq!(said, [(6_100, Wish::Rest), (8_100, Wish::Rest)]);
    }

    #[test]
    fn a_child_that_catches_up_is_left_alone() {
        let said = wishes(&mut overload(), 0..20_000, 0, |at| 6_000u64.saturating_sub(at / 3));
        assert_eq!(said, []);
    }

    #[test]
    fn a_spike_is_no_overload_and_neither_is_a_death() {
        let mut overload = overload();
        assert_eq!(wishes(&mut overload, 0..1_900, 0, |_| 5_000), []);
        overload.interrupted();
        assert_eq!(wishes(&mut overload, 1_900..3_800, 0, |_| 5_000), []);
        assert_eq!(wishes(&mut overload, 3_800..9_000, 0, |_| 0), []);
    }

    #[test]
    fn after_a_long_calm_one_is_tried_again_and_more_rarely_each_time() {
        let mut overload = overload();
        let first = wishes(&mut overload, 0..100_000, 1, |_| 100);
        assert_eq!(first, [(60_000, Wish::Wake)]);
        let again = wishes(&mut overload, 100_000..103_000, 1, |_| 5_000);
        assert_eq!(again, [(102_000, Wish::Rest)]);
        let second = wishes(&mut overload, 103_000..300_000, 1, |_| 100);
        assert_eq!(second.first(), Some(&(223_000, Wish::Wake)), "twice as long");
        assert_eq!(wishes(&mut overload, 300_000..900_000, 0, |_| 100), [], "none rests");
    }

    proptest! {
        /// Whatever happens, wishes have their time between them.
        #[test]
        fn it_never_flutters(
            answers in proptest::collection::vec((0u64..400, 0u64..8_000), 0..400),
        ) {
            let (mut overload, mut now, mut last) = (overload(), 0, None::<u64>);
            for (step, lag) in answers {
                now += step;
                if overload.answered(now * MS, lag * MS, 1).is_some() {
                    prop_assert!(last.is_none_or(|last| now - last >= 2_000));
                    last = Some(now);
                }
            }
        }
    }
}
