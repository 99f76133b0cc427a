//! Whether a job that came to nothing is tried again, and when.
//!
//! In: how often it was begun, whose fault it was, any number. Out: how long it waits. Does not know what a job does,
//! nor where jobs are kept.
//!
//! An attempt counts when it begins, so that a film that brings down whoever makes it is given up as well. What failed
//! at the same moment, when a disk was full, does not come back at the same moment: half of each wait is by chance.

use crate::Config;

/// How long a job that was begun so often waits, in milliseconds: each time twice as long, up to a limit, and between
/// half of that and all of it by `chance`. `None`: it is given up, for it was tried as often as it may, or would come
/// to nothing again.
#[must_use]
pub fn again(config: &Config, attempts: u32, is_hopeless: bool, chance: u32) -> Option<i64> {
    if is_hopeless || attempts >= config.attempts_max {
        return None;
    }
    let doubled = 2_i64.saturating_pow(attempts.saturating_sub(1));
    let wait = i64::from(config.attempt_wait_ms).saturating_mul(doubled);
    let half = wait.min(config.attempt_wait_ms_max.into()) / 2;
    Some(half.saturating_add(i64::from(chance) % half.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_wait_is_twice_as_long_up_to_a_limit_and_then_it_is_given_up() {
        let config = Config {
            attempts_max: 5,
            attempt_wait_ms: 2000,
            attempt_wait_ms_max: 6000,
            ..Config::default()
        };
        let waits = |chance: u32| -> Vec<_> {
            (1..7).map(|attempts| again(&config, attempts, false, chance)).collect()
        };
        assert_eq!(waits(0), [Some(1000), Some(2000), Some(3000), Some(3000), None, None]);
        // So much is half of the first wait, and little of the others.
        assert_eq!(waits(1000), [Some(2000), Some(3000), Some(4000), Some(4000), None, None]);
        assert_eq!(again(&config, 1, true, 0), None);
    }

    proptest! {
        #[test]
        fn every_wait_is_between_half_and_all_of_what_it_may_be(
            attempts in any::<u32>(),
            wait in any::<u32>(),
            max in any::<u32>(),
            chance in any::<u32>(),
        ) {
            let config = Config {
                attempts_max: u32::MAX,
                attempt_wait_ms: wait,
                attempt_wait_ms_max: max,
                ..Config::default()
            };
            let waits = again(&config, attempts, false, chance);
            prop_assert_eq!(waits.is_none(), attempts == u32::MAX);
            let least = i64::from(wait.min(max)) / 2;
            prop_assert!(waits.is_none_or(|ms| (least..=max.into()).contains(&ms)));
        }
    }
}
