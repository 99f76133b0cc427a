//! Which rung a viewer takes.
//!
//! In: what the rungs need, and what the connection carried. Out: a rung. Does not know what is in it.

/// What of the estimate is used, in percent.
const USED_PERCENT: u64 = 80;
/// How much the newest measurement weighs, in percent.
const NEWEST_PERCENT: u64 = 20;

/// The rungs of a show, and one viewer's choice among them.
#[derive(Debug, Clone)]
pub struct Rungs {
    /// Bits per second each needs, in the order of the playlist.
    needs: Vec<u64>,
    estimate: Option<u64>,
    current: usize,
}

impl Rungs {
    /// Begins with the first, as the playlist's author wants it (Apple 9.8).
    #[must_use]
    pub const fn new(needs: Vec<u64>) -> Self {
        Self { needs, estimate: None, current: 0 }
    }

    /// `bytes` came in `us` microseconds.
    pub fn measured(&mut self, bytes: u64, us: u64) {
        let rate = bytes.saturating_mul(8_000_000) / us.max(1);
        self.estimate = Some(match self.estimate {
            None => rate,
            Some(old) => (old * (100 - NEWEST_PERCENT) + rate * NEWEST_PERCENT) / 100,
        });
    }

    /// The rung for the next segment, and whether it is another one than before.
    pub fn choose(&mut self) -> (usize, bool) {
        let Some(estimate) = self.estimate else { return (self.current, false) };
        let usable = estimate / 100 * USED_PERCENT;
        let all = || self.needs.iter().copied().enumerate();
        let fits = all().filter(|(_, need)| *need <= usable).max_by_key(|(_, need)| *need);
        let chosen = fits.or_else(|| all().min_by_key(|(_, need)| *need)).map_or(0, |(at, _)| at);
        let changed = chosen != self.current;
        self.current = chosen;
        (chosen, changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_that_fits_is_taken() {
        let mut rungs = Rungs::new(vec![3_000_000, 6_000_000, 400_000]);
        assert_eq!(rungs.choose(), (0, false));
        rungs.measured(1_000_000, 1_000_000); // 8 Mbit/s
        assert_eq!(rungs.choose(), (1, true));
        for _ in 0..30 {
            rungs.measured(10_000, 1_000_000);
        }
        assert_eq!(rungs.choose(), (2, true));
    }
}
