//! One rendition: from its access units to its parts, segments and playlist window.
//!
//! In: units and configurations of one rendition, and the [`Cuts`] of the show. Out: [`Output`]s.
//! Does not know the other renditions; it waits for cuts, never for them.

use std::collections::VecDeque;

use shared_media::{Anchor, RenditionId, Rung, SoundTrack, TICKS_PER_SECOND, Ticks, TrackConfig};
use shared_playlist::media::SKIP_TARGETS;

use super::captions::{CaptionTrack, Captions};
use super::closed_captions::ClosedCaptions;
use super::cuts::{Cut, Cuts};
use super::date_ranges::DateRanges;
use super::form::Form;
use super::journal::Journal;
use super::messages::{Messages, Reader};
use super::names::Names;
use super::output::Output;
use super::piece::Given;
use super::rates::Rates;
use super::sample::{Sample, Timing};
use super::segment::{Measure, Segment, Writer};
use super::window::Window;
use crate::config::Config;
use crate::error::{Drop, Error};

/// How far behind a cut a piece's segment is listed to begin at most: no picture of a steady film is longer. What
/// decides target durations reckons with it.
const NEAR: Ticks = Ticks(TICKS_PER_SECOND / 10);

/// What all renditions of a show have in common.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) anchor: Anchor,
    pub(super) target_duration_s: u32,
    pub(super) part_target_us: u32,
    pub(super) outputs: VecDeque<Output>,
    pub(super) journal: Journal,
    pub(super) date_ranges: DateRanges,
    pub(super) messages: Messages,
    pub(super) captions: Captions,
    pub(super) closed_captions: ClosedCaptions,
    /// It is no show but a piece of a film.
    pub(super) piece: Option<Given>,
}

impl Common {
    /// The longest part, in ticks.
    pub(super) const fn part_target(&self) -> Ticks {
        Ticks::from_micros(self.part_target_us as i64)
    }

    /// How far apart the pictures of an I-frame playlist are at least.
    pub(super) const fn i_frames_apart(&self) -> Ticks {
        Ticks::from_millis(self.config.i_frame_ms_min as i64)
    }
}

/// What waits for a decision about its segment.
#[derive(Debug)]
enum Waiting {
    Config(TrackConfig),
    Sample(Sample),
}

/// One rendition of a show.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) id: RenditionId,
    pub(super) form: Form,
    /// Of a sound: what it is to a listener.
    pub(super) sound: SoundTrack,
    pub(super) timing: Timing,
    pub(super) window: Window,
    pub(super) rates: Rates,
    /// Of the pictures of its I-frame playlist.
    pub(super) i_frame_rates: Rates,
    pub(super) writer: Writer,
    leads: bool,
    /// Nothing of it is made for a while.
    pub(super) rests: bool,
    waiting: VecDeque<Waiting>,
    /// The newest configuration that came in; `writer` has the one in force.
    announced: Option<TrackConfig>,
    /// The segment that is being filled.
    segment: Option<Segment>,
    /// The number of the segment after it.
    next_msn: u64,
    /// Of a piece of a film: up to where its playlist is written.
    edge: Option<Ticks>,
}

impl Track {
    /// A rendition as the ladder planned it.
    pub(super) fn new(rung: Rung, leads: bool, common: &Common) -> Self {
        let form = rung.rendition.kind.into();
        let rates = (rung.target_bit_rate, rung.expected_bit_rate);
        let track = Self::of(rung.rendition.id, form, rates, leads, common);
        Self { sound: rung.sound.unwrap_or_default(), ..track }
    }

    /// A track of captions.
    pub(super) fn captions(track: &CaptionTrack, common: &Common) -> Self {
        Self::of(track.id.clone(), Form::Text, (None, None), false, common)
    }

    fn of(
        id: RenditionId,
        form: Form,
        (aimed_at, expected): (Option<u32>, Option<u32>),
        leads: bool,
        common: &Common,
    ) -> Self {
        let target = Ticks(i64::from(common.target_duration_s) * TICKS_PER_SECOND);
        let limit = Ticks::from_millis(i64::from(common.config.window_ms));
        let window = Window::new(limit, Ticks(target.0 * SKIP_TARGETS));
        let rates = Rates::new(common.target_duration_s, aimed_at, expected);
        let reads = leads || form == Form::Video;
        let mut writer = Writer::new(Reader::new(leads, reads));
        let piece = common.piece.as_ref();
        if let Some(piece) = piece {
            writer.begin_at(piece.init, piece.fragments());
        }
        Self {
            id,
            form,
            sound: SoundTrack::default(),
            timing: Timing::default(),
            window,
            rates,
            i_frame_rates: Rates::new(common.target_duration_s, None, None),
            writer,
            leads,
            rests: false,
            waiting: VecDeque::new(),
            announced: None,
            segment: None,
            next_msn: piece.map_or(0, |piece| piece.first_msn),
            edge: piece.map(Given::begin),
        }
    }

