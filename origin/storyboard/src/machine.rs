//! Which moments of a show stand in its storyboard, and the text that says so.
//!
//! In: times of keyframes. Out: when a strip is full, and the WebVTT text with a cue for each picture. Does not know
//! pictures or the clock.
//!
//! The text is a metadata track as players know it for thumbnails: each cue's payload is a picture's place in a strip,
//! a media fragment (`#xywh=`, Media Fragments URI 1.0, 4.2.2). Cues count from the show's first picture; a note in the
//! head says when that was, so that a player which knows the wall clock of what it shows finds the picture of any
//! moment of a live show as well.

mod trim;

use std::fmt::Write as _;

pub use trim::trimmed;

/// Least distance of two pictures, in microseconds.
pub const APART_US: i64 = 10_000_000;
/// Pictures in a strip.
pub const TILES: usize = 6;
/// Width and height of a picture of a strip.
pub const TILE: (u32, u32) = (160, 90);
/// Longest text that is gone on with, in bytes: several days.
const TEXT_BYTES_MAX: usize = 4 << 20;

/// How the note begins that says when the show's first picture was, in microseconds since the Unix epoch.
const START: &str = "NOTE start_us=";

/// A show's storyboard as it grows.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Board {
    start_us: Option<i64>,
    strips: u32,
    cues: String,
    /// When each picture was that waits for its strip to be full.
    waiting: Vec<i64>,
}

impl Board {
    /// Goes on with a text that an earlier process wrote; from the start if it is none of ours.
    #[must_use]
    pub fn resume(text: &str) -> Self {
        let note = text.lines().find_map(|line| line.strip_prefix(START));
        let start_us = note.and_then(|start| start.parse().ok());
        let from = text.find("\n00:").map(|at| at + 1).unwrap_or(text.len());
        let cues = text.get(from..).unwrap_or_default().to_owned();
        let names = cues.lines().filter_map(|line| line.split_once("/b")?.1.split_once(".jpg"));
        let last = names.filter_map(|(number, _)| number.parse::<u32>().ok()).max();
        match (start_us, last) {
            (Some(_), Some(last)) if text.len() <= TEXT_BYTES_MAX => {
                Self { start_us, strips: last + 1, cues, waiting: Vec::new() }
            }
            _ => Self::default(),
        }
    }

    /// Whether a picture of this moment, in microseconds since the Unix epoch, is to be taken.
    #[must_use]
    pub fn wants(&self, utc_us: i64) -> bool {
        let is_full = self.waiting.len() >= TILES || self.cues.len() > TEXT_BYTES_MAX;
        !is_full && self.waiting.last().is_none_or(|last| utc_us - last >= APART_US)
    }

    /// A picture of this moment was taken.
    pub fn take(&mut self, utc_us: i64) {
        self.start_us.get_or_insert(utc_us);
        self.waiting.push(utc_us);
    }

    /// Whether the strip is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= TILES
    }

    /// How many pictures wait for a strip.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The number of the strip that the pictures which wait go into.
    #[must_use]
    pub const fn strip(&self) -> u32 {
        self.strips
    }

    /// The strip was drawn and stands at `uri`, relative to the text: its pictures have their cues from now on.
    pub fn drawn(&mut self, uri: &str) {
        let start = self.start_us.unwrap_or_default();
        let ends = self.waiting.iter().skip(1).copied().chain([i64::MAX]);
        for (index, (at, end)) in self.waiting.iter().zip(ends).enumerate() {
            let (from, until) = (at - start, end.min(at + APART_US) - start);
            let (width, height) = TILE;
            let x = u32::try_from(index).unwrap_or_default() * width;
            // Writing to a `String` cannot fail.
            let _ = write!(
                self.cues,
                "{} --> {}\n{uri}#xywh={x},0,{width},{height}\n\n",
                clock(from),
                clock(until)
            );
        }
        self.strips += 1;
        self.waiting.clear();
    }

    /// The strip could not be drawn: its pictures are left out.
    pub fn dropped(&mut self) {
        self.strips += 1;
        self.waiting.clear();
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("WEBVTT\n\n{START}{}\n\n{}", self.start_us.unwrap_or_default(), self.cues)
    }
}

