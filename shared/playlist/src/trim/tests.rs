//! Trimmed playlists, against the whole.

use proptest::prelude::*;
use shared_media::Ticks;

use super::*;
use crate::DateRange;
use crate::media::{ByteRange, Head, Segment};
use crate::recording;

const START_US: i64 = 1_700_000_000_000_000;

/// Segments of two seconds, with what changes between them.
fn segment(rendition: &str, msn: u32, range: Option<ByteRange>) -> Segment {
    let map = if msn < 4 { "e/i0.mp4" } else { "e/i1.mp4" };
    Segment {
        head: Head {
            discontinuity: [2, 4, 7].contains(&msn),
            map: Some(map.into()),
            utc_us: START_US + i64::from(msn) * 2_000_000,
        },
        uri: format!("{rendition}/s{msn}.m4s"),
        range,
        duration: Ticks(180_000),
        gap: msn == 3,
        parts: Vec::new(),
    }
}

fn media(rendition: &str, count: u32) -> String {
    let mut map = None;
    let entries: String =
        (0..count).map(|msn| recording::entry(&segment(rendition, msn, None), &mut map)).collect();
    recording::finish(&format!("{}{entries}", recording::header(2, false)))
}

/// Two pictures of each segment but the fourth.
fn i_frames(count: u32) -> String {
    let (mut map, mut text) = (None, recording::header(2, true));
    for msn in (0..count).filter(|msn| *msn != 3) {
        for offset in [0, 100] {
            let range = Some(ByteRange { length: 50, offset });
            let mut one = segment("a", msn, range);
            one.head.discontinuity &= offset == 0;
            text.push_str(&recording::entry(&one, &mut map));
        }
    }
    recording::finish(&text)
}

fn s(seconds: f64) -> u64 {
    (seconds * 1_000_000.0) as u64
}

fn uris(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn only_segments_that_overlap_are_listed_and_the_beginning_is_exact() {
    let whole = media("a", 10);
    let borders = Borders::find(&whole, s(5.5), Some(s(12.0))).unwrap();
    assert_eq!((borders.first, borders.until), (2, 6));
    assert_eq!((borders.begin_us, borders.start_us, borders.end_us), (s(4.0), s(1.5), s(12.0)));
    assert_eq!(borders.begin_utc_us, Some(START_US + 4_000_000));
    assert_eq!(borders.end_utc_us(), Some(START_US + 12_000_000));
    let text = borders.media(&whole).unwrap();
    let expected = "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:2\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n\
        #EXT-X-START:TIME-OFFSET=1.500000,PRECISE=YES\n\
        #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"e/i0.mp4\"\n";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(uris(&text), ["a/s2.m4s", "a/s3.m4s", "a/s4.m4s", "a/s5.m4s"]);
    assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    // Of another rendition the same numbers are shown.
    let other = borders.media(&media("b", 10)).unwrap();
    assert_eq!(other, text.replace("a/s", "b/s"));
    // At a segment's own beginning no place within it need be said.
    let borders = Borders::find(&whole, s(4.0), None).unwrap();
    assert_eq!((borders.first, borders.until, borders.start_us), (2, 10, 0));
    assert!(!borders.media(&whole).unwrap().contains("EXT-X-START"));
    assert_eq!(Borders::find(&whole, s(20.0), None), None);
    assert_eq!(Borders::find("no playlist", 0, None), None);
    let all = Borders::find(&whole, 0, None).unwrap();
    assert_eq!(all.media(&whole).unwrap(), whole, "nothing is cut");
    assert_eq!(all.media("#EXTM3U\n"), None);
}

#[test]
fn a_film_that_grows_stays_one() {
    let whole = media("a", 10);
    let growing = whole.replace("VOD", "EVENT").replace("#EXT-X-ENDLIST\n", "");
    let borders = Borders::find(&growing, s(5.0), None).unwrap();
    let text = borders.media(&growing).unwrap();
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !text.contains("ENDLIST"), "{text}");
    assert_eq!(uris(&text).len(), 8);
}

