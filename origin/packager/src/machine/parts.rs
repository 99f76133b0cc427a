//! Cutting a segment into parts.
//!
//! In: the samples of one segment of one rendition. Out: [`ClosedPart`]s. Does not know bytes, names
//! or other renditions.
//!
//! A part closes before the sample that would cross the target. Only where the publisher left out
//! pictures can that sample be so long that the part would be too short without it (4.4.4.9): then
//! it is taken in, keeps its true duration in the container, and the part is listed with the target.
//!
//! How long a sample lasts is known when the next one comes, which is a frame too late for viewers.
//! Where the samples of a part are steady its last one is taken to last as long as the shortest of
//! them, and the part can be had at once. Should that have been too short, the next sample is decoded
//! where this one ends, and still shown when it is to be: decode time has no holes.

use shared_media::Ticks;

use super::form::Form;
use super::sample::Sample;
use crate::cmaf::TimedSample;

/// A part may be shorter than this share of the target only at a segment's end (4.4.4.9).
const SHORTEST_PERCENT: i64 = 85;
/// Samples are steady if the longest is longer than the shortest by at most this share of it: RTMP's
/// milliseconds make 33 and 34 of 30 Hz.
const STEADY_SHARE: i64 = 8;
/// So many samples whose duration is known tell whether they are steady.
const STEADY_MIN: usize = 2;

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

/// The parts of one segment. The newest sample waits for the next, which tells how long it lasts, or
/// is taken to last as long as others.
#[derive(Debug)]
pub(super) struct Parts {
    target: i64,
    form: Form,
    open: Vec<TimedSample>,
    open_duration: i64,
    open_arrived_us: u64,
    newest: Option<Sample>,
    /// The decode time of the newest sample, wherever it is.
    newest_dts: Option<Ticks>,
    /// Where the newest sample was taken to end, and how long to last, if its part was closed with it.
    guessed: Option<(Ticks, Ticks)>,
}

impl Parts {
    pub(super) const fn new(target: Ticks, form: Form) -> Self {
        Self {
            target: target.0,
            form,
            open: Vec::new(),
            open_duration: 0,
            open_arrived_us: 0,
            newest: None,
            newest_dts: None,
            guessed: None,
        }
    }

    /// The newest sample's decode time.
    pub(super) const fn newest(&self) -> Option<Ticks> {
        self.newest_dts
    }

    /// Takes the segment's next sample; gives the parts it completes.
    pub(super) fn push(&mut self, mut sample: Sample) -> Vec<ClosedPart> {
        self.newest_dts = Some(sample.dts);
        if let Some((end, lasts)) = self.guessed.take() {
            self.join(&mut sample, end, lasts);
        }
        let mut closed = Vec::new();
        if let Some(newest) = self.newest.take() {
            self.settle(newest, sample.dts, &mut closed);
        }
        self.newest = Some(sample);
        closed
    }

    /// Where the open part ends if the newest sample is its last and lasts as long as those before it;
    /// `None` if it may not be the last, or nobody can tell how long it lasts.
    pub(super) fn full_at(&self) -> Option<Ticks> {
        let newest = self.newest.as_ref()?;
        if self.open.len() < STEADY_MIN {
            return None;
        }
        let (shortest, longest) = (self.durations().min()?, self.durations().max()?);
        let whole = self.open_duration + shortest;
        let is_steady = longest - shortest <= shortest / STEADY_SHARE;
        let is_full =
            whole <= self.target && whole + shortest > self.target && self.suffices(whole);
        (is_steady && is_full).then(|| newest.dts + Ticks(shortest))
    }

    /// Closes the open part with the newest sample, which is taken to end there.
    pub(super) fn close_at(&mut self, end: Ticks) -> Vec<ClosedPart> {
        let mut closed = Vec::new();
        if let Some(newest) = self.newest.take() {
            self.guessed = Some((end, end - newest.dts));
            self.settle(newest, end, &mut closed);
            self.close(&mut closed);
        }
        closed
    }

    /// Where the newest sample was taken to end, if its part was closed with it.
    pub(super) fn guessed_end(&self) -> Option<Ticks> {
        self.guessed.map(|(end, _)| end)
    }

