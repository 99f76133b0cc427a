//! Why a strip was not drawn, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. Does not know how it is shown.

/// Why a strip was not drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Peer: the pictures cannot be decoded.
    #[error("the pictures cannot be read: {0}")]
    Media(String),
    /// Configuration: this FFmpeg lacks what is needed.
    #[error("this FFmpeg cannot draw: {0}")]
    Ffmpeg(String),
    /// Us: the strip cannot be handed on.
    #[error("the strip cannot be handed on: {0}")]
    Broken(String),
}
