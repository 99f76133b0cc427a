//! How many bits a rendition takes.
//!
//! In: the size and duration of each segment. Out: peak and average bit rates (4.4.6.2). Does not
//! know other renditions; who may be played together is the catalogue's.

use serde::{Deserialize, Serialize};
use shared_media::{TICKS_PER_SECOND, Ticks};

/// Bit rates of one rendition so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rates {
    /// Segments shorter than half a target duration say nothing about the peak.
    shortest: Ticks,
    target: Option<u32>,
    expected: Option<u32>,
    measured: Measured,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Measured {
    peak: u64,
    bytes: u64,
    samples: u64,
    ticks: i64,
}

/// A measured average counts once it covers this many segments; before it is held at the target.
const AVERAGE_TICKS_MIN: i64 = 10 * TICKS_PER_SECOND;

impl Rates {
    /// `target` is what the encoder aims at, in bit/s, where there is one; `expected` stands in for what is measured
    /// until a segment was.
    pub(super) fn new(target_duration_s: u32, target: Option<u32>, expected: Option<u32>) -> Self {
        let shortest = Ticks(i64::from(target_duration_s) * TICKS_PER_SECOND / 2);
        Self { shortest, target, expected, measured: Measured::default() }
    }

    /// A segment was closed.
    pub(super) fn segment(&mut self, bytes: usize, samples: u64, duration: Ticks) {
        let bytes = bytes as u64;
        self.measured.bytes += bytes;
        self.measured.samples += samples;
        self.measured.ticks += duration.0;
        self.stretch(bytes, duration);
    }

    /// Bytes that were counted with a segment, and lie closer together in a stretch of it.
    pub(super) fn stretch(&mut self, bytes: u64, duration: Ticks) {
        if duration >= self.shortest || self.measured.peak == 0 {
            self.measured.peak = self.measured.peak.max(bit_rate(bytes, duration));
        }
    }

    /// How much was measured.
    pub(super) const fn duration(&self) -> Ticks {
        Ticks(self.measured.ticks)
    }

    /// What was measured so far.
    pub(super) const fn measured(&self) -> Measured {
        self.measured
    }

    /// What was measured of another piece of the same rendition counts as well.
    pub(super) fn join(&mut self, other: &Self) {
        let (own, other) = (&mut self.measured, other.measured);
        own.peak = own.peak.max(other.peak);
        own.bytes = own.bytes.saturating_add(other.bytes);
        own.samples = own.samples.saturating_add(other.samples);
        own.ticks = own.ticks.saturating_add(other.ticks);
    }

    /// Goes on from what was measured before.
    pub(super) const fn resume(&mut self, measured: Measured) {
        self.measured = measured;
    }

    /// Whether there is anything to say: a target, an expectation, or a segment.
    pub(super) const fn is_known(&self) -> bool {
        self.target.is_some() || self.expected.is_some() || self.measured.peak > 0
    }

    /// What is expected, while that is all there is.
    fn expected(&self) -> Option<u64> {
        self.expected.filter(|_| self.measured.peak == 0).map(u64::from)
    }

    /// The highest bit rate of a segment, or the target if that is higher, in bit/s.
    pub(super) fn peak(&self) -> u64 {
        let target = self.target.map_or(0, u64::from);
        self.expected().unwrap_or(self.measured.peak).max(target)
    }

    /// The average bit rate, in bit/s; not below the target until it was measured for a while.
    pub(super) fn average(&self) -> u64 {
        let measured = bit_rate(self.measured.bytes, self.duration());
        let measured = self.expected().unwrap_or(measured);
        match self.target {
            Some(target) if self.measured.ticks < AVERAGE_TICKS_MIN => measured.max(target.into()),
            _ => measured,
        }
    }

    /// Measured frames per 1000 seconds.
    pub(super) fn frame_rate_millihertz(&self) -> Option<u32> {
        let duration = u128::try_from(self.measured.ticks).ok().filter(|duration| *duration > 0)?;
        let per_second = u128::from(TICKS_PER_SECOND.unsigned_abs());
        let rate =
            (u128::from(self.measured.samples) * per_second * 1000 + duration / 2) / duration;
        u32::try_from(rate).ok()
    }
}

/// Bits per second, rounded up.
fn bit_rate(bytes: u64, duration: Ticks) -> u64 {
    let Some(duration) = u128::try_from(duration.0).ok().filter(|duration| *duration > 0) else {
        return 0;
    };
    let bits = u128::from(bytes) * 8 * u128::from(TICKS_PER_SECOND.unsigned_abs());
    u64::try_from(bits.div_ceil(duration)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_worst_segment_and_short_ones_do_not_count() {
        let mut rates = Rates::new(2, None, None);
        assert!(!rates.is_known());
        rates.segment(250_000, 60, Ticks(180_000));
        rates.segment(500_000, 60, Ticks(180_000));
        rates.segment(500_000, 6, Ticks(18_000));
        assert_eq!((rates.peak(), rates.average()), (2_000_000, 2_380_953));
        assert_eq!(rates.frame_rate_millihertz(), Some(30_000));
    }

    #[test]
    fn pieces_count_together() {
        let (mut rates, mut other) = (Rates::new(2, None, None), Rates::new(2, None, None));
        rates.segment(250_000, 60, Ticks(180_000));
        other.segment(500_000, 60, Ticks(180_000));
        rates.join(&other);
        assert_eq!((rates.peak(), rates.average()), (2_000_000, 1_500_000));
        assert_eq!(rates.frame_rate_millihertz(), Some(30_000));
    }

    #[test]
    fn what_is_expected_holds_until_a_segment_was_measured() {
        let mut rates = Rates::new(2, None, Some(4_000_000));
        assert!(rates.is_known());
        assert_eq!((rates.peak(), rates.average()), (4_000_000, 4_000_000));
        rates.segment(250_000, 60, Ticks(180_000));
        assert_eq!((rates.peak(), rates.average()), (1_000_000, 1_000_000));
    }

    #[test]
    fn the_target_holds_until_enough_was_measured() {
        let mut rates = Rates::new(2, Some(3_000_000), None);
        assert_eq!((rates.peak(), rates.average()), (3_000_000, 3_000_000));
        for _ in 0..5 {
            rates.segment(250_000, 60, Ticks(180_000));
        }
        assert_eq!((rates.peak(), rates.average()), (3_000_000, 1_000_000));
    }
}
