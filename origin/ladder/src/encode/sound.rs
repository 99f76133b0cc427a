//! A sound rendition: decode, resample to 48 kHz in stereo or 5.1, encode as AAC-LC on the show's grid.
//!
//! In: units of any codec taken. Out: AAC units, each exactly 1920 ticks after the one before. Does not know pictures,
//! except how far they have come.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ChannelLayout;
use ffmpeg_next::codec::{self, Id};
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type::Planar;
use ffmpeg_next::frame::Audio as Frame;
use ffmpeg_next::software::resampling;
use shared_media::{AccessUnit, AudioCodec, AudioConfig, Ticks, TrackConfig};

use super::{Refused, Trouble, packet, ticks_base};
use crate::error::Error;
use crate::machine::adts::Adts;
use crate::machine::frame::{FromChild, SoundJob};
use crate::machine::sound::{FRAME_SAMPLES, Place, RATE, STEREO_ASC, Timeline, lag_max_after};

/// `AudioSpecificConfig` of AAC-LC, 48 kHz, 5.1: what the encoder below makes beside [`STEREO_ASC`] (ISO/IEC 14496-3,
/// 1.6.2.1; channel configuration 6).
const SURROUND_ASC: [u8; 2] = [0x11, 0xb0];
const FORM: Sample = Sample::F32(Planar);
/// Room in a resampled frame beside the samples of its source: what the resampler held back.
const HELD_SAMPLES_MAX: usize = 4096;

/// The sound half of a child.
pub(super) struct Sound {
    index: u8,
    track: u8,
    channels: u8,
    timeline: Timeline,
    bit_rate: u32,
    lag_max: Ticks,
    gap_max: Ticks,
    form: Option<Form>,
    decoder: Option<ffmpeg::decoder::Audio>,
    resampler: Option<Resampler>,
    /// Samples of each channel that no frame has yet.
    waiting: Vec<VecDeque<f32>>,
    first_shown: Option<Ticks>,
    last_shown: Option<Ticks>,
    encoder: Option<Encoder>,
}

/// In what form frames come, and which decoder reads it.
#[derive(Clone, Copy)]
enum Form {
    /// Raw frames, which get this header.
    Aac(Adts),
    /// Packets of at most two channels, which need no header.
    Opus,
    /// Frames with a header of their own.
    Mpeg,
}

struct Resampler {
    context: resampling::Context,
    of: (Sample, u32, u16),
}

struct Encoder {
    inner: ffmpeg::encoder::Audio,
    origin: Ticks,
    samples: i64,
}

impl Sound {
    pub(super) fn new(job: &SoundJob) -> Self {
        let channels = if job.channels > 2 { 6 } else { 2 };
        let (grid, resume) = (job.grid.map(Ticks), job.resume.map(Ticks));
        Self {
            index: job.index,
            track: job.track,
            channels,
            timeline: Timeline::new(Ticks(job.slack), Ticks(job.gap_max), grid, resume),
            bit_rate: job.bit_rate,
            lag_max: Ticks(job.lag_max),
            gap_max: Ticks(job.gap_max),
            form: None,
            decoder: None,
            resampler: None,
            waiting: vec![VecDeque::new(); channels.into()],
            first_shown: None,
            last_shown: None,
            encoder: None,
        }
    }

    /// Of which of the publisher's sounds it is made.
    pub(super) const fn track(&self) -> u8 {
        self.track
    }

    pub(super) fn configure(&mut self, config: &AudioConfig) -> Result<(), Trouble> {
        (self.decoder, self.resampler) = (None, None);
        self.form = match config.codec {
            AudioCodec::Aac => Adts::new(&config.record).map(Form::Aac),
            AudioCodec::Opus => Some(Form::Opus),
            AudioCodec::Mpeg => Some(Form::Mpeg),
        };
        self.form.map(|_| ()).ok_or(Trouble::Media)
    }

