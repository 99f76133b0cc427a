//! One picture after the other, drawn at a rung's size and encoded: of shows and of films alike.
//!
//! In: pictures, in the order they are shown. Out: access units, one per picture. Does not know which pictures a rung
//! leaves out, nor what size it has.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::picture;
use ffmpeg_next::software::scaling;
use shared_media::closed_captions::Triplet;
use shared_media::{Rational, Ticks};

use super::Trouble;
use super::encoder::{Encoder, Wanted};
use crate::error::Error;
use crate::machine::frame::FromChild;

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

/// Draws and encodes the pictures of one rung.
pub(crate) struct Drawer {
    index: u8,
    wanted: Wanted,
    how: scaling::Flags,
    scaler: Option<Scaler>,
    encoder: Option<Encoder>,
}

/// Brings pictures of one form to one size.
struct Scaler {
    context: scaling::Context,
    image: Frame,
}

impl Drawer {
    /// `how` pictures are scaled.
    pub(crate) const fn new(index: u8, wanted: Wanted, how: scaling::Flags) -> Self {
        Self { index, wanted, how, scaler: None, encoder: None }
    }

    /// The picture at this rung's size, for the next smaller rung.
    pub(crate) fn image(&self) -> Option<&Frame> {
        self.scaler.as_ref().map(Scaler::image)
    }

    /// Draws `source` at a size from `larger`, and encodes it if it is new. Says whether `image` is a new, smaller one.
    pub(crate) fn draw(
        &mut self,
        (larger, source): (&Frame, &Frame),
        size: (u32, u32),
        look: Look<'_>,
        is_new: bool,
        said: &mut Vec<FromChild>,
    ) -> Result<bool, Trouble> {
        if (larger.width(), larger.height()) == size && larger.format() == self.wanted.form() {
            self.scaler = None;
            if is_new {
                self.encode(larger, source, look, said)?;
            }
            return Ok(false);
        }
        let mut scaler = match self.scaler.take() {
            Some(scaler) if scaler.fits(larger, size) => scaler,
            _ => {
                let (form, how) = (self.wanted.form(), self.how);
                Scaler::new(larger, (form, size), how).map_err(|_| Trouble::Media)?
            }
        };
        let image = scaler.scale(larger).map_err(|_| Trouble::Media)?;
        look.mark(image);
        let done = if is_new { self.encode(image, source, look, said) } else { Ok(()) };
        self.scaler = Some(scaler);
        done.map(|()| true)
    }

    /// Delivers what the encoder holds; the next picture begins anew.
    pub(crate) fn finish(&mut self, said: &mut Vec<FromChild>) {
        if let Some(mut encoder) = self.encoder.take() {
            encoder.finish(self.index, said);
        }
    }

    /// Delivers what the encoder holds, and has no image any more.
    pub(crate) fn rest(&mut self, said: &mut Vec<FromChild>) {
        self.finish(said);
        self.scaler = None;
    }

    fn encode(
        &mut self,
        image: &Frame,
        source: &Frame,
        look: Look<'_>,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
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
    fn new(
        larger: &Frame,
        (form, size): (Pixel, (u32, u32)),
        how: scaling::Flags,
    ) -> Result<Self, ffmpeg::Error> {
        let context = scaling::Context::get(
            larger.format(),
            larger.width(),
            larger.height(),
            form,
            size.0,
            size.1,
            how,
        )?;
        Ok(Self { context, image: Frame::new(form, size.0, size.1) })
    }

    /// The picture at its size.
    fn scale(&mut self, larger: &Frame) -> Result<&mut Frame, ffmpeg::Error> {
        self.context.run(larger, &mut self.image)?;
        Ok(&mut self.image)
    }

    /// What was scaled last.
    const fn image(&self) -> &Frame {
        &self.image
    }

    /// Whether it is for pictures like this one.
    fn fits(&self, larger: &Frame, size: (u32, u32)) -> bool {
        let (input, output) = (self.context.input(), self.context.output());
        (input.format, input.width, input.height)
            == (larger.format(), larger.width(), larger.height())
            && (output.width, output.height) == size
    }
}
