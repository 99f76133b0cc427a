//! The lines of media playlists.
//!
//! In: the pieces of a snapshot. Out: their tags, appended to a text. Does not know in which order
//! they belong; `media` and `recording` do.

use std::sync::Arc;

use shared_media::Ticks;

use crate::date;
use crate::media::{Head, MediaPlaylist, Part, Report, SKIP_TARGETS, Segment};

/// The last line of a playlist that will not change again.
pub(crate) const END: &str = "#EXT-X-ENDLIST\n";
/// Says that every segment is one picture. Version 4 for itself, 6 with an `EXT-X-MAP` (clause 8).
pub(crate) const I_FRAMES_ONLY: &str = "#EXT-X-I-FRAMES-ONLY\n";

/// Writing to a `String` cannot fail: its `fmt::Write` never returns an error.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($text, $($format)*);
    }};
}
pub(crate) use line;

/// The header of a live playlist. Version 9: it may be a delta update, and 10 one `without_ranges` that others have
/// (clause 8).
pub(crate) fn live_header(text: &mut String, playlist: &MediaPlaylist, without_ranges: bool) {
    let target = i64::from(playlist.target_duration_s);
    let part_target = u64::from(playlist.part_target_us);
    let version = if without_ranges { 10 } else { 9 };
    line!(text, "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}");
    line!(
        text,
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={},HOLD-BACK={}.0,\
         CAN-SKIP-UNTIL={}.0,CAN-SKIP-DATERANGES=YES",
        micros(part_target * 3),
        target * 3,
        target * SKIP_TARGETS
    );
    if playlist.i_frames_only {
        text.push_str(I_FRAMES_ONLY);
    } else {
        line!(text, "#EXT-X-PART-INF:PART-TARGET={}", micros(part_target));
    }
    line!(text, "#EXT-X-MEDIA-SEQUENCE:{}", playlist.media_sequence);
    line!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", playlist.discontinuity_sequence);
}

/// The tag that stands for the segments a delta update leaves out; and for date ranges, where those that are gone for
/// good are named.
pub(crate) fn skip(text: &mut String, segments: usize, removed: Option<&[Arc<str>]>) {
    let removed = removed.map(|ids| {
        let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
        format!(",RECENTLY-REMOVED-DATERANGES=\"{}\"", ids.join("\t"))
    });
    line!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={segments}{}", removed.unwrap_or_default());
}

/// What stands before a segment. `map` is the init segment in force, and becomes this one's.
pub(crate) fn head(text: &mut String, head: &Head, map: &mut Option<Arc<str>>) {
    if head.discontinuity {
        text.push_str("#EXT-X-DISCONTINUITY\n");
    }
    if let Some(uri) = head.map.as_ref().filter(|uri| map.as_ref() != Some(uri)) {
        self::map(text, uri);
        *map = Some(uri.clone());
    }
    line!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date::utc(head.utc_us));
}

/// The init segment of what follows.
pub(crate) fn map(text: &mut String, uri: &str) {
    line!(text, "#EXT-X-MAP:URI=\"{uri}\"");
}

/// The parts of a segment, from its first one on.
///
/// Where each ends is rounded, not how long it is, so their durations add up to the segment's: six of 0.333333 s are
/// 2 µs less than 2 s, and hls.js (1.7) takes a segment of captions for unfinished whose last part ends 1 µs before it.
pub(crate) fn parts(text: &mut String, parts: &[Part]) {
    let (mut end, mut end_us) = (Ticks::ZERO, 0);
    for part in parts {
        let start_us = end_us;
        end = end + part.duration;
        end_us = nearest_micros(end);
        let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
        let gap = if part.gap { ",GAP=YES" } else { "" };
        let duration = micros(end_us.saturating_sub(start_us));
        line!(text, "#EXT-X-PART:DURATION={duration},URI=\"{}\"{independent}{gap}", part.uri);
    }
}

/// The segment itself: its duration, its URI, and where in that object it is.
pub(crate) fn segment(text: &mut String, segment: &Segment) {
    if segment.gap {
        text.push_str("#EXT-X-GAP\n");
    }
    line!(text, "#EXTINF:{},", seconds(segment.duration));
    if let Some(range) = segment.range {
        line!(text, "#EXT-X-BYTERANGE:{}@{}", range.length, range.offset);
    }
    line!(text, "{}", segment.uri);
}

/// The part that comes next.
pub(crate) fn hint(text: &mut String, uri: &str) {
    line!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\"");
}

/// Where another rendition is.
pub(crate) fn report(text: &mut String, report: &Report) {
    let last_part = report.last_part.map(|part| format!(",LAST-PART={part}")).unwrap_or_default();
    line!(
        text,
        "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}{last_part}",
        report.uri,
        report.last_msn
    );
}

/// A span in seconds, to the nearest microsecond.
fn seconds(span: Ticks) -> String {
    micros(nearest_micros(span))
}

/// A span in microseconds, to the nearest.
fn nearest_micros(span: Ticks) -> u64 {
    let ticks = u128::try_from(span.0).unwrap_or(0);
    let per_second = shared_media::TICKS_PER_SECOND.unsigned_abs();
    let micro = (ticks * 1_000_000 + u128::from(per_second / 2)) / u128::from(per_second);
    u64::try_from(micro).unwrap_or(u64::MAX)
}

/// Microseconds as decimal seconds, without trailing zeros beyond the third place.
fn micros(micros: u64) -> String {
    let mut text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    while text.ends_with('0') && text.len() > text.find('.').map_or(0, |dot| dot + 4) {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_to_the_microsecond() {
        for (ticks, text) in [
            (0, "0.000"),
            (180_000, "2.000"),
            (30_000, "0.333333"),
            (30_030, "0.333667"),
            (1920, "0.021333"),
            (900, "0.010"),
            (1_234_567_890_123, "13717421.001367"),
        ] {
            assert_eq!(seconds(Ticks(ticks)), text);
        }
        assert_eq!(micros(333_340 * 3), "1.00002");
    }

    #[test]
    fn parts_add_up_to_their_segment() {
        for (ticks, stated) in [
            // 30 and 29.97 Hz: ten frames each.
            (30_000, ["0.333333", "0.333334", "0.333333", "0.333333", "0.333334", "0.333333"]),
            (30_030, ["0.333667", "0.333666", "0.333667", "0.333667", "0.333666", "0.333667"]),
        ] {
            let duration = Ticks(ticks);
            let part = Part { uri: "p".into(), duration, independent: false, gap: false };
            let mut text = String::new();
            parts(&mut text, &vec![part; 6]);
            let lines = stated.map(|span| format!("#EXT-X-PART:DURATION={span},URI=\"p\"\n"));
            assert_eq!(text, lines.concat());
            let whole: u64 = stated.map(|span| span[2..].parse::<u64>().unwrap()).iter().sum();
            assert_eq!(seconds(Ticks(ticks * 6)), micros(whole));
        }
    }
}
