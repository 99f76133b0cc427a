//! Why there is no report, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. No variant holds the address: there may be a token in it.

/// Why nothing could be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: a value is out of its limits.
    #[error("configuration: {0}")]
    Config(&'static str),
    /// Peer: no answer came.
    #[error("peer: no answer from the address: {0}")]
    Unreachable(String),
    /// Peer: it answers something else than a playlist.
    #[error("peer: the address answers {status}, not a playlist: is the show on the air?")]
    NotAPlaylist {
        /// The status.
        status: u16,
    },
    /// This machine: the HTTP client cannot be made.
    #[error("this machine: {0}")]
    System(String),
}
