//! Where all renditions are cut: the leader's keyframes decide, or, in a piece of a film, whoever cut the film.
//!
//! In: the leader's samples, or all cuts at once. Out: [`Cut`]s, numbered by Media Sequence Number, and the frontier up
//! to which no further cut can come. Does not know the other renditions' samples.
//!
//! A cut is the leader's first keyframe at least the shortest segment after the cut before, or one
//! earlier if the next keyframe, as far away as they have ever been, would come too late. Should one
//! come too late all the same, a cut is forced before the segment outgrows the target duration; a
//! rendition without a keyframe there has a gap up to the next. Cuts lie strictly after the frontier
//! as it was, so whatever was already published stays where it is.

use std::collections::VecDeque;

use shared_media::{TICKS_PER_SECOND, Ticks};

use super::sample::Sample;

/// The start of a segment, in every rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The segment's Media Sequence Number.
    pub(super) msn: u64,
    /// The presentation time at which it starts.
    pub(super) at: Ticks,
    /// It does not continue what came before.
    pub(super) discontinuity: bool,
}

/// All cuts that some rendition has yet to reach.
#[derive(Debug)]
pub(super) struct Cuts {
    /// Shortest segment.
    shortest: i64,
    /// The target duration.
    target: i64,
    /// The newest cut of the section, a section being what lies between two discontinuities.
    newest: Option<Ticks>,
    /// The leader's last keyframe of the section, and the longest way between two.
    keyframe: Option<Ticks>,
    longest_gop: i64,
    /// The way between the last two, and whether it was as long as the one before.
    gop: i64,
    is_steady: bool,
    /// No cut will come at or before this.
    frontier: Ticks,
    next_msn: u64,
    discontinuity: bool,
    list: VecDeque<Cut>,
    /// All cuts were given; this is where the last segment ends.
    until: Option<Ticks>,
}

/// Before the first sample of a section nothing is decided.
const NOTHING: Ticks = Ticks(i64::MIN / 2);

impl Cuts {
    pub(super) fn new(shortest: Ticks, target_duration_s: u32) -> Self {
        Self {
            shortest: shortest.0,
            target: i64::from(target_duration_s) * TICKS_PER_SECOND,
            newest: None,
            keyframe: None,
            longest_gop: 0,
            gop: 0,
            is_steady: false,
            frontier: NOTHING,
            next_msn: 0,
            discontinuity: false,
            list: VecDeque::new(),
            until: None,
        }
    }

    /// All there are, the first with this number, in a piece of a film that ends at `until`.
    pub(super) fn given(first_msn: u64, cuts: &[Ticks], until: Ticks) -> Self {
        let mut given = Self::new(Ticks::ZERO, 1);
        (given.next_msn, given.until) = (first_msn, Some(until));
        cuts.iter().for_each(|at| given.open(*at));
        given
    }

    /// Where the last segment ends, if all cuts were given.
    pub(super) const fn until(&self) -> Option<Ticks> {
        self.until
    }

    /// Whether no cut can come any more, other than that of the segment `next_msn`, at or before a time.
    pub(super) fn is_decided(&self, next_msn: u64, at: Ticks) -> bool {
        self.until.is_some() || self.get(next_msn).is_some() || at < self.frontier
    }

    /// Up to where no cut can come any more.
    pub(super) const fn frontier(&self) -> Ticks {
        self.frontier
    }

    /// The Media Sequence Number of the segment after the newest.
    pub(super) const fn next_msn(&self) -> u64 {
        self.next_msn
    }

    /// Whether the section has begun.
    pub(super) const fn is_running(&self) -> bool {
        self.newest.is_some()
    }

    /// The cut that starts a segment, if it is decided.
    pub(super) fn get(&self, msn: u64) -> Option<Cut> {
        let first = self.list.front()?.msn;
        self.list.get(usize::try_from(msn.checked_sub(first)?).ok()?).copied()
    }

    /// The leader's next sample. `wanted` says that it needs a keyframe to start a segment, however
    /// short the one before.
    pub(super) fn leader(&mut self, sample: &Sample, frame: Ticks, wanted: bool) {
        if sample.keyframe {
            let before = self.keyframe.replace(sample.pts);
            let gop = before.map_or(0, |before| (sample.pts - before).0);
            self.longest_gop = self.longest_gop.max(gop);
            self.is_steady = gop > 0 && (gop - self.gop).abs() * 2 <= frame.0;
            self.gop = gop;
        }
        let Some(newest) = self.newest else {
            if sample.keyframe {
                self.open(sample.pts);
                self.frontier = sample.dts;
            }
            return;
        };
        let longest = self.longest();
        let is_time = self.is_time(sample.pts - newest, frame) || wanted;
        let is_cut = sample.keyframe && is_time && sample.pts > self.frontier;
        let until = if is_cut { sample.pts.0 } else { sample.dts.0 + frame.0 };
        self.force(until, longest);
        if is_cut && self.newest.is_some_and(|newest| sample.pts > newest) {
            self.open(sample.pts);
        }
        self.frontier = self.frontier.max(sample.dts);
    }

