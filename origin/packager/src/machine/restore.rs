//! A show goes on in another process: its playlists as they stood when the one before was killed.
//!
//! In: that process's notes, and what is left of the objects they name. Out: a [`Machine`] between two sections, whose
//! next segment follows a discontinuity. Does not know disks.
//!
//! What was listed stays as it was (6.2.1). The segment that was open in a rendition is closed: its bytes are those of
//! its parts. Where renditions had come differently far they are brought to the same Media Sequence Number with gaps,
//! so that a number goes on to mean the same time everywhere. What is listed and lost is a gap from now on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use shared_media::{Anchor, Plan, RenditionId, Ticks};
use shared_playlist::media::{Head, Part, Segment as Listed};
use shared_playlist::{Past, recording};
use shared_wire::ShowId;

use super::captions::Captions;
use super::form::Form;
use super::i_frames::IFrames;
use super::journal::{self, Closed, Line, ListedPart, Show};
use super::output::object;
use super::segment::Measure;
use super::track::Track;
use super::window::Shelf;
use super::{Cuts, Machine, Output, Phase};
use crate::config::Config;

/// An earlier process's notes of a show.
#[derive(Debug)]
pub struct Notes {
    show: Show,
    lines: Vec<Line>,
}

/// What is left of a show's objects.
#[derive(Debug, Default)]
pub struct Held {
    /// Keys of the segments that are there.
    pub segments: HashSet<String>,
    /// The parts that are there, by key.
    pub parts: HashMap<String, bytes::Bytes>,
    /// The recordings' playlists, by key; as much as was written of each.
    pub recordings: HashMap<String, String>,
}

/// A segment that a rendition had begun.
#[derive(Debug)]
struct Open {
    msn: u64,
    head: Head,
    start: Ticks,
    i_frames: IFrames,
}

/// Where a segment lies, for renditions that have not got it.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: Ticks,
    duration: Ticks,
    discontinuity: bool,
    closed: bool,
}

impl Notes {
    /// Reads notes; `None` if they cannot be read, or not by this version.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (show, lines) = journal::read(text)?;
        Some(Self { show, lines })
    }

    /// The publication's epoch.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.show.epoch
    }

    /// The show's anchor.
    #[must_use]
    pub const fn anchor(&self) -> Anchor {
        Anchor { utc_us: self.show.anchor_us }
    }

    /// The renditions, as they were planned.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.show.plan
    }

    /// Where the show goes on: nothing was listed at or after this.
    #[must_use]
    pub fn end(&self) -> Ticks {
        let mut open: HashMap<(&str, u64), Ticks> = HashMap::new();
        let ends = self.lines.iter().filter_map(|line| match line {
            Line::Part(part) => {
                let end = open.entry((part.of.as_str(), part.msn)).or_insert(Ticks(part.start));
                *end = *end + Ticks(part.duration);
                Some(*end)
            }
            Line::Segment(closed) => {
                let listed = closed.listed();
                Some(self.anchor().ticks_at(listed.head.utc_us) + listed.duration)
            }
            _ => None,
        });
        // Times of a day are whole microseconds: rounding may have taken a tick off.
        ends.max().unwrap_or_default() + Ticks(2)
    }

    /// Keys of the recordings' playlists, and of every segment that may be listed.
    #[must_use]
    pub fn objects(&self, show: ShowId) -> (Vec<String>, Vec<String>) {
        let names = super::Names { show, epoch: self.show.epoch.clone() };
        let rungs = &self.show.plan.rungs;
        let of_rungs = rungs.iter().flat_map(|rung| {
            let id = &rung.rendition.id;
            [names.playlist(id), names.i_frames(id)]
        });
        let of_captions = self.show.captions.iter().map(|track| names.playlist(&track.id));
        let playlists = of_rungs.chain(of_captions);
        let file = |of: &RenditionId, msn| match self.show.captions.iter().any(|one| one.id == *of)
        {
            true => Form::Text.segment(msn),
            false => Form::Video.segment(msn),
        };
        let segments: HashSet<String> = self
            .lines
            .iter()
            .flat_map(|line| match line {
                Line::Part(ListedPart { of, msn, .. }) | Line::Segment(Closed { of, msn, .. }) => {
                    vec![names.media(of, file(of, *msn))]
                }
                Line::Past { of, segments, .. } => {
                    segments.past().uris().map(|uri| names.part(of, uri)).collect()
                }
                _ => Vec::new(),
            })
            .collect();
        (playlists.collect(), segments.into_iter().collect())
    }
}

