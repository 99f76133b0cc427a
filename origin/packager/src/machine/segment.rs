//! Filling, writing and listing the segments of one rendition.
//!
//! In: samples that belong to the current segment, in order. Out: init segments, parts, segments,
//! lines of the recordings, and the entries of the window. Does not know when a segment ends.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use shared_media::{RenditionId, TICKS_PER_SECOND, Ticks, TrackConfig};
use shared_playlist::media::{Head, Part, Segment as Listed};
use shared_wire::key::MediaFile;

use super::cuts::Cut;
use super::form::Form;
use super::i_frames::IFrames;
use super::journal::{Closed, Line, ListedPart};
use super::messages::Reader;
use super::output::{Output, object};
use super::parts::{ClosedPart, Parts};
use super::piece;
use super::sample::Sample;
use super::track::Common;
use super::window::Window;
use crate::cmaf::{self, Header};
use crate::error::{Drop, Error};

/// The segment being filled.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) cut: Cut,
    pub(super) rendition: RenditionId,
    form: Form,
    /// It was never to have anything.
    pub(super) is_gap: bool,
    /// Presentation time of its first sample.
    start: Option<Ticks>,
    /// Of a piece of a film: where it begins in the playlist, which is where the one before it ends.
    pub(super) from: Option<Ticks>,
    parts: Parts,
    /// Its last listed part ends where the next segment is expected to begin.
    is_whole: bool,
    /// The bytes of its parts so far, and how many there are with those of the open part.
    written: Vec<Bytes>,
    bytes: usize,
    samples: u64,
    i_frames: IFrames,
    /// Where the last written part ended.
    end: Ticks,
    measured: Option<Ticks>,
}

impl Segment {
    pub(super) fn new(cut: Cut, (id, form): (&RenditionId, Form), common: &Common) -> Self {
        Self {
            cut,
            rendition: id.clone(),
            form,
            is_gap: false,
            start: None,
            from: None,
            parts: Parts::new(common.part_target(), form),
            is_whole: false,
            written: Vec::new(),
            bytes: 0,
            samples: 0,
            i_frames: IFrames::default(),
            end: cut.at,
            measured: None,
        }
    }

    /// Whether no sample came yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.start.is_none()
    }

    /// The newest sample's decode time.
    pub(super) fn newest(&self) -> Option<Ticks> {
        self.parts.newest()
    }

    /// Where its newest sample ends if it lasts `unit`, unless it is listed to end somewhere already.
    pub(super) fn newest_end(&self, unit: Ticks) -> Option<Ticks> {
        self.parts.guessed_end().or_else(|| Some(self.newest()? + unit))
    }

    /// How long the sample before the newest lasts.
    pub(super) const fn measured(&self) -> Option<Ticks> {
        self.measured
    }

    /// Samples per 1000 seconds so far; `None` of a single one.
    pub(super) fn frame_rate_millihertz(&self) -> Option<u32> {
        let lasts =
            u64::try_from((self.newest()? - self.start?).0).ok().filter(|ticks| *ticks > 0)?;
        let per_1000_s = TICKS_PER_SECOND.unsigned_abs() * 1000;
        u32::try_from((self.samples.saturating_sub(1) * per_1000_s + lasts / 2) / lasts).ok()
    }

    /// How far it reaches beyond its cut, if its newest sample lasts `unit`.
    pub(super) fn reach(&self, unit: Ticks) -> Ticks {
        self.newest_end(unit).map_or(Ticks::ZERO, |end| end - self.cut.at)
    }

    /// Whether it goes on from the segment before.
    pub(super) const fn continues(&self) -> bool {
        !self.cut.discontinuity && self.cut.msn > 0
    }

    /// Whether nothing more of it is expected: what comes next is the next segment's.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Where its open part ends, if the newest sample can be taken to be that part's last.
    pub(super) fn full_at(&self) -> Option<Ticks> {
        self.parts.full_at()
    }

    /// Whether viewers know of some of it.
    pub(super) const fn has_listed(&self) -> bool {
        !self.written.is_empty()
    }

    /// How many samples came.
    pub(super) const fn samples(&self) -> u64 {
        self.samples
    }

    /// Its Media Sequence Number.
    pub(super) const fn msn(&self) -> u64 {
        self.cut.msn
    }

    /// The presentation time it starts at.
    pub(super) fn started(&self) -> Ticks {
        self.from.or(self.start).unwrap_or(self.cut.at)
    }

    /// Its listed pictures so far.
    pub(super) fn pictures(&self) -> Vec<(i64, u64, u64)> {
        self.i_frames.found(0)
    }

    fn head(&self, map: Option<&Arc<str>>, common: &Common) -> Head {
        Head {
            discontinuity: self.cut.discontinuity,
            map: map.cloned(),
            utc_us: common.anchor.utc_us_at(self.started()),
        }
    }
}

