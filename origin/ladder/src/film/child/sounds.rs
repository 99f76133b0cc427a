//! The sounds of a film: decoded and encoded anew from its beginning without a gap, or passed on.
//!
//! In: a file. Out: AAC units of every sound. Does not know pictures.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::frame::Audio as Frame;
use ffmpeg_next::{Packet, codec, decoder};
use shared_media::{Ticks, TrackConfig};

use super::Lane;
use super::copied::{self, Span};
use super::file::{File, time_of};
use super::out::{End, Out};
use super::pictures::{Tally, span};
use super::raw;
use crate::encode::aac::{Aac, Planes, Written};
use crate::encode::{Trouble, ticks_base};
use crate::film::config::{
    APART_MAX, DECODE_ERRORS_MAX, LENGTH_MAX, RATES, SILENCE_MAX, SOUND_RUN_IN, SOUND_RUN_OUT,
    SOUND_SLACK,
};
use crate::film::{Job, Sound as Asked};
use crate::machine::film::Fault;
use crate::machine::frame::{FromChild, SOUND};
use crate::machine::sound::{FRAME, RATE, Timeline};

/// The lane of all sounds.
pub(super) struct Sounds {
    file: File,
    span: Span,
    come: i64,
    sounds: Vec<Sound>,
    /// What copies say before their first unit.
    configs: Vec<(u8, TrackConfig)>,
}

struct Sound {
    stream: u32,
    work: Work,
    /// Nothing of what follows is wanted.
    is_done: bool,
}

enum Work {
    Copied(copied::Sound),
    Encoded(Box<Encoded>),
}

impl Sounds {
    pub(super) fn open(path: &str, job: &Job) -> Result<Self, Fault> {
        let mut streams: Vec<u32> = job.sounds.iter().map(|sound| sound.stream).collect();
        streams.sort_unstable();
        streams.dedup();
        let mut file = File::open(path, &streams)?;
        let span = span(job);
        let sounds = (0..).zip(&job.sounds).map(|(at, asked)| Sound::open(at, asked, span, &file));
        let sounds = sounds.collect::<Result<Vec<_>, _>>()?;
        let configs = sounds.iter().filter_map(Sound::config).collect();
        if let Some(first) = streams.first().filter(|_| job.from > 0) {
            file.seek_before(*first, job.begin + job.from - SOUND_RUN_IN)?;
        }
        Ok(Self { file, span, come: job.from, sounds, configs })
    }

    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        out.left_out(self.file.broken());
        for sound in &mut self.sounds {
            match &mut sound.work {
                Work::Copied(copy) => out.left_out(copy.left_out),
                Work::Encoded(encoded) => encoded.finish(out)?,
            }
        }
        Ok(())
    }
}

impl Lane for Sounds {
    fn come(&self) -> i64 {
        self.come
    }

    fn step(&mut self, out: &mut Out<'_>) -> Result<bool, End> {
        for (index, config) in self.configs.drain(..) {
            out.config(index, config)?;
        }
        let Some((stream, packet)) = self.file.next() else {
            return self.finish(out).map(|()| false);
        };
        let behind = self.span.until.saturating_add(SOUND_RUN_OUT);
        if let Some(time) = time_of(&packet).map(|time| time - self.span.begin) {
            self.come = self.come.max(time.min(LENGTH_MAX));
            for sound in self.sounds.iter_mut().filter(|sound| sound.stream == stream) {
                sound.is_done |= time >= behind;
            }
        }
        for sound in self.sounds.iter_mut().filter(|sound| sound.stream == stream) {
            if !sound.is_done {
                sound.take(&packet, out)?;
            }
        }
        // One that has ended holds up none of the others.
        let is_far = self.come >= behind.saturating_add(APART_MAX);
        if is_far || self.sounds.iter().all(|sound| sound.is_done) {
            return self.finish(out).map(|()| false);
        }
        Ok(true)
    }
}

impl Sound {
    fn open(at: u8, asked: &Asked, span: Span, file: &File) -> Result<Self, Fault> {
        let index = SOUND - at;
        let parameters = file.stream(asked.stream)?.parameters();
        let work = if asked.is_copy {
            if parameters.id() != codec::Id::AAC {
                return Err(Fault::File("its sound is no AAC, which alone is copied".to_owned()));
            }
            Work::Copied(copied::Sound::new(index, span, raw::told(&parameters))?)
        } else {
            Work::Encoded(Box::new(Encoded::open(index, asked, span, parameters)?))
        };
        Ok(Self { stream: asked.stream, work, is_done: false })
    }

    fn config(&self) -> Option<(u8, TrackConfig)> {
        match &self.work {
            Work::Copied(copy) => copy.config(),
            Work::Encoded(_) => None,
        }
    }

    fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        match &mut self.work {
            Work::Copied(copy) => copy.take(packet, out),
            Work::Encoded(encoded) => encoded.take(packet, out),
        }
    }
}

/// A sound that is encoded anew.
struct Encoded {
    span: Span,
    decoder: decoder::Audio,
    aac: Aac,
    /// Where the latest sound ended.
    next: Option<i64>,
    /// The latest sound, which waits for the next: if none comes it may be longer than it is heard.
    latest: Option<(i64, Planes)>,
    /// Where the latest packet ends, if it says so.
    end: Option<i64>,
    tally: Tally,
    said: Vec<FromChild>,
}

