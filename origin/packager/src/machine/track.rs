//! One rendition: from its access units to its parts, segments and playlist window.
//!
//! In: units and configurations of one rendition, and the [`Cuts`] of the show. Out: [`Output`]s.
//! Does not know the other renditions; it waits for cuts, never for them.

use std::collections::VecDeque;

use shared_media::{
    Anchor, RenditionId, Rung, SoundTrack, TICKS_PER_SECOND, Ticks, TrackConfig, TrackKind,
};
use shared_playlist::media::SKIP_TARGETS;

use super::captions::{CaptionTrack, Captions};
use super::closed_captions::ClosedCaptions;
use super::cuts::{Cut, Cuts};
use super::date_ranges::DateRanges;
use super::journal::Journal;
use super::messages::{Messages, Reader};
use super::names::Names;
use super::output::Output;
use super::rates::Rates;
use super::sample::{Sample, Timing};
use super::segment::{Measure, Segment, Writer};
use super::window::Window;
use crate::config::Config;
use crate::error::{Drop, Error};

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

/// What a rendition is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Captions.
    Text,
}

impl From<TrackKind> for Form {
    fn from(kind: TrackKind) -> Self {
        match kind {
            TrackKind::Video => Self::Video,
            TrackKind::Audio => Self::Audio,
        }
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
}

impl Track {
    /// A rendition as the ladder planned it.
    pub(super) fn new(rung: Rung, leads: bool, common: &Common) -> Self {
        let form = rung.rendition.kind.into();
        let track = Self::of(rung.rendition.id, form, rung.target_bit_rate, leads, common);
        Self { sound: rung.sound.unwrap_or_default(), ..track }
    }

    /// A track of captions.
    pub(super) fn captions(track: &CaptionTrack, common: &Common) -> Self {
        Self::of(track.id.clone(), Form::Text, None, false, common)
    }

    fn of(
        id: RenditionId,
        form: Form,
        bit_rate: Option<u32>,
        leads: bool,
        common: &Common,
    ) -> Self {
        let target = Ticks(i64::from(common.target_duration_s) * TICKS_PER_SECOND);
        let limit = Ticks::from_millis(i64::from(common.config.window_ms));
        let window = Window::new(limit, Ticks(target.0 * SKIP_TARGETS));
        let rates = Rates::new(common.target_duration_s, bit_rate);
        let reads = leads || form == Form::Video;
        let messages = Reader::new(leads, reads);
        Self {
            id,
            form,
            sound: SoundTrack::default(),
            timing: Timing::default(),
            window,
            rates,
            i_frame_rates: Rates::new(common.target_duration_s, None),
            writer: Writer::new(messages),
            leads,
            rests: false,
            waiting: VecDeque::new(),
            announced: None,
            segment: None,
            next_msn: 0,
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
            Some(segment) => (segment.cut.msn, self.writer.next_part),
            None => (self.next_msn, 0),
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
            self.enter(cut, None, common);
        }
    }

    /// Ends the section: closes its last segment, which is a gap of `span` if it has nothing.
    pub(super) fn end_section(&mut self, span: Ticks, common: &mut Common) {
        if let Some(segment) = self.segment.take() {
            let end = segment.newest().map(|newest| newest + self.unit_duration());
            self.close(segment, end, span, common);
        }
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
        while let Some(cut) = cuts.get(self.next_msn).filter(|cut| self.reaches(&sample, cut)) {
            self.enter(cut, Some(sample.dts), common);
        }
        let half = Ticks(self.unit_duration().0 / 2);
        let decided = cuts.get(self.next_msn).is_some() || sample.dts + half < cuts.frontier();
        if !self.leads && !decided {
            return Some(sample);
        }
        match &mut self.segment {
            None => self.drop_one(Drop::NoKeyframe, common), // before the first cut
            Some(segment) if sample.dts + half < segment.cut.at => {
                self.drop_one(Drop::Late, common);
            }
            Some(segment) => {
                let video = self.form == Form::Video;
                let starts = !video || sample.keyframe && sample.pts - half <= segment.cut.at;
                let outcome = self.writer.admit(segment, &sample, starts, common);
                match outcome {
                    Ok(()) => self.writer.write(segment, sample, &mut self.window, common),
                    Err(error) => common.outputs.push_back(Output::Trouble(match error {
                        Ok(why) => Error::Dropped { rendition: self.id.clone(), why },
                        Err(error) => error,
                    })),
                }
            }
        }
        None
    }

    /// Whether a sample lies at or after a cut. A picture of the segment before may, by jitter, be
    /// decoded close to it; only a keyframe there, or a picture clearly after it, has reached it.
    fn reaches(&self, sample: &Sample, cut: &Cut) -> bool {
        let half = Ticks(self.unit_duration().0 / 2);
        match self.form {
            Form::Video if sample.keyframe => sample.pts + half >= cut.at,
            Form::Video => sample.dts > cut.at + half,
            Form::Audio | Form::Text => sample.dts + half >= cut.at,
        }
    }

    /// Closes the segment being filled at a cut and begins the next. `next` is the decode time of
    /// the sample that follows, if one does.
    fn enter(&mut self, cut: Cut, next: Option<Ticks>, common: &mut Common) {
        if let Some(segment) = self.segment.take() {
            let by_itself = segment.newest().map(|newest| newest + self.unit_duration());
            // The last sample lasts until the next, but over a hole only up to the cut.
            let end = by_itself.map(|own| next.unwrap_or(cut.at).min(own.max(cut.at)));
            let span = cut.at - segment.cut.at;
            self.close(segment, end, span, common);
        }
        self.writer.next_part = 0;
        self.next_msn = cut.msn + 1;
        self.segment = Some(Segment::new(cut, (&self.id, self.form), common));
    }

    fn close(&mut self, segment: Segment, end: Option<Ticks>, gap: Ticks, common: &mut Common) {
        let measure = self.writer.close(segment, end, gap, &mut self.window, common);
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
