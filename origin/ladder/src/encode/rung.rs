//! One rung: scales a picture to its size and has it encoded.
//!
//! In: decoded pictures, largest first. Out: access units, one per picture, decoded in the order they are shown. Films
//! scale and mark their pictures as it does, but have rungs of their own.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::picture;
use ffmpeg_next::software::scaling;
use shared_media::closed_captions::Triplet;
use shared_media::{Rational, Ticks};

use super::Trouble;
use super::encoder::{Encoder, Wanted};
use super::purpose::Purpose;
use crate::error::Error;
use crate::machine::frame::{FromChild, Job, Setup};
use crate::machine::plan::fit;

/// Rungs lower than this are too small to be worth a second thread.
const THREADED_LINES_MIN: u32 = 480;
/// How a show's pictures are scaled.
const QUICK: scaling::Flags = scaling::Flags::BILINEAR;

/// How every rung shows a picture.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) cut: bool,
    pub(crate) pts: Ticks,
    pub(crate) frame_rate: Rational,
    pub(crate) stated_rate: Option<Rational>,
    /// The captions beside it.
    pub(crate) captions: &'a [Triplet],
}

impl Look<'_> {
    /// Tells the encoder when a picture is shown and whether it must be an IDR picture.
    pub(crate) fn mark(&self, frame: &mut Frame) {
        frame.set_pts(Some(self.pts.0));
        frame.set_kind(if self.cut { picture::Type::I } else { picture::Type::None });
    }
}

/// The rung.
pub(super) struct Rung {
    index: u8,
    height: Option<u32>,
    wanted: Wanted,
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

/// Brings pictures of one form to one size.
pub(crate) struct Scaler {
    context: scaling::Context,
    image: Frame,
}

impl Rung {
    pub(super) fn new(index: usize, job: &Job, setup: &Setup) -> Self {
        let small = job.height.is_some_and(|height| height < THREADED_LINES_MIN);
        Self {
            index: u8::try_from(index).unwrap_or(u8::MAX - 1),
            height: job.height,
            wanted: Wanted {
                id: job.id.clone(),
                codec: job.codec,
                bit_rate: job.bit_rate,
                threads: if small { 1 } else { setup.threads.max(1) },
                hardware: setup.hardware,
                purpose: Purpose::Live,
            },
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
        self.scaler.as_ref().map(Scaler::image)
    }

    /// Draws `source` at this rung's size from `larger`, and encodes it. Says whether `image` is a new, smaller one.
    pub(super) fn draw(
        &mut self,
        larger: &Frame,
        source: &Frame,
        look: Look<'_>,
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
            _ => Scaler::new(larger, size, QUICK).map_err(|_| Trouble::Media)?,
        };
        let image = scaler.scale(larger).map_err(|_| Trouble::Media)?;
        look.mark(image);
        let done = self.encode(image, source, look, said);
        self.scaler = Some(scaler);
        done.map(|()| true)
    }

    /// Delivers what the encoder holds; the next picture begins anew.
    pub(super) fn finish(&mut self, said: &mut Vec<FromChild>) {
        if let Some(mut encoder) = self.encoder.take() {
            encoder.finish(self.index, said);
        }
        self.resume = None;
    }

    fn encode(
        &mut self,
        image: &Frame,
        source: &Frame,
        look: Look<'_>,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        if self.resume.is_some_and(|resume| look.pts <= resume) {
            return Ok(());
        }
        let size = (image.width(), image.height());
        if self.encoder.as_ref().is_some_and(|encoder| encoder.size() != size) {
            self.finish(said);
        }
        let mut encoder = match self.encoder.take() {
            Some(encoder) => encoder,
            None => Encoder::open(&self.wanted, size, source, look, self.index, said)?,
        };
        let sent = encoder.encode(image, look, self.index, said);
        self.encoder = Some(encoder);
        sent.map_err(|error| {
            let said = format!("{}: {error}", self.wanted.id);
            Trouble::Encoder(Error::Encoder("running", said))
        })
    }
}

impl Scaler {
    /// For pictures like this one.
    pub(crate) fn new(
        larger: &Frame,
        size: (u32, u32),
        how: scaling::Flags,
    ) -> Result<Self, ffmpeg::Error> {
        let context = scaling::Context::get(
            larger.format(),
            larger.width(),
            larger.height(),
            Pixel::YUV420P,
            size.0,
            size.1,
            how,
        )?;
        Ok(Self { context, image: Frame::new(Pixel::YUV420P, size.0, size.1) })
    }

    /// The picture at its size.
    pub(crate) fn scale(&mut self, larger: &Frame) -> Result<&mut Frame, ffmpeg::Error> {
        self.context.run(larger, &mut self.image)?;
        Ok(&mut self.image)
    }

    /// What was scaled last.
    pub(crate) const fn image(&self) -> &Frame {
        &self.image
    }

    /// Whether it is for pictures like this one.
    pub(crate) fn fits(&self, larger: &Frame, size: (u32, u32)) -> bool {
        let (input, output) = (self.context.input(), self.context.output());
        (input.format, input.width, input.height)
            == (larger.format(), larger.width(), larger.height())
            && (output.width, output.height) == size
    }
}
