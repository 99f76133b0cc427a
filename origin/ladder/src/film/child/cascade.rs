//! A film's rungs that are encoded: each picture is scaled down them, from one to the next smaller one.
//!
//! In: pictures, in the order they are shown. Out: access units of every rung. Does not know files.

use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::software::scaling::Flags;
use shared_media::VideoCodec;

use crate::encode::Trouble;
use crate::encode::drawer::{Drawer, Look};
use crate::encode::encoder::Wanted;
use crate::encode::purpose::Purpose;
use crate::film::config::{SIDE_MAX, THREADED_LINES_MIN};
use crate::film::{self, Job};
use crate::machine::film::Fault;
use crate::machine::frame::FromChild;

/// How a film's pictures are scaled: there is time to do it well, and alike on every processor.
const WELL: Flags = Flags::BICUBIC.union(Flags::ACCURATE_RND).union(Flags::BITEXACT);

/// The rungs, largest first.
pub(super) struct Cascade(Vec<Rung>);

struct Rung {
    size: (u32, u32),
    drawer: Drawer,
}

impl Cascade {
    /// The rungs of a job that are not copied: those that keep the film's range, or all others.
    pub(super) fn new(job: &Job, keep_range: bool) -> Result<Self, Fault> {
        let mut rungs = Vec::new();
        let are_wanted = |rung: &film::Rung| !rung.is_copy && rung.hdr.is_some() == keep_range;
        for (index, rung) in (0..).zip(&job.rungs).filter(|(_, rung)| are_wanted(rung)) {
            if rung.hdr.is_some() && rung.codec == VideoCodec::Avc {
                return Err(Fault::Lack("no rung of H.264 keeps a range of 10 bits".to_owned()));
            }
            let size = (rung.width, rung.height);
            let fits = |side: u32| side.is_multiple_of(2) && (2..=SIDE_MAX).contains(&side);
            if !fits(size.0) || !fits(size.1) {
                let (width, height) = size;
                return Err(Fault::Lack(format!("no rung can have {width} × {height} pixels")));
            }
            let is_small = size.0.min(size.1) < THREADED_LINES_MIN;
            let wanted = Wanted {
                id: rung.id.clone(),
                codec: rung.codec,
                bit_rate: rung.bit_rate,
                threads: if is_small { 1 } else { job.threads.max(1) },
                hardware: None,
                purpose: Purpose::Film,
                hdr: rung.hdr,
            };
            rungs.push(Rung { size, drawer: Drawer::new(index, wanted, WELL) });
        }
        rungs
            .sort_by_key(|rung| std::cmp::Reverse(u64::from(rung.size.0) * u64::from(rung.size.1)));
        Ok(Self(rungs))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Draws a picture in every rung.
    pub(super) fn draw(
        &mut self,
        picture: &Frame,
        look: Look<'_>,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let mut larger: Option<usize> = None;
        for at in 0..self.0.len() {
            let (above, below) = self.0.split_at_mut(at);
            let scaled = larger.and_then(|at| above[at].drawer.image());
            let rung = &mut below[0];
            let pictures = (scaled.unwrap_or(picture), picture);
            if rung.drawer.draw(pictures, rung.size, look, true, said)? {
                larger = Some(at);
            }
        }
        Ok(())
    }

    /// Delivers what the encoders hold.
    pub(super) fn finish(&mut self, said: &mut Vec<FromChild>) {
        for rung in &mut self.0 {
            rung.drawer.finish(said);
        }
    }
}
