//! The date ranges of a show: which its playlists list, and which left them lately.
//!
//! In: ranges as they are told and taken back, and where the oldest playlist begins. Out: their tags, with what a delta
//! update may leave out. Does not know playlists' text, nor who tells.
//!
//! A range leaves when all playlists begin after its end: by itself, as it is planned, or where the next of its class
//! starts. One whose end nobody knows is still going on, so it stays; if there is no room for another, the oldest of
//! those that started before every playlist makes it.

use std::collections::VecDeque;
use std::sync::Arc;

use shared_playlist::date_range::{DateRange, DateRangeError, DateRanges as Listed};

use super::journal::Line;

/// Most ranges that playlists list at a time. Every viewer reads all of them.
pub(super) const RANGES_MAX: usize = 128;
/// Most bytes of their tags together.
const TAG_BYTES_MAX: usize = 64 << 10;
/// Most ranges that are remembered for having left.
const REMOVED_MAX: usize = 2 * RANGES_MAX;

/// Why a range is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DateRangeRefusal {
    /// It, or what it and the range of the same id say together, cannot be; the caller's fault.
    #[error(transparent)]
    Wrong(#[from] DateRangeError),
    /// There are as many as a show may have, and none that could go; the caller's fault.
    #[error("the show has as many date ranges as it may: delete one, or let one end")]
    Full,
}

/// All ranges of a show.
#[derive(Debug, Default)]
pub(super) struct DateRanges {
    entries: Vec<Entry>,
    removed: VecDeque<Removed>,
    /// Of what changed since they were taken.
    notes: Vec<Line>,
}

#[derive(Debug)]
struct Entry {
    range: DateRange,
    tag: Arc<str>,
    /// When playlists got it as it is, in microseconds of the driver's monotonic clock.
    told_us: u64,
}

#[derive(Debug)]
struct Removed {
    id: Arc<str>,
    /// It was taken back: the recording has it no more either.
    taken_back: bool,
    at_us: u64,
}

impl DateRanges {
    /// Takes a range, or more about one. Gives all that is known of it, and whether anything is new.
    pub(super) fn put(
        &mut self,
        range: DateRange,
        first_ms: Option<i64>,
        now_us: u64,
    ) -> Result<(DateRange, bool), DateRangeRefusal> {
        range.check()?;
        let at = self.entries.iter().position(|entry| entry.range.id == range.id);
        let known = at.and_then(|at| self.entries.get(at)).map(|entry| &entry.range);
        let range = known.map_or(Ok(range.clone()), |known| known.merged(range))?;
        if known == Some(&range) {
            return Ok((range, false));
        }
        let tag = range.tag();
        while at.is_none() && !self.has_room(tag.len()) {
            let before = |entry: &Entry| first_ms.is_some_and(|first| entry.range.start_ms < first);
            let oldest = self.entries.iter().enumerate().filter(|(_, entry)| before(entry));
            let oldest = oldest.min_by_key(|(_, entry)| entry.range.start_ms).map(|(at, _)| at);
            self.leave(oldest.ok_or(DateRangeRefusal::Full)?, now_us);
        }
        self.replay(range.clone(), now_us);
        self.notes.push(Line::DateRange(range.clone()));
        Ok((range, true))
    }

    fn has_room(&self, bytes: usize) -> bool {
        let used: usize = self.entries.iter().map(|entry| entry.tag.len()).sum();
        self.entries.len() < RANGES_MAX && used + bytes <= TAG_BYTES_MAX
    }

    /// Takes a range as it was taken once.
    pub(super) fn replay(&mut self, range: DateRange, now_us: u64) {
        self.removed.retain(|removed| *removed.id != *range.id);
        let known = self.entries.iter_mut().find(|entry| entry.range.id == range.id);
        let tag = range.tag().into();
        let entry = Entry { range, tag, told_us: now_us };
        match known {
            Some(known) => *known = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes a range back, and gives it; `None` if there is none of this id.
    pub(super) fn take_back(&mut self, id: &str, now_us: u64) -> Option<DateRange> {
        let entry = self.entries.iter().find(|entry| entry.range.id == id)?;
        let range = entry.range.clone();
        self.gone(id.into(), true, now_us);
        Some(range)
    }

    /// A range left, as it did once.
    pub(super) fn replay_removed(&mut self, id: Arc<str>, taken_back: bool, now_us: u64) {
        self.entries.retain(|entry| *entry.range.id != *id);
        self.removed.push_back(Removed { id, taken_back, at_us: now_us });
        if self.removed.len() > REMOVED_MAX {
            self.removed.pop_front();
        }
    }

    fn leave(&mut self, at: usize, now_us: u64) {
        let id: Option<Arc<str>> = self.entries.get(at).map(|entry| entry.range.id.as_str().into());
        id.into_iter().for_each(|id| self.gone(id, false, now_us));
    }

    fn gone(&mut self, id: Arc<str>, taken_back: bool, now_us: u64) {
        self.replay_removed(id, taken_back, now_us);
        self.notes.extend(self.removed.back().map(Removed::line));
    }

    /// The notes of what changed since they were taken last.
    pub(super) fn take_notes(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.notes)
    }

    /// Lets go what ended before `first_ms`, where the oldest playlist begins, in milliseconds since the Unix epoch.
    pub(super) fn slide(&mut self, first_ms: i64, now_us: u64) {
        while let Some(at) = self
            .entries
            .iter()
            .position(|entry| self.end(&entry.range).is_some_and(|end| end < first_ms))
        {
            self.leave(at, now_us);
        }
    }

    /// When a range ends, if that is known.
    fn end(&self, range: &DateRange) -> Option<i64> {
        let next = || {
            let same = self.entries.iter().map(|entry| &entry.range);
            let same = same.filter(|other| other.class == range.class && other.id != range.id);
            same.map(|other| other.start_ms).filter(|start| *start >= range.start_ms).min()
        };
        let planned = || range.start_ms.checked_add_unsigned(range.planned_duration_ms?);
        range.end().or_else(planned).or_else(|| range.end_on_next.then(next).flatten())
    }

    /// All ranges, in the order they were told first.
    pub(super) fn all(&self) -> Vec<DateRange> {
        self.entries.iter().map(|entry| entry.range.clone()).collect()
    }

    /// The tag of one.
    pub(super) fn tag(&self, id: &str) -> Option<&str> {
        self.entries.iter().find(|entry| entry.range.id == id).map(|entry| &*entry.tag)
    }

    /// The tags of all.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.tag)
    }

