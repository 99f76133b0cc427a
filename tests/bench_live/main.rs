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
mod soak;
mod start;
#[path = "../bench/taken.rs"]
mod taken;
#[path = "../browser/viewer.rs"]
#[allow(dead_code, reason = "the stories of tests/browser ask for more")]
mod viewer;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use report::Row;

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

/// A row's name, for `--only`, and what measures it.
type Measure = (&'static str, fn(&Plan) -> io::Result<Vec<Row>>);

const ROWS: [Measure; 8] = [
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, other: usize| {
        after(name).and_then(|number| number.parse().ok()).unwrap_or(other)
    };
    let room = tempfile::tempdir()?;
    let plan = Plan {
        measured: Duration::from_secs(number("--seconds", 15) as u64),
        viewers: number("--viewers", 1000),
        publishers: number("--publishers", 20),
        room: room.path().to_owned(),
    };
    let only = after("--only");
    let mut rows = Vec::new();
    for (name, measure) in ROWS {
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            eprintln!("bench-live: {name}");
            match measure(&plan) {
                Ok(measured) => rows.extend(measured),
                // One row that cannot be measured is no reason to lose the others.
                Err(error) => eprintln!("bench-live: {name}: not measured: {error}"),
            }
        }
    }
    let table = report::table(&rows);
    writeln!(io::stdout(), "{table}")?;
    if let Some(directory) = after("--keep").map(PathBuf::from) {
        std::fs::write(directory.join("table.md"), &table)?;
        std::fs::write(directory.join("bench-live.svg"), report::drawing(&rows))?;
    }
    Ok(())
}