    /// Whether a keyframe that far behind the newest cut is one.
    const fn is_time(&self, length: Ticks, frame: Ticks) -> bool {
        length.0 + frame.0 / 2 >= self.shortest
            || length.0 + self.longest_gop + frame.0 >= self.longest()
    }

    /// No segment is as long: EXTINF, rounded, is at most the target.
    const fn longest(&self) -> i64 {
        self.target + TICKS_PER_SECOND / 2
    }

    /// Whether the segment `next_msn` is expected to begin at `end`, up to which the segment before it reaches already;
    /// `None` if nobody can tell. Frames last `frame`.
    pub(super) fn are_expected_at(&self, end: Ticks, next_msn: u64, frame: Ticks) -> Option<bool> {
        let half = frame.0 / 2;
        if let Some(cut) = self.get(next_msn) {
            return Some(end.0 + half >= cut.at.0);
        }
        if !self.is_time(end - self.newest?, frame) {
            return Some(false);
        }
        let ahead = (self.keyframe? - end).0 + self.gop;
        (self.is_steady && ahead >= -half).then_some(ahead <= half)
    }

    /// The leader is silent, the others go on: decides up to `until` without it.
    pub(super) fn without_leader(&mut self, until: Ticks) {
        if self.newest.is_none() {
            self.open(until);
        }
        self.force(until.0, self.target);
        self.frontier = self.frontier.max(until);
    }

    /// Everything up to now is decided: the section is over.
    pub(super) fn decide_all(&mut self) {
        self.frontier = Ticks(i64::MAX / 2);
    }

    /// Takes back the newest cut, in whose segment no rendition has anything.
    pub(super) fn take_back(&mut self) {
        if self.newest.take().is_some() {
            self.list.pop_back();
            self.next_msn -= 1;
        }
    }

    /// A new section starts; its first segment is marked, unless it is the first of all.
    pub(super) fn restart(&mut self) {
        self.list.clear();
        self.newest = None;
        self.keyframe = None;
        self.is_steady = false;
        self.frontier = NOTHING;
        self.discontinuity = self.next_msn > 0;
    }

    /// The section to come begins with this Media Sequence Number; what comes before it is listed already.
    pub(super) const fn go_on_at(&mut self, msn: u64) {
        self.next_msn = msn;
        self.discontinuity = msn > 0;
    }

    /// A segment between two sections, in which nobody has anything. The discontinuity stays with the section to come.
    pub(super) const fn gap(&mut self, at: Ticks) -> Cut {
        let msn = self.next_msn;
        self.next_msn += 1;
        Cut { msn, at, discontinuity: false }
    }

    /// Forgets the cuts before a segment: all renditions have passed them.
    pub(super) fn forget_before(&mut self, msn: u64) {
        while self.list.front().is_some_and(|cut| cut.msn < msn) {
            self.list.pop_front();
        }
    }

    /// Cuts at the target duration while a segment up to `until` would be `longest` or more.
    fn force(&mut self, until: i64, longest: i64) {
        while let Some(newest) = self.newest.filter(|newest| until - newest.0 >= longest) {
            self.open(Ticks((newest.0 + self.target).max(self.frontier.0 + 1)));
        }
    }