    /// How long a unit lasts, as its configuration states it.
    pub(super) fn stated_duration(&self) -> Option<Ticks> {
        let stated = match self.announced.as_ref()? {
            TrackConfig::Video(video) => video.frame_duration()?,
            TrackConfig::Audio(audio) => {
                Ticks(1024 * TICKS_PER_SECOND / i64::from(audio.sample_rate.max(1)))
            }
        };
        Some(stated).filter(|duration| duration.0 > 0)
    }

    /// How long a unit lasts where the next one does not say so.
    pub(super) fn unit_duration(&self) -> Ticks {
        let measured = || self.segment.as_ref().and_then(Segment::measured);
        let duration = self.stated_duration().or_else(measured);
        duration.unwrap_or(Ticks(TICKS_PER_SECOND / 30)).min(Ticks(TICKS_PER_SECOND))
    }

    /// Whether a keyframe would let it go on: its segment has nothing yet, or its configuration
    /// changed.
    pub(super) fn wants_keyframe(&self) -> bool {
        let is_empty = self.segment.as_ref().is_some_and(Segment::is_empty);
        (is_empty && !self.writer.is_unusable()) || self.announced != self.writer.config
    }

    /// How far the segment being filled reaches beyond its cut.
    pub(super) fn reach(&self) -> Ticks {
        let reach = |segment: &Segment| segment.reach(self.unit_duration());
        self.segment.as_ref().map_or(Ticks::ZERO, reach)
    }