impl Encoded {
    /// AAC frames of all spans of a film are on one grid, which begins with the film; those of a later span begin with
    /// the first that is not before it, encoded as if those before it had been.
    fn open(
        index: u8,
        asked: &Asked,
        span: Span,
        parameters: codec::Parameters,
    ) -> Result<Self, Fault> {
        let name = parameters.id().name();
        let refused = |error: ffmpeg::Error| Fault::File(format!("its sound ({name}): {error}"));
        let context = codec::Context::from_parameters(parameters).map_err(refused)?;
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(ticks_base());
        let decoder = decoder.audio().map_err(refused)?;
        let first = (span.from + FRAME.0 - 1).div_euclid(FRAME.0) * FRAME.0;
        let resume = (span.from > 0).then_some(Ticks(first) - FRAME);
        let grid = Some(Ticks::ZERO);
        let timeline = Timeline::new(Ticks(SOUND_SLACK), Ticks(SILENCE_MAX), grid, resume);
        let mut aac = Aac::new(index, asked.channels, asked.bit_rate, timeline);
        aac.begin(Ticks::ZERO);
        let (tally, said) = (Tally::default(), Vec::new());
        Ok(Self { span, decoder, aac, next: None, latest: None, end: None, tally, said })
    }

    fn take(&mut self, packet: &Packet, out: &mut Out<'_>) -> Result<(), End> {
        self.tally.packets += 1;
        let end = time_of(packet).map(|time| time - self.span.begin + packet.duration());
        self.end = end.filter(|_| packet.duration() > 0);
        if self.decoder.send_packet(packet).is_err() {
            self.tally.failed += 1;
        }
        self.receive(out)
    }

    /// Delivers everything, and judges.
    fn finish(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        // Refused only if it is at its end already.
        let _ = self.decoder.send_eof();
        self.receive(out)?;
        self.write_last(out)?;
        let done = self.aac.finish(&mut self.said);
        self.judged(done)?;
        self.deliver(out)?;
        out.left_out(self.tally.failed + self.tally.late);
        Ok(self.tally.judge("sound")?)
    }

    fn receive(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        let mut errors = 0;
        while errors < DECODE_ERRORS_MAX {
            let mut frame = Frame::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => self.decoded(&mut frame, out)?,
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    break;
                }
                Err(_) => errors += 1,
            }
        }
        self.tally.failed += errors;
        Ok(())
    }

    fn decoded(&mut self, frame: &mut Frame, out: &mut Out<'_>) -> Result<(), End> {
        let time = frame.pts().or_else(|| frame.timestamp());
        let time = time.map(|time| time.saturating_sub(self.span.begin)).or(self.next);
        let Some(pts) = time.filter(|pts| (-LENGTH_MAX..LENGTH_MAX).contains(pts)) else {
            self.tally.late += 1;
            return Ok(());
        };
        if !RATES.contains(&frame.rate()) {
            self.tally.failed += 1;
            return Ok(());
        }
        self.tally.decoded += 1;
        let samples = i64::try_from(frame.samples()).unwrap_or_default();
        let length = samples * shared_media::TICKS_PER_SECOND / i64::from(frame.rate());
        self.next = Some(pts + length);
        if pts >= self.span.until.saturating_add(SOUND_RUN_OUT) {
            return Ok(());
        }
        match self.aac.resample(frame) {
            Ok(planes) => match self.latest.replace((pts, planes)) {
                Some((pts, planes)) => self.write(pts, &planes, out),
                None => Ok(()),
            },
            Err(trouble) => self.judged(Err(trouble)),
        }
    }

    /// The last sound ends with its packet: encoders fill their last frame, and some formats say so by nothing else.
    fn write_last(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        let Some((pts, mut planes)) = self.latest.take() else { return Ok(()) };
        let heard = self.end.map(|end| Ticks(end - pts).in_timescale(RATE));
        let heard = heard.map(|samples| usize::try_from(samples).unwrap_or_default());
        let length = planes.first().map_or(0, Vec::len);
        if let Some(heard) = heard.filter(|heard| *heard < length) {
            planes.iter_mut().for_each(|plane| plane.truncate(heard));
            return self.write(pts, &planes, out);
        }
        self.write(pts, &planes, out)?;
        match (self.aac.rest(), self.next) {
            (Some(rest), Some(next)) => self.write(next, &rest, out),
            _ => Ok(()),
        }
    }

    /// Writes sound where it belongs. A long gap is filled piece by piece, each of which is delivered.
    fn write(&mut self, pts: i64, planes: &Planes, out: &mut Out<'_>) -> Result<(), End> {
        loop {
            match self.aac.write(Ticks(pts), planes, &mut self.said) {
                Ok(Written::Elsewhere) => {
                    let filled = self.aac.silence_until(Ticks(pts), &mut self.said);
                    self.judged(filled)?;
                    self.deliver(out)?;
                    out.progress(Ticks(pts))?;
                }
                Ok(Written::Late) => {
                    self.tally.late += 1;
                    break;
                }
                Ok(Written::Yes) => break,
                Err(trouble) => {
                    self.judged(Err(trouble))?;
                    break;
                }
            }
        }
        self.deliver(out)
    }

    fn deliver(&mut self, out: &mut Out<'_>) -> Result<(), End> {
        let Span { from, until, .. } = self.span;
        out.deliver(&mut self.said, |unit| (from..until).contains(&unit.pts.0))
    }

    fn judged(&mut self, done: Result<(), Trouble>) -> Result<(), End> {
        match done {
            Ok(()) => Ok(()),
            Err(Trouble::Media) => {
                self.tally.failed += 1;
                Ok(())
            }
            Err(Trouble::Encoder(error)) => Err(Fault::Lack(error.to_string()).into()),
        }
    }
}
