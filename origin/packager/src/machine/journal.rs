//! A show's notes: what the next process needs to go on with its playlists, should this one be killed.
//!
//! In: what the tracks list, as it is listed. Out: lines of text, one fact each; and those lines read again. Does not
//! know where notes are kept, nor what is made of them (`restore`).
//!
//! Notes begin with a snapshot and grow by a line for each part and segment. Once the lines outweigh the snapshot they
//! begin anew, so that they stay as long as the live window is, not as the show.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared_media::closed_captions::Channels;
use shared_media::{Plan, RenditionId, Ticks, TrackConfig};
use shared_playlist::Past;
use shared_playlist::date_range::DateRange;
use shared_playlist::media::{
    ByteRange, Head, OpenSegment, PARTS_TARGETS, Part, Segment as Listed,
};

use super::captions::{CaptionTrack, Cue};
use super::rates::Measured;
use super::track::{Common, Track};

/// The form of the notes: the second has pieces of text and date ranges, the third captions, the fourth those within
/// the pictures. Notes of a later form are not read.
const FORM: u32 = 4;
/// Fewest bytes after the snapshot before notes begin anew.
const BYTES_MIN: usize = 1 << 20;

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line.
    Show(Show),
    /// What a rendition's window begins with.
    Window(Window),
    /// Segments of it that are text already, and their pictures.
    Past { of: RenditionId, segments: Piece, i_frames: Option<Piece> },
    /// A decoder configuration came into force.
    Config { of: RenditionId, config: TrackConfig, delay: i64, map: Arc<str>, headers: u32 },
    /// A part was listed.
    Part(ListedPart),
    /// A segment was closed.
    Segment(Closed),
    /// A cue of captions waits.
    Cue { of: RenditionId, cue: Cue },
    /// These captions are within the pictures.
    ClosedCaptions(Channels),
    /// A date range is listed, with all that is known of it.
    DateRange(DateRange),
    /// A date range is listed no more.
    DateRangeGone { id: Arc<str>, taken_back: bool },
    /// What was measured of a rendition up to here, and of its pictures.
    Rates { of: RenditionId, segments: Measured, i_frames: Measured },
}

/// What all renditions have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Show {
    form: u32,
    pub(super) epoch: String,
    pub(super) anchor_us: i64,
    pub(super) part_target_us: u32,
    pub(super) plan: Plan,
    #[serde(default)]
    pub(super) captions: Vec<CaptionTrack>,
}

/// The numbers at which a rendition's window begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) of: RenditionId,
    pub(super) media_sequence: u64,
    pub(super) discontinuity_sequence: u64,
    pub(super) i_frame_sequence: u64,
    pub(super) fragments: u32,
}

/// Lines of a playlist that stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) text: String,
    duration: i64,
    before: Option<Arc<str>>,
}

impl Piece {
    fn new(past: &Past) -> Self {
        let (text, duration) = (past.text().to_owned(), past.duration().0);
        Self { text, duration, before: past.before().cloned() }
    }

    /// The piece as it is listed.
    pub(super) fn past(&self) -> Past {
        Past::of_text(self.text.clone(), Ticks(self.duration), self.before.clone())
    }
}

/// A listed part, with what stands before its segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedPart {
    pub(super) of: RenditionId,
    pub(super) msn: u64,
    pub(super) start: i64,
    pub(super) discontinuity: bool,
    pub(super) map: Option<Arc<str>>,
    pub(super) uri: String,
    pub(super) duration: i64,
    pub(super) independent: bool,
    pub(super) gap: bool,
    /// Pictures of the I-frame playlist that begin in it: when each is shown, and its bytes in the segment.
    pub(super) pictures: Vec<(i64, u64, u64)>,
    pub(super) fragments: u32,
}

/// A closed segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    pub(super) of: RenditionId,
    pub(super) msn: u64,
    discontinuity: bool,
    map: Option<Arc<str>>,
    utc_us: i64,
    uri: String,
    duration: i64,
    gap: bool,
    pub(super) bytes: usize,
    pub(super) samples: u64,
    pictures: Vec<Picture>,
}

