//! A recording or film between two points: its playlists with what of it is to be shown, and nothing made anew.
//!
//! In: playlists of what is over, or of a film that grows; where it is to begin and end. Out: the same playlists with
//! the segments that are shown at some time between the two, the same of every rendition. Does not know the store, nor
//! who said so.
//!
//! **Borders are numbers.** They are found once, in one rendition: the same Media Sequence Number is the same time in
//! every other. A segment goes with all its lines; the numbers of the first segment and of its discontinuity go on as
//! if what is before had left a live window (6.2.2). Where the beginning is not that of a segment, `EXT-X-START`
//! (4.4.2.2) says where in the first one it is.

use std::collections::HashSet;

use crate::read::{self, Attributes};
use crate::{date, write};

const SEQUENCE: &str = "#EXT-X-MEDIA-SEQUENCE:";
const DISCONTINUITIES: &str = "#EXT-X-DISCONTINUITY-SEQUENCE:";
const DISCONTINUITY: &str = "#EXT-X-DISCONTINUITY";
const MAP: &str = "#EXT-X-MAP:";
const DATE_RANGE: &str = "#EXT-X-DATERANGE:";

/// Where what is shown begins and ends, within the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Borders {
    /// The first segment, counted from the whole's first.
    first: usize,
    /// The first segment after the last.
    until: usize,
    /// From the whole's beginning to that of the first segment, in microseconds.
    pub begin_us: u64,
    /// From there to where it is to begin.
    pub start_us: u64,
    /// From the whole's beginning to the end of the last segment.
    pub end_us: u64,
    /// UTC of the beginning of the first segment, if the playlist says so, in microseconds since the Unix epoch.
    pub begin_utc_us: Option<i64>,
}

impl Borders {
    /// The borders of what lies between two points of a playlist, both counted in microseconds from its beginning; no
    /// end is the whole's own. `None` if there is nothing between the two.
    #[must_use]
    pub fn find(leader: &str, in_us: u64, out_us: Option<u64>) -> Option<Self> {
        let list = read::media(leader.as_bytes())?;
        let (mut at_us, mut utc_us) = (0_u64, None);
        let mut found: Option<Self> = None;
        for (at, segment) in list.segments.iter().enumerate() {
            let (begin_us, end_us) = (at_us, at_us.saturating_add(segment.duration_us));
            utc_us = segment.date_us.or(utc_us);
            if end_us > in_us && out_us.is_none_or(|out_us| begin_us < out_us) {
                let borders = found.get_or_insert(Self {
                    first: at,
                    until: at,
                    begin_us,
                    start_us: in_us.saturating_sub(begin_us),
                    end_us,
                    begin_utc_us: utc_us,
                });
                (borders.until, borders.end_us) = (at.saturating_add(1), end_us);
            }
            let duration_us = i64::try_from(segment.duration_us).unwrap_or_default();
            utc_us = utc_us.map(|utc_us| utc_us.saturating_add(duration_us));
            at_us = end_us;
        }
        found
    }

    /// UTC of the end of the last segment.
    #[must_use]
    pub fn end_utc_us(&self) -> Option<i64> {
        let length = i64::try_from(self.end_us.saturating_sub(self.begin_us)).ok()?;
        Some(self.begin_utc_us?.saturating_add(length))
    }

    /// A media playlist's text with the segments between the borders alone; `None` if it is none of ours.
    #[must_use]
    pub fn media(&self, text: &str) -> Option<String> {
        let whole = Whole::read(text)?;
        let start = self.start().unwrap_or_default();
        Some(whole.written(&start, self, |at, _| (self.first..self.until).contains(&at)))
    }

    /// An I-frame playlist's text with the pictures of those segments; `beside` is the media playlist of the same
    /// rendition, whole. `None` if either is none of ours.
    #[must_use]
    pub fn i_frames(&self, text: &str, beside: &str) -> Option<String> {
        let segments = Whole::read(beside)?.entries;
        let shown = segments.get(self.first..self.until.min(segments.len())).unwrap_or_default();
        let shown: HashSet<&str> = shown.iter().map(|entry| entry.uri).collect();
        Some(Whole::read(text)?.written("", self, |_, uri| shown.contains(uri)))
    }

    /// A multivariant playlist's text that says where to begin.
    #[must_use]
    pub fn multivariant(&self, text: &str) -> String {
        self.start().map_or_else(|| text.to_owned(), |start| after_header(text, &start))
    }

    /// The tag that says where to begin, with its line feed; `None` where that is the beginning.
    fn start(&self) -> Option<String> {
        let micros = self.start_us;
        let offset = || format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        (micros > 0).then(|| format!("#EXT-X-START:TIME-OFFSET={},PRECISE=YES\n", offset()))
    }
}

