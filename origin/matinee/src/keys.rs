//! `matinee keys`: what an edge on Spin, Fastly or another machine must be told to work for this house.
//!
//! In: the data directory. Out: the variables of `edge/answer`, but for `MATINEE_ORIGIN`, as lines a shell reads. Does
//! not know where they are taken.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::cli;
use crate::error::Error;

/// Flags of `matinee keys`.
#[derive(Debug, Args)]
pub(crate) struct KeysFlags {
    /// Data directory of the house [default: ~/.local/share/matinee]
    #[arg(long, value_name = "DIR", env = "MATINEE_DATA")]
    data: Option<PathBuf>,
}

/// Prints the variables; none of their values holds a single quote.
pub(crate) fn print(flags: &KeysFlags) -> Result<(), Error> {
    let data = flags.data.clone().unwrap_or_else(cli::default_data_dir);
    let environment = origin_control::edge_environment(&data)?.ok_or_else(|| {
        let data = data.display();
        Error::Machine(format!(
            "no house was ever started in {data}: name its directory with --data"
        ))
    })?;
    let mut out = std::io::stdout();
    for (name, value) in environment.variables {
        writeln!(out, "{name}='{value}'")
            .map_err(|error| Error::Machine(format!("the keys cannot be printed: {error}")))?;
    }
    Ok(())
}
