//! Sound as AAC-LC: resampled to 48 kHz in stereo or 5.1, put where it belongs, encoded frame by frame.
//!
//! In: decoded sound and when it sounds. Out: AAC units, each exactly 1920 ticks after the one before. Does not know
//! where the sound comes from.

use std::collections::VecDeque;

use bytes::Bytes;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ChannelLayout;
use ffmpeg_next::codec;
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type::Planar;
use ffmpeg_next::frame::Audio as Frame;
use ffmpeg_next::software::resampling;
use shared_media::{AccessUnit, AudioCodec, AudioConfig, Ticks, TrackConfig};

use super::{Refused, Trouble, channels};
use crate::error::Error;
use crate::machine::frame::FromChild;
use crate::machine::sound::{FRAME_SAMPLES, Place, RATE, STEREO_ASC, SURROUND_ASC, Timeline};

const FORM: Sample = Sample::F32(Planar);
/// Room in a resampled frame beside the samples of its source: what the resampler held back.
const HELD_SAMPLES_MAX: usize = 4096;

/// Samples at 48 kHz, one vector a channel.
pub(crate) type Planes = Vec<Vec<f32>>;

/// One AAC rendition.
pub(crate) struct Aac {
    index: u8,
    channels: u8,
    bit_rate: u32,
    timeline: Timeline,
    resampler: Option<Resampler>,
    /// Samples of each channel that no frame has yet.
    waiting: Vec<VecDeque<f32>>,
    encoder: Option<Encoder>,
}

/// What became of a stretch of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It was written, or at least its end.
    Yes,
    /// All of it came too late: its place is taken.
    Late,
    /// It was not: the gap in front of it is too long to fill at once.
    Elsewhere,
}

struct Resampler {
    context: resampling::Context,
    of: (Sample, u32, ChannelLayout),
}

struct Encoder {
    inner: ffmpeg::encoder::Audio,
    origin: Ticks,
    samples: i64,
}

impl Aac {
    /// Its units are named by `index`. More than two channels are 5.1.
    pub(crate) fn new(index: u8, channels: u8, bit_rate: u32, timeline: Timeline) -> Self {
        let channels = if channels > 2 { 6 } else { 2 };
        let waiting = vec![VecDeque::new(); channels.into()];
        Self { index, channels, bit_rate, timeline, resampler: None, waiting, encoder: None }
    }

    /// What comes next may be of another form.
    pub(crate) fn forget_form(&mut self) {
        self.resampler = None;
    }

    /// Sound of any form at 48 kHz.
    pub(crate) fn resample(&mut self, frame: &mut Frame) -> Result<Planes, Trouble> {
        let of = (frame.format(), frame.rate(), channels::place(frame));
        if of == (FORM, RATE, layout(self.channels)) {
            return Ok(self.planes(frame));
        }
        let mut resampler = match self.resampler.take() {
            Some(resampler) if resampler.of == of => resampler,
            _ => Resampler::new(of, layout(self.channels)).map_err(|_| Refused)?,
        };
        let factor = usize::try_from(RATE / frame.rate().max(1)).unwrap_or(1) + 1;
        let room = frame.samples() * factor + HELD_SAMPLES_MAX;
        let mut resampled = Frame::new(FORM, room, layout(self.channels));
        resampler.context.run(frame, &mut resampled).map_err(|_| Refused)?;
        self.resampler = Some(resampler);
        Ok(self.planes(&resampled))
    }

    /// What the resampler still holds of the sound's end.
    pub(crate) fn rest(&mut self) -> Option<Planes> {
        let mut resampler = self.resampler.take()?;
        let mut held = Frame::new(FORM, HELD_SAMPLES_MAX, layout(self.channels));
        resampler.context.flush(&mut held).ok()?;
        Some(self.planes(&held)).filter(|planes| planes.iter().any(|plane| !plane.is_empty()))
    }

    /// Writes sound where it belongs, with silence in front where some is missing.
    pub(crate) fn write(
        &mut self,
        pts: Ticks,
        planes: &Planes,
        said: &mut Vec<FromChild>,
    ) -> Result<Written, Trouble> {
        let length = planes.first().map_or(0, Vec::len);
        let Place::Here { silence, skip } = self.timeline.place(pts, length) else {
            return Ok(Written::Elsewhere);
        };
        self.write_silence(silence, said)?;
        for (waiting, samples) in self.waiting.iter_mut().zip(planes) {
            waiting.extend(samples.iter().skip(skip));
        }
        self.timeline.wrote(length.saturating_sub(skip));
        self.encode(said)?;
        Ok(if skip == length { Written::Late } else { Written::Yes })
    }

    /// Nothing has come yet: it begins here, or was begun.
    pub(crate) fn begin(&mut self, point: Ticks) {
        self.timeline.silence_until(point);
    }

    /// Writes silence up to here, but at most as much as is filled at once.
    pub(crate) fn silence_until(
        &mut self,
        point: Ticks,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let silence = self.timeline.silence_until(point);
        self.write_silence(silence, said)
    }