/// A multivariant playlist's text with one more line, which belongs to the whole of it.
#[must_use]
pub fn after_header(text: &str, line: &str) -> String {
    let is_basic = |line: &&str| {
        ["#EXTM3U", "#EXT-X-VERSION", "#EXT-X-INDEPENDENT-SEGMENTS"]
            .iter()
            .any(|tag| line.starts_with(tag))
    };
    let at = text.split_inclusive('\n').take_while(is_basic).map(str::len).sum();
    let (header, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    [header, line, rest].concat()
}

/// A media playlist, taken apart.
struct Whole<'a> {
    /// Lines that are for all of it, but for those that count.
    header: Vec<&'a str>,
    sequence: u64,
    discontinuities: u64,
    date_ranges: Vec<&'a str>,
    entries: Vec<Entry<'a>>,
    has_ended: bool,
}

/// A segment with its lines.
#[derive(Default)]
struct Entry<'a> {
    lines: Vec<&'a str>,
    uri: &'a str,
}

impl<'a> Whole<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (mut header, mut entries, mut date_ranges) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sequence, mut discontinuities, mut has_ended) = (None, 0, false);
        let mut entry = Entry::default();
        // Whoever wrote it ends the header with the number of its discontinuities.
        let mut is_header = true;
        for line in text.lines() {
            if let Some(number) = line.strip_prefix(SEQUENCE) {
                sequence = Some(number.parse().ok()?);
            } else if let Some(number) = line.strip_prefix(DISCONTINUITIES) {
                (discontinuities, is_header) = (number.parse().ok()?, false);
            } else if is_header {
                header.push(line);
            } else if line.starts_with(DATE_RANGE) {
                date_ranges.push(line);
            } else if line.trim_end() == write::END.trim_end() {
                has_ended = true;
            } else if line.starts_with('#') {
                entry.lines.push(line);
            } else if !line.is_empty() {
                entry.uri = line;
                entries.push(std::mem::take(&mut entry));
            }
        }
        let sequence = sequence.filter(|_| !is_header)?;
        Some(Self { header, sequence, discontinuities, date_ranges, entries, has_ended })
    }

    /// The text of those entries that are shown.
    fn written(
        &self,
        start: &str,
        borders: &Borders,
        is_shown: impl Fn(usize, &str) -> bool,
    ) -> String {
        let shown: Vec<bool> =
            self.entries.iter().enumerate().map(|(at, entry)| is_shown(at, entry.uri)).collect();
        let first = shown.iter().position(|is| *is).unwrap_or(shown.len());
        let gone = self.entries.iter().take(first);
        let of = |name: &'static str| move |line: &&&str| line.starts_with(name);
        let breaks = gone.clone().flat_map(|entry| &entry.lines);
        let breaks = breaks.filter(|line| **line == DISCONTINUITY).count() as u64;
        // The init segment that was in force there is still.
        let map = gone.clone().flat_map(|entry| &entry.lines).rfind(of(MAP));
        let mut lines = self.header.clone();
        let sequence = format!("{SEQUENCE}{}", self.sequence.saturating_add(first as u64));
        let breaks = format!("{DISCONTINUITIES}{}", self.discontinuities.saturating_add(breaks));
        lines.extend([&*sequence, &*breaks]);
        lines.extend(Some(start.trim_end()).filter(|start| !start.is_empty()));
        lines.extend(self.date_ranges.iter().filter(|line| borders.meets(line)));
        let kept = self.entries.iter().zip(&shown).filter(|(_, is)| **is);
        for (at, (entry, _)) in kept.enumerate() {
            let has_map = entry.lines.iter().any(|line| line.starts_with(MAP));
            let is_lacking = at == 0 && !has_map;
            let breaks = entry.lines.iter().take_while(|line| **line == DISCONTINUITY).count();
            let (breaks, rest) = entry.lines.split_at_checked(breaks).unwrap_or_default();
            lines.extend(breaks);
            lines.extend(map.filter(|_| is_lacking));
            lines.extend(rest);
            lines.push(entry.uri);
        }
        let mut text = lines.join("\n");
        text.push('\n');
        if self.has_ended {
            text.push_str(write::END);
        }
        text
    }
}

impl Borders {
    /// Whether a date range is of any time between the borders.
    fn meets(&self, line: &str) -> bool {
        let Some((begin_us, end_us)) = self.begin_utc_us.zip(self.end_utc_us()) else {
            return true;
        };
        let list = line.strip_prefix(DATE_RANGE).unwrap_or_default();
        let range = Attributes::read(list.as_bytes());
        let date = |name: &str| date::parse(range.get(name)?.as_bytes());
        let Some(from_us) = date("START-DATE") else { return false };
        let lasts = range.micros("DURATION").and_then(|us| i64::try_from(us).ok());
        let until_us = date("END-DATE").or(lasts.map(|us| from_us.saturating_add(us)));
        from_us < end_us && until_us.is_none_or(|until_us| until_us >= begin_us)
    }
}

#[cfg(test)]
mod tests;