/// What a closed segment took.
#[derive(Debug)]
pub(super) struct Measure {
    pub(super) bytes: usize,
    pub(super) samples: u64,
    pub(super) duration: Ticks,
    /// The entries of the I-frame playlist.
    pub(super) i_frames: Vec<Arc<Listed>>,
}

/// The decoder configuration in force and the numbers of what is written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The configuration in force; `header` is missing where it could not be stored.
    pub(super) config: Option<TrackConfig>,
    /// What the fragments are read with.
    pub(super) header: Option<Header>,
    /// The number of the next part of the current segment.
    pub(super) next_part: u32,
    /// The playlist of the rendition changed since it was last told.
    pub(super) changed: bool,
    /// When the newest listed unit came in.
    pub(super) arrived_us: Option<u64>,
    /// The recording has been begun.
    pub(super) is_recording: bool,
    /// The pictures of the last closed segment are to be told.
    pub(super) i_frames_changed: bool,
    /// How far it has come with timed metadata.
    pub(super) messages: Reader,
    announced: Option<TrackConfig>,
    map: Option<Arc<str>>,
    pub(super) recorded_map: Option<Arc<str>>,
    pub(super) recorded_i_frames_map: Option<Arc<str>>,
    headers: u32,
    sequence: u32,
    delay: Ticks,
    /// Entries of the recordings for gaps while nobody publishes. They are written once somebody does again: a
    /// recording does not end with them.
    pub(super) withheld: (String, String),
}

impl Writer {
    /// Of a rendition that reads timed metadata so.
    pub(super) fn new(messages: Reader) -> Self {
        Self { messages, ..Self::default() }
    }

    /// A configuration for the samples that follow; it takes effect when a segment starts.
    pub(super) fn announce(&mut self, config: TrackConfig) {
        self.announced = Some(config).filter(|config| self.config.as_ref() != Some(config));
    }

    /// Of a piece of a film: its init segments and fragments have these numbers, and others write the beginning of its
    /// recordings.
    pub(super) const fn begin_at(&mut self, init: u32, fragments: u32) {
        (self.headers, self.sequence, self.is_recording) = (init, fragments, true);
    }

    /// Whether the configuration in force could not be stored.
    pub(super) const fn is_unusable(&self) -> bool {
        self.config.is_some() && self.header.is_none()
    }

    /// Whether a sample can go into the segment. `starts` says that the segment may start with it.
    pub(super) fn admit(
        &mut self,
        segment: &Segment,
        sample: &Sample,
        starts: bool,
        common: &mut Common,
    ) -> Result<(), Result<Drop, Error>> {
        if segment.is_empty() {
            if !starts {
                return Err(Ok(Drop::NoKeyframe));
            }
            if let Some(config) = self.announced.take() {
                let delay = match common.piece {
                    Some(_) => piece::reorder_delay(&config, sample.delay),
                    None => sample.delay,
                };
                self.configure(config, delay, &segment.rendition, common).map_err(Err)?;
            }
            if self.header.is_none() && segment.form != Form::Text {
                return Err(Ok(Drop::Unconfigured));
            }
        } else if self.announced.is_some() {
            return Err(Ok(Drop::NoKeyframe)); // of another configuration than the segment's
        }
        if segment.bytes + sample.data.len() > common.config.segment_bytes_max {
            return Err(Ok(Drop::TooLarge));
        }
        Ok(())
    }

