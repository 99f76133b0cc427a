//! A recording's playlist: an EVENT playlist that grows, and the VOD playlist it becomes.
//!
//! In: closed segments, or the text written so far. Out: text to append, or the finished text. Does
//! not know the store; it never needs the whole show in memory, and a text whose writer died in the
//! middle of a line still finishes well.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::date_range;
use crate::media::Segment;
use crate::read;
use crate::write::{self, line};

const EVENT: &str = "#EXT-X-PLAYLIST-TYPE:EVENT";
const GAP: &str = "#EXT-X-GAP";
const VOD: &str = "#EXT-X-PLAYLIST-TYPE:VOD";
/// How the last line of [`header`] starts.
const HEADER_END: &str = "#EXT-X-DISCONTINUITY-SEQUENCE:";

/// Begins a line that takes a date range out again. Not `#EXT`: a comment (4.1).
const REMOVED: &str = "#REMOVED-DATERANGE:";

/// The first lines of a recording's playlist, or of its I-frame playlist. Version 8: it may hold gaps
/// (clause 8).
#[must_use]
pub fn header(target_duration_s: u32, i_frames_only: bool) -> String {
    let mut text = String::new();
    line!(text, "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{target_duration_s}");
    if i_frames_only {
        text.push_str(write::I_FRAMES_ONLY);
    }
    line!(text, "{EVENT}\n#EXT-X-MEDIA-SEQUENCE:0\n{HEADER_END}0");
    text
}

/// The lines of one segment. `map` is the init segment in force so far, and becomes this one's.
#[must_use]
pub fn entry(segment: &Segment, map: &mut Option<Arc<str>>) -> String {
    let mut text = String::new();
    write::head(&mut text, &segment.head, map);
    write::segment(&mut text, segment);
    text
}

/// The line that takes a date range out of a recording again; a comment to players, and gone once it is finished.
#[must_use]
pub fn without_date_range(id: &str) -> String {
    format!("{REMOVED}{id}\n")
}

/// The lines that a recording's text lacks of these date ranges: the tags that are not in it, and word of those that
/// are `removed` and still in it.
#[must_use]
pub fn missing_date_ranges<'a>(
    text: &str,
    tags: impl Iterator<Item = &'a str>,
    removed: impl Iterator<Item = &'a str>,
) -> String {
    let mut missing = String::new();
    let state = date_ranges(text);
    for tag in tags {
        let at = date_range::id_of(tag).and_then(|id| state.get(id)).copied().flatten();
        if at.and_then(|at| text.lines().nth(at)) != Some(tag) {
            line!(missing, "{tag}");
        }
    }
    for id in removed.filter(|id| matches!(state.get(id), Some(Some(_)))) {
        missing.push_str(&without_date_range(id));
    }
    missing
}

/// Which line has the last tag of each date range; `None` if it was removed after that.
fn date_ranges(text: &str) -> HashMap<&str, Option<usize>> {
    let mut last = HashMap::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(id) = date_range::id_of(line) {
            last.insert(id, Some(at));
        } else if let Some(id) = line.strip_prefix(REMOVED) {
            last.insert(id, None);
        }
    }
    last
}

/// What a recording's text holds in whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole<'a> {
    /// The text up to the end of its last whole segment.
    pub text: &'a str,
    /// How many segments it has.
    pub segments: u64,
    /// The init segment in force at its end.
    pub map: Option<Arc<str>>,
}

/// What a text holds in whole whose writer may have died in the middle of a line; it can be added to.
#[must_use]
pub fn whole(text: &str) -> Whole<'_> {
    let (mut whole, mut read, mut segments) = (0, 0, 0);
    let (mut map, mut mapped) = (None, None);
    for line in text.split_inclusive('\n') {
        // What is said of a span of time belongs to no segment: it is whole by itself, between two.
        if whole == read && line.ends_with('\n') && is_of_date_range(line) {
            whole += line.len();
        }
        read += line.len();
        let is_uri = is_uri(line);
        if let Some(uri) = line.strip_prefix("#EXT-X-MAP:URI=\"") {
            mapped = uri.split('"').next().map(Arc::from);
        }
        if line.ends_with('\n') && (is_uri || line.starts_with(HEADER_END)) {
            whole = read;
            segments += u64::from(is_uri);
            map = mapped.clone();
        }
    }
    Whole { text: text.get(..whole).unwrap_or_default(), segments, map }
}

/// The VOD form of a recording: what was written in whole, and the end.
///
/// Lines after the last whole segment belong to one that was never written to its end; they are
/// left out. Of each date range the last tag stays, which says all that was said of it, unless it was removed. A text
/// that is finished already stays as it is.
#[must_use]
pub fn finish(text: &str) -> String {
    finish_without(text, &HashSet::new())
}

