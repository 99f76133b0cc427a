//! Whole files through a real child process.
//!
//! In: files made by the `ffmpeg` program. Out: what was made of them, by rendition. Does not know what is right.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use origin_ladder::film::{Config, Error, Index, Job, Made, Pictures, Rung, Sound, Text};
use shared_media::{RenditionId, VideoCodec};

use crate::clip::{Outcome, run};

mod pictures;

mod ranges;

mod spans;

mod sounds;

mod faults;

/// One picture at 25 a second.
const PICTURE: i64 = 3_600;
const SECOND: i64 = 90_000;

/// The configuration of a house, with this crate's example as the child. It gives way to nothing: a test is waited for.
fn config() -> Config {
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    Config {
        command: vec![path.join("examples/film_child").into()],
        niceness: 0,
        ..Config::default()
    }
}

/// A file, and the folder it is in.
struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl File {
    fn of(name: &str, bytes: &[u8]) -> Self {
        let (folder, path) = crate::clip::file(name, bytes);
        Self { _folder: folder, path }
    }

    /// Made by `ffmpeg`.
    fn make(name: &str, arguments: &str) -> Self {
        let file = Self::of(name, &[]);
        let arguments = arguments.split_whitespace().map(OsString::from);
        let mut ffmpeg = Command::new("ffmpeg");
        run(ffmpeg.args(["-v", "error", "-nostdin", "-y"]).args(arguments).arg(&file.path));
        file
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("the file")
    }

    async fn index(&self, streams: &[u32], pictures: Option<u32>) -> Result<Index, Error> {
        origin_ladder::film::index(&config(), &self.path, streams, pictures).await
    }

    async fn film(&self, job: &Job) -> Result<Film, Error> {
        let mut running = origin_ladder::film::make(&config(), &self.path, job)?;
        let mut film = Film::default();
        while let Some(made) = running.next().await {
            film.take(made?);
        }
        assert!(film.is_whole(), "what comes without an error is whole");
        Ok(film)
    }
}

/// Everything that came of a job.
#[derive(Debug, Default, PartialEq)]
struct Film {
    made: Vec<Made>,
    counts: Option<BTreeMap<RenditionId, u64>>,
}

impl Film {
    fn take(&mut self, made: Made) {
        assert!(self.counts.is_none(), "nothing follows the counts");
        match made {
            Made::Counted(counts) => self.counts = Some(counts),
            Made::Progress(_) => {}
            made => self.made.push(made),
        }
    }

    fn is_whole(&self) -> bool {
        let outcome = self.outcome();
        let cues = |id: &str| self.cues(id).len();
        self.counts.as_ref().is_some_and(|counts| {
            counts.iter().all(|(id, count)| {
                let units = outcome.units.get(id.as_str()).map_or(0, Vec::len);
                *count == (units + cues(id.as_str())) as u64
            })
        })
    }

    /// As a ladder's outcome, which knows how to decode it.
    fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for made in &self.made {
            match made {
                Made::Config(id, config) => {
                    outcome.configs.entry(id.to_string()).or_default().push(config.clone());
                }
                Made::Unit(id, unit) => {
                    assert!(outcome.configs.contains_key(id.as_str()), "{id} is configured first");
                    let units = outcome.units.entry(id.to_string()).or_default();
                    assert!(units.last().is_none_or(|last| last.dts < unit.dts), "{id} grows");
                    assert!(unit.dts <= unit.pts, "{id} is decoded before it is shown");
                    units.push(unit.clone());
                }
                _ => {}
            }
        }
        outcome
    }

    fn cues(&self, of: &str) -> Vec<(i64, i64, &str)> {
        let cues = self.made.iter().filter_map(|made| match made {
            Made::Cue { id, start, end, text } if id.as_str() == of => {
                Some((start.0, end.0, text.as_str()))
            }
            _ => None,
        });
        cues.collect()
    }
}

fn id(name: &str) -> RenditionId {
    RenditionId::new(name).expect("a name")
}

fn rung(name: &str, (width, height): (u32, u32), is_copy: bool) -> Rung {
    let (id, bit_rate, codec) = (id(name), 400_000, VideoCodec::Avc);
    Rung { id, width, height, bit_rate, codec, is_copy, hdr: None }
}

fn sound(name: &str, stream: u32, channels: u8, is_copy: bool) -> Sound {
    Sound { id: id(name), stream, channels, bit_rate: 128_000, is_copy }
}

fn text(name: &str, stream: u32) -> Text {
    Text { id: id(name), stream }
}

/// A job for a whole file: cut every second, two threads.
fn job(index: &Index) -> Job {
    Job {
        begin: index.begin.0,
        cuts: (0..=index.length.0 / SECOND).map(|second| second * SECOND).collect(),
        pictures: Some(Pictures { is_untimed: index.is_untimed, ..Pictures::default() }),
        frame_rate: index.frame_rate,
        threads: 2,
        ..Job::default()
    }
}

/// The arguments of a moving picture at 25 a second.
fn picture((width, height): (u32, u32), seconds: u32) -> String {
    format!("-f lavfi -i testsrc2=size={width}x{height}:rate=25:duration={seconds}")
}

/// The arguments of a tone.
fn tone(seconds: u32) -> String {
    format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}")
}
