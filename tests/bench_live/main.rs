//! `make bench-live`: the live origin in figures, beside nginx-rtmp and one `ffmpeg` command.
//!
//! In: the built program, `ffmpeg`, nginx with its RTMP module. Out: a table on standard output; with `--keep DIR`, the
//! table and a drawing of it in that directory. Measures; whether a figure is good enough is a column.
//!
//! Each row is one function and can be run alone: `--only TEXT` takes those whose name has it.

mod cpu;
mod crowd;
mod glass;
mod nginx;
#[path = "../bench/report.rs"]
mod report;
mod rows;
#[path = "../bench/run.rs"]
mod run;
#[path = "../bench/served.rs"]
mod served;
mod soak;
mod start;
#[path = "../bench/taken.rs"]
mod taken;
#[path = "../browser/viewer.rs"]
#[allow(dead_code, reason = "the stories of tests/browser ask for more")]
mod viewer;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use run::{Arguments, Measure};

/// How it is run.
pub(crate) struct Plan {
    /// How long each side of a row is measured.
    pub(crate) measured: Duration,
    /// How many viewers, and how many publishers.
    pub(crate) viewers: usize,
    pub(crate) publishers: usize,
    /// Where clips are made.
    pub(crate) room: PathBuf,
}

const ROWS: [Measure<Plan>; 8] = [
    ("start", start::rows),
    ("latency", rows::latency),
    ("glass", glass::rows),
    ("ladder", rows::ladder),
    ("publishers", rows::publishers),
    ("crowd", crowd::rows),
    ("window", soak::window),
    ("soak", soak::rows),
];

fn main() -> io::Result<()> {
    let arguments = Arguments::read();
    let number = |name: &str, other: usize| {
        usize::try_from(arguments.number(name, other as u64)).unwrap_or(other)
    };
    let room = tempfile::tempdir()?;
    let plan = Plan {
        measured: Duration::from_secs(arguments.number("--seconds", 15)),
        viewers: number("--viewers", 1000),
        publishers: number("--publishers", 20),
        room: room.path().to_owned(),
    };
    run::run("bench-live", &arguments, &plan, &ROWS)
}