    /// Writes an init segment and puts its configuration in force.
    fn configure(
        &mut self,
        config: TrackConfig,
        reorder_delay: Ticks,
        rendition: &RenditionId,
        common: &mut Common,
    ) -> Result<(), Error> {
        let header = cmaf::header(&config, reorder_delay);
        self.config = Some(config);
        self.header = header.as_ref().ok().cloned();
        let header = header.map_err(|error| Error::Configuration {
            rendition: rendition.clone(),
            reason: error.to_string(),
        })?;
        let file = MediaFile::Init(self.headers);
        let key = common.names.media(rendition, file);
        common.outputs.push_back(Output::Put(object(key, header.bytes)));
        self.map = Some(common.names.uri(file).into());
        self.headers += 1;
        self.delay = reorder_delay;
        self.config_line(rendition).iter().for_each(|line| common.journal.line(line));
        Ok(())
    }

    /// The note of the configuration in force.
    pub(super) fn config_line(&self, of: &RenditionId) -> Option<Line> {
        let (config, map) = (self.config.clone()?, self.map.clone()?);
        let (of, delay, headers) = (of.clone(), self.delay.0, self.headers);
        Some(Line::Config { of, config, delay, map, headers }).filter(|_| self.header.is_some())
    }

    /// Puts a configuration in force again that an earlier process wrote. Fails if it cannot be stored.
    pub(super) fn resume(
        &mut self,
        config: TrackConfig,
        delay: Ticks,
        map: Arc<str>,
        headers: u32,
    ) -> Option<()> {
        self.header = Some(cmaf::header(&config, delay).ok()?);
        (self.config, self.delay) = (Some(config), delay);
        (self.map, self.headers) = (Some(map), headers);
        Some(())
    }

    /// How many fragments were written, as they count themselves.
    pub(super) const fn fragments(&self) -> u32 {
        self.sequence
    }

    /// Goes on counting fragments from there.
    pub(super) const fn resume_fragments(&mut self, fragments: u32) {
        self.sequence = fragments;
    }

    /// Adds an admitted sample.
    pub(super) fn write(
        &mut self,
        segment: &mut Segment,
        sample: Sample,
        window: &mut Window,
        common: &mut Common,
    ) {
        segment.start.get_or_insert(sample.pts);
        segment.bytes += sample.data.len();
        segment.samples += 1;
        segment.is_whole = false;
        segment.measured = segment.newest().map(|newest| sample.dts - newest);
        for part in segment.parts.push(sample) {
            self.part(segment, &part, window, common);
        }
    }

    /// Lists the open part with the newest sample, which ends there; `is_whole` if nothing more of the segment is
    /// expected.
    pub(super) fn list_early(
        &mut self,
        segment: &mut Segment,
        (end, is_whole): (Ticks, bool),
        window: &mut Window,
        common: &mut Common,
    ) {
        for part in segment.parts.close_at(end) {
            self.part(segment, &part, window, common);
        }
        segment.is_whole = is_whole;
    }

    /// Writes and lists a part.
    fn part(
        &mut self,
        segment: &mut Segment,
        part: &ClosedPart,
        window: &mut Window,
        common: &mut Common,
    ) {
        let pictures = segment.i_frames.len();
        let Some(bytes) = self.fragments_of(segment, part, common) else {
            let rendition = segment.rendition.clone();
            let trouble = Error::Dropped { rendition, why: Drop::Timestamps };
            common.outputs.push_back(Output::Trouble(trouble));
            return;
        };
        let file = segment.form.part(segment.cut.msn, self.next_part);
        let key = common.names.media(&segment.rendition, file);
        if common.piece.is_none() {
            common.outputs.push_back(Output::PutPart(object(key, bytes.clone())));
        }
        segment.written.push(bytes);
        segment.end = part.samples.last().map_or(segment.end, |last| last.end);
        let independent = part.samples.iter().any(|sample| sample.keyframe);
        let (uri, duration) = (common.names.uri(file), part.duration(common.part_target()));
        let listed = Part { uri, duration, independent, gap: false };
        let head = segment.head(self.map.as_ref(), common);
        common.journal.line(&Line::Part(ListedPart {
            of: segment.rendition.clone(),
            msn: segment.cut.msn,
            start: segment.started().0,
            discontinuity: head.discontinuity,
            map: head.map.clone(),
            uri: listed.uri.clone(),
            duration: listed.duration.0,
            independent,
            gap: false,
            pictures: segment.i_frames.found(pictures),
            fragments: self.sequence,
        }));
        window.part(&head, listed);
        self.next_part += 1;
        self.changed = true;
        self.arrived_us = Some(part.arrived_us);
    }

