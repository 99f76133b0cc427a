//! A media playlist as a snapshot, and its text.
//!
//! In: a [`MediaPlaylist`]. Out: the text of its live form, whole or as a delta update; its [`Edge`].
//! Does not know how segments come to be, or when. The text is a pure function of the snapshot.
//!
//! An I-frame playlist (4.4.3.6) is one too: each of its segments is one picture, a [`ByteRange`] of
//! a media segment, and has a Media Sequence Number of its own. It has no parts.

use std::sync::Arc;

use shared_media::Ticks;

use crate::blocking::Edge;
use crate::date_range::DateRanges;
use crate::directives::Skip;
use crate::past::Past;
use crate::write;

/// Parts are listed for this many target durations from the end (6.2.2).
pub const PARTS_TARGETS: i64 = 3;
/// `CAN-SKIP-UNTIL`, in target durations (4.4.3.8: at least 6).
pub const SKIP_TARGETS: i64 = 6;

/// A live media playlist at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPlaylist {
    /// Each segment is one picture that needs no other: `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `EXT-X-TARGETDURATION`, in seconds.
    pub target_duration_s: u32,
    /// `PART-TARGET`, in microseconds. Without parts it is what `PART-HOLD-BACK` is made of all the
    /// same: `EXT-X-SERVER-CONTROL` says the same in every playlist (6.2.4).
    pub part_target_us: u32,
    /// The Media Sequence Number of the first listed segment.
    pub media_sequence: u64,
    /// The number of discontinuities before the first listed segment.
    pub discontinuity_sequence: u64,
    /// The oldest of them, as text: whatever is older than the skip boundary may stand here.
    pub past: Vec<Arc<Past>>,
    /// The complete segments after those, oldest first.
    pub segments: Vec<Arc<Segment>>,
    /// The segment that is still growing, once its first part is there.
    pub open: Option<OpenSegment>,
    /// The next part's URI (`EXT-X-PRELOAD-HINT`).
    pub hint: Option<String>,
    /// One report per other media playlist of the show.
    pub reports: Vec<Report>,
    /// What is said of spans of time (`EXT-X-DATERANGE`).
    pub date_ranges: Arc<DateRanges>,
    /// No more will come: `EXT-X-ENDLIST`.
    pub ended: bool,
}

/// What stands before a segment's first part or URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The segment does not continue the one before (`EXT-X-DISCONTINUITY`).
    pub discontinuity: bool,
    /// URI of the init segment it is read with; `None` where no sample was ever there.
    pub map: Option<Arc<str>>,
    /// UTC of its first sample, in microseconds since the Unix epoch.
    pub utc_us: i64,
}

/// A complete media segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What stands before it.
    pub head: Head,
    /// Where its bytes are, relative to the playlist.
    pub uri: String,
    /// Which of those bytes it is, if not all of them.
    pub range: Option<ByteRange>,
    /// How long it is; of a picture of an I-frame playlist, how long until the next listed one.
    pub duration: Ticks,
    /// There are no bytes: the rendition had no sample in this span (`EXT-X-GAP`).
    pub gap: bool,
    /// Its parts, in order; listed only near the live edge.
    pub parts: Vec<Part>,
}

/// A part of an object (`EXT-X-BYTERANGE`), in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// How many bytes.
    pub length: u64,
    /// How many bytes stand before them.
    pub offset: u64,
}

/// A segment of which only parts are there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSegment {
    /// What stands before it.
    pub head: Head,
    /// Its parts so far, in order.
    pub parts: Vec<Part>,
}

/// A partial segment (`EXT-X-PART`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where its bytes are, relative to the playlist.
    pub uri: String,
    /// How long it is, never more than the part target.
    pub duration: Ticks,
    /// A sample in it needs nothing before it (`INDEPENDENT=YES`).
    pub independent: bool,
    /// There are no bytes (`GAP=YES`).
    pub gap: bool,
}

/// Where another media playlist of the show is (`EXT-X-RENDITION-REPORT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its URI, relative to this playlist.
    pub uri: String,
    /// The last Media Sequence Number in it, complete or not.
    pub last_msn: u64,
    /// The number of the last part in that segment, where it has parts.
    pub last_part: Option<u32>,
}

impl MediaPlaylist {
    /// Its text, whole.
    #[must_use]
    pub fn render(&self) -> String {
        let (head, past, tail) = self.pieces();
        let kept = past.iter().map(|past| past.text().len()).sum::<usize>();
        let mut text = String::with_capacity(head.len() + kept + tail.len());
        text.push_str(&head);
        past.iter().for_each(|past| text.push_str(past.text()));
        text.push_str(&tail);
        text
    }