    /// Lets a sample follow one that was taken to end there.
    fn join(&self, sample: &mut Sample, end: Ticks, lasts: Ticks) {
        if self.form != Form::Audio {
            // A picture may wait to be shown, however long. It is decoded after the one before, and not sooner.
            sample.dts = sample.dts.min(end);
        } else if (sample.dts - end).0.abs() * 2 <= lasts.0 {
            // Sound is heard when it is decoded. Where some of it is missing there is a hole.
            (sample.dts, sample.pts) = (end, end);
        }
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
    /// target there. The part is closed at once if the shortest of its samples would cross after it.
    fn settle(&mut self, sample: Sample, end: Ticks, closed: &mut Vec<ClosedPart>) {
        let duration = (end - sample.dts).0;
        if self.open_duration + duration > self.target && self.is_long_enough() {
            self.close(closed);
        }
        let Sample { pts, dts, keyframe, data, arrived_us, .. } = sample;
        self.open.push(TimedSample { dts, end, pts, keyframe, data });
        self.open_duration += duration;
        self.open_arrived_us = arrived_us;
        let shortest = self.durations().min().unwrap_or(duration);
        if self.open_duration + shortest > self.target && self.is_long_enough() {
            self.close(closed);
        }
    }

    /// How long the samples of the open part last.
    fn durations(&self) -> impl Iterator<Item = i64> {
        self.open.iter().map(|sample| (sample.end - sample.dts).0)
    }

    const fn is_long_enough(&self) -> bool {
        self.suffices(self.open_duration)
    }

    const fn suffices(&self, duration: i64) -> bool {
        duration * 100 >= self.target * SHORTEST_PERCENT + 100
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
        let mut parts = Parts::new(Ticks(target), Form::Video);
        let (mut closed, mut dts) = (Vec::new(), 0);
        for duration in durations {
            closed.extend(parts.push(sample(dts)));
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

    fn sample(dts: i64) -> Sample {
        let at = Ticks(dts);
        let (delay, data) = (Ticks(0), Bytes::new());
        Sample { pts: at, dts: at, delay, keyframe: false, data, arrived_us: dts.unsigned_abs() }
    }

    /// Pushes samples until one fills a part; gives where that part ends and how many there were.
    fn filled(parts: &mut Parts, samples: impl IntoIterator<Item = i64>) -> Option<(Ticks, usize)> {
        let mut count = 0;
        samples.into_iter().find_map(|dts| {
            count += 1;
            assert!(parts.push(sample(dts)).is_empty());
            parts.full_at().map(|end| (end, count))
        })
    }

    #[test]
    fn a_part_of_steady_samples_is_there_with_its_last() {
        let mut parts = Parts::new(Ticks(30_000), Form::Video);
        let full = filled(&mut parts, (0..20).map(|n| n * 3000));
        assert_eq!(full, Some((Ticks(30_000), 10)));
        let closed = parts.close_at(Ticks(30_000));
        assert_eq!((closed.len(), closed[0].arrived_us), (1, 27_000));
        assert_eq!(closed[0].samples.last().map(|last| last.end), Some(Ticks(30_000)));
        assert_eq!(
            (parts.newest(), parts.guessed_end()),
            (Some(Ticks(27_000)), Some(Ticks(30_000)))
        );
        assert!(parts.finish(Ticks(30_000)).is_empty());
    }

    #[test]
    fn milliseconds_of_30_hertz_are_steady_and_fill_a_part_of_ten() {
        let mut parts = Parts::new(Ticks(30_000), Form::Video);
        // 33, 33, 34 ms: the shortest is taken, so that the next picture never comes before it is decoded.
        let at = |n: i64| n * 1000 / 30 * 90;
        assert_eq!(filled(&mut parts, (0..20).map(at)), Some((Ticks(at(9) + 2970), 10)));
    }

    #[test]
    fn a_part_of_unsteady_samples_waits_for_the_one_after_its_last() {
        let mut parts = Parts::new(Ticks(30_000), Form::Video);
        assert_eq!(
            filled(&mut parts, [0, 4000, 7000, 11_000, 14_000, 18_000, 23_000, 26_000]),
            None
        );
        assert_eq!(parts.push(sample(31_000))[0].samples.len(), 7);
    }

    #[test]
    fn decode_time_has_no_hole_behind_a_guess_and_what_is_shown_is_shown_in_time() {
        for (next, dts) in [(30_090, 30_000), (90_000, 30_000), (29_900, 29_900)] {
            let mut parts = Parts::new(Ticks(30_000), Form::Video);
            filled(&mut parts, (0..10).map(|n| n * 3000));
            parts.close_at(Ticks(30_000));
            parts.push(sample(next));
            let closed = parts.finish(Ticks(next + 3000));
            let first = &closed[0].samples[0];
            assert_eq!((first.dts.0, first.pts.0, first.end.0), (dts, next, next + 3000));
        }
    }

    #[test]
    fn sound_behind_a_guess_follows_at_once_or_leaves_a_hole() {
        for (next, at) in [(28_810, 28_800), (28_700, 28_800), (40_000, 40_000)] {
            let mut parts = Parts::new(Ticks(30_000), Form::Audio);
            assert_eq!(filled(&mut parts, (0..20).map(|n| n * 1920)), Some((Ticks(28_800), 15)));
            parts.close_at(Ticks(28_800));
            parts.push(sample(next));
            let closed = parts.finish(Ticks(next + 1920));
            assert_eq!((closed[0].samples[0].dts.0, closed[0].samples[0].pts.0), (at, at));
        }
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
        fn parts_with_guesses_keep_to_the_same_and_decode_time_only_grows(
            durations in proptest::collection::vec(
                prop_oneof![9 => 2900_i64..3100, 1 => 1_i64..9000], 1..400)
        ) {
            let mut parts = Parts::new(Ticks(30_000), Form::Video);
            let (mut closed, mut dts) = (Vec::new(), 0);
            for duration in &durations {
                closed.extend(parts.push(sample(dts)));
                if let Some(end) = parts.full_at() {
                    closed.extend(parts.close_at(end));
                }
                dts += duration;
            }
            closed.extend(parts.finish(Ticks(dts)));
            let samples: Vec<_> = closed.iter().flat_map(|part| &part.samples).collect();
            prop_assert_eq!(samples.len(), durations.len());
            for pair in samples.windows(2) {
                prop_assert!(pair[0].dts < pair[0].end && pair[0].dts < pair[1].dts);
                prop_assert!(pair[1].dts <= pair[0].end && pair[1].dts <= pair[1].pts);
            }
            for (index, part) in closed.iter().enumerate() {
                let listed = part.duration(Ticks(30_000)).0;
                prop_assert!(listed * 100 >= 30_000 * 85 || index + 1 == closed.len());
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