/// An entry of the I-frame playlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Picture {
    utc_us: i64,
    duration: i64,
    range: Option<(u64, u64)>,
}

impl Show {
    pub(super) fn new(plan: Plan, common: &Common) -> Self {
        Self {
            form: FORM,
            epoch: common.names.epoch.clone(),
            anchor_us: common.anchor.utc_us,
            part_target_us: common.part_target_us,
            plan,
            captions: common.captions.tracks().cloned().collect(),
        }
    }
}

impl Closed {
    pub(super) fn new(
        of: &RenditionId,
        msn: u64,
        listed: &Listed,
        (bytes, samples): (usize, u64),
        i_frames: &[Arc<Listed>],
    ) -> Self {
        let picture = |picture: &Arc<Listed>| Picture {
            utc_us: picture.head.utc_us,
            duration: picture.duration.0,
            range: picture.range.map(|range| (range.length, range.offset)),
        };
        Self {
            of: of.clone(),
            msn,
            discontinuity: listed.head.discontinuity,
            map: listed.head.map.clone(),
            utc_us: listed.head.utc_us,
            uri: listed.uri.clone(),
            duration: listed.duration.0,
            gap: listed.gap,
            bytes,
            samples,
            pictures: i_frames.iter().map(picture).collect(),
        }
    }

    /// The segment as it is listed, without its parts.
    pub(super) fn listed(&self) -> Listed {
        let head =
            Head { discontinuity: self.discontinuity, map: self.map.clone(), utc_us: self.utc_us };
        let (uri, duration) = (self.uri.clone(), Ticks(self.duration));
        Listed { head, uri, range: None, duration, gap: self.gap, parts: Vec::new() }
    }

    /// The entries of the I-frame playlist.
    pub(super) fn i_frames(&self) -> Vec<Arc<Listed>> {
        let entry = |(index, picture): (usize, &Picture)| {
            let head = Head {
                discontinuity: self.discontinuity && index == 0,
                map: self.map.clone(),
                utc_us: picture.utc_us,
            };
            let range = picture.range.map(|(length, offset)| ByteRange { length, offset });
            let (uri, duration) = (self.uri.clone(), Ticks(picture.duration));
            Arc::new(Listed { head, uri, range, duration, gap: range.is_none(), parts: Vec::new() })
        };
        self.pictures.iter().enumerate().map(entry).collect()
    }
}

/// The notes of one show as they are taken.
#[derive(Debug, Default)]
pub(super) struct Journal {
    new: String,
    bytes: usize,
    snapshot_bytes: usize,
    begun: bool,
}

impl Journal {
    /// Takes a note.
    pub(super) fn line(&mut self, line: &Line) {
        let before = self.new.len();
        push(&mut self.new, line);
        self.bytes += self.new.len() - before;
    }

    /// Forgets what was noted since the last time: nobody keeps notes.
    pub(super) fn forget(&mut self) {
        self.new.clear();
    }

    /// What was noted since the last time; `None` if nothing was, or if the notes have not begun.
    pub(super) fn news(&mut self) -> Option<String> {
        if !self.begun {
            return None;
        }
        Some(std::mem::take(&mut self.new)).filter(|news| !news.is_empty())
    }

    /// Whether the notes are to begin anew now.
    pub(super) const fn is_due(&self) -> bool {
        let limit = if self.snapshot_bytes > BYTES_MIN { self.snapshot_bytes } else { BYTES_MIN };
        !self.begun || self.bytes > limit
    }

    /// Begins anew; what was noted and not taken is in the snapshot.
    pub(super) fn begin(&mut self, snapshot: &str) {
        self.new.clear();
        self.snapshot_bytes = snapshot.len();
        (self.begun, self.bytes) = (true, 0);
    }
}

