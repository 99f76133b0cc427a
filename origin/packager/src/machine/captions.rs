//! Captions: cues of a live show, as WebVTT in renditions of their own.
//!
//! In: cues, each for a track and a time of day. Out: the text of each part, and of segments made of parts. Does not
//! know playlists; a track's parts and segments lie where the leader's do.
//!
//! Every text maps a local time to the same time of the media, in 90 kHz as its decode times are counted. A cue stands
//! with its whole time in every part that it is shown in, so whoever begins in the middle has it. A segment has what
//! its parts have, no more: a cue that comes late is in those that were still to come.

use std::collections::HashSet;
use std::fmt::Write as _;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared_media::{RenditionId, TICKS_PER_SECOND, Ticks};

/// Before the cues of each text (3.5; `X-TIMESTAMP-MAP`): cues count as the media does. hls.js (1.7) takes an offset of
/// nothing for one that is missing, and puts the first text it loads in its place: so 90 ticks are a millisecond.
const HEADER: &str = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:90,LOCAL:00:00:00.001\n";

/// A track of captions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionTrack {
    /// Its rendition.
    pub id: RenditionId,
    /// Its language (RFC 5646).
    pub language: String,
    /// What a viewer chooses by.
    pub name: String,
    /// It is shown to viewers who chose nothing.
    pub default: bool,
    /// It has only what every viewer must read.
    #[serde(default)]
    pub forced: bool,
}

/// What is shown, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// From when, in microseconds since the Unix epoch.
    pub start_us: i64,
    /// Until when.
    pub end_us: i64,
    /// Where it stands (WebVTT, 4.4): on one line, no `-->`; or nothing.
    pub settings: String,
    /// A cue's payload (WebVTT, 4.3): not empty, no empty line, no `-->`.
    pub text: String,
}

/// Why a cue was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptionRefusal {
    /// The show has no such track.
    Unknown,
    /// It was over before the end of what is listed already, by so many milliseconds.
    Late(i64),
    /// As many cues of the track wait as may.
    Full,
}

/// A cue on the show's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cue {
    pub(super) start: i64,
    pub(super) end: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) settings: String,
    pub(super) text: String,
}

/// The cues of one track that are not over.
#[derive(Debug)]
struct Waiting {
    track: CaptionTrack,
    cues: Vec<Cue>,
    /// Up to where its parts are written.
    edge: Ticks,
}

impl Waiting {
    /// Whether a cue waits already. They stand in the order of their starts: a film has thousands.
    fn has(&self, cue: &Cue) -> bool {
        let first = self.cues.partition_point(|other| other.start < cue.start);
        let mut others = self.cues.iter().skip(first).take_while(|other| other.start == cue.start);
        others.any(|other| other == cue)
    }
}

/// The cues of all tracks.
#[derive(Debug)]
pub(super) struct Captions {
    tracks: Vec<Waiting>,
    cues_max: usize,
}

impl Captions {
    /// Of these tracks; of each wait `cues_max` cues at most.
    pub(super) fn new(tracks: Vec<CaptionTrack>, cues_max: usize) -> Self {
        let waiting = |track| Waiting { track, cues: Vec::new(), edge: Ticks(i64::MIN) };
        Self { tracks: tracks.into_iter().map(waiting).collect(), cues_max }
    }

    pub(super) fn tracks(&self) -> impl Iterator<Item = &CaptionTrack> {
        self.tracks.iter().map(|waiting| &waiting.track)
    }

    fn of(&mut self, id: &RenditionId) -> Option<&mut Waiting> {
        self.tracks.iter_mut().find(|waiting| waiting.track.id == *id)
    }

    /// Takes cues; gives those that are new.
    ///
    /// # Errors
    /// [`CaptionRefusal`]; then nothing has changed.
    pub(super) fn put(
        &mut self,
        id: &RenditionId,
        mut cues: Vec<Cue>,
    ) -> Result<Vec<Cue>, CaptionRefusal> {
        let cues_max = self.cues_max;
        let waiting = self.of(id).ok_or(CaptionRefusal::Unknown)?;
        if let Some(late) = cues.iter().find(|cue| cue.end <= waiting.edge.0) {
            let late_us = Ticks(waiting.edge.0.saturating_sub(late.end)).as_micros();
            return Err(CaptionRefusal::Late(late_us.saturating_add(999) / 1000));
        }
        cues.retain(|cue| !waiting.has(cue));
        if waiting.cues.len() + cues.len() > cues_max {
            return Err(CaptionRefusal::Full);
        }
        for cue in &cues {
            let at = waiting.cues.partition_point(|other| other.start <= cue.start);
            waiting.cues.insert(at, cue.clone());
        }
        Ok(cues)
    }

    /// Takes a cue that an earlier process took.
    pub(super) fn replay(&mut self, id: &RenditionId, cue: Cue) {
        // A track or a room that is there no more cannot be told to anybody.
        let _ = self.put(id, vec![cue]);
    }

    /// All cues that are not over.
    pub(super) fn cues(&self) -> impl Iterator<Item = (&RenditionId, &Cue)> {
        let tracks = self.tracks.iter();
        tracks.flat_map(|waiting| waiting.cues.iter().map(|cue| (&waiting.track.id, cue)))
    }

    /// A track's parts are written up to `edge`: cues that are over go.
    pub(super) fn reach(&mut self, id: &RenditionId, edge: Ticks) {
        if let Some(waiting) = self.of(id) {
            waiting.edge = waiting.edge.max(edge);
            waiting.cues.retain(|cue| cue.end > waiting.edge.0);
        }
    }