/// Which segments of a film have a picture in its storyboard: those in which one is due. Each begins at its cut, in
/// microseconds from the film's beginning; the last ends at `until`.
#[must_use]
pub fn pictured(cuts: &[i64], until: i64) -> Vec<usize> {
    let ends = cuts.iter().skip(1).copied().chain([until]);
    let due = |at: i64| at.div_euclid(APART_US) + i64::from(at.rem_euclid(APART_US) > 0);
    let has = |(at, (from, until)): (usize, (&i64, i64))| (due(*from) < due(until)).then_some(at);
    cuts.iter().zip(ends).enumerate().filter_map(has).collect()
}

/// A time as WebVTT writes it.
fn clock(us: i64) -> String {
    let ms = us.max(0) / 1000;
    let (s, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_US: i64 = 1_700_000_000_000_000;

    fn taken(pictures: i64) -> Board {
        let mut board = Board::default();
        for picture in 0..pictures {
            let at = START_US + picture * APART_US;
            assert!(board.wants(at) && !board.is_full());
            board.take(at);
        }
        board
    }

    #[test]
    fn a_strip_has_a_cue_for_each_picture() {
        let mut board = taken(6);
        assert!(board.is_full() && !board.wants(START_US + 60_000_000));
        board.drawn("board/e1/b0.jpg");
        let text = board.text();
        assert!(text.starts_with("WEBVTT\n\nNOTE start_us=1700000000000000\n\n"), "{text}");
        assert!(text.contains("00:00:00.000 --> 00:00:10.000\nboard/e1/b0.jpg#xywh=0,0,160,90\n"));
        assert!(
            text.contains("00:00:50.000 --> 00:01:00.000\nboard/e1/b0.jpg#xywh=800,0,160,90\n")
        );
        assert_eq!(text.matches(" --> ").count(), 6);
    }

    #[test]
    fn pictures_too_close_are_not_wanted() {
        let mut board = taken(1);
        assert!(!board.wants(START_US + APART_US - 1) && board.wants(START_US + APART_US));
        board.take(START_US + 25_000_000);
        board.dropped();
        assert_eq!((board.strip(), board.waiting()), (1, 0));
        assert!(!board.text().contains("-->"));
    }

    #[test]
    fn segments_of_a_film_have_a_picture_where_one_is_due() {
        let even: Vec<i64> = (0..16).map(|at| at * 2_000_000).collect();
        assert_eq!(pictured(&even, 32_000_000), [0, 5, 10, 15]);
        // Whatever is cut where, a piece of it says the same of its own.
        assert_eq!(pictured(&even[4..8], 16_000_000), [1]);
        assert_eq!(pictured(&even[8..10], 20_000_000), [0_usize; 0]);
        assert_eq!(pictured(&[0, 9_999_999, 10_000_001, 35_000_000], 35_000_001), [0, 1, 2]);
        assert_eq!(pictured(&[], 7), [0_usize; 0]);
    }

    #[test]
    fn another_process_goes_on_where_one_was_killed() {
        let mut board = taken(6);
        board.drawn("board/e1/b0.jpg");
        let mut again = Board::resume(&board.text());
        assert_eq!(again, board);
        again.take(START_US + 3_600_000_000);
        again.drawn("board/e1/b1.jpg");
        assert!(again.text().contains("01:00:00.000 --> 01:00:10.000\nboard/e1/b1.jpg"));
        for other in ["", "WEBVTT\n", "anything\n00:x", "WEBVTT\n\nNOTE start_us=x\n\n"] {
            assert_eq!(Board::resume(other), Board::default());
        }
    }
}
