//! How often strangers may try tickets that are none.
//!
//! In: failed attempts, the time. Out: whether another attempt is looked at. Does not know tickets or who tries: edges
//! send no viewer's address.

/// Counts failures in windows of fixed length. Guessing 160 bits is hopeless; what this saves is the database.
#[derive(Debug)]
pub(super) struct Attempts {
    max: u32,
    window_s: u32,
    began: i64,
    failed: u32,
}

impl Attempts {
    /// At most `max` failures per `window_s` seconds.
    pub(super) const fn new(max: u32, window_s: u32) -> Self {
        Self { max, window_s, began: 0, failed: 0 }
    }

    /// Whether an attempt is looked at now.
    ///
    /// # Errors
    /// After how many seconds it would be.
    pub(super) fn admit(&mut self, now: i64) -> Result<(), u32> {
        let age = now.saturating_sub(self.began);
        // A clock that was set back opens a new window, rather than none for a long time.
        if !(0..i64::from(self.window_s)).contains(&age) {
            (self.began, self.failed) = (now, 0);
        }
        if self.failed < self.max {
            return Ok(());
        }
        let age = u32::try_from(now.saturating_sub(self.began)).unwrap_or_default();
        Err(self.window_s.saturating_sub(age).max(1))
    }

    /// An admitted attempt has failed.
    pub(super) const fn fail(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_too_many_failures_the_rest_of_the_window_is_closed() {
        let mut attempts = Attempts::new(2, 10);
        for _ in 0..2 {
            assert_eq!(attempts.admit(100), Ok(()));
            attempts.fail();
        }
        assert_eq!(attempts.admit(103), Err(7));
        assert_eq!(attempts.admit(110), Ok(()));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lock_the_door() {
        let mut attempts = Attempts::new(1, 10);
        assert_eq!(attempts.admit(1_000_000), Ok(()));
        attempts.fail();
        assert_eq!(attempts.admit(5), Ok(()));
    }
}
