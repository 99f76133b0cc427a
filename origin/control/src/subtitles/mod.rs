//! Files of subtitles, read.
//!
//! In: bytes of strangers, SubRip or WebVTT. Out: cues as WebVTT has them, in order; or which line is wrong, and why.
//! Does not know films.
//!
//! What a player would make nothing of is refused, with its line, so that who uploads it can mend it. What files of
//! this kind often have, and no viewer would miss, is left out: cues without text, numbers, fonts, positions in pixels.

mod srt;
mod vtt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// Cues of one file.
const CUES_MAX: usize = 20_000;
/// A cue's text, in bytes.
const TEXT_BYTES_MAX: usize = 2_000;
/// Latest end of a cue, in milliseconds: no film is longer than two days.
const TIME_MS_MAX: i64 = 48 * 3_600_000;

/// What is shown, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleCue {
    /// From when, in milliseconds from the film's beginning.
    pub start_ms: i64,
    /// Until when.
    pub end_ms: i64,
    /// Where it stands (WebVTT, 4.4): valid settings, or nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// A cue's payload in WebVTT: not empty, no empty line, no `-->`.
    pub text: String,
}

/// Lines of a file that belong together, and the number of the first.
struct Block<'a> {
    line: usize,
    lines: Vec<&'a str>,
}

/// What is wrong, and where.
type Wrong = (usize, String);

/// Reads a file.
///
/// # Errors
/// [`Error::Invalid`]: which line is wrong, and why.
pub(crate) fn read(body: &[u8]) -> Result<Vec<SubtitleCue>, Error> {
    let cues = utf8(body).and_then(|text| {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
        check_characters(&text)?;
        let cues = match text.starts_with(vtt::MAGIC) {
            true => vtt::cues(&text),
            false => srt::cues(&text),
        };
        cues.and_then(counted)
    });
    cues.map_err(|(line, why)| {
        let reason = if line == 0 { why } else { format!("cannot be read at line {line}: {why}") };
        Error::Invalid { field: "subtitles", reason }
    })
}

fn utf8(body: &[u8]) -> Result<&str, Wrong> {
    if body.starts_with(&[0xff, 0xfe]) || body.starts_with(&[0xfe, 0xff]) {
        return Err((1, "it is UTF-16; save the file as UTF-8".to_owned()));
    }
    std::str::from_utf8(body).map_err(|error| {
        let (before, rest) = body.split_at(error.valid_up_to());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = rest.first().copied().unwrap_or_default();
        (line, format!("the byte {byte:#04x} is no UTF-8; save the file as UTF-8"))
    })
}

fn check_characters(text: &str) -> Result<(), Wrong> {
    let is_odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    let odd =
        text.lines().zip(1..).find_map(|(line, at)| Some((line.chars().find(|c| is_odd(*c))?, at)));
    let code = |c: char| u32::from(c);
    odd.map_or(Ok(()), |(c, at)| {
        Err((at, format!("it has the control character U+{:04X}", code(c))))
    })
}

/// The blocks of a text, which empty lines part.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut is_open = false;
    for (line, number) in text.lines().zip(1..) {
        match (line.trim().is_empty(), is_open, blocks.last_mut()) {
            (true, ..) => is_open = false,
            (false, true, Some(block)) => block.lines.push(line),
            (false, ..) => {
                blocks.push(Block { line: number, lines: vec![line] });
                is_open = true;
            }
        }
    }
    blocks
}

/// A cue whose times stand in that line.
fn cue(line: usize, times: (i64, i64), settings: String, text: &str) -> Result<SubtitleCue, Wrong> {
    let (start_ms, end_ms) = times;
    if end_ms <= start_ms {
        return Err((line, "the cue ends before it begins".to_owned()));
    }
    if end_ms > TIME_MS_MAX {
        return Err((line, "the cue ends after 48 hours".to_owned()));
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err((line, format!("the cue has more than {TEXT_BYTES_MAX} bytes of text")));
    }
    Ok(SubtitleCue { start_ms, end_ms, settings, text: text.to_owned() })
}

