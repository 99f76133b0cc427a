//! The sliding window of one rendition's live playlists.
//!
//! In: parts and closed segments with their pictures. Out: the pieces of a playlist snapshot. Does not know bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use shared_media::{Anchor, Ticks};
use shared_playlist::Past;
use shared_playlist::media::{Head, OpenSegment, Part, Segment};
use shared_playlist::past;

/// Segments that stay listed however long they are (Apple's authoring rules, 8.11).
const SEGMENTS_MIN: usize = 6;

/// What a live playlist lists.
#[derive(Debug)]
pub(super) struct Window {
    limit: Ticks,
    /// What is further than this from the end becomes text.
    settled: Ticks,
    span: Ticks,
    /// How long the segments are that are not text.
    recent: Ticks,
    /// The oldest segments, as text.
    past: VecDeque<Shelf>,
    /// What the next piece of text goes on with, and that of the pictures.
    past_maps: [Option<Arc<str>>; 2],
    /// How many segments and pictures are text.
    past_counts: (u64, u64),
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

/// A piece of text of the window's past.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) segments: Arc<Past>,
    /// The pictures of those segments, of a rendition that has any.
    pub(super) i_frames: Option<Arc<Past>>,
}

impl Shelf {
    fn counts(&self) -> (u64, u64) {
        let pictures = self.i_frames.as_ref().map_or(0, |pictures| pictures.segments());
        (self.segments.segments() as u64, pictures as u64)
    }
}

