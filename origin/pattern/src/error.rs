//! Why publishing ended, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. Does not know how it is shown. No variant holds the address: there is a secret in it.

/// Why publishing ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: a value is out of its limits.
    #[error("configuration: {rule}")]
    Config {
        /// The value's name and its rule.
        rule: &'static str,
    },
    /// Configuration: the slate's picture cannot be read.
    #[error("configuration: the slate's picture: {why}")]
    Picture {
        /// What is wrong with it.
        why: String,
    },
    /// This machine: its FFmpeg lacks an encoder.
    #[error("this machine: FFmpeg has no {name} encoder; install one built with it")]
    NoEncoder {
        /// The encoder.
        name: &'static str,
    },
    /// Peer: no server answers at the address.
    #[error("peer: no server answers at the address: {why}")]
    Unreachable {
        /// What the network said.
        why: String,
    },
    /// Peer: the server is there but does not let us publish; mostly a wrong or busy stream key.
    #[error("peer: the server refused the publication: {why}")]
    Refused {
        /// What the RTMP client said.
        why: String,
    },
    /// Peer: the server ended a publication that ran, or the network between broke.
    #[error("peer: the server ended the publication after {frames} frames: {why}")]
    Ended {
        /// Frames sent until then.
        frames: u64,
        /// What the network said.
        why: String,
    },
    /// Us: the encoder or muxer did not take what we made.
    #[error("us: {what}: {why}")]
    Broken {
        /// What was being done.
        what: &'static str,
        /// What FFmpeg said.
        why: String,
    },
}