impl Machine {
    /// The machine of a show that an earlier process had on air. Poll it: it tells every playlist anew.
    #[must_use]
    pub fn restore(config: Config, show: ShowId, notes: &Notes, held: &Held) -> Self {
        let mut machine = Self::new(config, show, notes.show.epoch.clone(), notes.anchor());
        let plan = notes.plan();
        machine.common.part_target_us = notes.show.part_target_us;
        machine.common.target_duration_s = plan.target_duration_s.max(1);
        let cues_max = machine.common.config.cues_max;
        machine.common.captions = Captions::new(notes.show.captions.clone(), cues_max);
        machine.plan = Some(plan.clone());
        machine.phase = Phase::Restored;
        machine.is_restored = true;
        let rungs = plan.rungs.iter().cloned().enumerate();
        machine.tracks =
            rungs.map(|(index, rung)| Track::new(rung, index == 0, &machine.common)).collect();
        machine.add_captions();
        let mut open: Vec<Option<Open>> = machine.tracks.iter().map(|_| None).collect();
        for line in &notes.lines {
            machine.replay(line, &mut open);
        }
        let next_msn = machine.close_open(open, held);
        for index in 0..machine.tracks.len() {
            machine.mend(index, held);
        }
        for track in machine.tracks.iter().filter(|track| track.form == Form::Text) {
            if let Some(end) = track.window.end(machine.common.anchor) {
                machine.common.captions.reach(&track.id, end);
            }
        }
        let away = machine.trailing_gaps();
        for index in 0..machine.tracks.len() {
            machine.resume_recordings(index, away, held);
        }
        let shortest = Ticks::from_millis(i64::from(machine.common.config.segment_ms_min));
        machine.cuts = Cuts::new(shortest, machine.common.target_duration_s);
        machine.cuts.go_on_at(next_msn);
        machine.tracks.iter_mut().for_each(|track| track.restart(next_msn));
        machine.note();
        machine.all_changed();
        machine.tell(false);
        machine
    }

