//! How fast cues are taken.
//!
//! In: how many cues for which show, the time. Out: whether they are taken now. Does not know what they say.
//!
//! Every cue is written into the notes of its show and into each text it is shown in; a program that has run away would
//! fill both. People who speak, in all languages a show may have, do not come near.

use std::collections::HashMap;

use shared_wire::ShowId;

/// What each show may send yet: a bucket of cues that fills as time goes by.
#[derive(Debug)]
pub(crate) struct Paces {
    per_s: u32,
    burst: u32,
    shows: HashMap<ShowId, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Thousandths of cues.
    left: i64,
    at_ms: i64,
}

impl Paces {
    /// `per_s` cues a second of a show, and `burst` at once.
    pub(crate) fn new(per_s: u32, burst: u32) -> Self {
        Self { per_s: per_s.max(1), burst, shows: HashMap::new() }
    }

    /// Takes cues of a show.
    ///
    /// # Errors
    /// After how many seconds so many could be taken.
    pub(crate) fn take(&mut self, show: ShowId, cues: usize, now_ms: i64) -> Result<(), u32> {
        let (per_s, full) = (i64::from(self.per_s), i64::from(self.burst) * 1000);
        // Whoever sent nothing for a while needs no bucket: there are never more than shows that send.
        self.shows.retain(|_, bucket| {
            // A clock that was set back fills nothing, and takes nothing away.
            let since = now_ms.saturating_sub(bucket.at_ms).max(0);
            bucket.left = bucket.left.saturating_add(since.saturating_mul(per_s)).min(full);
            bucket.at_ms = now_ms;
            bucket.left < full
        });
        let bucket = self.shows.entry(show).or_insert(Bucket { left: full, at_ms: now_ms });
        let cost = i64::try_from(cues).unwrap_or(i64::MAX).saturating_mul(1000);
        if bucket.left >= cost {
            bucket.left -= cost;
            return Ok(());
        }
        let wait_s = (cost - bucket.left).saturating_add(per_s * 1000 - 1) / (per_s * 1000);
        Err(u32::try_from(wait_s).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(n: u8) -> ShowId {
        ShowId::from_bytes([n; 10])
    }

    #[test]
    fn a_burst_is_taken_and_then_as_much_as_time_brings() {
        let mut paces = Paces::new(10, 100);
        assert_eq!(paces.take(show(1), 64, 0), Ok(()));
        assert_eq!(paces.take(show(1), 64, 0), Err(3), "36 are left, 28 come in 2.8 s");
        assert_eq!(paces.take(show(2), 64, 0), Ok(()), "another show");
        assert_eq!(paces.take(show(1), 64, 2799), Err(1));
        assert_eq!(paces.take(show(1), 64, 2800), Ok(()));
        assert_eq!(paces.take(show(1), 1, 0), Err(1), "a clock that was set back");
        assert_eq!(paces.take(show(1), 1, 100), Ok(()));
    }

    #[test]
    fn shows_that_send_nothing_are_forgotten() {
        let mut paces = Paces::new(10, 100);
        for n in 0..50 {
            assert_eq!(paces.take(show(n), 10, 0), Ok(()));
        }
        assert_eq!((paces.shows.len(), paces.take(show(200), 1, 1000)), (50, Ok(())));
        assert_eq!(paces.shows.len(), 1);
    }
}
