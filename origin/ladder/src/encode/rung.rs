//! One rung: scales a picture to its size and has it encoded.
//!
//! In: decoded pictures, largest first. Out: access units, one per picture, decoded in the order they are shown. Films
//! have their pictures drawn and encoded as it does, but have rungs of their own.

use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::software::scaling;
use shared_media::Ticks;

use super::Trouble;
use super::drawer::{Drawer, Look};
use super::encoder::Wanted;
use super::purpose::Purpose;
use crate::machine::frame::{FromChild, Job, Setup};
use crate::machine::plan::fit;

/// Rungs lower than this are too small to be worth a second thread.
const THREADED_LINES_MIN: u32 = 480;
/// How a show's pictures are scaled.
const QUICK: scaling::Flags = scaling::Flags::BILINEAR;

/// The rung.
pub(super) struct Rung {
    height: Option<u32>,
    active: bool,
    rests: Rests,
    resume: Option<Ticks>,
    drawer: Drawer,
}

/// Whether it leaves its pictures out, since there is not the time for them.
#[derive(Clone, Copy)]
enum Rests {
    No,
    Yes,
    UntilCut,
}

impl Rung {
    pub(super) fn new(index: usize, job: &Job, setup: &Setup) -> Self {
        let small = job.height.is_some_and(|height| height < THREADED_LINES_MIN);
        let wanted = Wanted {
            id: job.id.clone(),
            codec: job.codec,
            bit_rate: job.bit_rate,
            threads: if small { 1 } else { setup.threads.max(1) },
            hardware: setup.hardware,
            purpose: Purpose::Live,
            hdr: None,
        };
        Self {
            height: job.height,
            active: job.active,
            rests: Rests::No,
            resume: job.resume.map(Ticks),
            drawer: Drawer::new(u8::try_from(index).unwrap_or(u8::MAX - 1), wanted, QUICK),
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
                self.drawer.rest(said);
                self.resume = None;
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
        self.drawer.image()
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
        let is_new = self.resume.is_none_or(|resume| look.pts > resume);
        self.drawer.draw((larger, source), size, look, is_new, said)
    }

    /// Delivers what the encoder holds; the next picture begins anew.
    pub(super) fn finish(&mut self, said: &mut Vec<FromChild>) {
        self.drawer.finish(said);
        self.resume = None;
    }
}
