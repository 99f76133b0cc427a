//! The sliding window of one rendition's live playlist.
//!
//! In: parts and closed segments. Out: the pieces of a playlist snapshot. Does not know bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use shared_media::Ticks;
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
            discontinuity_sequence: 0,
        }
    }

    /// Lists a part of the open segment; the first one brings what stands before the segment.
    pub(super) fn part(&mut self, head: &Head, part: Part) {
        let open = || OpenSegment { head: head.clone(), parts: Vec::new() };
        self.open.get_or_insert_with(open).parts.push(part);
    }

    /// Lists a whole segment in place of the open one, whose parts become its own.
    pub(super) fn close(&mut self, head: Head, uri: String, duration: Ticks, gap: bool) {
        let parts = self.open.take().map(|open| open.parts).unwrap_or_default();
        self.span = self.span + duration;
        self.segments.push_back(Arc::new(Segment { head, uri, duration, gap, parts }));
        while let Some(first) = self.segments.front().map(Arc::clone) {
            if self.segments.len() <= SEGMENTS_MIN || self.span - first.duration < self.limit {
                break;
            }
            self.segments.pop_front();
            self.span = self.span - first.duration;
            self.media_sequence += 1;
            self.discontinuity_sequence += u64::from(first.head.discontinuity);
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
        for msn in 0..30 {
            window.close(head(msn == 3 || msn == 28), format!("s{msn}"), Ticks(180_000), false);
        }
        assert_eq!(window.segments.len(), 10);
        assert_eq!((window.media_sequence, window.discontinuity_sequence), (20, 1));
        assert_eq!(window.segments[0].uri, "s20");
        assert_eq!(window.last(), Some((29, None)));
        let part = Part { uri: String::new(), duration: Ticks(1), independent: true, gap: false };
        window.part(&head(false), part);
        assert_eq!(window.last(), Some((30, Some(0))));
    }
}