    /// Lists again what a line says was listed.
    fn replay(&mut self, line: &Line, open: &mut [Option<Open>]) {
        let of = match line {
            Line::Show(_) => return,
            Line::ClosedCaptions(known) => return self.common.closed_captions.replay(*known),
            Line::Cue { of, cue } => return self.common.captions.replay(of, cue.clone()),
            Line::DateRange(range) => return self.common.date_ranges.replay(range.clone(), 0),
            Line::DateRangeGone { id, taken_back } => {
                return self.common.date_ranges.replay_removed(Arc::clone(id), *taken_back, 0);
            }
            Line::Window(journal::Window { of, .. })
            | Line::Past { of, .. }
            | Line::Config { of, .. }
            | Line::Part(ListedPart { of, .. })
            | Line::Segment(Closed { of, .. })
            | Line::Rates { of, .. } => of,
        };
        let Some(index) = self.tracks.iter().position(|track| track.id == *of) else {
            return;
        };
        let (track, open) = (&mut self.tracks[index], &mut open[index]);
        match line {
            Line::Show(_)
            | Line::ClosedCaptions(_)
            | Line::Cue { .. }
            | Line::DateRange(_)
            | Line::DateRangeGone { .. } => {}
            Line::Window(begin) => {
                let (segment, i_frame) = (begin.media_sequence, begin.i_frame_sequence);
                track.window.begin_at(segment, begin.discontinuity_sequence, i_frame);
                track.writer.resume_fragments(begin.fragments);
            }
            Line::Past { segments, i_frames, .. } => {
                let segments = Arc::new(segments.past());
                let i_frames = i_frames.as_ref().map(|pictures| Arc::new(pictures.past()));
                track.window.restore_past(Shelf { segments, i_frames });
            }
            Line::Config { config, delay, map, headers, .. } => {
                // It was stored once, so it can be again.
                let _ = track.writer.resume(config.clone(), Ticks(*delay), map.clone(), *headers);
            }
            Line::Part(part) => track.list_part(part, open, self.common.anchor),
            Line::Segment(closed) => {
                *open = None;
                let (listed, i_frames) = (closed.listed(), closed.i_frames());
                let (bytes, samples, duration) = (closed.bytes, closed.samples, listed.duration);
                track.window.close(listed, i_frames.clone());
                if bytes > 0 {
                    track.measure(&Measure { bytes, samples, duration, i_frames });
                }
            }
            Line::Rates { segments, i_frames, .. } => {
                track.rates.resume(*segments);
                track.i_frame_rates.resume(*i_frames);
            }
        }
    }

    /// Closes what was open, and brings all renditions to the same Media Sequence Number, which is given.
    fn close_open(&mut self, mut open: Vec<Option<Open>>, held: &Held) -> u64 {
        let spans = self.spans(&open);
        let next_msn = spans.keys().next_back().map_or(0, |last| last + 1);
        for (index, open) in open.iter_mut().enumerate() {
            let first = self.tracks[index].window.next_msn();
            for msn in first..next_msn {
                let Some(span) = spans.get(&msn) else { continue };
                let open = open.take_if(|open| open.msn == msn);
                self.close_one(index, (msn, *span), open, held);
            }
        }
        next_msn
    }

    /// Where the newest segments lie: as a rendition that closed them says, else as the one that came furthest.
    fn spans(&self, open: &[Option<Open>]) -> BTreeMap<u64, Span> {
        let mut spans: BTreeMap<u64, Span> = BTreeMap::new();
        for (track, open) in self.tracks.iter().zip(open) {
            let closed = (track.window.recent_sequences().0..).zip(&track.window.segments);
            for (msn, segment) in closed {
                let start = self.common.anchor.ticks_at(segment.head.utc_us);
                let discontinuity = segment.head.discontinuity;
                let span = Span { start, duration: segment.duration, discontinuity, closed: true };
                let known = spans.entry(msn).or_insert(span);
                if !known.closed {
                    *known = span;
                }
            }
            let Some(open) = open else { continue };
            let parts = track.window.open.iter().flat_map(|open| &open.parts);
            let duration = Ticks(parts.map(|part| part.duration.0).sum());
            let discontinuity = open.head.discontinuity;
            let span = Span { start: open.start, duration, discontinuity, closed: false };
            let known = spans.entry(open.msn).or_insert(span);
            if !known.closed && known.duration < duration {
                *known = span;
            }
        }
        spans
    }

