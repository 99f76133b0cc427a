//! What goes wrong in ingest, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. Does not know what a refusal is: being refused is an answer, not an error.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// What goes wrong in ingest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: something else listens there.
    #[error(
        "the {door} address {address} is already in use: stop what listens there, or choose \
         another with {}", door.flag()
    )]
    AddressInUse {
        /// The protocol.
        door: Door,
        /// The address asked for.
        address: SocketAddr,
    },
    /// Configuration: the certificate of a port cannot be used; why.
    #[error("the certificate for {door} cannot be used: {why}")]
    Certificate {
        /// Which port.
        door: Door,
        /// What is wrong with which file.
        why: String,
    },
    /// Configuration: the address cannot be listened on.
    #[error(
        "cannot listen for {door} on {address}: {kind}; choose another address with {}",
        door.flag()
    )]
    Bind {
        /// The protocol.
        door: Door,
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
    /// Peer: its SRT handshake cannot be agreed to, such as by another passphrase.
    #[error("no SRT connection came about: {0}")]
    Srt(String),
    /// Peer: what it sends cannot be made sense of as WebRTC.
    #[error("broken WebRTC: {0}")]
    WebRtc(String),
    /// Peer or network: the connection broke.
    #[error("connection lost: {0}")]
    Connection(io::ErrorKind),
    /// Us: the next stage no longer takes this show.
    #[error("the show is no longer taken by the house")]
    Abandoned,
}

/// Where publishers come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// RTMP over TCP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
    /// SRT over UDP.
    Srt,
    /// WHIP: HTTP over TCP, WebRTC over UDP.
    Whip,
}

impl Door {
    /// The setting that chooses its address.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Rtmp => "--rtmp",
            Self::Rtmps => "--rtmps",
            Self::Srt => "--srt",
            Self::Whip => "--whip",
        }
    }

    /// What listening on an address ended with.
    pub(crate) fn refused(self, address: SocketAddr, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::AddrInUse => Error::AddressInUse { door: self, address },
            kind => Error::Bind { door: self, address, kind },
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rtmp => "RTMP",
            Self::Rtmps => "RTMPS",
            Self::Srt => "SRT",
            Self::Whip => "WHIP",
        })
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Connection(error.kind())
    }
}
