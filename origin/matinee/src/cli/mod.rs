//! The command line's creator's side: `matinee show …`, `tier …`, `ticket …`, `session …`, `account …`, `asset …` and
//! `caption …`, carried out by a running house.
//!
//! In: parsed arguments. Out: an answer on standard output, or one sentence on standard error and exit code 1. Does not
//! know how the house does it: it speaks the REST API like anybody else.

mod account;
mod asset;
mod caption;
mod chapters;
mod error;
mod house;
mod keep;
mod moment;
mod pages;
mod queue;
mod range;
mod session;
mod show;
mod status;
mod subtitles;
mod table;
mod ticket;
mod tier;
mod work;
mod trim;

use std::ffi::OsString;
use std::future::Future;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use account::AccountCommand;
pub(crate) use asset::AssetCommand;
pub(crate) use caption::CaptionFlags;
pub(crate) use error::Error;
pub(crate) use session::SessionCommand;
pub(crate) use show::ShowCommand;
pub(crate) use status::StatusFlags;
pub(crate) use ticket::TicketCommand;
pub(crate) use tier::TierCommand;

/// `matinee show …`
pub(crate) fn run_show(command: ShowCommand) -> ExitCode {
    run(command.run())
}

/// `matinee ticket …`
pub(crate) fn run_ticket(command: TicketCommand) -> ExitCode {
    run(command.run())
}

/// `matinee tier …`
pub(crate) fn run_tier(command: TierCommand) -> ExitCode {
    run(command.run())
}

/// `matinee session …`
pub(crate) fn run_session(command: SessionCommand) -> ExitCode {
    run(command.run())
}

/// `matinee account …`
pub(crate) fn run_account(command: AccountCommand) -> ExitCode {
    run(command.run())
}

/// `matinee asset …`
pub(crate) fn run_asset(command: AssetCommand) -> ExitCode {
    run(command.run())
}

/// `matinee caption …`
pub(crate) fn run_caption(flags: CaptionFlags) -> ExitCode {
    run(flags.run())
}

/// `matinee status`
pub(crate) fn run_status(flags: StatusFlags) -> ExitCode {
    run(flags.run())
}

fn run(command: impl Future<Output = Result<String, Error>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match runtime {
        Ok(runtime) => runtime.block_on(command),
        Err(error) => Err(Error::System(error.to_string())),
    };
    match answer {
        // Whoever closes the pipe early has read enough; there is nobody left to tell.
        Ok(text) => {
            writeln!(std::io::stdout(), "{text}").map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("matinee: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where a house keeps its data when nobody says: `$XDG_DATA_HOME/matinee`, or `~/.local/share/matinee`.
pub(crate) fn default_data_dir() -> PathBuf {
    data_dir(|name| std::env::var_os(name))
}

fn data_dir(environment: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    // A relative path there is to be ignored (XDG Base Directory Specification).
    let named = environment("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let at_home = || environment("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    named.or_else(at_home).unwrap_or_default().join("matinee")
}

#[cfg(test)]
mod tests;
