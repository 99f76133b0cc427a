//! Which pictures the I-frame playlist lists, and how they lie in a segment.
//!
//! In: the samples of parts as they close. Out: the fragments to write them in, and the entries of the
//! I-frame playlist once the segment has ended. Does not know bytes.
//!
//! An entry is a byte range of the media segment (4.4.3.6), and with the init segment alone it must
//! give its picture. Packagers commonly let the range run from the `moof` of a whole part to the end
//! of its first sample. Such a `moof` promises samples that are not delivered: FFmpeg calls that
//! corrupt, and Media Source Extensions refuse it unless the player writes the boxes anew; and it
//! reaches only a picture that stands first in its part. So each listed picture gets a fragment of
//! its own, one sample long: the range is then a whole `moof` and a whole `mdat`, wherever in the part
//! the picture stands, for some 100 bytes more. A part may hold several fragments (3.1.2).

use std::sync::Arc;

use shared_media::{Anchor, Ticks};
use shared_playlist::media::{ByteRange, Head, Segment as Listed};

use crate::cmaf::TimedSample;

/// The listed pictures of the segment being filled, in order.
#[derive(Debug, Default)]
pub(super) struct IFrames {
    found: Vec<IFrame>,
}

/// A listed picture.
#[derive(Debug, Clone, Copy)]
struct IFrame {
    shown: Ticks,
    range: ByteRange,
}

