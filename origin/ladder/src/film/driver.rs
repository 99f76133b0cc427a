//! Runs a film's child: asks it, hands out what it says, and judges its end.
//!
//! In: a file, a task. Out: what was made. The only place with clocks, channels and processes.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;

use shared_media::{AccessUnit, RenditionId, Ticks, TrackConfig};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::process::{self, ChildStdin, ChildStdout};
use tokio::sync::{mpsc, oneshot};

use super::config::HOUSE;
use super::{Config, Error, Index, Job};
use crate::driver::child::{PIPE_BUFFER_BYTES, log, next_frame, spawn};
use crate::machine::film::{Asked, Counts, FromFilm, Task, fits};
use crate::machine::frame::SOUND;

/// What a child has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// How to decode the units of that rendition that follow.
    Config(RenditionId, TrackConfig),
    /// One access unit; times are ticks from [`Job::begin`].
    Unit(RenditionId, AccessUnit),
    /// Text that is shown for a while, in the form of a WebVTT cue.
    Cue {
        /// The rendition.
        id: RenditionId,
        /// When it appears.
        start: Ticks,
        /// When it goes.
        end: Ticks,
        /// Its lines.
        text: String,
    },
    /// All renditions have come so far, in ticks from [`Job::begin`].
    Progress(Ticks),
    /// The end: how many units, or cues, each rendition has. Without it the child broke off.
    Counted(BTreeMap<RenditionId, u64>),
}

/// Says when things are shown in these streams of a file.
///
/// # Errors
/// By whose fault it cannot be said.
pub async fn index(
    config: &Config,
    file: &Path,
    streams: &[u32],
    pictures: Option<u32>,
) -> Result<Index, Error> {
    let file = text_of(file)?;
    let (streams, file_name) = (streams.to_vec(), file.clone());
    let Config { keyframes_max, whole_bytes_max, .. } = *config;
    let task = Task::Index { file: file_name, streams, pictures, keyframes_max, whole_bytes_max };
    let mut child = Child::start(config, &file, task)?;
    loop {
        match child.heard().await? {
            Some(FromFilm::Indexed(index)) => return Ok(index),
            Some(_) => {}
            None => return Err(Error::BrokeOff("it said nothing".to_owned())),
        }
    }
}

/// Starts a child that makes what a job asks of a file. Must be called within a tokio runtime.
///
/// # Errors
/// The job names too many renditions, or the child cannot be started.
pub fn make(config: &Config, file: &Path, job: &Job) -> Result<Running, Error> {
    if !fits(job) {
        return Err(Error::Job("it names too many renditions"));
    }
    let file = text_of(file)?;
    let task = Task::Make { file: file.clone(), job: job.clone() };
    let child = Child::start(config, &file, task)?;
    let names = Names {
        rungs: job.rungs.iter().map(|rung| rung.id.clone()).collect(),
        sounds: job.sounds.iter().map(|sound| sound.id.clone()).collect(),
        texts: job.texts.iter().map(|text| text.id.clone()).collect(),
    };
    Ok(Running { child, names, is_over: false })
}

fn text_of(file: &Path) -> Result<String, Error> {
    let text = file.to_str().filter(|text| !text.contains('\0'));
    text.map(str::to_owned).ok_or(Error::Job("the file's path is no text"))
}

/// A child at work. Dropping it kills it.
pub struct Running {
    child: Child,
    names: Names,
    is_over: bool,
}

impl Running {
    /// The process id of the child, as long as it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.process.id()
    }

    /// The next thing it has made; `None` after the last, and after an error. It may be given up and called again.
    pub async fn next(&mut self) -> Option<Result<Made, Error>> {
        while !self.is_over {
            let made = match self.child.heard().await {
                Ok(Some(message)) => self.names.made(message).transpose(),
                Ok(None) => Some(Err(Error::BrokeOff("it did not come to its end".to_owned()))),
                Err(error) => Some(Err(error)),
            };
            self.is_over = matches!(made, Some(Err(_) | Ok(Made::Counted(_))));
            if made.is_some() {
                return made;
            }
        }
        None
    }
}

/// The renditions of a job, as its child names them.
struct Names {
    rungs: Vec<RenditionId>,
    sounds: Vec<RenditionId>,
    texts: Vec<RenditionId>,
}

impl Names {
    fn made(&self, message: FromFilm) -> Result<Option<Made>, Error> {
        let unknown = || Error::BrokeOff("it named an unknown rendition".to_owned());
        Ok(match message {
            FromFilm::Config(index, config) => {
                Some(Made::Config(self.track(index).ok_or_else(unknown)?, config))
            }
            FromFilm::Unit(index, unit) => {
                Some(Made::Unit(self.track(index).ok_or_else(unknown)?, unit))
            }
            FromFilm::Cue { index, start, end, text } => {
                let id = self.texts.get(usize::from(index)).cloned().ok_or_else(unknown)?;
                Some(Made::Cue { id, start, end, text })
            }
            FromFilm::Progress(point) => Some(Made::Progress(point)),
            FromFilm::Counted(counts) => Some(Made::Counted(self.counted(&counts))),
            FromFilm::Indexed(_) | FromFilm::Failed(_) => None,
        })
    }

