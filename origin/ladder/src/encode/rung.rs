//! One rung: scales a picture to its size and encodes it with x264.
//!
//! In: decoded pictures, largest first. Out: access units, one per picture, decoded in the order they are shown.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, threading};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::software::scaling;
use ffmpeg_next::{Dictionary, picture};
use shared_media::{
    AccessUnit, Rational, RenditionId, Ticks, TrackConfig, VideoCodec, VideoConfig,
};

use super::{Trouble, ticks_base};
use crate::error::Error;
use crate::machine::frame::{FromChild, Job};
use crate::machine::nal;
use crate::machine::plan::fit;

/// x264's "no limit" for the distance of keyframes: only cuts make one.
const KEYFRAME_DISTANCE: u32 = 1 << 30;
/// Rungs lower than this are too small to be worth a second thread.
const THREADED_LINES_MIN: u32 = 480;

/// How every rung shows a picture.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) cut: bool,
    pub(super) pts: Ticks,
    pub(super) frame_rate: Rational,
    pub(super) stated_rate: Option<Rational>,
}

impl Look {
    /// Tells the encoder when a picture is shown and whether it must be an IDR picture.
    pub(super) fn mark(&self, frame: &mut Frame) {
        frame.set_pts(Some(self.pts.0));
        frame.set_kind(if self.cut { picture::Type::I } else { picture::Type::None });
    }
}

/// The rung.
pub(super) struct Rung {
    index: u8,
    id: RenditionId,
    height: Option<u32>,
    bit_rate: u32,
    threads: u8,
    active: bool,
    rests: Rests,
    resume: Option<Ticks>,
    scaler: Option<Scaler>,
    encoder: Option<Encoder>,
}

/// Whether it leaves its pictures out, since there is not the time for them.
#[derive(Clone, Copy)]
enum Rests {
    No,
    Yes,
    UntilCut,
}

struct Scaler {
    context: scaling::Context,
    image: Frame,
}

struct Encoder {
    inner: ffmpeg::encoder::Video,
    size: (u32, u32),
    stated_rate: Option<Rational>,
    avcc: Option<bytes::Bytes>,
    /// Cuts that are in the encoder.
    cuts: Vec<i64>,
}

impl Rung {
    pub(super) fn new(index: usize, job: &Job, threads: u8) -> Self {
        let small = job.height.is_some_and(|height| height < THREADED_LINES_MIN);
        Self {
            index: u8::try_from(index).unwrap_or(u8::MAX - 1),
            id: job.id.clone(),
            height: job.height,
            bit_rate: job.bit_rate,
            threads: if small { 1 } else { threads.max(1) },
            active: job.active,
            rests: Rests::No,
            resume: job.resume.map(Ticks),
            scaler: None,
            encoder: None,
        }
    }

    /// Whether it encodes pictures now.
    pub(super) const fn is_at_work(&self) -> bool {
        self.active && matches!(self.rests, Rests::No)
    }

    /// Rests from now on, having delivered what it has; or works again, from the next cut on.
    pub(super) fn rest(&mut self, rests: bool, said: &mut Vec<FromChild>) {
        self.rests = match (self.rests, rests) {
            (Rests::No, true) => {
                self.finish(said);
                self.scaler = None;
                Rests::Yes
            }
            (_, true) => Rests::Yes,
            (Rests::Yes, false) => Rests::UntilCut,
            (rests, false) => rests,
        };
    }

    pub(super) fn activate(&mut self) {
        self.active = true;
    }

    /// The picture at this rung's size, for the next smaller rung.
    pub(super) fn image(&self) -> Option<&Frame> {
        self.scaler.as_ref().map(|scaler| &scaler.image)
    }

    /// Draws `source` at this rung's size from `larger`, and encodes it. Says whether `image` is a new, smaller one.
    pub(super) fn draw(
        &mut self,
        larger: &Frame,
        source: &Frame,
        look: Look,
        said: &mut Vec<FromChild>,
    ) -> Result<bool, Trouble> {
        if look.cut && matches!(self.rests, Rests::UntilCut) {
            self.rests = Rests::No;
        }
        if !self.is_at_work() {
            return Ok(false);
        }
        let size = fit((source.width(), source.height()), self.height);
        let as_is = (larger.width(), larger.height()) == size && larger.format() == Pixel::YUV420P;
        if as_is {
            self.scaler = None;
            self.encode(larger, source, look, said)?;
            return Ok(false);
        }
        let mut scaler = match self.scaler.take() {
            Some(scaler) if scaler.fits(larger, size) => scaler,
            _ => Scaler::new(larger, size).map_err(|_| Trouble::Media)?,
        };
        scaler.context.run(larger, &mut scaler.image).map_err(|_| Trouble::Media)?;
        look.mark(&mut scaler.image);
        let done = self.encode(&scaler.image, source, look, said);
        self.scaler = Some(scaler);
        done.map(|()| true)
    }