    /// The bytes of a part: one fragment, or some where it holds a picture of the I-frame playlist.
    /// `None` if any of its samples cannot be stored.
    fn fragments_of(
        &mut self,
        segment: &mut Segment,
        part: &ClosedPart,
        common: &mut Common,
    ) -> Option<Bytes> {
        if segment.form == Form::Text {
            let (first, last) = (part.samples.first()?, part.samples.last()?);
            return Some(common.captions.part(&segment.rendition, first.dts, last.end));
        }
        let header = self.header.as_ref()?;
        let fragments = match self.config {
            Some(TrackConfig::Video(_)) => {
                segment.i_frames.cut(&part.samples, common.i_frames_apart())
            }
            _ => vec![(&part.samples[..], None)],
        };
        let before: usize = segment.written.iter().map(Bytes::len).sum();
        let (mut bytes, mut pictures) = (BytesMut::new(), Vec::new());
        if let (Some(first), Some(last)) = (part.samples.first(), part.samples.last()) {
            let messages = common.messages.take(&mut self.messages, first.dts, last.end);
            messages.iter().for_each(|message| bytes.extend_from_slice(message));
        }
        for (samples, shown) in fragments {
            self.sequence = self.sequence.wrapping_add(1);
            let fragment = cmaf::fragment(self.sequence, header, samples)?;
            pictures.extend(shown.map(|shown| (shown, before + bytes.len(), fragment.len())));
            bytes.extend_from_slice(&fragment);
        }
        for (shown, offset, length) in pictures {
            segment.i_frames.push(shown, offset, length);
        }
        Some(bytes.freeze())
    }

    /// Closes the segment, its last sample at `end`. Without samples it becomes a gap of `span`; of a piece of a film
    /// it is listed with that whatever it holds. Gives what it took, unless it is a gap.
    pub(super) fn close(
        &mut self,
        mut segment: Segment,
        end: Option<Ticks>,
        span: Ticks,
        window: &mut Window,
        common: &mut Common,
    ) -> Option<Measure> {
        if let Some(end) = end {
            let has_guessed = segment.parts.guessed_end().is_some();
            let parts =
                std::mem::replace(&mut segment.parts, Parts::new(Ticks::ZERO, segment.form));
            for mut part in parts.finish(end) {
                if segment.from.is_some() {
                    piece::retime(&mut part.samples, self.delay);
                }
                self.part(&mut segment, &part, window, common);
            }
            if has_guessed {
                // What was guessed does not add up over a show: segments are as long as they are.
                segment.end = end;
            }
        }
        let file = segment.form.segment(segment.cut.msn);
        let bytes: usize = segment.written.iter().map(Bytes::len).sum();
        let filled = segment.start.filter(|_| bytes > 0);
        let held = filled.filter(|_| segment.from.is_none());
        let duration = held.map_or(span, |start| segment.end - start);
        if filled.is_some() {
            let whole = segment.form.whole(segment.written.iter());
            let key = common.names.media(&segment.rendition, file);
            common.outputs.push_back(Output::Put(object(key, whole)));
        } else if !segment.is_gap {
            let (rendition, msn) = (segment.rendition.clone(), segment.cut.msn);
            common.outputs.push_back(Output::Trouble(Error::Gap { rendition, msn }));
        }
        let head = segment.head(self.map.as_ref(), common);
        let (uri, gap, parts) = (common.names.uri(file), filled.is_none(), Vec::new());
        let listed = Listed { head, uri, range: None, duration, gap, parts };
        let i_frames = match segment.form {
            Form::Video => segment.i_frames.entries(&listed, segment.started(), common.anchor),
            Form::Audio | Form::Text => Vec::new(),
        };
        let (of, taken) = (&segment.rendition, (bytes, segment.samples));
        let closed = Closed::new(of, segment.cut.msn, &listed, taken, &i_frames);
        common.journal.line(&Line::Segment(closed));
        self.record(&segment, &listed, &i_frames, common);
        let measure = Measure { bytes, samples: segment.samples, duration, i_frames };
        window.close(listed, measure.i_frames.clone());
        self.changed = true;
        self.i_frames_changed |= !measure.i_frames.is_empty();
        filled.map(|_| measure)
    }
}