    /// The segment that is being filled.
    pub(super) const fn open_segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }

    /// The Media Sequence Number of the first segment it has not begun.
    pub(super) const fn next_msn(&self) -> u64 {
        self.next_msn
    }

    /// The part that comes next.
    pub(super) fn hint(&self, common: &Common) -> String {
        let (msn, part) = match &self.segment {
            Some(segment) if !segment.is_whole() => (segment.cut.msn, self.writer.next_part),
            _ => (self.next_msn, 0),
        };
        common.names.uri(self.form.part(msn, part))
    }

    /// A configuration for the units that follow.
    pub(super) fn configure(&mut self, config: TrackConfig) {
        self.announced = Some(config.clone());
        self.waiting.push_back(Waiting::Config(config));
    }

    /// A unit. The oldest that waits makes room for it if there are too many.
    pub(super) fn push(&mut self, sample: Sample, common: &mut Common) {
        self.waiting.push_back(Waiting::Sample(sample));
        if self.waiting.len() > common.config.held_units_max {
            let oldest = self.waiting.iter().position(|item| matches!(item, Waiting::Sample(_)));
            if oldest.and_then(|oldest| self.waiting.remove(oldest)).is_some() {
                self.drop_one(Drop::Held, common);
            }
        }
    }

    /// Puts whatever is decided where it belongs.
    pub(super) fn pump(&mut self, cuts: &Cuts, common: &mut Common) {
        while let Some(item) = self.waiting.pop_front() {
            match item {
                Waiting::Config(config) => self.writer.announce(config),
                Waiting::Sample(sample) => {
                    if let Some(undecided) = self.place(sample, cuts, common) {
                        self.waiting.push_front(Waiting::Sample(undecided));
                        break;
                    }
                }
            }
        }
        let lag_ms_max = if self.rests { 0 } else { common.config.lag_ms_max };
        let lag_max = Ticks::from_millis(i64::from(lag_ms_max));
        while let Some(cut) = cuts.get(self.next_msn) {
            if cut.at + lag_max >= cuts.frontier() {
                break;
            }
            self.enter(cut, None, cuts, common);
        }
    }

    /// Takes a text of a piece up to the segment before that one: a sample for each segment.
    pub(super) fn write_texts(&mut self, before: u64, cuts: &Cuts, common: &mut Common) {
        while let Some(cut) = cuts.get(self.next_msn).filter(|cut| cut.msn < before) {
            self.place(Sample::empty(cut.at), cuts, common);
        }
    }

    /// Ends a piece of a film: whatever it has nothing for is a gap.
    pub(super) fn end_piece(&mut self, until: Ticks, cuts: &Cuts, common: &mut Common) {
        while let Some(cut) = cuts.get(self.next_msn) {
            self.enter(cut, None, cuts, common);
        }
        let (newest, unit) =
            (self.segment.as_ref().and_then(Segment::newest), self.unit_duration());
        // A picture stands until the next one. A sound that is over is over.
        let over = newest.filter(|_| self.form == Form::Audio).map(|newest| newest + unit);
        let over = over.filter(|over| *over + Ticks(unit.0 / 2) < until);
        let end = over.unwrap_or(until);
        self.close_at(end, end, common);
    }

    /// Ends the section: closes its last segment, which is a gap of `span` if it has nothing.
    pub(super) fn end_section(&mut self, span: Ticks, common: &mut Common) {
        if let Some(segment) = self.segment.take() {
            let end = segment.newest_end(self.unit_duration());
            self.close(segment, end, span, common);
        }
    }

    /// Whether the segment being filled has nothing, though it is not the first of its section.
    pub(super) fn has_nothing_behind_a_cut(&self) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.is_empty() && segment.continues())
    }

    /// Whether a part of the segment being filled is listed.
    pub(super) fn has_listed_of_segment(&self) -> bool {
        self.segment.as_ref().is_some_and(Segment::has_listed)
    }

    /// Leaves out the segment being filled.
    pub(super) fn discard(&mut self, common: &mut Common) {
        let samples = self.segment.take().map_or(0, |segment| segment.samples());
        (0..samples).for_each(|_| self.drop_one(Drop::Sliver, common));
    }

    /// Lists a gap between two sections.
    pub(super) fn gap(&mut self, cut: Cut, span: Ticks, common: &mut Common) {
        let mut segment = Segment::new(cut, (&self.id, self.form), common);
        segment.is_gap = true;
        self.writer.close(segment, None, span, &mut self.window, common);
        self.next_msn = cut.msn + 1;
    }

    /// Whether it has nothing that could still be listed.
    pub(super) fn is_idle(&self) -> bool {
        let samples = self.waiting.iter().any(|item| matches!(item, Waiting::Sample(_)));
        self.segment.is_none() && !samples
    }

    /// Starts a new section, in which nothing of before counts. `next_msn` is its first segment.
    pub(super) fn restart(&mut self, next_msn: u64) {
        self.waiting.retain(|item| matches!(item, Waiting::Config(_)));
        self.segment = None;
        self.next_msn = next_msn;
    }

    /// Puts a sample into its segment; gives it back if that is not decided yet.
    fn place(&mut self, sample: Sample, cuts: &Cuts, common: &mut Common) -> Option<Sample> {
        if cuts.until().is_some_and(|until| self.reaches(&sample, until)) {
            return None; // it is the next piece's
        }
        while let Some(cut) = cuts.get(self.next_msn).filter(|cut| self.reaches(&sample, cut.at)) {
            self.enter(cut, Some(&sample), cuts, common);
        }
        let half = Ticks(self.unit_duration().0 / 2);
        if !self.leads && !cuts.is_decided(self.next_msn, sample.dts + half) {
            return Some(sample);
        }
        match &mut self.segment {
            None => self.drop_one(Drop::NoKeyframe, common), // before the first cut
            Some(segment) if sample.dts + half < segment.cut.at => {
                self.drop_one(Drop::Late, common);
            }
            Some(segment) => {
                // The first picture of a film behind a cut may be one that follows a still.
                let is_near = self.edge.is_some() || sample.pts - half <= segment.cut.at;
                let starts = self.form != Form::Video || sample.keyframe && is_near;
                let outcome = self.writer.admit(segment, &sample, starts, common);
                match outcome {
                    Ok(()) => {
                        self.writer.write(segment, sample, &mut self.window, common);
                        self.list_early(cuts, common);
                    }
                    Err(error) => common.outputs.push_back(Output::Trouble(match error {
                        Ok(why) => Error::Dropped { rendition: self.id.clone(), why },
                        Err(error) => error,
                    })),
                }
            }
        }
        None
    }

    /// Lists a part with its last sample, not only with the one after it, wherever what follows can be told.
    fn list_early(&mut self, cuts: &Cuts, common: &mut Common) {
        if self.edge.is_some() || self.form == Form::Text {
            return; // nobody waits for a piece; a text lasts as long as the leader's pictures
        }
        let unit = self.unit_duration();
        let Some(segment) = &mut self.segment else { return };
        let Some(end) = segment.full_at() else { return };
        if let Some(is_whole) = cuts.are_expected_at(end, self.next_msn, unit) {
            self.writer.list_early(segment, (end, is_whole), &mut self.window, common);
        }
    }

    /// Whether a sample lies at or after a cut. A picture of the segment before may, by jitter, be
    /// decoded close to it; only a keyframe there, or a picture clearly after it, has reached it.
    fn reaches(&self, sample: &Sample, cut: Ticks) -> bool {
        let half = Ticks(self.unit_duration().0 / 2);
        match self.form {
            Form::Video if sample.keyframe => sample.pts + half >= cut,
            // Films may have pictures of any length: only when they are shown says where they belong.
            Form::Video if self.edge.is_some() => sample.pts > cut + half,
            Form::Video => sample.dts > cut + half,
            Form::Audio | Form::Text => sample.dts + half >= cut,
        }
    }

    /// Closes the segment being filled at a cut and begins the next. `next` is the sample that follows, if one does.
    fn enter(&mut self, cut: Cut, next: Option<&Sample>, cuts: &Cuts, common: &mut Common) {
        if self.edge.is_some() {
            let edge = self.edge_at(cut, next, cuts);
            // A picture stands until the next one; a sound that breaks off does not.
            let end = match (self.form, next) {
                (Form::Video, Some(next)) if next.keyframe => next.pts,
                (Form::Video, None) => cuts.until().unwrap_or(edge),
                _ => edge,
            };
            self.close_at(edge, end, common);
        } else if let Some(segment) = self.segment.take() {
            let next = next.map(|next| next.dts);
            let by_itself = segment.newest_end(self.unit_duration());
            // The last sample lasts until the next, but over a hole only up to the cut.
            let end = by_itself.map(|own| next.unwrap_or(cut.at).min(own.max(cut.at)));
            let span = cut.at - segment.cut.at;
            self.close(segment, end, span, common);
        }
        self.writer.next_part = 0;
        self.next_msn = cut.msn + 1;
        let segment = self.segment.insert(Segment::new(cut, (&self.id, self.form), common));
        segment.from = self.edge;
    }

    /// Where a piece's playlist goes from one segment to the next: at the next sample, if that is close to the cut, or
    /// else at the cut.
    fn edge_at(&self, cut: Cut, next: Option<&Sample>, cuts: &Cuts) -> Ticks {
        let after = cuts.get(cut.msn + 1);
        let is_near = |next: &&Sample| {
            let is_in = after.is_none_or(|after| !self.reaches(next, after.at));
            next.keyframe && is_in && next.pts - cut.at <= NEAR
        };
        next.filter(is_near).map_or(cut.at, |next| next.pts)
    }

    /// Closes a piece's segment where the next is to begin in the playlist, its last sample at `end`.
    fn close_at(&mut self, edge: Ticks, end: Ticks, common: &mut Common) {
        let Some(segment) = self.segment.take() else { return };
        let from = segment.started();
        let edge = edge.max(from);
        let end = segment.newest().map(|_| end);
        self.edge = Some(edge);
        self.close(segment, end, edge - from, common);
    }

    fn close(&mut self, segment: Segment, end: Option<Ticks>, span: Ticks, common: &mut Common) {
        let measure = self.writer.close(segment, end, span, &mut self.window, common);
        if let Some(measure) = measure {
            self.measure(&measure);
        }
    }

    /// Counts what a segment took.
    pub(super) fn measure(&mut self, measure: &Measure) {
        let Measure { bytes, samples, duration, ref i_frames } = *measure;
        self.rates.segment(bytes, samples, duration);
        let sizes = i_frames.iter().filter_map(|picture| Some((picture.range?.length, picture)));
        let bytes: u64 = sizes.clone().map(|(size, _)| size).sum();
        if bytes > 0 {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            self.i_frame_rates.segment(bytes, i_frames.len() as u64, duration);
            sizes.for_each(|(size, picture)| self.i_frame_rates.stretch(size, picture.duration));
        }
    }

    fn drop_one(&self, why: Drop, common: &mut Common) {
        let rendition = self.id.clone();
        common.outputs.push_back(Output::Trouble(Error::Dropped { rendition, why }));
    }
}