    /// Closes a segment of a rendition with what there is of it, which may be nothing.
    fn close_one(
        &mut self,
        index: usize,
        (msn, span): (u64, Span),
        open: Option<Open>,
        held: &Held,
    ) {
        let (common, track) = (&mut self.common, &mut self.tracks[index]);
        let id = track.id.clone();
        let file = track.form.segment(msn);
        let uri = common.names.uri(file);
        let map = track.window.segments.back().and_then(|last| last.head.map.clone());
        let utc_us = common.anchor.utc_us_at(span.start);
        let (head, i_frames, start) = match open {
            Some(open) => (open.head, open.i_frames, open.start),
            None => {
                let head = Head { discontinuity: span.discontinuity, map, utc_us };
                (head, IFrames::default(), span.start)
            }
        };
        let mut parts = Vec::new();
        if let Some(open) = &mut track.window.open {
            let key = |part: &Part| common.names.part(&id, &part.uri);
            // Whatever comes after a part that is gone cannot be found in the segment.
            let found = open.parts.iter().map_while(|part| held.parts.get(&key(part)));
            parts = found.collect();
            let count = parts.len();
            open.parts.iter_mut().skip(count).for_each(|part| part.gap = true);
        }
        let duration = span.start + span.duration - start;
        let bytes = track.form.whole(parts.iter().copied());
        let (gap, parts) = (parts.is_empty(), Vec::new());
        let listed = Listed { head, uri, range: None, duration, gap, parts };
        let i_frames = match track.form {
            Form::Video => {
                i_frames.within(bytes.len() as u64).entries(&listed, start, common.anchor)
            }
            Form::Audio | Form::Text => Vec::new(),
        };
        let key = common.names.media(&id, file);
        if !gap && !held.segments.contains(&key) {
            common.outputs.push_back(Output::Put(object(key, bytes)));
        }
        track.window.close(listed, i_frames);
    }

    /// Lists as gaps what is gone; makes segments anew that did not reach the disk, from their parts.
    fn mend(&mut self, index: usize, held: &Held) {
        let (common, track) = (&mut self.common, &mut self.tracks[index]);
        let id = track.id.clone();
        let made: HashSet<String> = common
            .outputs
            .iter()
            .filter_map(|output| match output {
                Output::Put(put) => Some(put.key.clone()),
                _ => None,
            })
            .collect();
        let is_there = |uri: &str| {
            let key = common.names.part(&id, uri);
            held.segments.contains(&key) || made.contains(&key)
        };
        track.window.lose_past_where(is_there);
        for at in 0..track.window.segments.len() {
            let Some(segment) = track.window.segments.get(at).map(Arc::clone) else { continue };
            if segment.gap || is_there(&segment.uri) {
                continue;
            }
            let key = common.names.part(&id, &segment.uri);
            let parts = segment.parts.iter();
            let parts: Option<Vec<_>> =
                parts.map(|part| held.parts.get(&common.names.part(&id, &part.uri))).collect();
            match parts.filter(|parts| !parts.is_empty()) {
                Some(parts) => {
                    let whole = track.form.whole(parts.into_iter());
                    common.outputs.push_back(Output::Put(object(key, whole)));
                }
                None => track.window.lose(at),
            }
        }
        // A part that is gone is listed as such; its segment may be there all the same.
        track.window.check_parts(|uri| held.parts.contains_key(&common.names.part(&id, uri)));
    }

    /// How many gaps at the end stand for a publisher that was away: those of all renditions.
    fn trailing_gaps(&self) -> usize {
        let gaps = |track: &Track| {
            let newest = track.window.segments.iter().rev();
            newest.take_while(|segment| segment.gap && !segment.head.discontinuity).count()
        };
        self.tracks.iter().map(gaps).min().unwrap_or_default()
    }

