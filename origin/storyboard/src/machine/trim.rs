//! A storyboard's text with what is shown of its show alone.
//!
//! In: a text, and from when to when its show is shown. Out: the text with the pictures of that time. Does not know
//! playlists.

use std::fmt::Write as _;

use super::{START, clock};

/// The text with the pictures of moments between two, in microseconds since the Unix epoch; its cues count from the
/// first. A text that does not say when its show began has none.
#[must_use]
pub fn trimmed(text: &str, begin_us: i64, end_us: i64) -> String {
    let mut trimmed = format!("WEBVTT\n\n{START}{begin_us}\n\n");
    let note = text.lines().find_map(|line| line.strip_prefix(START));
    let Some(start_us) = note.and_then(|start| start.parse::<i64>().ok()) else { return trimmed };
    for cue in text.split("\n\n") {
        let Some((times, picture)) = cue.trim_start().split_once('\n') else { continue };
        let times = times.split_once(" --> ");
        let moment = |clock: &str| read(clock).map(|us| us.saturating_add(start_us));
        let Some((from, until)) = times.and_then(|(from, to)| moment(from).zip(moment(to))) else {
            continue;
        };
        if (begin_us..end_us).contains(&from) {
            let of = |us: i64| clock(us.min(end_us).saturating_sub(begin_us));
            // Writing to a `String` cannot fail.
            let _ = write!(trimmed, "{} --> {}\n{}\n\n", of(from), of(until), picture.trim_end());
        }
    }
    trimmed
}

/// A time as [`clock`] writes it, in microseconds.
fn read(clock: &str) -> Option<i64> {
    let mut steps = clock.splitn(3, ':');
    let [hours, minutes] = [steps.next()?, steps.next()?].map(|step| step.parse::<i64>().ok());
    let (seconds, millis) = steps.next()?.split_once('.')?;
    let (seconds, millis) = (seconds.parse::<i64>().ok()?, millis.parse::<i64>().ok()?);
    let seconds =
        hours?.checked_mul(3600)?.checked_add(minutes?.checked_mul(60)?)?.checked_add(seconds)?;
    seconds.checked_mul(1000)?.checked_add(millis)?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::super::{APART_US, Board};
    use super::*;

    const START_US: i64 = 1_700_000_000_000_000;

    fn board(pictures: i64) -> String {
        let mut board = Board::default();
        for picture in 0..pictures {
            board.take(START_US + picture * APART_US);
            if board.is_full() {
                board.drawn(&format!("board/e/b{}.jpg", board.strip()));
            }
        }
        board.text()
    }

    #[test]
    fn pictures_outside_are_gone_and_the_rest_counts_from_the_new_beginning() {
        let text = board(12);
        let begin = START_US + 15_000_000;
        let cut = trimmed(&text, begin, START_US + 65_000_000);
        assert!(cut.starts_with(&format!("WEBVTT\n\nNOTE start_us={begin}\n\n")), "{cut}");
        let cues: Vec<&str> = cut.lines().filter(|line| line.contains("-->")).collect();
        assert_eq!(cues.len(), 5, "{cut}");
        assert_eq!(cues[0], "00:00:05.000 --> 00:00:15.000");
        assert_eq!(cues[4], "00:00:45.000 --> 00:00:50.000", "no longer than what is shown");
        assert!(
            cut.contains("00:00:05.000 --> 00:00:15.000\nboard/e/b0.jpg#xywh=320,0,160,90\n\n")
        );
        assert_eq!(trimmed(&text, START_US, i64::MAX), text, "nothing is cut");
        assert!(!trimmed("WEBVTT\n", begin, i64::MAX).contains("-->"));
    }
}