fn counted(mut cues: Vec<SubtitleCue>) -> Result<Vec<SubtitleCue>, Wrong> {
    match cues.len() {
        0 => Err((0, "have no cue with a text".to_owned())),
        1..=CUES_MAX => {
            cues.sort_by_key(|cue| cue.start_ms);
            Ok(cues)
        }
        more => Err((0, format!("have {more} cues; {CUES_MAX} are taken"))),
    }
}

/// A time such as `01:02:03,456`, in milliseconds; hours may be left out.
fn time(text: &str, point: char) -> Option<i64> {
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|_| is_number)
    };
    let (clock, millis) = text.split_once(point)?;
    let mut steps = clock.rsplit(':');
    let small = |text: &str| number(text, 1..=2).filter(|value| *value < 60);
    let (seconds, minutes) = (small(steps.next()?)?, small(steps.next()?)?);
    let hours = steps.next().map_or(Some(0), |text| number(text, 1..=4))?;
    let whole = (hours * 60 + minutes) * 60 + seconds;
    steps.next().is_none().then_some(whole * 1000 + number(millis, 3..=3)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn wrong(body: &[u8]) -> String {
        match read(body) {
            Err(Error::Invalid { field: "subtitles", reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        let latin = b"1\n00:00:01,000 --> 00:00:02,000\nGr\xfc\xdfe\n";
        assert!(wrong(latin).contains("line 3: the byte 0xfc is no UTF-8"), "{}", wrong(latin));
        assert!(wrong(b"\xff\xfe1\0\n\0").contains("line 1: it is UTF-16"));
        let odd = b"1\n00:00:01,000 --> 00:00:02,000\na\x07\n";
        assert!(wrong(odd).contains("line 3: it has the control character U+0007"));
        for none in [&b""[..], b"\n\n", b"WEBVTT\n", b"1\n00:00:01,000 --> 00:00:02,000\n\n"] {
            assert!(wrong(none).contains("have no cue"), "{none:?}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let cue = |text: &str| format!("00:00:01,000 --> 00:00:02,000\n{text}\n\n");
        assert!(read(cue(&"x".repeat(2000)).as_bytes()).is_ok());
        assert!(wrong(cue(&"x".repeat(2001)).as_bytes()).contains("line 1: the cue has more"));
        assert!(read(cue("x").repeat(20_000).as_bytes()).is_ok());
        assert!(wrong(cue("x").repeat(20_001).as_bytes()).contains("have 20001 cues"));
        let late = "47:59:59,000 --> 48:00:00,001\nx";
        assert!(wrong(late.as_bytes()).contains("line 1: the cue ends after 48 hours"));
        assert!(wrong(b"00:00:02,000 --> 00:00:02,000\nx").contains("before it begins"));
    }

    #[test]
    fn cues_come_in_the_order_in_which_they_are_shown() {
        let text = "00:00:09,000 --> 00:00:10,000\nlast\n\n00:00:01,000 --> 00:00:02,000\nfirst\n";
        let cues = read(text.as_bytes()).unwrap();
        assert_eq!([&*cues[0].text, &cues[1].text], ["first", "last"]);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic_and_what_is_taken_can_stand_in_a_segment(
            start in prop::sample::select(vec!["", "WEBVTT\n\n", "\u{feff}WEBVTT x\n\n", "1\n"]),
            lines in prop::collection::vec(
                prop_oneof![
                    Just("00:00:01,000 --> 00:00:02,000".to_owned()),
                    Just("00:01.000 --> 00:02.000 line:0 x:y".to_owned()),
                    Just(String::new()),
                    "[<>&{}\\\\/a-zé0-9 :,.>-]{0,20}",
                ],
                0..12,
            ),
        ) {
            if let Ok(cues) = read(format!("{start}{}", lines.join("\n")).as_bytes()) {
                for cue in cues {
                    prop_assert!(cue.start_ms < cue.end_ms && !cue.text.contains("-->"));
                    prop_assert!(!cue.text.is_empty());
                    prop_assert!(cue.text.lines().all(|line| !line.trim().is_empty()));
                    prop_assert!(!cue.settings.contains(['\n', '>']));
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