    /// Fills the last frame with silence and delivers everything; what follows begins wherever its sound does.
    pub(crate) fn finish(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        let rest = self.waiting[0].len() % FRAME_SAMPLES;
        if rest > 0 {
            self.write_silence(FRAME_SAMPLES - rest, said)?;
        }
        if let Some(mut encoder) = self.encoder.take() {
            // Refused only if it is at its end already.
            let _ = encoder.inner.send_eof();
            encoder.receive(self.index, self.timeline.resume(), said);
        }
        self.resampler = None;
        self.timeline.finish();
        Ok(())
    }

    fn planes(&self, frame: &Frame) -> Planes {
        let plane = |channel| frame.plane::<f32>(usize::from(channel)).to_vec();
        (0..self.channels).map(plane).collect()
    }

    fn write_silence(&mut self, samples: usize, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        if samples == 0 {
            return Ok(());
        }
        for waiting in &mut self.waiting {
            waiting.extend(std::iter::repeat_n(0.0, samples));
        }
        self.timeline.wrote_silence(samples);
        self.encode(said)
    }

    /// Encodes all whole frames that wait.
    fn encode(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        let Some(origin) = self.timeline.origin() else { return Ok(()) };
        while self.waiting[0].len() >= FRAME_SAMPLES {
            let mut frame = Frame::new(FORM, FRAME_SAMPLES, layout(self.channels));
            frame.set_rate(RATE);
            for (plane, waiting) in self.waiting.iter_mut().enumerate() {
                let samples = frame.plane_mut::<f32>(plane).iter_mut();
                samples.zip(waiting.drain(..FRAME_SAMPLES)).for_each(|(to, from)| *to = from);
            }
            let encoder = match &mut self.encoder {
                Some(encoder) => encoder,
                none => {
                    let asc = match self.channels {
                        2 => Bytes::from_static(&STEREO_ASC),
                        _ => Bytes::from_static(&SURROUND_ASC),
                    };
                    let config = AudioConfig {
                        codec: AudioCodec::Aac,
                        record: asc,
                        sample_rate: RATE,
                        channels: self.channels,
                    };
                    said.push(FromChild::Config(self.index, TrackConfig::Audio(config)));
                    none.insert(Encoder::open(origin, self.bit_rate, self.channels)?)
                }
            };
            frame.set_pts(Some(encoder.samples));
            encoder.samples += i64::try_from(FRAME_SAMPLES).unwrap_or(0);
            encoder.inner.send_frame(&frame).map_err(lacking)?;
            encoder.receive(self.index, self.timeline.resume(), said);
        }
        Ok(())
    }
}

impl Resampler {
    fn new(of: (Sample, u32, ChannelLayout), to: ChannelLayout) -> Result<Self, ffmpeg::Error> {
        let (form, rate, from) = of;
        let context = resampling::Context::get(form, from, rate, FORM, to, RATE)?;
        Ok(Self { context, of })
    }
}

impl Encoder {
    fn open(origin: Ticks, bit_rate: u32, channels: u8) -> Result<Self, Trouble> {
        let codec = ffmpeg::encoder::find_by_name("aac")
            .ok_or_else(|| lacking(ffmpeg::Error::EncoderNotFound))?;
        let context = codec::Context::new_with_codec(codec);
        let mut audio = context.encoder().audio().map_err(lacking)?;
        let rate = i32::try_from(RATE).unwrap_or(i32::MAX);
        audio.set_rate(rate);
        audio.set_format(FORM);
        audio.set_channel_layout(layout(channels));
        audio.set_bit_rate(usize::try_from(bit_rate).unwrap_or(usize::MAX));
        audio.set_time_base(ffmpeg::Rational::new(1, rate));
        let inner = audio.open().map_err(lacking)?;
        Ok(Self { inner, origin, samples: 0 })
    }

    /// Takes everything that is ready. What the encoder puts before the first sample to prime a decoder is left out:
    /// viewers join anywhere, each with a decoder that is not primed.
    fn receive(&mut self, index: u8, resume: Option<Ticks>, said: &mut Vec<FromChild>) {
        let mut packet = ffmpeg::Packet::empty();
        while self.inner.receive_packet(&mut packet).is_ok() {
            let (Some(at), Some(data)) = (packet.pts(), packet.data()) else { continue };
            let pts = self.origin + Ticks(at * 15 / 8);
            // Flushing may end with a packet for samples that were never there.
            if at < 0 || at >= self.samples || resume.is_some_and(|resume| pts <= resume) {
                continue;
            }
            let data = Bytes::copy_from_slice(data);
            said.push(FromChild::Unit(index, AccessUnit { pts, dts: pts, keyframe: true, data }));
        }
    }
}

/// Where the channels stand: left and right, or 5.1 as AAC has it.
const fn layout(channels: u8) -> ChannelLayout {
    if channels > 2 { ChannelLayout::_5POINT1_BACK } else { ChannelLayout::STEREO }
}

pub(super) fn lacking(error: ffmpeg::Error) -> Trouble {
    Trouble::Encoder(Error::Encoder("AAC", error.to_string()))
}
