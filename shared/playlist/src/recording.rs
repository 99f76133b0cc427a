//! A recording's playlist: an EVENT playlist that grows, and the VOD playlist it becomes.
//!
//! In: closed segments, or the text written so far. Out: text to append, or the finished text. Does
//! not know the store; it never needs the whole show in memory, and a text whose writer died in the
//! middle of a line still finishes well.

use std::sync::Arc;

use crate::media::Segment;
use crate::write::{self, line};

const EVENT: &str = "#EXT-X-PLAYLIST-TYPE:EVENT";
const VOD: &str = "#EXT-X-PLAYLIST-TYPE:VOD";
/// How the last line of [`header`] starts.
const HEADER_END: &str = "#EXT-X-DISCONTINUITY-SEQUENCE:";

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
        read += line.len();
        let is_uri = !line.starts_with('#') && !line.trim_end().is_empty();
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
/// left out. A text that is finished already stays as it is.
#[must_use]
pub fn finish(text: &str) -> String {
    let mut finished = whole(text).text.replacen(EVENT, VOD, 1);
    finished.push_str(write::END);
    finished
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
}