impl IFrames {
    /// Cuts the samples of a part into fragments: each keyframe that is to be listed, and whatever
    /// stands between. The segment's first keyframe is listed, and every one at least `apart` after
    /// the last that was. Says of each fragment when its picture is shown, if it is a listed one.
    pub(super) fn cut<'a>(
        &self,
        samples: &'a [TimedSample],
        apart: Ticks,
    ) -> Vec<(&'a [TimedSample], Option<Ticks>)> {
        let mut last = self.found.last().map(|last| last.shown);
        let mut fragments = Vec::new();
        let mut rest = samples;
        while !rest.is_empty() {
            let listed = rest.iter().position(|sample| {
                sample.keyframe && last.is_none_or(|last| sample.pts - last >= apart)
            });
            let (before, from) = rest.split_at(listed.unwrap_or(rest.len()));
            if !before.is_empty() {
                fragments.push((before, None));
            }
            let (picture, after) = from.split_at(from.len().min(1));
            if let Some(first) = picture.first() {
                last = Some(first.pts);
                fragments.push((picture, last));
            }
            rest = after;
        }
        fragments
    }

    /// A listed picture, shown at that time, was written there.
    pub(super) fn push(&mut self, shown: Ticks, offset: usize, length: usize) {
        let range = ByteRange { length: length as u64, offset: offset as u64 };
        self.found.push(IFrame { shown, range });
    }

    /// The same with the bytes as they were noted.
    pub(super) fn push_range(&mut self, shown: Ticks, length: u64, offset: u64) {
        self.found.push(IFrame { shown, range: ByteRange { length, offset } });
    }

    /// Those of the listed pictures that lie within so many bytes.
    pub(super) fn within(mut self, bytes: u64) -> Self {
        self.found.retain(|found| found.range.offset + found.range.length <= bytes);
        self
    }

    /// When each listed picture is shown, how many bytes it has and how many stand before it: those after the first
    /// `known`.
    pub(super) fn found(&self, known: usize) -> Vec<(i64, u64, u64)> {
        let picture = |found: &IFrame| (found.shown.0, found.range.length, found.range.offset);
        self.found.iter().skip(known).map(picture).collect()
    }

    /// How many pictures are listed.
    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    /// The entries of the I-frame playlist for a segment, now that it has ended. Together they last as
    /// long as the segment. A segment without a listed picture is a gap in the I-frame playlist.
    pub(super) fn entries(
        &self,
        segment: &Listed,
        start: Ticks,
        anchor: Anchor,
    ) -> Vec<Arc<Listed>> {
        let entry = |head, range: Option<ByteRange>, duration| {
            let (uri, parts, gap) = (segment.uri.clone(), Vec::new(), range.is_none());
            Arc::new(Listed { head, uri, range, duration, gap, parts })
        };
        if segment.gap || self.found.is_empty() {
            return vec![entry(segment.head.clone(), None, segment.duration)];
        }
        let ends = self.found.iter().skip(1).map(|next| next.shown);
        // Every segment opens with its keyframe: the first is shown at its start.
        let mut from = start;
        let mut entries = Vec::with_capacity(self.found.len());
        for (found, end) in self.found.iter().zip(ends.chain([start + segment.duration])) {
            let head = Head {
                discontinuity: segment.head.discontinuity && entries.is_empty(),
                map: segment.head.map.clone(),
                utc_us: anchor.utc_us_at(from),
            };
            entries.push(entry(head, Some(found.range), end - from));
            from = end;
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const SECOND: i64 = 90_000;
    const APART: Ticks = Ticks(36_000);

    fn samples(keyframes: &[i64], count: i64) -> Vec<TimedSample> {
        let sample = |n: i64| {
            let (at, keyframe) = (Ticks(n * 3000), keyframes.contains(&n));
            TimedSample { dts: at, end: at + Ticks(3000), pts: at, keyframe, data: Bytes::new() }
        };
        (0..count).map(sample).collect()
    }

    fn lengths(i_frames: &IFrames, samples: &[TimedSample]) -> Vec<(usize, Option<i64>)> {
        let cut = i_frames.cut(samples, APART);
        let shape = |(part, shown): &(&[TimedSample], Option<Ticks>)| {
            (part.len(), shown.map(|shown| shown.0 / 3000))
        };
        cut.iter().map(shape).collect()
    }

    #[test]
    fn a_listed_picture_stands_alone_in_its_fragment_wherever_it_is() {
        let fresh = IFrames::default();
        assert_eq!(lengths(&fresh, &samples(&[0], 10)), [(1, Some(0)), (9, None)]);
        assert_eq!(lengths(&fresh, &samples(&[], 10)), [(10, None)]);
        let twice = samples(&[0, 15], 16);
        assert_eq!(lengths(&fresh, &twice), [(1, Some(0)), (14, None), (1, Some(15))]);
        assert_eq!(lengths(&fresh, &[]), []);
    }

    #[test]
    fn pictures_that_stand_too_close_are_not_all_listed() {
        let all: Vec<i64> = (0..30).collect();
        let expected =
            [(1, Some(0)), (11, None), (1, Some(12)), (11, None), (1, Some(24)), (5, None)];
        assert_eq!(lengths(&IFrames::default(), &samples(&all, 30)), expected);
        let mut before = IFrames::default();
        before.push(Ticks(-12_000), 0, 100);
        assert_eq!(lengths(&before, &samples(&all, 10)), [(8, None), (1, Some(8)), (1, None)]);
    }

    #[test]
    fn entries_last_as_long_as_their_segment() {
        let mut i_frames = IFrames::default();
        for (at, offset) in [(0, 0), (SECOND / 2, 5000), (3 * SECOND / 2, 9000)] {
            i_frames.push(Ticks(10 * SECOND + at), offset, 700);
        }
        let head = Head { discontinuity: true, map: Some("e/i0.mp4".into()), utc_us: 10_000_000 };
        let (uri, duration) = ("e/s5.m4s".to_owned(), Ticks(2 * SECOND));
        let segment = Listed { head, uri, range: None, duration, gap: false, parts: Vec::new() };
        let entries = i_frames.entries(&segment, Ticks(10 * SECOND), Anchor { utc_us: 0 });
        let durations: Vec<i64> = entries.iter().map(|entry| entry.duration.0).collect();
        assert_eq!(durations, [SECOND / 2, SECOND, SECOND / 2]);
        let dates: Vec<i64> = entries.iter().map(|entry| entry.head.utc_us).collect();
        assert_eq!(dates, [10_000_000, 10_500_000, 11_500_000]);
        let breaks: Vec<bool> = entries.iter().map(|entry| entry.head.discontinuity).collect();
        assert_eq!(breaks, [true, false, false]);
        assert_eq!(entries[1].range, Some(ByteRange { length: 700, offset: 5000 }));
        let gap = Listed { gap: true, ..segment };
        let entries = IFrames::default().entries(&gap, Ticks(10 * SECOND), Anchor { utc_us: 0 });
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].gap, entries[0].range, entries[0].duration), (true, None, duration));
    }
}
