//! Why a film is not made, by whose fault.
//!
//! In: nothing. Out: [`Error`]. Does not know who is told.

use std::io;

use crate::machine::film::Fault;
use crate::machine::frame;

/// Why a child did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The file's: it does not open, does not decode, or is beyond a limit. It will be so again.
    #[error("the file {file}: {reason}")]
    File {
        /// Which file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Configuration: this machine's FFmpeg lacks an encoder or a filter, or refuses its settings.
    #[error("configuration: FFmpeg: {0}")]
    Lack(String),
    /// Configuration: the child's program could not be started at all.
    #[error("configuration: the film process cannot be started: {0}")]
    Spawn(io::ErrorKind),
    /// The machine's: the child was killed by this signal. It had too little memory, or its decoder crashed.
    #[error("the film process was killed by signal {0}")]
    Killed(i32),
    /// The machine's or the file's: the child said nothing for too long and was killed.
    #[error("the film process said nothing for {0} ms")]
    Hung(u32),
    /// Us: the child ended without an answer.
    #[error("our own: the film process broke off: {0}")]
    BrokeOff(String),
    /// Us: a job that names more renditions than there may be, or a file whose path is no text.
    #[error("our own: the job cannot be asked for: {0}")]
    Job(&'static str),
    /// Us: parent and child do not speak the same protocol.
    #[error("our own: the film protocol is broken: {0}")]
    Frame(#[from] frame::Error),
    /// Us: a pipe between parent and child broke.
    #[error("our own: the film pipe broke: {0}")]
    Pipe(io::ErrorKind),
}

impl Error {
    pub(super) fn of(fault: Fault, file: &str) -> Self {
        match fault {
            Fault::File(reason) => Self::File { file: file.to_owned(), reason },
            Fault::Lack(what) => Self::Lack(what),
        }
    }
}
