//! A piece of a film: its cuts are given, and nobody watches while it is made.
//!
//! In: [`Given`], then the events of a ladder. Out: init segments, segments, and for each the lines that the film's
//! recordings have of it ([`Append`](super::Output::Append), without a beginning); [`Facts`](super::Facts) at the end.
//! The first lines that come for a playlist are the first segment's. Does not know the pieces before and after: their
//! lines, one after another, are the whole film's.
//!
//! Pictures are decoded at the times at which pictures are shown, one after another: a film may have them at any
//! distance, and reorder them, so that those its encoder gave would not do. A show cannot wait until it knows them.
//!
//! Every rendition has exactly the given segments, and they last as long as the piece, to the tick. A rendition goes on
//! without the others, however far they are behind; the captions alone follow the slowest of them. What lies before the
//! piece is dropped, what lies behind it is left to the next. There are no parts, no notes and no live playlists.

use serde::{Deserialize, Serialize};
use shared_media::{Anchor, TICKS_PER_SECOND, Ticks, TrackConfig};
use shared_wire::ShowId;

use super::Machine;
use super::cuts::Cuts;
use super::form::Form;
use super::track::Track;
use crate::cmaf::TimedSample;
use crate::config::Config;

/// What a segment has of fragments at most, as a rule: those of a piece count on from those of the piece before.
const FRAGMENTS: u64 = 32;

/// Where a piece of a film is cut, and what its objects are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The Media Sequence Number of its first segment.
    pub first_msn: u64,
    /// Where each of its segments begins, ascending.
    pub cuts: Vec<Ticks>,
    /// Where the last one ends.
    pub until: Ticks,
    /// `EXT-X-TARGETDURATION` of the film, in seconds.
    pub target_duration_s: u32,
    /// The number of the first init segment of each of its renditions; no other piece has it.
    pub init: u32,
}

impl Given {
    /// Where the first segment begins.
    pub(super) fn begin(&self) -> Ticks {
        self.cuts.first().copied().unwrap_or(self.until)
    }

    /// How many fragments were written before, as they count themselves.
    pub(super) fn fragments(&self) -> u32 {
        u32::try_from(self.first_msn.wrapping_mul(FRAGMENTS) & u64::from(u32::MAX)).unwrap_or(0)
    }
}

/// How long pictures wait to be reordered, if they are, in every piece of a film that is configured so: players that
/// have read one piece's init segment may not look at the next one's edit list. Encoders look three pictures ahead at
/// most, as a rule.
pub(super) fn reorder_delay(config: &TrackConfig, measured: Ticks) -> Ticks {
    let TrackConfig::Video(video) = config else { return Ticks::ZERO };
    let frame = video.frame_duration().unwrap_or(Ticks(TICKS_PER_SECOND / 30));
    let frame = frame.clamp(Ticks::ZERO, Ticks(TICKS_PER_SECOND / 10));
    if measured > Ticks::ZERO { Ticks(frame.0 * 3) } else { Ticks::ZERO }
}

/// Puts the samples of a segment on the decode timeline, the first, which is shown before all others, at its time. Each
/// of the others is decoded when the next is shown of those that are left, but no later than it is to be shown itself,
/// counted from `delay`.
pub(super) fn retime(samples: &mut [TimedSample], delay: Ticks) {
    let mut shown: Vec<Ticks> = samples.iter().map(|sample| sample.pts).collect();
    shown.sort_unstable();
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
    let (first, mut end) = (first.pts, last.end);
    let mut next = Ticks(i64::MAX);
    for (sample, at) in samples.iter_mut().zip(shown).rev() {
        sample.dts = at.min(sample.pts + delay).min(next - Ticks(1));
        next = sample.dts;
    }
    let mut earliest = first;
    for sample in samples.iter_mut() {
        sample.dts = sample.dts.max(earliest);
        earliest = sample.dts + Ticks(1);
    }
    for sample in samples.iter_mut().rev() {
        sample.end = end.max(sample.dts + Ticks(1));
        end = sample.dts;
    }
}

impl Machine {
    /// A machine for a piece of a film. Captions are put in before the units, all of them.
    #[must_use]
    pub fn of_piece(
        mut config: Config,
        show: ShowId,
        epoch: String,
        anchor: Anchor,
        given: Given,
    ) -> Self {
        config.window_ms = 0; // nobody looks back
        let mut machine = Self::new(config, show, epoch, anchor);
        machine.common.part_target_us = u32::MAX; // no segment is as long: each is one part
        machine.common.target_duration_s = given.target_duration_s.max(1);
        machine.cuts = Cuts::given(given.first_msn, &given.cuts, given.until);
        machine.common.piece = Some(given);
        machine
    }

    /// Captions of a piece have their segments once all others are past them; if there are no others, at the end.
    pub(super) fn pump_texts(&mut self) {
        if self.common.piece.is_none() {
            return;
        }
        let others = self.tracks.iter().filter(|track| track.form != Form::Text);
        if let Some(begun) = others.map(Track::next_msn).min() {
            self.write_texts(begun);
        }
    }

    fn write_texts(&mut self, before: u64) {
        for track in self.tracks.iter_mut().filter(|track| track.form == Form::Text) {
            track.write_texts(before, &self.cuts, &mut self.common);
        }
    }

    /// Closes every segment of the piece.
    pub(super) fn end_piece(&mut self) {
        self.write_texts(u64::MAX);
        for track in &mut self.tracks {
            track.end_piece(self.cuts.until().unwrap_or_default(), &self.cuts, &mut self.common);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn retimed(pts: &[i64], end: i64, delay: i64) -> Vec<(i64, i64)> {
        let sample = |pts: &i64| {
            let (pts, dts, keyframe) = (Ticks(*pts), Ticks(0), *pts == 0);
            TimedSample { dts, end: dts, pts, keyframe, data: Bytes::new() }
        };
        let mut samples: Vec<TimedSample> = pts.iter().map(sample).collect();
        samples.last_mut().unwrap().end = Ticks(end);
        retime(&mut samples, Ticks(delay));
        samples.iter().map(|sample| (sample.dts.0, sample.end.0)).collect()
    }

    #[test]
    fn pictures_are_decoded_when_pictures_are_shown() {
        let pts = [0, 90, 30, 40];
        assert_eq!(retimed(&pts, 100, 60), [(0, 30), (30, 40), (40, 90), (90, 100)]);
        // A picture cannot be decoded after it is shown.
        assert_eq!(retimed(&pts, 100, 20), [(0, 30), (30, 40), (40, 60), (60, 100)]);
        assert_eq!(retimed(&pts, 100, 0), [(0, 29), (29, 30), (30, 40), (40, 100)]);
        assert_eq!(retimed(&[5], 7, 0), [(5, 7)]);
        // What cannot be, some way or other, at times that only grow.
        assert_eq!(retimed(&[50, 20, 20], 0, 0), [(50, 51), (51, 52), (52, 53)]);
    }

    #[test]
    fn fragments_of_a_piece_count_on_from_those_before() {
        let given = |first_msn| {
            let (cuts, until, target_duration_s, init) = (Vec::new(), Ticks(7), 2, 0);
            Given { first_msn, cuts, until, target_duration_s, init }
        };
        assert_eq!((given(0).fragments(), given(12).fragments()), (0, 384));
        assert_eq!((given(u64::MAX).fragments(), given(0).begin()), (u32::MAX - 31, Ticks(7)));
    }
}
