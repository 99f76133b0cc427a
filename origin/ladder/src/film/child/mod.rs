//! The child: reads a file and makes of it what it was asked for, through FFmpeg.
//!
//! In: a task on standard input, a file. Out: frames to the parent on standard output, complaints on standard error.
//! Ends when its input does, so it never outlives its parent. Does not know the network.

use std::io;
use std::process;
use std::thread;

use ffmpeg_next as ffmpeg;
use shared_media::Ticks;

use super::{Error, Job};
use crate::driver::child::PIPE_BUFFER_BYTES;
use crate::encode::read;
use crate::machine::film::{Asked, Fault, FromFilm, Task};

mod raw;

mod file;

mod out;

mod index;

mod pictures;

mod filter;

mod cascade;

mod copied;

mod sounds;

mod texts;

use out::{End, Out};
use pictures::Pictures;
use sounds::Sounds;
use texts::Texts;

/// One kind of a film's streams, which reads the file for itself.
trait Lane {
    /// How far it has come, in ticks from the film's beginning.
    fn come(&self) -> i64;

    /// Does a little more; says whether there is more to do.
    fn step(&mut self, out: &mut Out<'_>) -> Result<bool, End>;
}

/// Runs the child: one task, until it is done or nobody wants it any more.
///
/// # Errors
/// A broken pipe or protocol. What is wrong with a file or an encoder is told to the parent, which tells it on.
pub fn film_child_main() -> Result<(), Error> {
    let pipe = |error: crate::Error| match error {
        crate::Error::Pipe(kind) => Error::Pipe(kind),
        crate::Error::Frame(error) => Error::Frame(error),
        other => Error::BrokeOff(other.to_string()),
    };
    let Some(frame) = read(&mut io::stdin().lock()).map_err(pipe)? else { return Ok(()) };
    let Asked { niceness, task } = Asked::parse(frame)?;
    // Nothing depends on it, and nobody is refused to give way.
    let _ = rustix::process::nice(niceness.into());
    thread::spawn(end_with_input);
    let mut out = Out::new(io::stdout().lock(), PIPE_BUFFER_BYTES);
    let done = prepare().map_err(End::from).and_then(|()| work(task, &mut out));
    match done {
        Ok(()) => Ok(()),
        Err(End::Fault(fault)) => told(out.last(&FromFilm::Failed(fault))),
        Err(end) => told(Err(end)),
    }
}

fn told(said: Result<(), End>) -> Result<(), Error> {
    match said {
        Err(End::Gone(kind)) => Err(Error::Pipe(kind)),
        _ => Ok(()),
    }
}

/// Nothing follows the task: when the input ends, so has the parent, or its interest.
fn end_with_input() {
    // Whether it ends or breaks.
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    process::exit(0);
}

fn prepare() -> Result<(), Fault> {
    ffmpeg::init().map_err(|error| Fault::Lack(error.to_string()))?;
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    Ok(())
}

fn work(task: Task, out: &mut Out<'_>) -> Result<(), End> {
    match task {
        Task::Index { file, streams, pictures, keyframes_max, whole_bytes_max } => {
            let limits = index::Limits { keyframes_max, whole_bytes_max };
            let index = index::index(&file, &streams, pictures, limits, out)?;
            out.last(&FromFilm::Indexed(index))
        }
        Task::Make { file, job } => make(&file, &job, out),
    }
}

fn make(file: &str, job: &Job, out: &mut Out<'_>) -> Result<(), End> {
    out.count(job);
    let mut lanes: Vec<Box<dyn Lane>> = Vec::new();
    if let Some(pictures) = job.pictures.as_ref().filter(|_| !job.rungs.is_empty()) {
        lanes.push(Box::new(Pictures::open(file, job, pictures)?));
    }
    if !job.sounds.is_empty() {
        lanes.push(Box::new(Sounds::open(file, job)?));
    }
    if !job.texts.is_empty() {
        lanes.push(Box::new(Texts::open(file, job)?));
    }
    while let Some(behind) = (0..lanes.len()).min_by_key(|lane| lanes[*lane].come()) {
        let come = lanes[behind].come();
        if !lanes[behind].step(out)? {
            lanes.swap_remove(behind);
        }
        out.progress(Ticks(come.max(0)))?;
    }
    out.counted()
}