    /// Delivers what the encoder holds; the next picture begins anew.
    pub(super) fn finish(&mut self, said: &mut Vec<FromChild>) {
        if let Some(mut encoder) = self.encoder.take() {
            // Refused only if it is at its end already.
            let _ = encoder.inner.send_eof();
            encoder.receive(self.index, said);
        }
        self.resume = None;
    }

    fn encode(
        &mut self,
        image: &Frame,
        source: &Frame,
        look: Look,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        if self.resume.is_some_and(|resume| look.pts <= resume) {
            return Ok(());
        }
        let size = (image.width(), image.height());
        if self.encoder.as_ref().is_some_and(|encoder| encoder.size != size) {
            self.finish(said);
        }
        let fault = |error: ffmpeg::Error| {
            Trouble::Encoder(Error::Encoder("libx264", format!("{}: {error}", self.id)))
        };
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => self.open(size, source, look).map_err(fault)?,
        };
        if look.cut {
            encoder.cuts.push(look.pts.0);
        }
        let sent = encoder.inner.send_frame(image);
        encoder.receive(self.index, said);
        self.encoder = Some(encoder);
        sent.map_err(fault)
    }

    fn open(&self, size: (u32, u32), source: &Frame, look: Look) -> Result<Encoder, ffmpeg::Error> {
        let codec =
            ffmpeg::encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
        let mut context = codec::Context::new_with_codec(codec);
        let mut by_slice = threading::Config::count(usize::from(self.threads));
        by_slice.kind = threading::Type::Slice; // by frame would hold one picture back per thread
        context.set_threading(by_slice);
        let mut video = context.encoder().video()?;
        video.set_width(size.0);
        video.set_height(size.1);
        video.set_format(Pixel::YUV420P);
        video.set_time_base(ticks_base());
        let part = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let rate = look.frame_rate;
        video.set_frame_rate(Some(ffmpeg::Rational::new(part(rate.num), part(rate.den))));
        if source.aspect_ratio().numerator() > 0 {
            video.set_aspect_ratio(source.aspect_ratio());
        }
        video.set_colorspace(source.color_space());
        video.set_color_primaries(source.color_primaries());
        video.set_color_transfer_characteristic(source.color_transfer_characteristic());
        video.set_gop(KEYFRAME_DISTANCE);
        video.set_max_b_frames(0);
        video.set_bit_rate(usize::try_from(self.bit_rate).unwrap_or(usize::MAX));
        let cap = (u64::from(self.bit_rate) * 11 / 10).to_string();
        let buffer = self.bit_rate.to_string();
        let options: Dictionary = [
            ("preset", "veryfast"),
            ("tune", "zerolatency"),
            ("forced-idr", "1"),
            ("sc_threshold", "0"),
            ("maxrate", &*cap),
            ("bufsize", &*buffer),
        ]
        .into_iter()
        .collect();
        let inner = video.open_with(options)?;
        let stated_rate = look.stated_rate;
        Ok(Encoder { inner, size, stated_rate, avcc: None, cuts: Vec::new() })
    }
}

impl Scaler {
    fn new(larger: &Frame, size: (u32, u32)) -> Result<Self, ffmpeg::Error> {
        let context = scaling::Context::get(
            larger.format(),
            larger.width(),
            larger.height(),
            Pixel::YUV420P,
            size.0,
            size.1,
            scaling::Flags::BILINEAR,
        )?;
        Ok(Self { context, image: Frame::new(Pixel::YUV420P, size.0, size.1) })
    }

    fn fits(&self, larger: &Frame, size: (u32, u32)) -> bool {
        let (input, output) = (self.context.input(), self.context.output());
        (input.format, input.width, input.height)
            == (larger.format(), larger.width(), larger.height())
            && (output.width, output.height) == size
    }
}

impl Encoder {
    /// Takes everything that is ready. The first unit carries the parameter sets: they become the configuration.
    fn receive(&mut self, index: u8, said: &mut Vec<FromChild>) {
        let mut packet = ffmpeg::Packet::empty();
        while self.inner.receive_packet(&mut packet).is_ok() {
            let (Some(pts), Some(bytes)) = (packet.pts(), packet.data()) else { continue };
            let nal::Packet { avcc, data } = nal::from_annex_b(bytes);
            if let Some(avcc) = avcc
                && self.avcc.as_ref() != Some(&avcc)
            {
                let (width, height) = self.size;
                self.avcc = Some(avcc.clone());
                let config = VideoConfig {
                    codec: VideoCodec::Avc,
                    record: avcc,
                    width,
                    height,
                    frame_rate: self.stated_rate,
                };
                said.push(FromChild::Config(index, TrackConfig::Video(config)));
            }
            let cut = self.cuts.iter().position(|cut| *cut == pts);
            if let Some(cut) = cut {
                self.cuts.swap_remove(cut);
            }
            // An IDR picture that only a new child needed is no place to cut at: the other rungs have none there.
            let (keyframe, pts) = (cut.is_some(), Ticks(pts));
            said.push(FromChild::Unit(index, AccessUnit { pts, dts: pts, keyframe, data }));
        }
    }
}
