//! What goes wrong in ingest, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. Does not know what a refusal is: being refused is an answer, not an error.

use std::io;
use std::net::SocketAddr;

/// What goes wrong in ingest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: something else listens there.
    #[error(
        "the RTMP address {0} is already in use: stop what listens there, or choose another \
         with --rtmp"
    )]
    AddressInUse(SocketAddr),
    /// Configuration: the address cannot be listened on.
    #[error("cannot listen for RTMP on {address}: {kind}; choose another address with --rtmp")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// Peer: its first bytes are no RTMP handshake.
    #[error("not RTMP: the first byte is {0:#04x}, RTMP begins with 0x03")]
    NotRtmp(u8),
    /// Peer: it broke the chunk protocol (RTMP 1.0, 5.3).
    #[error("broken RTMP chunk stream: {0}")]
    Chunk(&'static str),
    /// Peer: it went over a limit of [`crate::Config`].
    #[error("over the limit: {0}")]
    Limit(&'static str),
    /// Peer: it was silent for too long.
    #[error("silent for too long: {0}")]
    Timeout(&'static str),
    /// Peer or network: the connection broke.
    #[error("connection lost: {0}")]
    Connection(io::ErrorKind),
    /// Us: the next stage no longer takes this show.
    #[error("the show is no longer taken by the house")]
    Abandoned,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Connection(error.kind())
    }
}