impl Window {
    /// A window of `limit`. What ends further from its end than `settled` does not change any more.
    pub(super) fn new(limit: Ticks, settled: Ticks) -> Self {
        Self {
            limit,
            settled,
            span: Ticks::ZERO,
            recent: Ticks::ZERO,
            past: VecDeque::new(),
            past_maps: [None, None],
            past_counts: (0, 0),
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
        self.recent = self.recent + segment.duration;
        self.segments.push_back(Arc::new(segment));
        self.i_frame_counts.push_back(i_frames.len());
        self.i_frames.extend(i_frames);
        self.shelve();
        self.slide();
    }

    /// Makes text of the oldest segments once a whole piece of them is settled.
    fn shelve(&mut self) {
        let piece = self.segments.iter().take(past::SEGMENTS);
        let span = Ticks(piece.map(|segment| segment.duration.0).sum());
        if self.segments.len() <= past::SEGMENTS || self.recent - span <= self.settled {
            return;
        }
        let pictures = self.i_frame_counts.drain(..past::SEGMENTS).sum::<usize>();
        let old: Vec<_> = self.segments.drain(..past::SEGMENTS).collect();
        let old_pictures: Vec<_> =
            self.i_frames.drain(..pictures.min(self.i_frames.len())).collect();
        let [map, i_frames_map] = &mut self.past_maps;
        let segments = Arc::new(Past::new(&old, map));
        let of_pictures = || Arc::new(Past::new(&old_pictures, i_frames_map));
        let i_frames = (!old_pictures.is_empty()).then(of_pictures);
        self.recent = self.recent - span;
        self.push_past(Shelf { segments, i_frames });
    }

    fn push_past(&mut self, shelf: Shelf) {
        let (segments, pictures) = shelf.counts();
        self.past_counts.0 += segments;
        self.past_counts.1 += pictures;
        self.past.push_back(shelf);
    }

    /// Drops what is older than the window: of text a whole piece at a time.
    fn slide(&mut self) {
        while let Some(first) = self.past.front() {
            let (segments, pictures) = first.counts();
            let duration = first.segments.duration();
            if self.span - duration < self.limit {
                return;
            }
            self.media_sequence += segments;
            self.discontinuity_sequence += first.segments.discontinuities();
            self.i_frame_sequence += pictures;
            self.past_counts.0 -= segments;
            self.past_counts.1 -= pictures;
            self.span = self.span - duration;
            self.past.pop_front();
        }
        while let Some(first) = self.segments.front().map(Arc::clone) {
            if self.segments.len() <= SEGMENTS_MIN || self.span - first.duration < self.limit {
                break;
            }
            self.segments.pop_front();
            self.span = self.span - first.duration;
            self.recent = self.recent - first.duration;
            self.media_sequence += 1;
            self.discontinuity_sequence += u64::from(first.head.discontinuity);
            let gone = self.i_frame_counts.pop_front().unwrap_or_default();
            self.i_frames.drain(..gone.min(self.i_frames.len()));
            self.i_frame_sequence += gone as u64;
        }
    }

    /// The oldest segments, as text.
    pub(super) fn past(&self) -> impl Iterator<Item = &Shelf> {
        self.past.iter()
    }

    /// The Media Sequence Number of the first segment that is not text, and that of the first such picture.
    pub(super) const fn recent_sequences(&self) -> (u64, u64) {
        (self.media_sequence + self.past_counts.0, self.i_frame_sequence + self.past_counts.1)
    }

    /// Lists a piece again that an earlier process made, before any segment that is not text.
    pub(super) fn restore_past(&mut self, shelf: Shelf) {
        self.span = self.span + shelf.segments.duration();
        self.past_maps[0] = shelf.segments.map().cloned();
        if let Some(pictures) = &shelf.i_frames {
            self.past_maps[1] = pictures.map().cloned();
        }
        self.push_past(shelf);
    }

    /// Lists segments as gaps whose bytes are gone for good, and so their pictures; whether any was not a gap before.
    pub(super) fn lose_where(&mut self, is_there: impl Fn(&str) -> bool) -> bool {
        let mut changed = self.lose_past_where(&is_there);
        for index in 0..self.segments.len() {
            if self.segments.get(index).is_some_and(|one| !one.gap && !is_there(&one.uri)) {
                self.lose(index);
                changed = true;
            }
        }
        changed
    }

    /// The same for those that are text.
    pub(super) fn lose_past_where(&mut self, is_there: impl Fn(&str) -> bool) -> bool {
        let mut changed = false;
        for shelf in &mut self.past {
            let pieces = [Some(&mut shelf.segments), shelf.i_frames.as_mut()];
            for piece in pieces.into_iter().flatten() {
                if let Some(marked) = piece.with_gaps(&is_there) {
                    *piece = Arc::new(marked);
                    changed = true;
                }
            }
        }
        changed
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
        self.recent_sequences().0 + self.segments.len() as u64
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
        let next_msn = self.next_msn();
        if let Some(open) = &self.open {
            return Some((next_msn, last_part(&open.parts)));
        }
        self.segments.back().map(|segment| (next_msn.saturating_sub(1), last_part(&segment.parts)))
    }

    /// The Media Sequence Number of the last picture.
    pub(super) fn last_i_frame(&self) -> Option<u64> {
        (self.recent_sequences().1 + self.i_frames.len() as u64).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of two seconds with its pictures, the way tracks close them.
    fn close(window: &mut Window, msn: u64, pictures: usize) {
        let map = Some(if msn < 70 { "e/i0.mp4".into() } else { "e/i1.mp4".into() });
        let head = Head { discontinuity: msn % 50 == 7, map, utc_us: 0 };
        let (range, gap, uri) = (None, false, format!("e/s{msn}.m4s"));
        let (duration, parts) = (Ticks(180_000), Vec::new());
        let segment = Segment { head, uri, range, duration, gap, parts };
        let picture = Arc::new(segment.clone());
        window.close(segment, vec![picture; pictures]);
    }

    #[test]
    fn a_long_window_is_mostly_text_and_counts_as_if_it_were_not() {
        let limit = 600_i64;
        let mut window = Window::new(Ticks(limit * 90_000), Ticks(12 * 90_000));
        for msn in 0..2000 {
            close(&mut window, msn, 2);
            let recent = window.segments.len() as u64;
            let (first, first_picture) = window.recent_sequences();
            assert_eq!((first + recent, first_picture), (msn + 1, 2 * first));
            assert_eq!((window.next_msn(), window.last_i_frame()), (msn + 1, Some(2 * msn + 1)));
            // No more than the settled part and a piece, whatever the window's length.
            assert!(recent <= 6 + 1 + past::SEGMENTS as u64, "{recent}");
            let listed: u64 = window.past().map(|shelf| shelf.counts().0).sum::<u64>() + recent;
            assert_eq!(window.media_sequence + listed, msn + 1);
            let whole = i64::try_from(listed).unwrap() * 2;
            assert!(whole >= limit.min(2 * i64::try_from(msn + 1).unwrap()), "{whole} s");
            assert!(whole <= limit + 2 * past::SEGMENTS as i64, "{whole} s");
            let before = (0..window.media_sequence).filter(|msn| msn % 50 == 7).count() as u64;
            assert_eq!(window.discontinuity_sequence, before);
        }
        let first = format!("e/s{}.m4s", window.media_sequence);
        assert!(window.past().next().unwrap().segments.text().contains(&first));
        let gone = format!("e/s{}.m4s", window.media_sequence + 3);
        let before = window.past().next().unwrap().counts();
        assert!(window.lose_where(|uri| uri != gone) && !window.lose_where(|uri| uri != gone));
        let shelf = window.past().next().unwrap();
        assert_eq!(shelf.segments.text().matches("#EXT-X-GAP\n").count(), 1);
        let pictures = shelf.i_frames.as_ref().unwrap();
        assert_eq!(pictures.text().matches("#EXT-X-GAP\n").count(), 2);
        assert_eq!(shelf.counts(), before);
    }

    fn head(discontinuity: bool) -> Head {
        Head { discontinuity, map: None, utc_us: 0 }
    }

    #[test]
    fn segments_leave_in_order_and_discontinuities_are_counted() {
        let mut window = Window::new(Ticks(20 * 90_000), Ticks(12 * 90_000));
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
