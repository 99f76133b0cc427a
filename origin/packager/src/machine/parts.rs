//! Cutting a segment into parts.
//!
//! In: the samples of one segment of one rendition. Out: [`ClosedPart`]s. Does not know bytes, names
//! or other renditions.
//!
//! A part closes before the sample that would cross the target. Only where the publisher left out
//! pictures can that sample be so long that the part would be too short without it (4.4.4.9): then
//! it is taken in, keeps its true duration in the container, and the part is listed with the target.

use shared_media::Ticks;

use super::sample::Sample;
use crate::cmaf::TimedSample;

/// A part may be shorter than this share of the target only at a segment's end (4.4.4.9).
const SHORTEST_PERCENT: i64 = 85;

/// The samples of a part, complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClosedPart {
    pub(super) samples: Vec<TimedSample>,
    /// When the last of them came in, in microseconds of the driver's monotonic clock.
    pub(super) arrived_us: u64,
}

impl ClosedPart {
    /// How long it is listed as: from the first sample's decode time to the last one's end, but no
    /// longer than the target.
    pub(super) fn duration(&self, target: Ticks) -> Ticks {
        match (self.samples.first(), self.samples.last()) {
            (Some(first), Some(last)) => target.min(last.end - first.dts),
            _ => Ticks::ZERO,
        }
    }
}

/// The parts of one segment. The newest sample waits: how long it lasts is known when the next comes.
#[derive(Debug)]
pub(super) struct Parts {
    target: i64,
    open: Vec<TimedSample>,
    open_duration: i64,
    open_arrived_us: u64,
    newest: Option<Sample>,
}

impl Parts {
    pub(super) fn new(target: Ticks) -> Self {
        let (open, open_duration) = (Vec::new(), 0);
        Self { target: target.0, open, open_duration, open_arrived_us: 0, newest: None }
    }

    /// The newest sample's decode time.
    pub(super) fn newest(&self) -> Option<Ticks> {
        self.newest.as_ref().map(|sample| sample.dts)
    }

    /// Takes the segment's next sample; gives the parts it completes.
    pub(super) fn push(&mut self, sample: Sample) -> Vec<ClosedPart> {
        let mut closed = Vec::new();
        if let Some(newest) = self.newest.take() {
            self.settle(newest, sample.dts, &mut closed);
        }
        self.newest = Some(sample);
        closed
    }

    /// Ends the segment, its last sample at `end`; gives the parts that remain.
    pub(super) fn finish(mut self, end: Ticks) -> Vec<ClosedPart> {
        let mut closed = Vec::new();
        if let Some(newest) = self.newest.take() {
            self.settle(newest, end, &mut closed);
        }
        self.close(&mut closed);
        closed
    }

    /// Puts a sample whose end is known into a part: into the open one unless it would cross the
    /// target there. The part is closed at once if another sample as long would cross.
    fn settle(&mut self, sample: Sample, end: Ticks, closed: &mut Vec<ClosedPart>) {
        let duration = (end - sample.dts).0;
        if self.open_duration + duration > self.target && self.is_long_enough() {
            self.close(closed);
        }
        let Sample { pts, dts, keyframe, data, arrived_us, .. } = sample;
        self.open.push(TimedSample { dts, end, pts, keyframe, data });
        self.open_duration += duration;
        self.open_arrived_us = arrived_us;
        if self.open_duration + duration > self.target && self.is_long_enough() {
            self.close(closed);
        }
    }

    const fn is_long_enough(&self) -> bool {
        self.open_duration * 100 >= self.target * SHORTEST_PERCENT + 100
    }

    fn close(&mut self, closed: &mut Vec<ClosedPart>) {
        if !self.open.is_empty() {
            self.open_duration = 0;
            let samples = std::mem::take(&mut self.open);
            closed.push(ClosedPart { samples, arrived_us: self.open_arrived_us });
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn cut(durations: &[i64], target: i64) -> Vec<i64> {
        let mut parts = Parts::new(Ticks(target));
        let (mut closed, mut dts) = (Vec::new(), 0);
        for duration in durations {
            let at = Ticks(dts);
            let sample = Sample {
                pts: at,
                dts: at,
                delay: Ticks(0),
                keyframe: false,
                data: Bytes::new(),
                arrived_us: 0,
            };
            closed.extend(parts.push(sample));
            dts += duration;
        }
        closed.extend(parts.finish(Ticks(dts)));
        let whole: usize = closed.iter().map(|part| part.samples.len()).sum();
        assert_eq!(whole, durations.len());
        closed.iter().map(|part| part.duration(Ticks(target)).0).collect()
    }

    #[test]
    fn ten_frames_of_thirty_hertz_fill_a_part_exactly() {
        assert_eq!(cut(&[3000; 60], 30_000), [30_000; 6]);
        assert_eq!(cut(&[3003; 20], 30_000), [27_027, 27_027, 6006]);
        assert_eq!(cut(&[1920; 30], 30_000), [28_800, 28_800]);
    }

    #[test]
    fn a_part_is_there_when_the_sample_after_its_last_comes_in() {
        let mut parts = Parts::new(Ticks(30_000));
        let sample = |n: i64| {
            let at = Ticks(n * 3000);
            Sample {
                pts: at,
                dts: at,
                delay: Ticks(0),
                keyframe: false,
                data: Bytes::new(),
                arrived_us: n as u64,
            }
        };
        assert!((0..10).all(|n| parts.push(sample(n)).is_empty()));
        assert_eq!(parts.push(sample(10))[0].arrived_us, 9);
    }

    #[test]
    fn a_sample_too_long_for_any_part_is_listed_with_the_target() {
        assert_eq!(cut(&[3000, 90_000, 3000], 30_000), [30_000, 3000]);
        assert_eq!(cut(&[27_000, 90_000, 3000], 30_000), [27_000, 30_000, 3000]);
    }

    proptest! {
        #[test]
        fn parts_keep_between_85_percent_and_the_target(
            durations in proptest::collection::vec(1_i64..9000, 1..400)
        ) {
            let parts = cut(&durations, 30_000);
            for (index, duration) in parts.iter().enumerate() {
                prop_assert!(*duration <= 30_000);
                prop_assert!(*duration * 100 >= 30_000 * 85 || index + 1 == parts.len());
            }
        }

        #[test]
        fn frames_of_a_steady_rate_are_never_listed_shorter_than_they_are(
            durations in proptest::collection::vec(1_i64..4500, 1..400)
        ) {
            let parts = cut(&durations, 30_000);
            prop_assert_eq!(parts.iter().sum::<i64>(), durations.iter().sum::<i64>());
        }
    }
}