/// The VOD form of a recording that ends before these URIs: what is at its end of them is left out.
#[must_use]
pub fn finish_without(text: &str, beyond: &HashSet<&str>) -> String {
    let whole = whole(text).text;
    let last = date_ranges(whole);
    let stays_last = |line: &str| {
        line.starts_with(HEADER_END) || is_uri(line) && !beyond.contains(line.trim_end())
    };
    let lines = || whole.split_inclusive('\n').enumerate();
    let end = lines().filter(|(_, line)| stays_last(line)).last().map_or(0, |(at, _)| at);
    let mut finished = String::with_capacity(whole.len() + write::END.len());
    for (at, line) in lines() {
        let id = date_range::id_of(line);
        let stays = !line.starts_with(REMOVED)
            && id.map_or(at <= end, |id| last.get(id).copied().flatten() == Some(at));
        match line.strip_prefix(EVENT) {
            _ if !stays => {}
            Some(end) => finished.extend([VOD, end]),
            None => finished.push_str(line),
        }
    }
    finished.push_str(write::END);
    finished
}

/// How many segments a recording's text has up to the last one that is no gap.
#[must_use]
pub fn kept(text: &str) -> usize {
    let (mut segments, mut kept, mut gap) = (0, 0, false);
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        gap |= line.trim_end() == GAP;
        if is_uri(line) {
            segments += 1;
            kept = if std::mem::take(&mut gap) { kept } else { segments };
        }
    }
    kept
}

/// The URIs of a recording's segments after so many.
pub fn beyond(text: &str, segments: usize) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| is_uri(line)).skip(segments)
}

/// When a recording begins, and how long it plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// UTC of its first picture, in microseconds since the Unix epoch, if it says so.
    pub begin_us: Option<i64>,
    /// How long it plays, gaps and all, in microseconds.
    pub duration_us: u64,
}

/// How long the recording of this text is; `None` if it has not ended, or has nothing.
#[must_use]
pub fn length(text: &str) -> Option<Length> {
    let list = read::media(text.as_bytes()).filter(|list| list.ended)?;
    let begin_us = list.segments.first()?.date_us;
    let duration_us = list.segments.iter().map(|segment| segment.duration_us).sum();
    Some(Length { begin_us, duration_us })
}

/// The rendition that a multivariant playlist names first, by which others are measured.
#[must_use]
pub fn leader(multivariant: &str) -> Option<&str> {
    let uri = multivariant.lines().find(|line| is_uri(line))?;
    uri.strip_suffix("/index.m3u8").filter(|name| !name.contains('/'))
}

fn is_uri(line: &str) -> bool {
    !line.starts_with('#') && !line.trim_end().is_empty()
}

fn is_of_date_range(line: &str) -> bool {
    line.starts_with(REMOVED) || date_range::id_of(line).is_some()
}

#[cfg(test)]
mod tests {
    use shared_media::Ticks;

    use super::*;
    use crate::media::{ByteRange, Head};

    fn recording(segments: u32, range: Option<ByteRange>) -> String {
        let mut text = header(2, range.is_some());
        let mut map = None;
        for msn in 0..segments {
            let head = Head {
                discontinuity: msn == 2,
                map: Some(if msn < 2 { "e/i0.mp4".into() } else { "e/i1.mp4".into() }),
                utc_us: 1_700_000_000_000_000 + i64::from(msn) * 2_000_000,
            };
            let uri = format!("e/s{msn}.m4s");
            let duration = Ticks(180_000);
            let gap = msn == 1;
            let segment = Segment { head, uri, range, duration, gap, parts: Vec::new() };
            text.push_str(&entry(&segment, &mut map));
        }
        text
    }

    #[test]
    fn a_finished_recording_is_a_vod_playlist() {
        let text = finish(&recording(4, None));
        assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n") && !text.contains("EVENT"));
        assert!(text.ends_with("e/s3.m4s\n#EXT-X-ENDLIST\n"), "{text}");
        assert_eq!(finish(&text), text);
        let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
        assert_eq!(parsed.segments.len(), 4);
        assert!(parsed.end_list && parsed.segments[2].discontinuity);
        assert_eq!(parsed.segments[2].map.as_ref().unwrap().uri, "e/i1.mp4");
        assert!(parsed.segments[3].map.is_none());
    }

