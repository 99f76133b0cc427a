//! Decodes the source once and scales it down the ladder, each rung from the next larger one.
//!
//! In: video units in decoding order. Out: rung units in display order. Does not know where units go.

use cpu_time::ProcessTime;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, Compliance, Id, threading};
use ffmpeg_next::frame::Video as Frame;
use ffmpeg_next::frame::side_data;
use shared_media::closed_captions::Triplet;
use shared_media::{AccessUnit, Rational, Ticks, VideoCodec, VideoConfig};

use super::drawer::Look;
use super::rung::Rung;
use super::{Refused, Trouble, packet, ticks_base};
use crate::machine::frame::{FromChild, Setup, Spent};
use crate::machine::mirror::Mirror;
use crate::machine::nal;

/// After so many pictures it is told what they have taken: about two seconds.
const SPENT_PICTURES: u32 = 60;

/// The processor time of this process so far, of all its threads, in microseconds. What encoders do in threads of their
/// own while another rung is drawn counts for that one: the sum is right, and between rungs it evens out.
fn cpu_us() -> u64 {
    u64::try_from(ProcessTime::now().as_duration().as_micros()).unwrap_or(u64::MAX)
}

/// The picture half of a child.
pub(super) struct Pictures {
    rungs: Vec<Rung>,
    mirror: Mirror,
    frame_rate: Rational,
    threads: usize,
    config: Option<VideoConfig>,
    parameter_sets: Vec<u8>,
    decoder: Option<Decoder>,
    switch: Option<(Ticks, Ticks)>,
    spent: Spent,
    shown: Option<Ticks>,
}

struct Decoder {
    inner: ffmpeg::decoder::Video,
    reorders: bool,
}

impl Pictures {
    pub(super) fn new(setup: &Setup) -> Self {
        let rungs = setup.rungs.iter().enumerate();
        Self {
            rungs: rungs.map(|(index, job)| Rung::new(index, job, setup)).collect(),
            mirror: Mirror::new(setup.cadence.map(Ticks)),
            frame_rate: setup.frame_rate,
            threads: usize::from(setup.threads.max(1)),
            config: None,
            parameter_sets: Vec::new(),
            decoder: None,
            switch: None,
            spent: Spent { rungs: vec![(0, 0); setup.rungs.len()], ..Spent::default() },
            shown: None,
        }
    }

    /// Timestamp of the latest picture.
    pub(super) const fn shown(&self) -> Option<Ticks> {
        self.shown
    }

    pub(super) fn configure(&mut self, config: VideoConfig) -> Result<(), Trouble> {
        self.decoder = None;
        self.parameter_sets =
            nal::parameter_sets(config.codec, &config.record).map_err(|_| Refused)?;
        self.config = Some(config);
        Ok(())
    }

    /// Encode the source-sized rung too, from the first picture after `after` on.
    pub(super) fn switch(&mut self, after: Ticks, cadence: Ticks) {
        self.switch = Some((after, cadence));
    }

    /// So many of the rungs below the first rest from now on.
    pub(super) fn rest(&mut self, resting: usize, said: &mut Vec<FromChild>) {
        for (index, rung) in self.rungs.iter_mut().enumerate().skip(1) {
            rung.rest(index <= resting, said);
        }
    }

    /// Takes a unit, and counts what that took.
    pub(super) fn take(
        &mut self,
        unit: &AccessUnit,
        said: &mut Vec<FromChild>,
    ) -> Result<(), Trouble> {
        let of_rungs = |spent: &Spent| spent.rungs.iter().map(|(_, cpu_us)| cpu_us).sum::<u64>();
        let (before, rungs_before) = (cpu_us(), of_rungs(&self.spent));
        let done = self.decode(unit, said);
        let rungs = of_rungs(&self.spent).saturating_sub(rungs_before);
        self.spent.decode_us += cpu_us().saturating_sub(before).saturating_sub(rungs);
        if self.spent.pictures >= SPENT_PICTURES {
            let nothing = Spent { rungs: vec![(0, 0); self.rungs.len()], ..Spent::default() };
            said.push(FromChild::Spent(std::mem::replace(&mut self.spent, nothing)));
        }
        done
    }

    fn decode(&mut self, unit: &AccessUnit, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        let Some(codec) = self.config.as_ref().map(|config| config.codec) else {
            return Err(Trouble::Media);
        };
        let reorders = unit.pts > unit.dts;
        let must_open = match &self.decoder {
            None => true,
            // A stream that turns out to reorder although it did not say so: a new decoder that allows for it.
            Some(decoder) => unit.keyframe && reorders && !decoder.reorders,
        };
        if must_open {
            if !unit.keyframe {
                return Err(Trouble::Media);
            }
            self.drain_decoder(said)?;
            self.decoder = Some(Decoder::open(codec, reorders, self.threads)?);
        }
        let mut stream = Vec::with_capacity(self.parameter_sets.len() + unit.data.len() + 64);
        if unit.keyframe {
            stream.extend_from_slice(&self.parameter_sets);
        }
        nal::append(codec, &mut stream, &unit.data).map_err(|_| Refused)?;
        if unit.keyframe {
            self.mirror.expect(unit.pts);
        }
        let Some(decoder) = &mut self.decoder else { return Err(Trouble::Media) };
        let sent = decoder.inner.send_packet(&packet(&stream, unit.pts, unit.dts));
        self.receive(said)?;
        sent.map_err(|_| Trouble::Media)
    }

