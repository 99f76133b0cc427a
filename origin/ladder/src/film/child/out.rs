//! What a film's child says.
//!
//! In: what was made. Out: frames to the parent, and how many units each rendition has. Says how far the work is often
//! enough that nobody takes it for hanging; the only place of the child that knows a clock.

use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use shared_media::{AccessUnit, Ticks, TrackConfig};

use crate::film::Job;
use crate::film::config::PROGRESS_MS;
use crate::machine::film::{Counts, Fault, FromFilm};
use crate::machine::frame::{FromChild, SOUND};

/// Why the work ends early.
#[derive(Debug)]
pub(super) enum End {
    /// It cannot be done.
    Fault(Fault),
    /// Nobody takes it.
    Gone(io::ErrorKind),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The way to the parent.
pub(super) struct Out<'a> {
    pipe: BufWriter<Box<dyn Write + 'a>>,
    counts: Counts,
    told: Instant,
}

impl<'a> Out<'a> {
    pub(super) fn new(pipe: impl Write + 'a, buffer_bytes: usize) -> Self {
        let pipe: Box<dyn Write + 'a> = Box::new(pipe);
        let pipe = BufWriter::with_capacity(buffer_bytes, pipe);
        Self { pipe, counts: Counts::default(), told: Instant::now() }
    }

    /// These renditions are counted.
    pub(super) fn count(&mut self, job: &Job) {
        self.counts.rungs = vec![0; job.rungs.len()];
        self.counts.sounds = vec![0; job.sounds.len()];
        self.counts.texts = vec![0; job.texts.len()];
    }

    /// Says what encoders made, but units that are not wanted. None of a film's is in hardware, so none falls back.
    pub(super) fn deliver(
        &mut self,
        said: &mut Vec<FromChild>,
        is_wanted: impl Fn(&AccessUnit) -> bool,
    ) -> Result<(), End> {
        for message in said.drain(..) {
            match message {
                FromChild::Config(index, config) => self.config(index, config)?,
                FromChild::Unit(index, unit) if is_wanted(&unit) => self.unit(index, unit)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn config(&mut self, index: u8, config: TrackConfig) -> Result<(), End> {
        self.say(&FromFilm::Config(index, config))
    }

    pub(super) fn unit(&mut self, index: u8, unit: AccessUnit) -> Result<(), End> {
        let sound = usize::from(SOUND - index);
        let rung = self.counts.rungs.get_mut(usize::from(index));
        if let Some(count) = rung.or_else(|| self.counts.sounds.get_mut(sound)) {
            *count += 1;
        }
        self.say(&FromFilm::Unit(index, unit))
    }

    pub(super) fn cue(
        &mut self,
        index: u8,
        (start, end): (Ticks, Ticks),
        text: String,
    ) -> Result<(), End> {
        if let Some(count) = self.counts.texts.get_mut(usize::from(index)) {
            *count += 1;
        }
        self.say(&FromFilm::Cue { index, start, end, text })
    }

    /// So much was left out.
    pub(super) const fn left_out(&mut self, count: u64) {
        self.counts.left_out += count;
    }

    /// How far the work is, if that was not said lately.
    pub(super) fn progress(&mut self, point: Ticks) -> Result<(), End> {
        if self.told.elapsed() < Duration::from_millis(PROGRESS_MS) {
            return Ok(());
        }
        self.told = Instant::now();
        self.say(&FromFilm::Progress(point))?;
        self.flush()
    }

    /// The last word of a job.
    pub(super) fn counted(&mut self) -> Result<(), End> {
        let counts = std::mem::take(&mut self.counts);
        self.last(&FromFilm::Counted(counts))
    }

    /// The last word.
    pub(super) fn last(&mut self, message: &FromFilm) -> Result<(), End> {
        self.say(message)?;
        self.flush()
    }

    fn say(&mut self, message: &FromFilm) -> Result<(), End> {
        self.pipe.write_all(&message.to_bytes()).map_err(|error| End::Gone(error.kind()))
    }

    fn flush(&mut self) -> Result<(), End> {
        self.pipe.flush().map_err(|error| End::Gone(error.kind()))
    }
}