/// Everything there is to know of a show.
pub(super) fn snapshot(plan: &Plan, tracks: &[Track], common: &Common) -> String {
    let mut text = String::new();
    push(&mut text, &Line::Show(Show::new(plan.clone(), common)));
    common.date_ranges.lines().for_each(|line| push(&mut text, &line));
    push(&mut text, &Line::ClosedCaptions(common.closed_captions.known()));
    for (of, cue) in common.captions.cues() {
        push(&mut text, &Line::Cue { of: of.clone(), cue: cue.clone() });
    }
    for track in tracks {
        let of = track.id.clone();
        let window = &track.window;
        push(
            &mut text,
            &Line::Window(Window {
                of: of.clone(),
                media_sequence: window.media_sequence,
                discontinuity_sequence: window.discontinuity_sequence,
                i_frame_sequence: window.i_frame_sequence,
                fragments: track.writer.fragments(),
            }),
        );
        for shelf in window.past() {
            let segments = Piece::new(&shelf.segments);
            let i_frames = shelf.i_frames.as_deref().map(Piece::new);
            push(&mut text, &Line::Past { of: of.clone(), segments, i_frames });
        }
        push_segments(&mut text, track, common);
        track.writer.config_line(&of).iter().for_each(|line| push(&mut text, line));
        push_open(&mut text, track);
        let (segments, i_frames) = (track.rates.measured(), track.i_frame_rates.measured());
        push(&mut text, &Line::Rates { of, segments, i_frames });
    }
    text
}

/// The closed segments of a window; of their parts those that are listed.
fn push_segments(text: &mut String, track: &Track, common: &Common) {
    let of = &track.id;
    let near = i64::from(common.target_duration_s) * PARTS_TARGETS * shared_media::TICKS_PER_SECOND;
    let total: i64 = track.window.segments.iter().map(|segment| segment.duration.0).sum();
    let (mut before, mut i_frames) = (0, track.window.i_frames_by_segment());
    for (msn, segment) in (track.window.recent_sequences().0..).zip(&track.window.segments) {
        before += segment.duration.0;
        if total - before <= near {
            let start = common.anchor.ticks_at(segment.head.utc_us).0;
            for part in &segment.parts {
                push(text, &part_line(of, msn, start, &segment.head, part));
            }
        }
        let pictures = i_frames.next().unwrap_or_default();
        // What was measured stands in the rates, once.
        push(text, &Line::Segment(Closed::new(of, msn, segment, (0, 0), &pictures)));
    }
}

fn push_open(text: &mut String, track: &Track) {
    let (Some(open), Some(segment)) = (&track.window.open, track.open_segment()) else { return };
    let OpenSegment { head, parts } = open;
    for (index, part) in parts.iter().enumerate() {
        let of = &track.id;
        let mut line = part_line(of, segment.msn(), segment.started().0, head, part);
        if index == 0
            && let Line::Part(first) = &mut line
        {
            // Which of the parts they begin in does not matter once all are noted.
            first.pictures = segment.pictures();
        }
        push(text, &line);
    }
}

fn part_line(of: &RenditionId, msn: u64, start: i64, head: &Head, part: &Part) -> Line {
    Line::Part(ListedPart {
        of: of.clone(),
        msn,
        start,
        discontinuity: head.discontinuity,
        map: head.map.clone(),
        uri: part.uri.clone(),
        duration: part.duration.0,
        independent: part.independent,
        gap: part.gap,
        pictures: Vec::new(),
        fragments: 0,
    })
}

fn push(text: &mut String, line: &Line) {
    // None of the types can fail to be written: no map has keys that are not text.
    if let Ok(json) = serde_json::to_string(line) {
        text.push_str(&json);
        text.push('\n');
    }
}

/// The lines of a text whose writer may have died within its last one; `None` if they are not notes of this form.
pub(super) fn read(text: &str) -> Option<(Show, Vec<Line>)> {
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let mut lines = whole.map_while(|line| serde_json::from_str(line).ok());
    match lines.next()? {
        Line::Show(show) if (1..=FORM).contains(&show.form) => Some((show, lines.collect())),
        _ => None,
    }
}