    /// The text of a track's next part.
    pub(super) fn part(&mut self, id: &RenditionId, from: Ticks, to: Ticks) -> Bytes {
        let mut text = HEADER.to_owned();
        if let Some(waiting) = self.of(id) {
            let begun = waiting.cues.iter().take_while(|cue| cue.start < to.0);
            let shown = begun.filter(|cue| cue.end > from.0);
            for Cue { start, end, settings, text: payload } in shown {
                let gap = if settings.is_empty() { "" } else { " " };
                let (start, end) = (clock(*start), clock(*end));
                // Writing to a string does not fail.
                let _ = write!(text, "\n{start} --> {end}{gap}{settings}\n{payload}\n");
            }
        }
        self.reach(id, to);
        text.into()
    }
}

/// The text of a segment with these parts: each of their cues once.
pub(super) fn segment<'a>(parts: impl Iterator<Item = &'a Bytes>) -> Bytes {
    let (mut text, mut seen) = (HEADER.to_owned(), HashSet::new());
    for part in parts.filter_map(|part| std::str::from_utf8(part).ok()) {
        let cues = part.split("\n\n").skip(1).map(str::trim_end);
        for cue in cues.filter(|cue| !cue.is_empty()) {
            if seen.insert(cue) {
                text.extend(["\n", cue, "\n"]);
            }
        }
    }
    text.into()
}

/// A time as WebVTT has it.
fn clock(ticks: i64) -> String {
    let millis = (ticks.max(0) + TICKS_PER_SECOND / 2000) * 1000 / TICKS_PER_SECOND;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start_s: i64, end_s: i64, text: &str) -> Cue {
        let (start, end) = (start_s * TICKS_PER_SECOND, end_s * TICKS_PER_SECOND);
        let (settings, text) = text.split_once('|').unwrap_or(("", text));
        Cue { start, end, settings: settings.to_owned(), text: text.to_owned() }
    }

    fn seconds(seconds: i64) -> Ticks {
        Ticks(seconds * TICKS_PER_SECOND)
    }

    /// How many of one cue are new.
    fn put(captions: &mut Captions, id: &RenditionId, cue: Cue) -> Result<usize, CaptionRefusal> {
        captions.put(id, vec![cue]).map(|new| new.len())
    }

    fn captions() -> (Captions, RenditionId) {
        let id = RenditionId::new("cc-en").unwrap();
        let (language, name) = ("en".to_owned(), "English".to_owned());
        let track = CaptionTrack { id: id.clone(), language, name, default: false, forced: false };
        (Captions::new(vec![track], 256), id)
    }

    #[test]
    fn a_cue_is_whole_in_each_part_it_is_shown_in_and_once_in_their_segment() {
        let (mut captions, id) = captions();
        assert_eq!(put(&mut captions, &id, cue(3, 5, "later")), Ok(1));
        assert_eq!(put(&mut captions, &id, cue(1, 4, "line:0 size:50%|a\nb")), Ok(1));
        let parts: Vec<Bytes> =
            (0..6).map(|at| captions.part(&id, seconds(at), seconds(at + 1))).collect();
        let has = |text: &str| {
            let has = parts.iter().map(|part| std::str::from_utf8(part).unwrap().contains(text));
            has.collect::<Vec<_>>()
        };
        let first = "\n\n00:00:01.000 --> 00:00:04.000 line:0 size:50%\na\nb\n";
        assert_eq!(has(first), [false, true, true, true, false, false]);
        assert_eq!(has("later"), [false, false, false, true, true, false]);
        assert_eq!(parts[0], HEADER, "no cue is a text too");
        let whole = format!("{HEADER}{}\n00:00:03.000 --> 00:00:05.000\nlater\n", &first[1..]);
        assert_eq!(segment(parts.iter()), whole);
        assert_eq!(captions.cues().count(), 0, "what is over is forgotten");
    }

    #[test]
    fn a_late_cue_is_in_what_is_still_to_come_or_refused() {
        let (mut captions, id) = captions();
        captions.part(&id, seconds(0), seconds(10));
        assert_eq!(put(&mut captions, &id, cue(1, 10, "gone")), Err(CaptionRefusal::Late(0)));
        assert_eq!(put(&mut captions, &id, cue(1, 8, "gone")), Err(CaptionRefusal::Late(2000)));
        assert_eq!(put(&mut captions, &id, cue(1, 11, "still")), Ok(1));
        assert_eq!(put(&mut captions, &id, cue(1, 11, "still")), Ok(0), "told twice");
        let part = captions.part(&id, seconds(10), seconds(11));
        assert!(part.ends_with(b"00:00:01.000 --> 00:00:11.000\nstill\n"));
        let other = RenditionId::new("cc-fr").unwrap();
        assert_eq!(put(&mut captions, &other, cue(20, 21, "")), Err(CaptionRefusal::Unknown));
        for n in 0..256 {
            assert_eq!(put(&mut captions, &id, cue(20, 21, &n.to_string())), Ok(1));
        }
        assert_eq!(put(&mut captions, &id, cue(20, 21, "more")), Err(CaptionRefusal::Full));
    }

    #[test]
    fn times_go_beyond_a_day() {
        assert_eq!(clock(-1), "00:00:00.000");
        assert_eq!(clock(100 * 3600 * TICKS_PER_SECOND + 90), "100:00:00.001");
    }
}
