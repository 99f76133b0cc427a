//! SubRip, which no standard describes: a number, times, lines of text.
//!
//! In: a text. Out: its cues as WebVTT has them. Does not know bytes.
//!
//! Of its markup `<i>`, `<b>` and `<u>` stay, fonts and colours go; `{\an8}` and its like, which say where a cue stands
//! as on the keys of a telephone turned upside down, become settings. Everything else is shown as it is written.

use super::{Block, SubtitleCue, Wrong, blocks, cue, time};

/// What stays of its markup.
const KEPT: [&str; 3] = ["i", "b", "u"];
/// Longest tag, in bytes: what is longer is text.
const TAG_BYTES_MAX: usize = 200;

/// The cues of a text.
///
/// # Errors
/// Which line is wrong, and why.
pub(super) fn cues(text: &str) -> Result<Vec<SubtitleCue>, Wrong> {
    let mut cues: Vec<SubtitleCue> = Vec::new();
    let mut pending: Option<(usize, (i64, i64), Vec<&str>)> = None;
    for Block { line, lines } in blocks(text) {
        let at = lines.iter().take(2).position(|line| line.contains("-->"));
        let is_number = |line: &&str| line.trim().bytes().all(|b| b.is_ascii_digit());
        match (at, &mut pending) {
            (Some(at), _) if lines.iter().take(at).all(is_number) => {
                let timing = lines.get(at).copied().unwrap_or_default();
                let times = times(timing).ok_or_else(|| no_times(line + at, timing))?;
                cues.extend(finish(pending.take())?);
                let text = lines.get(at + 1..).unwrap_or_default().to_vec();
                pending = Some((line + at, times, text));
            }
            // An empty line within a cue: what follows is its text as well.
            (None, Some((.., text))) => text.extend(lines),
            _ => return Err(no_times(line, lines.first().copied().unwrap_or_default())),
        }
    }
    cues.extend(finish(pending)?);
    Ok(cues)
}

fn no_times(line: usize, found: &str) -> Wrong {
    let found: String = found.chars().take(40).collect();
    let why = format!(
        "times such as `00:01:02,500 --> 00:01:04,000` are expected, not `{}`",
        found.trim()
    );
    (line, why)
}

fn finish(pending: Option<(usize, (i64, i64), Vec<&str>)>) -> Result<Option<SubtitleCue>, Wrong> {
    let Some((line, times, lines)) = pending else { return Ok(None) };
    let (text, settings) = converted(&lines);
    if text.is_empty() {
        return Ok(None);
    }
    cue(line, times, settings, &text).map(Some)
}

/// `00:01:02,500 --> 00:01:04,000`; what follows, such as places in pixels, says nothing.
fn times(line: &str) -> Option<(i64, i64)> {
    let (start, end) = line.split_once("-->")?;
    let end = end.trim().split([' ', '\t']).next()?;
    let of = |text: &str| time(text.trim(), ',').or_else(|| time(text.trim(), '.'));
    Some((of(start)?, of(end)?))
}

