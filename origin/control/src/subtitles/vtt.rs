//! WebVTT, as whole files.
//!
//! In: a text. Out: its cues. Does not know bytes. Regions, styles, comments and identifiers are passed over, and
//! settings that are not valid: segments have none of them.

use super::{Block, SubtitleCue, Wrong, blocks, cue, time};
use crate::captions::valid_settings;

/// What a file begins with (4.1).
pub(super) const MAGIC: &str = "WEBVTT";
/// Blocks that are no cues.
const OTHERS: [&str; 3] = ["NOTE", "STYLE", "REGION"];

/// The cues of a text.
///
/// # Errors
/// Which line is wrong, and why.
pub(super) fn cues(text: &str) -> Result<Vec<SubtitleCue>, Wrong> {
    let mut blocks = blocks(text).into_iter();
    if let Some(head) = blocks.next() {
        check_head(&head)?;
    }
    let mut cues = Vec::new();
    for block in blocks {
        let is_other = |first: &&str| OTHERS.iter().any(|name| is_named(first, name));
        if !block.lines.first().is_some_and(is_other) {
            cues.extend(of_block(&block)?);
        }
    }
    Ok(cues)
}

fn check_head(head: &Block<'_>) -> Result<(), Wrong> {
    let first = head.lines.first().copied().unwrap_or_default();
    if !is_named(first, MAGIC) {
        return Err((1, "`WEBVTT` and nothing else, or a space behind it, is expected".to_owned()));
    }
    for (line, number) in head.lines.iter().zip(head.line..) {
        if line.contains("-->") {
            return Err((number, "an empty line is expected before the first cue".to_owned()));
        }
        if line.starts_with("X-TIMESTAMP-MAP") {
            let why = "`X-TIMESTAMP-MAP` is of segments; a whole film's times count from its start";
            return Err((number, why.to_owned()));
        }
    }
    Ok(())
}

/// Whether a line is the name, or begins with it as a word.
fn is_named(line: &str, name: &str) -> bool {
    let rest = line.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn of_block(block: &Block<'_>) -> Result<Option<SubtitleCue>, Wrong> {
    let at = block.lines.iter().take(2).position(|line| line.contains("-->"));
    let at = at.ok_or_else(|| no_times(block.line))?;
    let line = block.line + at;
    let timing = block.lines.get(at).copied().unwrap_or_default();
    let (start, end) = timing.split_once("-->").ok_or_else(|| no_times(line))?;
    let (end, settings) = end.trim_start().split_once([' ', '\t']).unwrap_or((end.trim(), ""));
    let times = time(start.trim(), '.').zip(time(end, '.')).ok_or_else(|| no_times(line))?;
    let lines = block.lines.get(at + 1..).unwrap_or_default();
    if let Some(other) = lines.iter().position(|line| line.contains("-->")) {
        let why = "an empty line is expected before the times of the next cue";
        return Err((line + 1 + other, why.to_owned()));
    }
    if lines.is_empty() {
        return Ok(None);
    }
    cue(line, times, valid_settings(settings), &lines.join("\n")).map(Some)
}

fn no_times(line: usize) -> Wrong {
    (line, "times such as `00:01:02.500 --> 00:01:04.000` are expected".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::super::tests::wrong;

    #[test]
    fn cues_are_read_and_the_rest_is_passed_over() {
        let file = "\u{feff}WEBVTT - a film\r\nKind: captions\r\n\r\nNOTE no --> cue\r\n\r\n\
                    STYLE\r\n::cue { color: red }\r\n\r\nid\r\n\
                    00:01.000 --> 00:00:02.500 line:0 region:r size:50%\r\n<i>a</i>\r\nb\r\n\r\n\
                    10:00:00.000 --> 10:00:00.001\nc\n\n00:09.000 --> 00:10.000\n";
        let cues = read(file.as_bytes()).unwrap();
        assert_eq!(cues.len(), 2);
        assert_eq!((cues[0].start_ms, cues[0].end_ms), (1000, 2500));
        assert_eq!((&*cues[0].settings, &*cues[0].text), ("line:0 size:50%", "<i>a</i>\nb"));
        assert_eq!(cues[1].start_ms, 36_000_000);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (file, why) in [
            ("WEBVTTx\n\n00:01.000 --> 00:02.000\na", "line 1: `WEBVTT`"),
            ("WEBVTT\n00:01.000 --> 00:02.000\na", "line 2: an empty line"),
            ("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0,MPEGTS:0\n\n", "line 2: `X-TIMESTAMP-MAP`"),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\na --> b", "line 4: an empty line"),
            ("WEBVTT\n\n00:61.000 --> 00:02.000\na", "line 3: times"),
            ("WEBVTT\n\n00:01,000 --> 00:02,000\na", "line 3: times"),
            ("WEBVTT\n\na\nb\n00:01.000 --> 00:02.000\nc", "line 3: times"),
            ("WEBVTT\n\nid\n00:03.000 --> 00:02.000\na", "line 4: the cue ends before"),
        ] {
            assert!(wrong(file.as_bytes()).contains(why), "{file:?}: {}", wrong(file.as_bytes()));
        }
    }
}