    /// Adds to the recording's playlists what was listed and not written, but for gaps at the end: those are withheld.
    fn resume_recordings(&mut self, index: usize, away: usize, held: &Held) {
        let (common, track) = (&mut self.common, &mut self.tracks[index]);
        let window = &track.window;
        if window.next_msn() == 0 {
            return;
        }
        let id = track.id.clone();
        let target_duration_s = common.target_duration_s;
        let (playlist, i_frames) = (common.names.playlist(&id), common.names.i_frames(&id));
        let mut resume = |key: String, i_frames_only: bool, listed: &Missing<'_>| {
            let header = recording::header(target_duration_s, i_frames_only);
            let text = held.recordings.get(&key).filter(|text| text.starts_with("#EXTM3U"));
            let text = text.map_or(header.as_str(), String::as_str);
            let (mut text, map) = listed.added_to(text);
            let (tags, removed) = (common.date_ranges.tags(), common.date_ranges.taken_back());
            let lacks = recording::missing_date_ranges(&text, tags, removed);
            text.push_str(&lacks);
            if held.recordings.get(&key) != Some(&text) {
                common.outputs.push_back(Output::Replace(object(key, text)));
            }
            map
        };
        let segments: Vec<_> = window.segments.iter().cloned().collect();
        let (segments, gaps) = segments.split_at(segments.len().saturating_sub(away));
        let pictures: Vec<_> = window.i_frames.iter().cloned().collect();
        let next_picture = window.recent_sequences().1 + pictures.len() as u64;
        // A gap is a gap among the pictures too, where there are any.
        let away_pictures = if next_picture > 0 { away } else { 0 };
        let (pictures, gap_pictures) =
            pictures.split_at(pictures.len().saturating_sub(away_pictures));
        let past = window.past().map(|shelf| &*shelf.segments).collect();
        let next = window.next_msn() - gaps.len() as u64;
        let map = resume(playlist, false, &Missing { next, past, listed: segments });
        let past = window.past().filter_map(|shelf| shelf.i_frames.as_deref()).collect();
        let next = next_picture - gap_pictures.len() as u64;
        let listed = Missing { next, past, listed: pictures };
        let i_frames_map = (next > 0).then(|| resume(i_frames, true, &listed));
        let (gaps, gap_pictures) = (gaps.to_vec(), gap_pictures.to_vec());
        track.writer.resume_recording(map, i_frames_map.flatten());
        for (at, gap) in gaps.iter().enumerate() {
            track.writer.withhold(gap, gap_pictures.get(at..=at).unwrap_or_default());
        }
    }
}

/// What a recording's playlist is to have at its end.
struct Missing<'a> {
    /// The number after its last segment.
    next: u64,
    /// The segments before those of `listed`, as text.
    past: Vec<&'a Past>,
    listed: &'a [Arc<Listed>],
}

impl Missing<'_> {
    /// A text as much of which was written as was, with what it lacks; and the init segment in force at its end.
    fn added_to(&self, text: &str) -> (String, Option<Arc<str>>) {
        let written = recording::whole(text);
        let (mut text, mut map) = (written.text.to_owned(), written.map);
        let lacks = usize::try_from(self.next.saturating_sub(written.segments));
        let in_text: usize = self.past.iter().map(|past| past.segments()).sum();
        let known = in_text + self.listed.len();
        let mut skipped = known.saturating_sub(lacks.unwrap_or(usize::MAX));
        for past in &self.past {
            if skipped < past.segments() {
                text.push_str(&past.rest(skipped, &mut map));
            }
            skipped = skipped.saturating_sub(past.segments());
        }
        for segment in self.listed.iter().skip(skipped) {
            text.push_str(&recording::entry(segment, &mut map));
        }
        (text, map)
    }
}

impl Track {
    /// Lists a part again.
    fn list_part(&mut self, part: &ListedPart, open: &mut Option<Open>, anchor: Anchor) {
        let head = Head {
            discontinuity: part.discontinuity,
            map: part.map.clone(),
            utc_us: anchor.utc_us_at(Ticks(part.start)),
        };
        let (uri, duration) = (part.uri.clone(), Ticks(part.duration));
        let (independent, gap) = (part.independent, part.gap);
        self.window.part(&head, Part { uri, duration, independent, gap });
        let (msn, start, i_frames) = (part.msn, Ticks(part.start), IFrames::default());
        let open = open.get_or_insert(Open { msn, head, start, i_frames });
        for (shown, length, offset) in &part.pictures {
            open.i_frames.push_range(Ticks(*shown), *length, *offset);
        }
        if part.fragments > 0 {
            self.writer.resume_fragments(part.fragments);
        }
    }
}