    pub(super) fn take(
        &mut self,
        unit: &AccessUnit,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let form = self.form.ok_or(Refused)?;
        let data = match form {
            Form::Aac(adts) => Cow::Owned(adts.wrap(&unit.data).ok_or(Refused)?),
            Form::Opus | Form::Mpeg => Cow::Borrowed(&unit.data[..]),
        };
        if self.decoder.is_none() {
            self.decoder = Some(form.open_decoder()?);
        }
        let Some(decoder) = &mut self.decoder else { return Err(Trouble::Media) };
        let sent = decoder.send_packet(&packet(&data, unit.pts, unit.dts));
        while let Some(decoder) = &mut self.decoder {
            let mut frame = Frame::empty();
            match decoder.receive_frame(&mut frame) {
                Ok(()) => self.decoded(unit.pts, &frame, said)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    break;
                }
                Err(_) => return Err(Trouble::Media),
            }
        }
        sent.map_err(|_| Trouble::Media)
    }

    /// Pictures have come this far: missing sound becomes silence, so that no player waits for it.
    pub(super) fn follow(
        &mut self,
        shown: Ticks,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let first = *self.first_shown.get_or_insert(shown);
        self.last_shown = Some(shown);
        let due = shown - self.lag_max;
        if due <= first {
            // Sound has its full time to come, so that it decides itself where it begins.
            return Ok(());
        }
        // Begins where the pictures do, unless sound has come.
        self.timeline.silence_until(first);
        let silence = self.timeline.silence_until(due);
        self.write_silence(silence, said)
    }

    /// Delivers everything; what follows does not continue it.
    pub(super) fn flush(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        (self.decoder, self.first_shown) = (None, None);
        self.finish_run(said)
    }

    fn decoded(
        &mut self,
        pts: Ticks,
        frame: &Frame,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let planes = self.resample(frame)?;
        let length = planes.first().map_or(0, Vec::len);
        let place = match self.timeline.place(pts, length) {
            Place::Elsewhere => {
                self.finish_run(said)?;
                self.timeline.place(pts, length)
            }
            place => place,
        };
        let Place::Here { silence, skip } = place else { return Err(Trouble::Media) };
        if skip == length
            && let Some(shown) = self.last_shown
        {
            self.lag_max = lag_max_after(pts, shown, self.lag_max, self.gap_max);
        }
        self.write_silence(silence, said)?;
        for (waiting, samples) in self.waiting.iter_mut().zip(&planes) {
            waiting.extend(samples.iter().skip(skip));
        }
        self.timeline.wrote(length.saturating_sub(skip));
        self.encode(said)
    }

    /// One vector a channel.
    fn resample(&mut self, frame: &Frame) -> Result<Vec<Vec<f32>>, Trouble> {
        let planes = |frame: &Frame| {
            let plane = |channel| frame.plane::<f32>(usize::from(channel)).to_vec();
            (0..self.channels).map(plane).collect()
        };
        let of = (frame.format(), frame.rate(), frame.channels());
        if of == (FORM, RATE, self.channels.into()) {
            return Ok(planes(frame));
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
        Ok(planes(&resampled))
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

    /// Fills the last frame with silence and delivers everything.
    fn finish_run(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
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
}

impl Resampler {
    fn new(of: (Sample, u32, u16), to: ChannelLayout) -> Result<Self, ffmpeg::Error> {
        let (form, rate, channels) = of;
        let from = ChannelLayout::default(channels.into());
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

impl Form {
    fn open_decoder(self) -> Result<ffmpeg::decoder::Audio, Trouble> {
        let id = match self {
            Self::Aac(_) => Id::AAC,
            Self::Opus => Id::OPUS,
            Self::Mpeg => Id::MP3, // reads layers I and II too
        };
        let codec =
            ffmpeg::decoder::find(id).ok_or_else(|| lacking(ffmpeg::Error::DecoderNotFound))?;
        let mut decoder = codec::Context::new_with_codec(codec).decoder();
        decoder.set_packet_time_base(ticks_base());
        decoder.audio().map_err(lacking)
    }
}

/// Where the channels stand: left and right, or 5.1 as AAC has it.
const fn layout(channels: u8) -> ChannelLayout {
    if channels > 2 { ChannelLayout::_5POINT1_BACK } else { ChannelLayout::STEREO }
}

fn lacking(error: ffmpeg::Error) -> Trouble {
    Trouble::Encoder(Error::Encoder("AAC", error.to_string()))
}
