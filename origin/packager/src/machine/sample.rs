//! Access units on the decode timeline of the container.
//!
//! In: access units as the ladder delivers them. Out: [`Sample`]s whose keyframes are decoded when
//! they are shown. Does not know segments.

use bytes::Bytes;
use shared_media::{AccessUnit, Ticks};

/// Timestamps beyond this cannot be: 1500 years.
const TICKS_MAX: i64 = 1 << 52;

/// An access unit whose duration is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) pts: Ticks,
    /// On the shifted decode timeline, see [`Timing`].
    pub(super) dts: Ticks,
    /// How long pictures wait to be reordered, measured at the last keyframe.
    pub(super) delay: Ticks,
    pub(super) keyframe: bool,
    pub(super) data: Bytes,
    /// When it came in, in microseconds of the driver's monotonic clock.
    pub(super) arrived_us: u64,
}

impl Sample {
    /// Something without bytes, where captions begin.
    pub(super) fn empty(at: Ticks) -> Self {
        let (delay, keyframe, data, arrived_us) = (Ticks::ZERO, true, Bytes::new(), 0);
        Self { pts: at, dts: at, delay, keyframe, data, arrived_us }
    }
}

/// Shifts decode times so that every keyframe is decoded at the moment it is shown.
///
/// A source with B-frames decodes its keyframe some frames before it shows it. That delay, measured
/// anew at each keyframe, is added to all decode times after it; a segment's `tfdt` then equals the
/// presentation time of its IDR picture in every rendition. B-frames are then shown before they are
/// decoded; the init segment's edit list makes up for it.
#[derive(Debug, Default)]
pub(super) struct Timing {
    shift: i64,
    last: Option<Ticks>,
}

impl Timing {
    /// The unit on the shifted timeline; `None` if its timestamps cannot be.
    pub(super) fn place(
        &mut self,
        unit: AccessUnit,
        arrived_us: u64,
        reorder_max: Ticks,
    ) -> Option<Sample> {
        let (pts, dts) = (unit.pts.0, unit.dts.0);
        let sane = |ticks: i64| (-TICKS_MAX..TICKS_MAX).contains(&ticks);
        if !sane(pts) || !sane(dts) || (pts - dts).abs() > reorder_max.0 {
            return None;
        }
        if unit.keyframe {
            self.shift = pts - dts;
        }
        // A reorder delay that shrinks must not turn decode time back.
        let earliest = self.last.map_or(i64::MIN, |last| last.0 + 1);
        let dts = Ticks((dts + self.shift).max(earliest));
        if pts < 0 || dts.0 < 0 {
            return None;
        }
        self.last = Some(dts);
        let AccessUnit { pts, keyframe, data, .. } = unit;
        Some(Sample { pts, dts, delay: Ticks(self.shift), keyframe, data, arrived_us })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(timing: &mut Timing, pts: i64, dts: i64, keyframe: bool) -> Option<Ticks> {
        let unit = AccessUnit { pts: Ticks(pts), dts: Ticks(dts), keyframe, data: Bytes::new() };
        timing.place(unit, 0, Ticks(900_000)).map(|sample| sample.dts)
    }

    #[test]
    fn keyframes_are_decoded_when_they_are_shown() {
        let mut timing = Timing::default();
        assert_eq!(place(&mut timing, 6000, 0, true), Some(Ticks(6000)));
        assert_eq!(place(&mut timing, 15_000, 3000, false), Some(Ticks(9000)));
        assert_eq!(place(&mut timing, 9000, 6000, false), Some(Ticks(12_000)));
        assert_eq!(place(&mut timing, 96_000, 90_000, true), Some(Ticks(96_000)));
    }

    #[test]
    fn decode_time_only_grows() {
        let mut timing = Timing::default();
        place(&mut timing, 9000, 0, true);
        place(&mut timing, 12_000, 3000, false);
        assert_eq!(place(&mut timing, 6000, 6000, true), Some(Ticks(12_001)));
    }

    #[test]
    fn impossible_timestamps_are_refused() {
        let mut timing = Timing::default();
        for (pts, dts) in [(-1, -1), (i64::MAX, i64::MIN), (1_000_000, 0), (TICKS_MAX, TICKS_MAX)] {
            assert_eq!(place(&mut timing, pts, dts, true), None);
        }
    }
}
