//! Streams that are already what is wanted: they pass, packet by packet, in the form CMAF stores.
//!
//! In: packets of H.264 or AAC, as any container has them. Out: configurations and access units. Does not know files.

use bytes::Bytes;
use ffmpeg_next::Packet;
use ffmpeg_next::codec::packet::side_data::Type as Side;
use shared_media::{
    AccessUnit, AudioCodec, AudioConfig, Rational, Ticks, TrackConfig, VideoCodec, VideoConfig,
};

use super::file::time_of;
use super::out::{End, Out};
use super::raw::{Told, is_hidden};
use crate::film::config::{RECORD_BYTES_MAX, SOUND_SLACK, UNIT_BYTES_MAX};
use crate::machine::film::Fault;
use crate::machine::order::Order;
use crate::machine::sound::{FRAME, STEREO_ASC, SURROUND_ASC};
use crate::machine::{adts, nal};

/// What is made of a film, in ticks of the film and of its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) begin: i64,
    pub(super) from: i64,
    pub(super) until: i64,
}

/// Pictures that are not encoded anew.
pub(super) struct Pictures {
    index: u8,
    span: Span,
    size: (u32, u32),
    frame_rate: Option<Rational>,
    form: Form,
    record: Option<Bytes>,
    order: Order,
    last_dts: Option<i64>,
    passes: Passes,
    pub(super) left_out: u64,
}

/// How NAL units are told apart.
enum Form {
    /// By lengths of so many bytes; the record stands beside the stream.
    Lengths(usize),
    /// By start codes; the record stands in it.
    StartCodes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passes {
    NotYet,
    Now,
    NoMore,
}

impl Pictures {
    pub(super) fn new(
        index: u8,
        span: Span,
        told: &Told,
        frame_rate: Option<Rational>,
        out: &mut Vec<TrackConfig>,
    ) -> Result<Self, Fault> {
        let mut pictures = Self {
            index,
            span,
            size: (told.width, told.height),
            frame_rate,
            form: Form::StartCodes,
            record: None,
            order: Order::new(told.reordered, frame_rate),
            last_dts: None,
            passes: Passes::NotYet,
            left_out: 0,
        };
        out.extend(pictures.describe(&told.extradata)?);
        Ok(pictures)
    }

    /// Whether nothing of what follows is wanted.
    pub(super) fn is_done(&self) -> bool {
        self.passes == Passes::NoMore
    }

    /// Takes the next packet in decoding order: whole GOPs pass, from the first keyframe of the span up to the first
    /// behind it.
    pub(super) fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        let time = time_of(packet).map(|time| time - self.span.begin);
        if let Some(time) = time.filter(|_| packet.is_key() && !is_hidden(packet)) {
            self.passes = match self.passes {
                _ if time >= self.span.until => Passes::NoMore,
                Passes::NotYet if time >= self.span.from => Passes::Now,
                passes => passes,
            };
        }
        if self.passes != Passes::Now {
            return Ok(());
        }
        let renewed = packet.side_data().find(|data| data.kind() == Side::NewExtraData);
        if let Some(config) = renewed.and_then(|data| self.describe(data.data()).ok()).flatten() {
            out.config(self.index, config)?;
        }
        let (config, unit) = self.unit(packet);
        if let Some(config) = config {
            out.config(self.index, config)?;
        }
        match unit {
            Some(unit) => out.unit(self.index, unit),
            None => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    fn unit(&mut self, packet: &Packet) -> (Option<TrackConfig>, Option<AccessUnit>) {
        let Some(data) = taken(packet) else { return (None, None) };
        let (config, data) = match self.form {
            Form::Lengths(4) => (None, Bytes::copy_from_slice(data)),
            Form::Lengths(size) => match nal::lengthen(data, size) {
                Ok(data) => (None, data),
                Err(_) => return (None, None),
            },
            Form::StartCodes => {
                let nal::Packet { avcc, data } = nal::from_annex_b(data);
                (avcc.and_then(|record| self.renew(record)), data)
            }
        };
        let Some(pts) = self.order.pts(packet.pts(), packet.dts()) else { return (config, None) };
        let dts = self.order.dts(pts, packet.dts());
        let is_ordered = self.last_dts.is_none_or(|last| dts > last) && pts >= dts;
        // Nobody can decode a unit without a record before it.
        if !is_ordered || data.is_empty() || self.record.is_none() {
            return (config, None);
        }
        self.last_dts = Some(dts);
        let (pts, dts) = (Ticks(pts - self.span.begin), Ticks(dts - self.span.begin));
        (config, Some(AccessUnit { pts, dts, keyframe: packet.is_key(), data }))
    }

    /// Reads a record in the container's form; the configuration, if it is a new one.
    fn describe(&mut self, extradata: &[u8]) -> Result<Option<TrackConfig>, Fault> {
        limit(extradata)?;
        let record = if extradata.first() == Some(&1) {
            let (record, size) = nal::with_long_lengths(extradata)
                .map_err(|error| Fault::File(format!("its H.264 cannot be copied: {error}")))?;
            self.form = Form::Lengths(size);
            Some(record)
        } else {
            self.form = Form::StartCodes;
            nal::from_annex_b(extradata).avcc
        };
        Ok(record.and_then(|record| self.renew(record)))
    }

    fn renew(&mut self, record: Bytes) -> Option<TrackConfig> {
        if self.record.as_ref() == Some(&record) {
            return None;
        }
        self.record = Some(record.clone());
        let (width, height) = self.size;
        let codec = VideoCodec::Avc;
        let frame_rate = self.frame_rate;
        Some(TrackConfig::Video(VideoConfig {
            codec,
            record,
            width,
            height,
            frame_rate,
            hdr: None,
        }))
    }
}

/// Sound that is not encoded anew.
pub(super) struct Sound {
    index: u8,
    span: Span,
    rate: u32,
    channels: u8,
    record: Bytes,
    next: Option<Ticks>,
    pub(super) left_out: u64,
}

impl Sound {
    pub(super) fn new(index: u8, span: Span, told: Told) -> Result<Self, Fault> {
        let Told { extradata, rate, channels, .. } = told;
        limit(&extradata)?;
        let record = extradata.into();
        Ok(Self { index, span, rate, channels, record, next: None, left_out: 0 })
    }

