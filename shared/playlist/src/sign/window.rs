//! When a signed URL begins and ends.
//!
//! In: the time. Out: the span of the bucket it falls in. Does not know clocks or signatures.

use super::SignError;

/// The longest a URL may be good for, in seconds: seven days, as S3 has it.
pub const VALID_S_MAX: u32 = 604_800;

/// How long URLs stay the same, and how long they are good for. One that is handed out at any moment is good for
/// `valid_s` at least, and for `bucket_s` more at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    bucket_s: u32,
    valid_s: u32,
}

/// The span of one bucket, in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// When the bucket begins.
    pub(super) start: i64,
    /// For how long from there its URLs are good.
    pub(super) valid_s: u32,
}

impl Window {
    /// URLs that stay the same for `bucket_s` and are good for `valid_s` at least.
    ///
    /// # Errors
    /// If either is 0, or both together are more than [`VALID_S_MAX`].
    pub const fn new(bucket_s: u32, valid_s: u32) -> Result<Self, SignError> {
        if bucket_s == 0 || valid_s == 0 || bucket_s.saturating_add(valid_s) > VALID_S_MAX {
            return Err(SignError::Window);
        }
        Ok(Self { bucket_s, valid_s })
    }

    /// How long a URL is good for at least, in seconds.
    pub(super) const fn valid_s(self) -> i64 {
        self.valid_s as i64
    }

    /// The bucket at `now`, in seconds since the Unix epoch.
    pub(super) fn at(self, now: i64) -> Span {
        let start = now.saturating_sub(now.rem_euclid(i64::from(self.bucket_s)));
        Span { start, valid_s: self.bucket_s.saturating_add(self.valid_s) }
    }
}

impl Span {
    /// When its URLs are no longer good.
    pub(super) fn expires(self) -> i64 {
        self.start.saturating_add(i64::from(self.valid_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_good_for_long_enough_and_not_much_longer() {
        let window = Window::new(300, 600).unwrap();
        for now in [0, 1, 299, 300, 1_795_244_400, 1_795_244_699] {
            let span = window.at(now);
            let left = span.expires() - now;
            assert!((601..=900).contains(&left), "{left} s at {now}");
            assert_eq!(window.at(span.start), span);
        }
        assert_eq!(Window::new(0, 1), Err(SignError::Window));
        assert_eq!(Window::new(1, 0), Err(SignError::Window));
        assert_eq!(Window::new(VALID_S_MAX, 1), Err(SignError::Window));
        window.at(i64::MIN);
        window.at(i64::MAX).expires();
    }
}