    /// The ids of those that were taken back.
    pub(super) fn taken_back(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().filter(|removed| removed.taken_back).map(|removed| &*removed.id)
    }

    /// What playlists list. What is there for longer than the skip boundary may be skipped, and what left within it is
    /// named (6.2.5.1).
    pub(super) fn listed(&self, now_us: u64, skip_us: u64) -> Listed {
        let is_recent = |at_us: u64| now_us.saturating_sub(at_us) <= skip_us;
        let tag = |entry: &Entry| (Arc::clone(&entry.tag), !is_recent(entry.told_us));
        let removed = self.removed.iter().filter(|removed| is_recent(removed.at_us));
        Listed {
            tags: self.entries.iter().map(tag).collect(),
            removed: removed.map(|removed| Arc::clone(&removed.id)).collect(),
        }
    }

    /// The notes of all there is.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let ranges = self.entries.iter().map(|entry| Line::DateRange(entry.range.clone()));
        self.removed.iter().map(Removed::line).chain(ranges)
    }
}

impl Removed {
    fn line(&self) -> Line {
        Line::DateRangeGone { id: Arc::clone(&self.id), taken_back: self.taken_back }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(id: &str, start_ms: i64) -> DateRange {
        DateRange { id: id.to_owned(), start_ms, ..DateRange::default() }
    }

    fn ids(ranges: &DateRanges) -> Vec<String> {
        ranges.all().into_iter().map(|range| range.id).collect()
    }

    #[test]
    fn a_range_leaves_with_its_end_and_is_named_until_the_skip_boundary() {
        let mut ranges = DateRanges::default();
        let ends = DateRange { duration_ms: Some(1000), ..range("ends", 5000) };
        let class = Some("c".to_owned());
        let first = DateRange { class: class.clone(), end_on_next: true, ..range("first", 1000) };
        let next = DateRange { class, ..range("next", 7000) };
        for range in [ends, first, next, range("open", 0)] {
            ranges.put(range, None, 10).unwrap();
        }
        assert_eq!(ranges.take_notes().len(), 4);
        ranges.slide(6000, 20);
        assert!(ranges.take_notes().is_empty());
        ranges.slide(6001, 20);
        assert_eq!(ids(&ranges), ["first", "next", "open"]);
        ranges.slide(7001, 30);
        assert_eq!(ranges.take_notes().len(), 2);
        assert_eq!(ids(&ranges), ["next", "open"]);
        let listed = ranges.listed(120, 100);
        assert_eq!(listed.tags.iter().filter(|(_, is_old)| *is_old).count(), 2);
        assert_eq!(listed.removed, ["ends".into(), "first".into()]);
        assert_eq!(ranges.listed(125, 100).removed, ["first".into()]);
        assert_eq!(ranges.listed(131, 100).removed, []);
    }

    #[test]
    fn the_oldest_that_started_before_the_window_makes_room_and_nothing_else_does() {
        let mut ranges = DateRanges::default();
        for number in 0..RANGES_MAX {
            let start = 1000 + i64::try_from(number).unwrap();
            ranges.put(range(&format!("r{number}"), start), Some(0), 0).unwrap();
        }
        let more = range("more", 9000);
        assert_eq!(ranges.put(more.clone(), Some(1000), 0), Err(DateRangeRefusal::Full));
        ranges.put(more, Some(1001), 0).unwrap();
        let ids = ids(&ranges);
        assert_eq!((ids.len(), &*ids[0], &*ids[127]), (RANGES_MAX, "r1", "more"));
        assert_eq!(ranges.take_back("more", 0).map(|range| range.start_ms), Some(9000));
        assert_eq!(ranges.take_back("more", 0), None);
        assert_eq!(ranges.taken_back().collect::<Vec<_>>(), ["more"]);
        ranges.put(range("more", 9000), None, 0).unwrap();
        assert_eq!(ranges.taken_back().count(), 0);
    }

    #[test]
    fn tags_have_a_size_together() {
        let mut ranges = DateRanges::default();
        let long = |number: usize| {
            let text = shared_playlist::date_range::Value::Text("x".repeat(3000));
            let attributes = [("X-A".to_owned(), text)].into_iter().collect();
            DateRange { attributes, ..range(&format!("r{number}"), 0) }
        };
        let taken = (0..RANGES_MAX).take_while(|n| ranges.put(long(*n), None, 0).is_ok()).count();
        assert_eq!(taken, 21);
    }
}
