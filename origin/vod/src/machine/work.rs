//! Whether a job that came to nothing is tried again, and when.
//!
//! In: how often it was begun, whose fault it was. Out: how long it waits. Does not know what a job does, nor where
//! jobs are kept.
//!
//! An attempt counts when it begins, so that a film that brings down whoever makes it is given up as well.

use crate::Config;

/// How long a job that was begun so often waits, in milliseconds: each time twice as long. `None`: it is given up, for
/// it was tried as often as it may, or would come to nothing again.
#[must_use]
pub fn again(config: &Config, attempts: u32, is_hopeless: bool) -> Option<i64> {
    if is_hopeless || attempts >= config.attempts_max {
        return None;
    }
    let doubled = 2_i64.saturating_pow(attempts.saturating_sub(1));
    Some(i64::from(config.attempt_wait_ms).saturating_mul(doubled))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_wait_is_twice_as_long_and_then_it_is_given_up() {
        let config = Config { attempts_max: 4, attempt_wait_ms: 2000, ..Config::default() };
        let waits: Vec<_> = (1..6).map(|attempts| again(&config, attempts, false)).collect();
        assert_eq!(waits, [Some(2000), Some(4000), Some(8000), None, None]);
        assert_eq!(again(&config, 1, true), None);
    }

    proptest! {
        #[test]
        fn no_number_of_attempts_is_too_large(attempts in any::<u32>(), wait in any::<u32>()) {
            let config = Config {
                attempts_max: u32::MAX,
                attempt_wait_ms: wait,
                ..Config::default()
            };
            let waits = again(&config, attempts, false);
            prop_assert_eq!(waits.is_none(), attempts == u32::MAX);
            prop_assert!(waits.is_none_or(|ms| ms >= i64::from(wait)));
        }
    }
}