    #[test]
    fn wherever_the_writer_died_the_whole_segments_stay() {
        for range in [None, Some(ByteRange { length: 900, offset: 100 })] {
            let whole = recording(4, range);
            for cut in header(2, range.is_some()).len()..whole.len() {
                let text = finish(&whole[..cut]);
                let expected = whole[..cut].matches(".m4s\n").count();
                let (_, parsed) = m3u8_rs::parse_media_playlist(text.as_bytes()).unwrap();
                assert_eq!(parsed.segments.len(), expected, "cut at {cut}");
                assert_eq!(parsed.i_frames_only, range.is_some());
                let left = super::whole(&whole[..cut]);
                assert_eq!(left.segments, expected as u64);
                let map = [None, Some("e/i0.mp4"), Some("e/i0.mp4"), Some("e/i1.mp4")];
                assert_eq!(left.map.as_deref(), map[expected.min(3)]);
                assert_eq!(text.matches("#EXTINF").count(), expected);
                assert!(text.ends_with("#EXT-X-ENDLIST\n"));
            }
        }
        assert_eq!(finish(""), "#EXT-X-ENDLIST\n");
    }

    #[test]
    fn gaps_at_the_end_can_be_left_out() {
        let text = recording(5, None).replace("e/s3", "#EXT-X-GAP\ne/s3");
        let text = text.replace("e/s4", "#EXT-X-GAP\ne/s4") + &tag("a", None);
        assert_eq!((kept(&text), kept(&recording(2, None)), kept("")), (3, 1, 0));
        let beyond: HashSet<&str> = super::beyond(&text, 3).collect();
        assert_eq!(beyond, HashSet::from(["e/s3.m4s", "e/s4.m4s"]));
        let cut = finish_without(&text, &beyond);
        assert_eq!(cut, finish(&(recording(3, None) + &tag("a", None))));
        assert_eq!(finish_without(&cut, &beyond), cut);
        let pictures = recording(5, Some(ByteRange { length: 900, offset: 100 }));
        let whole = recording(3, Some(ByteRange { length: 900, offset: 100 }));
        assert_eq!(finish_without(&pictures, &beyond), finish(&whole));
        // What another rendition has stays here, gap or not; and the beginning stays whatever is left out.
        assert_eq!(finish_without(&text, &HashSet::from(["e/s3.m4s"])), finish(&text));
        let all: HashSet<&str> = super::beyond(&text, 0).collect();
        let nothing = finish_without(&text, &all);
        assert!(nothing.starts_with("#EXTM3U\n") && !nothing.contains(".m4s"), "{nothing}");
    }

    fn tag(id: &str, duration_ms: Option<u64>) -> String {
        let range = crate::DateRange { id: id.to_owned(), duration_ms, ..Default::default() };
        format!("{}\n", range.tag())
    }

    #[test]
    fn date_ranges_are_told_once_and_those_taken_back_not_at_all() {
        let begun = recording(2, None);
        let more = recording(3, None).split_off(begun.len());
        let told = [tag("a", None), tag("b", None), tag("a", Some(5)), tag("c", None)].concat();
        let text = [&begun, &*told, &more, &without_date_range("b"), &tag("d", None)].concat();
        let vod = finish(&text);
        assert!(!vod.contains("ID=\"b\"") && !vod.contains("REMOVED"), "{vod}");
        let of = |id: &str| vod.matches(&format!("ID=\"{id}\"")).count();
        assert_eq!((of("a"), of("c"), of("d")), (1, 1, 1), "{vod}");
        assert!(vod.contains(tag("a", Some(5)).trim_end()), "{vod}");
        assert_eq!(finish(&vod), vod);
        let (_, parsed) = m3u8_rs::parse_media_playlist(vod.as_bytes()).unwrap();
        assert_eq!(parsed.segments.len(), 3);
        // The writer died in the middle of the last tag.
        let cut = finish(&text[..text.len() - 4]);
        assert_eq!(cut, vod.replace(&tag("d", None), ""));
    }

    #[test]
    fn a_process_after_another_adds_what_was_not_written() {
        let text = [recording(2, None), tag("a", None), tag("b", None), tag("c", None)].concat();
        let (longer, same, new) = (tag("a", Some(1)), tag("c", None), tag("d", None));
        let tags = [longer.trim_end(), same.trim_end(), new.trim_end()];
        let missing = missing_date_ranges(&text, tags.into_iter(), ["b", "e"].into_iter());
        assert_eq!(missing, [longer.as_str(), &new, &without_date_range("b")].concat());
        let whole = text + &missing;
        let again = missing_date_ranges(&whole, tags.into_iter(), ["b", "e"].into_iter());
        assert_eq!(again, "");
    }
}