#[test]
fn pictures_are_those_of_the_segments() {
    let (whole, pictures) = (media("a", 10), i_frames(10));
    let borders = Borders::find(&whole, s(6.5), Some(s(9.0))).unwrap();
    let text = borders.i_frames(&pictures, &whole).unwrap();
    assert_eq!(uris(&text), ["a/s4.m4s", "a/s4.m4s"], "the fourth has none");
    assert!(text.contains("#EXT-X-I-FRAMES-ONLY\n") && text.contains("BYTERANGE:50@100"), "{text}");
    assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:6\n") && !text.contains("EXT-X-START"), "{text}");
    assert!(text.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"e/i1.mp4\"\n"), "{text}");
    assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{text}");
}

#[test]
fn date_ranges_are_those_of_the_time_that_is_shown() {
    let tag = |id: &str, at_s: i64, duration_ms: Option<u64>| {
        let start_ms = START_US / 1000 + at_s * 1000;
        let range = DateRange { id: id.to_owned(), start_ms, duration_ms, ..Default::default() };
        format!("{}\n", range.tag())
    };
    let told = [
        tag("before", 0, Some(1000)),
        tag("into", 1, Some(5000)),
        tag("within", 6, Some(1000)),
        tag("after", 9, None),
        tag("open", 0, None),
    ];
    let whole = media("a", 10).replace("#EXT-X-ENDLIST\n", &told.concat()) + "#EXT-X-ENDLIST\n";
    let text = Borders::find(&whole, s(4.0), Some(s(8.0))).unwrap().media(&whole).unwrap();
    let stays = |id: &str| text.contains(&format!("ID=\"{id}\""));
    assert_eq!(
        ["before", "into", "within", "after", "open"].map(stays),
        [false, true, true, false, true],
        "{text}"
    );
}

#[test]
fn the_multivariant_playlist_says_where_to_begin() {
    let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
                #EXT-X-STREAM-INF:BANDWIDTH=1\na/index.m3u8\n";
    let whole = media("a", 10);
    let borders = Borders::find(&whole, s(5.5), None).unwrap();
    let said = borders.multivariant(text);
    let line = "SEGMENTS\n#EXT-X-START:TIME-OFFSET=1.500000,PRECISE=YES\n#EXT-X-STREAM-INF";
    assert!(said.contains(line), "{said}");
    assert_eq!(Borders::find(&whole, 0, None).unwrap().multivariant(text), text);
    assert_eq!(recording::leader(text), Some("a"));
}

proptest! {
    #[test]
    fn numbers_and_init_segments_are_those_of_the_whole(
        (count, from, length) in (1_u32..16, 0_u32..320, 1_u32..320)
    ) {
        let whole = media("a", count);
        let (in_us, out_us) = (u64::from(from) * 100_000, u64::from(from + length) * 100_000);
        let Some(borders) = Borders::find(&whole, in_us, Some(out_us)) else {
            prop_assert!(from >= count * 20);
            return Ok(());
        };
        let cut = read::media(borders.media(&whole).unwrap().as_bytes()).unwrap();
        let all = read::media(whole.as_bytes()).unwrap();
        // What is listed has the numbers, the lines and the init segments that it has in the whole.
        let breaks =
            |until: usize| all.segments[..until].iter().filter(|one| one.discontinuity).count();
        for (msn, segment) in (cut.first_msn()..).zip(&cut.segments) {
            prop_assert_eq!(Some(segment), all.segment(msn));
        }
        prop_assert_eq!(cut.discontinuity_sequence, Some(breaks(borders.first) as u64));
        prop_assert_eq!(cut.segments.len(), borders.until - borders.first);
        // No more than overlaps, and no less.
        let begin = cut.first_msn() * 2_000_000;
        prop_assert!(begin <= in_us && in_us < begin + 2_000_000);
        let end = (cut.next_msn() * 2_000_000).min(u64::from(count) * 2_000_000);
        prop_assert!(end >= out_us.min(u64::from(count) * 2_000_000) && end < out_us + 2_000_000);
    }
}
