//! A bench's command line, and its rows one after the other.
//!
//! In: `--only TEXT`, `--keep DIR` and numbers by their names. Out: the table on standard output; with `--keep`, the
//! table and a drawing of it in that directory. Does not know what is measured.

use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::report::{self, Row};

/// A row's name, for `--only`, and what measures it.
pub(crate) type Measure<P> = (&'static str, fn(&P) -> io::Result<Vec<Row>>);

/// What a bench was called with.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    fn after(&self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|argument| argument == name)?;
        self.0.get(at + 1).cloned()
    }

    /// A number, or what holds where none is given.
    pub(crate) fn number(&self, name: &str, other: u64) -> u64 {
        self.after(name).and_then(|number| number.parse().ok()).unwrap_or(other)
    }
}

/// Measures those rows that are asked for.
pub(crate) fn run<P>(
    bench: &str,
    arguments: &Arguments,
    plan: &P,
    measures: &[Measure<P>],
) -> io::Result<()> {
    let only = arguments.after("--only");
    let mut rows = Vec::new();
    for (name, measure) in measures {
        if only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            eprintln!("{bench}: {name}");
            match measure(plan) {
                Ok(measured) => rows.extend(measured),
                // One row that cannot be measured is no reason to lose the others.
                Err(error) => eprintln!("{bench}: {name}: not measured: {error}"),
            }
        }
    }
    let table = report::table(&rows);
    writeln!(io::stdout(), "{table}")?;
    if let Some(directory) = arguments.after("--keep").map(PathBuf::from) {
        std::fs::write(directory.join("table.md"), &table)?;
        std::fs::write(directory.join(format!("{bench}.svg")), report::drawing(&rows))?;
    }
    Ok(())
}