/// The text of a cue in WebVTT, and where it stands.
fn converted(lines: &[&str]) -> (String, String) {
    let (mut text, mut place) = (String::new(), None);
    for line in lines {
        let mut own = String::new();
        let mut rest = line.trim();
        while let Some(c) = rest.chars().next() {
            if let Some((tag, after)) = tag(rest) {
                own.push_str(&tag);
                rest = after;
                continue;
            }
            if let Some((found, after)) = override_block(rest) {
                place = place.or(found);
                rest = after;
                continue;
            }
            match c {
                '&' => own.push_str("&amp;"),
                '<' => own.push_str("&lt;"),
                '>' => own.push_str("&gt;"),
                c => own.push(c),
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        if is_seen(&own) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(own.trim());
        }
    }
    (text, place.map(settings).unwrap_or_default())
}

/// Whether anything but tags is in it.
fn is_seen(line: &str) -> bool {
    let mut is_in_tag = false;
    line.chars().any(|c| {
        match c {
            '<' => is_in_tag = true,
            '>' => is_in_tag = false,
            c => return !is_in_tag && !c.is_whitespace(),
        }
        false
    })
}

/// A tag that a text begins with: what stays of it, and what follows.
fn tag(text: &str) -> Option<(String, &str)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find('>').filter(|end| *end <= TAG_BYTES_MAX)?;
    let (inside, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
    let (slash, name) = match inside.strip_prefix('/') {
        Some(name) => ("/", name),
        None => ("", inside),
    };
    let name = name.split([' ', '\t']).next()?.to_ascii_lowercase();
    let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let kept = KEPT.contains(&&*name).then(|| format!("<{slash}{name}>"));
    is_tag.then(|| (kept.unwrap_or_default(), rest))
}

/// A block such as `{\an8}` that a text begins with: the place that it names, and what follows.
fn override_block(text: &str) -> Option<(Option<u8>, &str)> {
    let inside = text.strip_prefix("{\\")?;
    let end = inside.find('}').filter(|end| *end <= TAG_BYTES_MAX)?;
    let (inside, rest) = (inside.get(..end)?, inside.get(end + 1..)?);
    let place = inside.strip_prefix("an").and_then(|place| place.as_bytes().first().copied());
    let place = place.filter(|place| (b'1'..=b'9').contains(place)).map(|place| place - b'0');
    Some((place, rest))
}

/// Places count from the left below to the right above. Below, in the middle, is where cues stand anyway.
fn settings(place: u8) -> String {
    let line = match place {
        7..=9 => "line:0",
        4..=6 => "line:50%",
        _ => "",
    };
    let side = match place % 3 {
        1 => "position:0% align:start",
        0 => "position:100% align:end",
        _ => "",
    };
    [line, side].join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::wrong;
    use super::super::{SubtitleCue, read};

    fn one(text: &str) -> SubtitleCue {
        let file = format!("1\r\n00:00:01,500 --> 01:00:02,000\r\n{text}\r\n");
        let mut cues = read(file.as_bytes()).unwrap();
        assert_eq!(cues.len(), 1, "{cues:?}");
        cues.remove(0)
    }

    #[test]
    fn a_file_as_programs_write_them_is_read() {
        let file = "\u{feff}1\n00:00:01,000 --> 00:00:02,500 X1:10 X2:20\nOne\nmore\n\n\
                    2\n0:00:03.000 --> 0:00:04.000\nTwo\n\nafter a gap\n\n\n\
                    3\n00:00:05,000 --> 00:00:06,000\n\n\
                    00:00:07,000 --> 00:00:08,000\nno number\n";
        let cues = read(file.as_bytes()).unwrap();
        let told: Vec<_> = cues.iter().map(|cue| (cue.start_ms, cue.end_ms, &*cue.text)).collect();
        let expected = [
            (1000, 2500, "One\nmore"),
            (3000, 4000, "Two\nafter a gap"),
            (7000, 8000, "no number"),
        ];
        assert_eq!(told, expected, "the third has no text");
    }

    #[test]
    fn markup_becomes_that_of_webvtt_and_the_rest_is_text() {
        assert_eq!(one("<i>a</I> <B>b</b>").text, "<i>a</i> <b>b</b>");
        assert_eq!(one("<font color=\"red\">a</font><c.x>b").text, "ab");
        assert_eq!(one("1 < 2 & 3 --> 4 <3").text, "1 &lt; 2 &amp; 3 --&gt; 4 &lt;3");
        assert_eq!(one("<i>\na\n</i>").text, "a");
        let above = one("{\\an8}{\\fad(1,2)}above");
        assert_eq!((&*above.text, &*above.settings), ("above", "line:0"));
        assert_eq!(one("{\\an1}a").settings, "position:0% align:start");
        assert_eq!(one("{\\an6}a").settings, "line:50% position:100% align:end");
        let plain = one("{\\an2}{b}a");
        assert_eq!((&*plain.text, &*plain.settings), ("{b}a", ""));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let file = "1\n00:00:01,000 --> 00:00:02,000\na\n\n2\n00:00:61,000 --> 00:00:02,000\nb\n";
        let why = wrong(file.as_bytes());
        assert!(why.contains("line 6: times such as") && why.contains("`00:00:61,000"), "{why}");
        assert!(wrong(b"Hello\nworld\n").contains("line 1: times"));
        assert!(wrong(b"\n\nx\n00:00:01,000 --> 00:00:02,000\na").contains("line 3: times"));
        let backwards = b"1\n00:00:03,000 --> 00:00:02,000\na\n";
        assert!(wrong(backwards).contains("line 2: the cue ends before it begins"));
    }
}