    fn track(&self, index: u8) -> Option<RenditionId> {
        let rung = self.rungs.get(usize::from(index));
        rung.or_else(|| self.sounds.get(usize::from(SOUND - index))).cloned()
    }

    fn counted(&self, counts: &Counts) -> BTreeMap<RenditionId, u64> {
        if counts.left_out > 0 {
            tracing::info!(left_out = counts.left_out, "packets of a film were left out");
        }
        let kinds = [
            (&self.rungs, &counts.rungs),
            (&self.sounds, &counts.sounds),
            (&self.texts, &counts.texts),
        ];
        let pairs = kinds.into_iter().flat_map(|(ids, counts)| ids.iter().zip(counts));
        pairs.map(|(id, count)| (id.clone(), *count)).collect()
    }
}

/// The process. Dropping it kills it.
struct Child {
    process: process::Child,
    output: mpsc::Receiver<Heard>,
    /// Its input stays open as long as this is.
    _open: oneshot::Sender<()>,
    file: String,
    hang_ms: u32,
    stop_grace_ms: u32,
}

/// A message, or why there are no more.
type Heard = Result<FromFilm, String>;

impl Child {
    fn start(config: &Config, file: &str, task: Task) -> Result<Self, Error> {
        let broken = || Error::Pipe(io::ErrorKind::BrokenPipe);
        let mut process = spawn(&config.command).map_err(|error| Error::Spawn(error.kind()))?;
        let (open, closed) = oneshot::channel();
        let (heard, output) = mpsc::channel(config.queue.max(1));
        let asked = Asked { niceness: config.niceness, task };
        tokio::spawn(ask(process.stdin.take().ok_or_else(broken)?, asked.to_bytes(), closed));
        tokio::spawn(read(process.stdout.take().ok_or_else(broken)?, heard));
        let complaints = process.stderr.take().ok_or_else(broken)?;
        let line_bytes_max = config.stderr_line_bytes_max;
        // Who has the house's address has the file: it stands in no log.
        let file = if file.starts_with(HOUSE) { "the house's" } else { file };
        tokio::spawn(log(complaints, file.to_owned(), line_bytes_max, config.stderr_lines_max));
        let (hang_ms, stop_grace_ms) = (config.hang_ms, config.stop_grace_ms);
        Ok(Self { process, output, _open: open, file: file.to_owned(), hang_ms, stop_grace_ms })
    }

    /// Its next message; `None` if it ended as it should.
    async fn heard(&mut self) -> Result<Option<FromFilm>, Error> {
        let hang = Duration::from_millis(self.hang_ms.into());
        let Ok(heard) = tokio::time::timeout(hang, self.output.recv()).await else {
            // Refused only if it is dead already.
            let _ = self.process.start_kill();
            return Err(Error::Hung(self.hang_ms));
        };
        match heard {
            Some(Ok(FromFilm::Failed(fault))) => Err(Error::of(fault, &self.file)),
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(why)) => self.ended(why).await,
            None => self.ended("its output ended".to_owned()).await,
        }
    }

    /// How it ended: by itself, or by somebody else.
    async fn ended(&mut self, why: String) -> Result<Option<FromFilm>, Error> {
        let grace = Duration::from_millis(self.stop_grace_ms.into());
        let Ok(ended) = tokio::time::timeout(grace, self.process.wait()).await else {
            let _ = self.process.start_kill();
            return Err(Error::BrokeOff(why));
        };
        match ended {
            Ok(status) if status.success() => Ok(None),
            Ok(status) => match status.signal() {
                Some(signal) => Err(Error::Killed(signal)),
                None => Err(Error::BrokeOff(format!("{why}; {status}"))),
            },
            Err(error) => Err(Error::Pipe(error.kind())),
        }
    }
}

/// Writes the task, and keeps the pipe open as long as the child is wanted: it ends with it.
async fn ask(mut pipe: ChildStdin, asked: bytes::Bytes, closed: oneshot::Receiver<()>) {
    // What fails here has ended; its output says so.
    if pipe.write_all(&asked).await.is_ok() && pipe.flush().await.is_ok() {
        let _ = closed.await;
    }
}

async fn read(pipe: ChildStdout, heard: mpsc::Sender<Heard>) {
    let mut pipe = BufReader::with_capacity(PIPE_BUFFER_BYTES, pipe);
    loop {
        let next = next_frame(&mut pipe).await;
        let next = next.and_then(|frame| FromFilm::parse(frame).map_err(|error| error.to_string()));
        let is_last = next.is_err();
        if heard.send(next).await.is_err() || is_last {
            return;
        }
    }
}
