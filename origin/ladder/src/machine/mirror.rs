//! Where every rung is cut: exactly where the source is, and in long GOPs also at a fixed cadence.
//!
//! In: timestamps of source keyframes in decoding order, timestamps of pictures in display order. Out: for each
//! picture, whether rungs begin anew there. Depends on nothing before the last source keyframe, so that a replay from
//! there cuts at the same pictures again. Does not know pictures.

use std::collections::VecDeque;

use shared_media::Ticks;

/// Source keyframes that may wait for their picture; a decoder holds back 16 at most.
const EXPECTED_MAX: usize = 64;

/// The list of cuts to come.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    expected: VecDeque<Ticks>,
    cadence: Option<Ticks>,
    next: Option<Ticks>,
}

impl Mirror {
    /// With a cadence, or with the source's keyframes alone.
    pub(crate) fn new(cadence: Option<Ticks>) -> Self {
        Self { cadence, ..Self::default() }
    }

    /// A source keyframe with this timestamp went into the decoder.
    pub(crate) fn expect(&mut self, pts: Ticks) {
        if self.expected.len() == EXPECTED_MAX {
            self.expected.pop_front();
        }
        self.expected.push_back(pts);
    }

    /// From this picture on, cut at the cadence too; this picture is cut.
    pub(crate) fn begin_cadence(&mut self, pts: Ticks, cadence: Ticks) {
        self.cadence = Some(cadence);
        self.next = Some(pts);
    }

    /// Whether rungs begin anew at this picture. Each picture is asked about once.
    ///
    /// A keyframe that the decoder refused hands its cut to the first picture after it.
    pub(crate) fn cuts_at(&mut self, pts: Ticks) -> bool {
        let mut cut = self.next.is_some_and(|next| pts >= next);
        while self.expected.front().is_some_and(|expected| *expected <= pts) {
            self.expected.pop_front();
            cut = true;
        }
        if cut {
            self.next = self.cadence.map(|cadence| pts + cadence);
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(mirror: &mut Mirror, pictures: impl Iterator<Item = i64>) -> Vec<i64> {
        pictures.filter(|pts| mirror.cuts_at(Ticks(*pts))).collect()
    }

    #[test]
    fn source_keyframes_alone() {
        let mut mirror = Mirror::new(None);
        for key in [0, 50, 70] {
            mirror.expect(Ticks(key));
        }
        assert_eq!(cuts(&mut mirror, (0..100).step_by(10)), [0, 50, 70]);
    }

    #[test]
    fn a_refused_keyframe_hands_its_cut_on() {
        let mut mirror = Mirror::new(None);
        mirror.expect(Ticks(0));
        mirror.expect(Ticks(20));
        assert_eq!(cuts(&mut mirror, [0, 10, 30, 40].into_iter()), [0, 30]);
    }

    #[test]
    fn a_cadence_counts_from_each_source_keyframe() {
        let mut mirror = Mirror::new(Some(Ticks(20)));
        mirror.expect(Ticks(0));
        mirror.expect(Ticks(50));
        assert_eq!(cuts(&mut mirror, (0..100).step_by(10)), [0, 20, 40, 50, 70, 90]);
    }

    #[test]
    fn a_replay_from_a_keyframe_cuts_alike() {
        let mut mirror = Mirror::new(Some(Ticks(20)));
        mirror.expect(Ticks(50));
        assert_eq!(cuts(&mut mirror, (50..100).step_by(10)), [50, 70, 90]);
    }

    #[test]
    fn a_cadence_may_begin_within_a_gop() {
        let mut mirror = Mirror::new(None);
        mirror.expect(Ticks(0));
        assert_eq!(cuts(&mut mirror, (0..40).step_by(10)), [0]);
        mirror.begin_cadence(Ticks(40), Ticks(20));
        assert_eq!(cuts(&mut mirror, (40..100).step_by(10)), [40, 60, 80]);
    }
}
