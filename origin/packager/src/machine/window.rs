//! The sliding window of one rendition's live playlists.
//!
//! In: parts and closed segments with their pictures. Out: the pieces of a playlist snapshot. Does not know bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use shared_media::{Anchor, Ticks};
use shared_playlist::media::{Head, OpenSegment, Part, Segment};

/// Segments that stay listed however long they are (Apple's authoring rules, 8.11).
const SEGMENTS_MIN: usize = 6;

/// What a live playlist lists.
#[derive(Debug)]
pub(super) struct Window {
    limit: Ticks,
    span: Ticks,
    pub(super) segments: VecDeque<Arc<Segment>>,
    pub(super) open: Option<OpenSegment>,
    pub(super) media_sequence: u64,
    /// The pictures of those segments; they come and go with them.
    pub(super) i_frames: VecDeque<Arc<Segment>>,
    /// The Media Sequence Number of the first of them; each picture has one of its own.
    pub(super) i_frame_sequence: u64,
    /// How many of them each segment has.
    i_frame_counts: VecDeque<usize>,
    pub(super) discontinuity_sequence: u64,
}

impl Window {
    pub(super) fn new(limit: Ticks) -> Self {
        Self {
            limit,
            span: Ticks::ZERO,
            segments: VecDeque::new(),
            open: None,
            media_sequence: 0,
            i_frames: VecDeque::new(),
            i_frame_sequence: 0,
            i_frame_counts: VecDeque::new(),
            discontinuity_sequence: 0,
        }
    }

    /// Lists a part of the open segment; the first one brings what stands before the segment.
    pub(super) fn part(&mut self, head: &Head, part: Part) {
        let open = || OpenSegment { head: head.clone(), parts: Vec::new() };
        self.open.get_or_insert_with(open).parts.push(part);
    }

    /// Lists a whole segment in place of the open one, whose parts become its own, and its pictures.
    pub(super) fn close(&mut self, mut segment: Segment, i_frames: Vec<Arc<Segment>>) {
        segment.parts = self.open.take().map(|open| open.parts).unwrap_or_default();
        self.span = self.span + segment.duration;
        self.segments.push_back(Arc::new(segment));
        self.i_frame_counts.push_back(i_frames.len());
        self.i_frames.extend(i_frames);
        while let Some(first) = self.segments.front().map(Arc::clone) {
            if self.segments.len() <= SEGMENTS_MIN || self.span - first.duration < self.limit {
                break;
            }
            self.segments.pop_front();
            self.span = self.span - first.duration;
            self.media_sequence += 1;
            self.discontinuity_sequence += u64::from(first.head.discontinuity);
            let gone = self.i_frame_counts.pop_front().unwrap_or_default();
            self.i_frames.drain(..gone.min(self.i_frames.len()));
            self.i_frame_sequence += gone as u64;
        }
    }

    /// The pictures of each segment.
    pub(super) fn i_frames_by_segment(&self) -> impl Iterator<Item = Vec<Arc<Segment>>> {
        let mut pictures = self.i_frames.iter();
        self.i_frame_counts
            .iter()
            .map(move |count| pictures.by_ref().take(*count).cloned().collect())
    }

    /// Begins at these numbers, before anything is listed.
    pub(super) const fn begin_at(&mut self, segment: u64, discontinuity: u64, i_frame: u64) {
        self.media_sequence = segment;
        self.discontinuity_sequence = discontinuity;
        self.i_frame_sequence = i_frame;
    }

    /// Where the last whole segment ends.
    pub(super) fn end(&self, anchor: Anchor) -> Option<Ticks> {
        let last = self.segments.back()?;
        Some(anchor.ticks_at(last.head.utc_us) + last.duration)
    }

    /// The Media Sequence Number after the last whole segment.
    pub(super) fn next_msn(&self) -> u64 {
        self.media_sequence + self.segments.len() as u64
    }

    /// Lists a segment, whose bytes are gone, as a gap, and so its pictures.
    pub(super) fn lose(&mut self, index: usize) {
        let Some(segment) = self.segments.get_mut(index) else { return };
        let lost = Arc::make_mut(segment);
        lost.gap = true;
        lost.parts.iter_mut().for_each(|part| part.gap = true);
        let before: usize = self.i_frame_counts.iter().take(index).sum();
        let count = self.i_frame_counts.get(index).copied().unwrap_or_default();
        for picture in self.i_frames.iter_mut().skip(before).take(count) {
            let picture = Arc::make_mut(picture);
            (picture.gap, picture.range) = (true, None);
        }
    }

    /// Lists parts as gaps that are not there any more, `is_there` being asked by their URI.
    pub(super) fn check_parts(&mut self, is_there: impl Fn(&str) -> bool) {
        for segment in &mut self.segments {
            if segment.parts.iter().any(|part| !part.gap && !is_there(&part.uri)) {
                let parts = &mut Arc::make_mut(segment).parts;
                parts.iter_mut().for_each(|part| part.gap |= !is_there(&part.uri));
            }
        }
    }

    /// The last Media Sequence Number, complete or not, and its last part (4.4.5.4).
    pub(super) fn last(&self) -> Option<(u64, Option<u32>)> {
        let last_part = |parts: &[Part]| u32::try_from(parts.len()).ok()?.checked_sub(1);
        let next_msn = self.media_sequence + self.segments.len() as u64;
        if let Some(open) = &self.open {
            return Some((next_msn, last_part(&open.parts)));
        }
        self.segments.back().map(|segment| (next_msn - 1, last_part(&segment.parts)))
    }

    /// The Media Sequence Number of the last picture.
    pub(super) fn last_i_frame(&self) -> Option<u64> {
        (self.i_frame_sequence + self.i_frames.len() as u64).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(discontinuity: bool) -> Head {
        Head { discontinuity, map: None, utc_us: 0 }
    }

    #[test]
    fn segments_leave_in_order_and_discontinuities_are_counted() {
        let mut window = Window::new(Ticks(20 * 90_000));
        assert_eq!((window.last(), window.last_i_frame()), (None, None));
        for msn in 0..30 {
            let (head, uri) = (head(msn == 3 || msn == 28), format!("s{msn}"));
            let (range, duration, gap, parts) = (None, Ticks(180_000), false, Vec::new());
            let segment = Segment { head, uri, range, duration, gap, parts };
            let picture = Arc::new(segment.clone());
            let pictures = vec![picture; if msn < 22 { 3 } else { 1 }];
            window.close(segment, pictures);
        }
        assert_eq!(window.segments.len(), 10);
        assert_eq!((window.media_sequence, window.discontinuity_sequence), (20, 1));
        assert_eq!(window.segments[0].uri, "s20");
        assert_eq!((window.i_frame_sequence, window.i_frames.len()), (60, 14));
        assert_eq!((&*window.i_frames[0].uri, window.last_i_frame()), ("s20", Some(73)));
        assert_eq!(window.last(), Some((29, None)));
        let part = Part { uri: String::new(), duration: Ticks(1), independent: true, gap: false };
        window.part(&head(false), part);
        assert_eq!(window.last(), Some((30, Some(0))));
    }
}