    /// The pieces that its whole text is put together of, in order.
    #[must_use]
    pub fn pieces(&self) -> (String, &[Arc<Past>], String) {
        let mut head = String::with_capacity(512);
        write::live_header(&mut head, self, false);
        self.write_ranges(&mut head, false);
        // Where the first piece goes on with an init segment of one that was dropped, it is named again.
        if let Some(map) = self.past.first().and_then(|first| first.before()) {
            write::map(&mut head, map);
        }
        (head, &self.past, self.tail(0, self.past.last().and_then(|last| last.map().cloned())))
    }

    /// Its text as a delta update (6.2.5.1); whole if nothing can be skipped, or if it has ended.
    #[must_use]
    pub fn render_delta(&self, skip: Skip) -> String {
        let in_text = self.past_segments();
        let skipped = if self.ended { 0 } else { self.skippable() };
        if self.ended || in_text + skipped == 0 {
            return self.render();
        }
        let mut text = String::with_capacity(8192);
        let without_ranges = skip == Skip::SegmentsAndDateRanges;
        write::live_header(&mut text, self, without_ranges);
        let removed = without_ranges.then_some(&*self.date_ranges.removed);
        write::skip(&mut text, in_text + skipped, removed);
        self.write_ranges(&mut text, without_ranges);
        text.push_str(&self.tail(skipped, None));
        text
    }

    /// What is said of spans of time; without what is old, where that was asked for.
    fn write_ranges(&self, text: &mut String, without_old: bool) {
        for (tag, is_old) in &self.date_ranges.tags {
            if !(without_old && *is_old) {
                write::line!(text, "{tag}");
            }
        }
    }

    /// How many segments stand in [`Self::past`].
    #[must_use]
    pub fn past_segments(&self) -> usize {
        self.past.iter().map(|past| past.segments()).sum()
    }

    /// The Media Sequence Number of the first of [`Self::segments`].
    #[must_use]
    pub fn recent_sequence(&self) -> u64 {
        self.media_sequence.saturating_add(self.past_segments() as u64)
    }

    /// Where its live edge is.
    #[must_use]
    pub fn edge(&self) -> Edge {
        let parts = |parts: &[Part]| u64::try_from(parts.len()).unwrap_or(u64::MAX);
        Edge {
            next_msn: self.recent_sequence().saturating_add(self.segments.len() as u64),
            open_parts: self.open.as_ref().map_or(0, |open| parts(&open.parts)),
            last_parts: self.segments.last().map_or(0, |last| parts(&last.parts)),
            has_parts: !self.i_frames_only,
            ended: self.ended,
        }
    }

    /// How many of the recent segments end further from the playlist's end than the skip boundary.
    fn skippable(&self) -> usize {
        self.older_than(i64::from(self.target_duration_s) * SKIP_TARGETS)
    }

    /// How many of the recent segments, from the first, end more than `seconds` before the playlist's end.
    fn older_than(&self, seconds: i64) -> usize {
        let open = self.open.iter().flat_map(|open| &open.parts);
        let mut from_end: i64 = open.map(|part| part.duration.0).sum();
        for (index, segment) in self.segments.iter().enumerate().rev() {
            if from_end > seconds * shared_media::TICKS_PER_SECOND {
                return index + 1;
            }
            from_end += segment.duration.0;
        }
        0
    }

    /// The recent segments but for the first `skipped`, and whatever follows them, where `map` is in force.
    fn tail(&self, skipped: usize, mut map: Option<Arc<str>>) -> String {
        // About 90 bytes per segment, 70 per part and 600 around them.
        let mut text = String::with_capacity((self.segments.len() - skipped) * 128 + 4096);
        let with_parts = self.older_than(i64::from(self.target_duration_s) * PARTS_TARGETS);
        for (index, segment) in self.segments.iter().enumerate().skip(skipped) {
            write::head(&mut text, &segment.head, &mut map);
            if index >= with_parts {
                write::parts(&mut text, &segment.parts);
            }
            write::segment(&mut text, segment);
        }
        if let Some(open) = &self.open {
            write::head(&mut text, &open.head, &mut map);
            write::parts(&mut text, &open.parts);
        }
        match &self.hint {
            _ if self.ended => text.push_str(write::END),
            Some(uri) => write::hint(&mut text, uri),
            None => {}
        }
        for report in &self.reports {
            write::report(&mut text, report);
        }
        text
    }
}
