//! What can go wrong in the ladder as a whole, by whose fault.
//!
//! In: nothing. Out: [`Error`]. Bad media is not here: it is dropped and counted, it never ends a show.

use std::io;

use crate::machine::frame;

/// Why a ladder, or its child, ended before its show did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: the child's program could not be started at all.
    #[error("configuration: the encoder process cannot be started: {0}")]
    Command(io::ErrorKind),
    /// Configuration: this machine's FFmpeg lacks an encoder or refuses its settings.
    #[error("configuration: FFmpeg refuses the {0} encoder: {1}")]
    Encoder(&'static str, String),
    /// Us: parent and child do not speak the same protocol.
    #[error("our own: the encoder protocol is broken: {0}")]
    Frame(#[from] frame::Error),
    /// Us: a pipe between parent and child broke.
    #[error("our own: the encoder pipe broke: {0}")]
    Pipe(io::ErrorKind),
    /// Us: nobody takes the staged events any more.
    #[error("our own: the next stage is gone")]
    Downstream,
}
