//! `make bench-vod`: films from uploads in figures, beside one `ffmpeg` command and nginx's dav module,
//! and two workers beside one.
//!
//! In: the built program, `ffmpeg`, nginx. Out: a table on standard output; with `--keep DIR`, the table and a drawing
//! of it in that directory. Measures; whether a figure is good enough is a column.
//!
//! Each row is one function and can be run alone: `--only TEXT` takes those whose name has it.

mod first;
mod nginx;
mod pair;
mod peer;
#[path = "../bench/report.rs"]
mod report;
#[path = "../bench/run.rs"]
mod run;
#[path = "../bench/served.rs"]
mod served;
#[path = "../bucket/server.rs"]
#[allow(dead_code, reason = "recordings use what films do not")]
mod server;
#[path = "../cluster/site.rs"]
mod site;
mod stage;
#[path = "../bench/taken.rs"]
mod taken;
mod transcode;
mod upload;
#[path = "../cluster/worker.rs"]
#[allow(dead_code, reason = "tests ask more of workers")]
mod worker;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use report::{Better, Row};
use run::{Arguments, Measure};

/// How it is run.
pub(crate) struct Plan {
    /// How long the film is that is transcoded, in seconds.
    pub(crate) film_s: u64,
    /// How long the film is whose first picture is waited for, in seconds.
    pub(crate) long_s: u64,
    /// How long the film is that two workers make, in seconds.
    pub(crate) pair_s: u64,
    /// How large the file is whose upload is timed, in MiB.
    pub(crate) upload_mib: u64,
    /// How large the file is during whose upload memory is looked at, in MiB.
    pub(crate) large_mib: u64,
    /// Where films are made.
    pub(crate) room: PathBuf,
}

/// How long anything of a worker may take that is waited for.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const ROWS: [Measure<Plan>; 5] = [
    ("transcode", transcode::rows),
    ("workers", pair::rows),
    ("first", first::rows),
    ("upload", upload::rows),
    ("memory", upload::memory),
];

fn main() -> io::Result<()> {
    let arguments = Arguments::read();
    let room = tempfile::tempdir()?;
    let plan = Plan {
        film_s: arguments.number("--film-s", 96),
        long_s: arguments.number("--long-s", 1800),
        pair_s: arguments.number("--pair-s", 192),
        upload_mib: arguments.number("--upload-mib", 2048),
        large_mib: arguments.number("--large-mib", 10_240),
        room: room.path().to_owned(),
    };
    run::run("bench-vod", &arguments, &plan, &ROWS)
}

/// A row of one figure that is to be at most so much.
pub(crate) fn at_most(what: &str, figure: f64, unit: &'static str, most: f64) -> Row {
    Row {
        what: what.to_owned(),
        ours: format!("{figure:.1} {unit}"),
        theirs: "–".to_owned(),
        figure,
        unit,
        at_least: most,
        aim: most,
        better: Better::Less,
        by_cpu: None,
    }
}