    /// Its configuration, where the container has it beside the stream.
    pub(super) fn config(&self) -> Option<(u8, TrackConfig)> {
        let (record, sample_rate, channels) = (self.record.clone(), self.rate, self.channels);
        let codec = AudioCodec::Aac;
        let config = AudioConfig { codec, record, sample_rate, channels };
        (!self.record.is_empty()).then_some((self.index, TrackConfig::Audio(config)))
    }

    /// Takes the next packet. What begins before the span is left to the one before it; before a film that is what its
    /// encoder put in front of the first sample.
    pub(super) fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        let (Some(time), Some(data)) = (time_of(packet), taken(packet)) else {
            self.left_out += 1;
            return Ok(());
        };
        let (config, data) = self.frame(data);
        if let Some((index, config)) = config {
            out.config(index, config)?;
        }
        let pts = self.on_grid(Ticks(time - self.span.begin));
        let is_late = self.next.is_some_and(|next| pts < next);
        let Some(data) = data.filter(|_| !is_late && !self.record.is_empty()) else {
            self.left_out += 1;
            return Ok(());
        };
        self.next = Some(pts + if self.is_plain() { FRAME } else { Ticks(1) });
        if !(self.span.from..self.span.until).contains(&pts.0) {
            return Ok(());
        }
        out.unit(self.index, AccessUnit { pts, dts: pts, keyframe: true, data })
    }

    /// The raw frame of a packet, and the configuration if it stands in front of it and is new.
    fn frame(&mut self, data: &[u8]) -> (Option<(u8, TrackConfig)>, Option<Bytes>) {
        match adts::unwrap(data) {
            Some((record, frame)) => {
                let is_new = self.record[..] != record;
                if is_new {
                    self.record = Bytes::copy_from_slice(&record);
                }
                let config = if is_new { self.config() } else { None };
                (config, Some(Bytes::copy_from_slice(frame)))
            }
            None => (None, Some(Bytes::copy_from_slice(data))),
        }
    }

    /// One frame behind another, where a file rounds times.
    fn on_grid(&self, pts: Ticks) -> Ticks {
        match self.next {
            Some(next) if self.is_plain() && (pts - next).0.abs() <= SOUND_SLACK => next,
            _ => pts,
        }
    }

    /// Whether every frame is one of 1024 samples at 48 kHz.
    fn is_plain(&self) -> bool {
        let plain = [STEREO_ASC, SURROUND_ASC];
        self.rate == 48_000 && plain.iter().any(|plain| self.record.starts_with(plain))
    }
}

fn limit(record: &[u8]) -> Result<(), Fault> {
    match record.len() {
        0..=RECORD_BYTES_MAX => Ok(()),
        bytes => Err(Fault::File(format!("a stream's record of {bytes} bytes is too long"))),
    }
}

/// What a packet holds, if it is no longer than units are.
fn taken(packet: &Packet) -> Option<&[u8]> {
    packet.data().filter(|data| data.len() <= UNIT_BYTES_MAX)
}