    fn open(&mut self, at: Ticks) {
        let discontinuity = std::mem::take(&mut self.discontinuity);
        self.list.push_back(Cut { msn: self.next_msn, at, discontinuity });
        self.next_msn += 1;
        self.newest = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const FRAME: i64 = 3000;

    fn cuts_of(keyframes: &[i64], frames: i64) -> Vec<i64> {
        let mut cuts = Cuts::new(Ticks(180_000), 4);
        for frame in 0..frames {
            let (at, keyframe) = (Ticks(frame * FRAME), keyframes.contains(&frame));
            let sample = Sample {
                pts: at,
                dts: at,
                delay: Ticks(0),
                keyframe,
                data: Bytes::new(),
                arrived_us: 0,
            };
            cuts.leader(&sample, Ticks(FRAME), false);
        }
        cuts.list.iter().map(|cut| cut.at.0 / FRAME).collect()
    }

    #[test]
    fn segments_end_at_the_first_keyframe_after_two_seconds() {
        let every = |step: usize| (0..300).step_by(step).collect::<Vec<i64>>();
        assert_eq!(cuts_of(&every(30), 200), [0, 60, 120, 180]);
        assert_eq!(cuts_of(&every(90), 200), [0, 90, 180]);
        assert_eq!(cuts_of(&every(60), 200), [0, 60, 120, 180]);
        assert_eq!(cuts_of(&[10, 20, 70, 75, 130], 200), [10, 70, 130]);
    }

    #[test]
    fn segments_end_early_where_the_next_keyframe_would_be_too_late() {
        let every = |step: usize| (0..400).step_by(step).collect::<Vec<i64>>();
        assert_eq!(cuts_of(&every(45), 200)[..3], [0, 90, 180]); // 3 s fit the target of 4
        assert_eq!(cuts_of(&every(110), 400)[..3], [0, 110, 220]);
        assert_eq!(cuts_of(&[0, 100, 150, 250, 300], 320), [0, 100, 150, 250, 300]);
    }

    #[test]
    fn no_segment_outgrows_the_target_duration() {
        // The next keyframe comes after 10 s: forced once the segment would round to 5 s.
        let cuts = cuts_of(&[0, 300], 320);
        assert_eq!(cuts, [0, 133, 267, 300]);
        for pair in cuts.windows(2) {
            assert!((pair[1] - pair[0]) * FRAME < 4 * 90_000 + 45_000, "{cuts:?}");
        }
    }

    /// What is expected at the end of the last of so many frames.
    fn expected(keyframes: &[i64], frames: i64) -> Option<bool> {
        let mut cuts = Cuts::new(Ticks(60 * FRAME), 4);
        for frame in 0..frames {
            let (delay, data) = (Ticks(0), Bytes::new());
            let (at, keyframe) = (Ticks(frame * FRAME), keyframes.contains(&frame));
            let sample = Sample { pts: at, dts: at, delay, keyframe, data, arrived_us: 0 };
            cuts.leader(&sample, Ticks(FRAME), false);
        }
        cuts.are_expected_at(Ticks(frames * FRAME), cuts.next_msn(), Ticks(FRAME))
    }

    #[test]
    fn a_cut_is_expected_where_keyframes_come_steadily() {
        // Within two seconds none can come, wherever keyframes are.
        assert_eq!(
            (expected(&[0], 50), expected(&[0, 60, 90, 120], 170)),
            (Some(false), Some(false))
        );
        // Behind them nobody can tell, until the third keyframe came as far behind the second as that behind the first.
        assert_eq!((expected(&[0], 60), expected(&[0, 60], 120)), (None, None));
        let steady = [0, 60, 120, 180];
        assert_eq!((expected(&steady, 179), expected(&steady, 180)), (Some(false), Some(true)));
        assert_eq!((expected(&steady, 240), expected(&steady, 241)), (Some(true), None));
        assert_eq!(
            (expected(&[0, 60, 120, 190], 250), expected(&[0, 90, 180], 260)),
            (None, Some(false))
        );
    }

    #[test]
    fn a_cut_that_is_decided_is_expected_where_it_is() {
        let cuts = Cuts::given(0, &[Ticks(0), Ticks(180_000)], Ticks(400_000));
        let at = |end| cuts.are_expected_at(Ticks(end), 1, Ticks(FRAME));
        assert_eq!((at(150_000), at(179_000), at(180_000)), (Some(false), Some(true), Some(true)));
    }

    #[test]
    fn given_cuts_are_all_there_are() {
        let mut cuts = Cuts::given(7, &[Ticks(0), Ticks(180)], Ticks(400));
        assert_eq!(cuts.get(8), Some(Cut { msn: 8, at: Ticks(180), discontinuity: false }));
        assert_eq!((cuts.get(6), cuts.get(9), cuts.until()), (None, None, Some(Ticks(400))));
        assert!(cuts.is_decided(9, Ticks(399)) && cuts.frontier() < Ticks(0));
        cuts.forget_before(8);
        assert_eq!((cuts.get(7), cuts.get(8).map(|cut| cut.msn)), (None, Some(8)));
    }

    #[test]
    fn without_the_leader_cuts_keep_the_cadence() {
        let mut cuts = Cuts::new(Ticks(180_000), 2);
        cuts.without_leader(Ticks(1000));
        cuts.without_leader(Ticks(1000 + 2 * 180_000));
        let at: Vec<i64> = cuts.list.iter().map(|cut| cut.at.0).collect();
        assert_eq!(at, [1000, 181_000, 361_000]);
        cuts.forget_before(1);
        assert_eq!(
            (cuts.get(0), cuts.get(1).map(|cut| cut.msn), cuts.get(3)),
            (None, Some(1), None)
        );
    }
}