    /// Delivers everything; what follows does not continue it.
    pub(super) fn flush(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        let done = self.drain_decoder(said);
        for rung in &mut self.rungs {
            rung.finish(said);
        }
        self.cross_switch(Ticks(i64::MAX), said);
        self.shown = None;
        done
    }

    fn drain_decoder(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        if let Some(decoder) = &mut self.decoder {
            // Refused only if it is at its end already.
            let _ = decoder.inner.send_eof();
        }
        let done = self.receive(said);
        self.decoder = None;
        done
    }

    /// Takes all pictures that the decoder has ready. Errors stand for pictures it cannot decode; it goes on.
    fn receive(&mut self, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        loop {
            let Some(decoder) = &mut self.decoder else { return Ok(()) };
            let mut picture = Frame::empty();
            match decoder.inner.receive_frame(&mut picture) {
                Ok(()) => self.picture(&mut picture, said)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(());
                }
                Err(_) => return Err(Trouble::Media),
            }
        }
    }

    fn picture(&mut self, picture: &mut Frame, said: &mut Vec<FromChild>) -> Result<(), Trouble> {
        let Some(pts) = picture.pts().or_else(|| picture.timestamp()).map(Ticks) else {
            return Err(Trouble::Media);
        };
        if self.shown.is_some_and(|shown| pts <= shown) {
            return Err(Trouble::Media);
        }
        self.shown = Some(pts);
        self.cross_switch(pts, said);
        let cut = self.mirror.cuts_at(pts);
        let captions = take_captions(picture);
        let look = Look {
            captions: &captions,
            cut,
            pts,
            frame_rate: self.frame_rate,
            stated_rate: self.config.as_ref().and_then(|config| config.frame_rate),
        };
        look.mark(picture);
        self.spent.pictures += 1;
        let mut larger: Option<usize> = None;
        for index in 0..self.rungs.len() {
            let (above, below) = self.rungs.split_at_mut(index);
            let image = match larger.and_then(|at| above[at].image()) {
                Some(image) => image,
                None => &*picture,
            };
            let before = cpu_us();
            let drawn = below[0].draw(image, picture, look, said);
            if below[0].is_at_work() {
                let (pictures, spent_us) = &mut self.spent.rungs[index];
                *pictures += 1;
                *spent_us += cpu_us().saturating_sub(before);
            }
            if drawn? {
                larger = Some(index);
            }
        }
        Ok(())
    }

    fn cross_switch(&mut self, pts: Ticks, said: &mut Vec<FromChild>) {
        if let Some((_, cadence)) = self.switch.take_if(|(after, _)| pts > *after) {
            said.push(FromChild::Switched);
            self.mirror.begin_cadence(pts, cadence);
            for rung in &mut self.rungs {
                rung.activate();
            }
        }
    }
}

/// The captions that stand beside a picture. They are taken off it: some encoders would write them, and others not.
pub(crate) fn take_captions(picture: &mut Frame) -> Vec<Triplet> {
    let kind = side_data::Type::A53CC;
    let captions = picture.side_data(kind).map(|found| found.data().as_chunks().0.to_vec());
    picture.remove_side_data(kind);
    captions.unwrap_or_default()
}

impl Decoder {
    /// Where pictures are reordered, the decoder must allow for as many as the level permits: it would drop some
    /// until it had learnt how many. Where they are not, it hands each out at once.
    fn open(codec: VideoCodec, reorders: bool, threads: usize) -> Result<Self, Trouble> {
        let (id, name) = match codec {
            VideoCodec::Avc => (Id::H264, "H.264 (decoding)"),
            VideoCodec::Hevc => (Id::HEVC, "HEVC (decoding)"),
            VideoCodec::Av1 => (Id::AV1, "AV1 (decoding)"),
        };
        let lacking =
            |error: ffmpeg::Error| Trouble::Encoder(crate::Error::Encoder(name, error.to_string()));
        let codec =
            ffmpeg::decoder::find(id).ok_or_else(|| lacking(ffmpeg::Error::DecoderNotFound))?;
        let mut context = codec::Context::new_with_codec(codec);
        let mut by_slice = threading::Config::count(threads);
        by_slice.kind = threading::Type::Slice; // by frame would hold one picture back per thread
        context.set_threading(by_slice);
        if reorders {
            context.compliance(Compliance::Strict);
        }
        if id == Id::AV1 {
            // Or it holds pictures back to use more threads.
            context.set_flags(codec::Flags::LOW_DELAY);
        }
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(ticks_base());
        let inner = decoder.video().map_err(lacking)?;
        Ok(Self { inner, reorders })
    }
}
