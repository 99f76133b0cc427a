//! Media time and wall-clock time, and the one mapping between them.
//!
//! In: nothing. Out: [`Ticks`], [`Now`], [`Anchor`]. Does not know where a clock is.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// Ticks per second of the media timeline: the 90 kHz clock of MPEG systems. One AAC frame of 1024 samples at 48 kHz is
/// exactly 1920 ticks, one frame at 30000/1001 Hz exactly 3003.
pub const TICKS_PER_SECOND: i64 = 90_000;

/// A point or a span on a show's media timeline, in units of 1/90 000 s.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Ticks(pub i64);

impl Ticks {
    /// The start of the timeline.
    pub const ZERO: Self = Self(0);

    /// Whole milliseconds as ticks.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * (TICKS_PER_SECOND / 1000))
    }

    /// Microseconds as ticks, rounded down.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self((micros as i128 * TICKS_PER_SECOND as i128).div_euclid(1_000_000) as i64)
    }

    /// This span in microseconds, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        (self.0 as i128 * 1_000_000).div_euclid(TICKS_PER_SECOND as i128) as i64
    }

    /// This span in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are 3000 years")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / TICKS_PER_SECOND as f64
    }

    /// The same point counted in another timescale (units per second), rounded to the nearest unit.
    #[must_use]
    pub const fn in_timescale(self, units_per_second: u32) -> i64 {
        let scaled = self.0 as i128 * units_per_second as i128;
        (scaled + TICKS_PER_SECOND as i128 / 2).div_euclid(TICKS_PER_SECOND as i128) as i64
    }
}

impl Add for Ticks {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Ticks {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// The moment a machine is driven at. Drivers read the clocks, machines only receive this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Microseconds of a clock that never goes back; its zero is arbitrary.
    pub monotonic_us: u64,
    /// UTC, in microseconds since the Unix epoch.
    pub utc_us: i64,
}

/// Ties media time to UTC for the whole life of a show: tick 0 happened at this UTC time.
///
/// There is one anchor per show, so `EXT-X-PROGRAM-DATE-TIME` is the same mapping in every playlist and after every
/// reconnect (rfc8216bis 6.2.4): a publisher that comes back continues at the tick its return happened at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// UTC of tick 0, in microseconds since the Unix epoch.
    pub utc_us: i64,
}

impl Anchor {
    /// UTC of a point of the timeline, in microseconds since the Unix epoch.
    #[must_use]
    pub const fn utc_us_at(self, point: Ticks) -> i64 {
        self.utc_us + point.as_micros()
    }

    /// The point of the timeline at a moment of UTC.
    #[must_use]
    pub const fn ticks_at(self, utc_us: i64) -> Ticks {
        Ticks::from_micros(utc_us - self.utc_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aac_frame_is_exact_in_both_timescales() {
        assert_eq!(Ticks(1920).in_timescale(48_000), 1024);
        assert_eq!(Ticks(-1920).in_timescale(48_000), -1024);
    }

    #[test]
    fn the_anchor_maps_both_ways() {
        let anchor = Anchor { utc_us: 1_700_000_000_000_000 };
        let point = Ticks::from_millis(1500);
        assert_eq!(anchor.utc_us_at(point), 1_700_000_001_500_000);
        assert_eq!(anchor.ticks_at(1_700_000_001_500_000), point);
    }
}
