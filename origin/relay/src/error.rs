//! Why a relay ended, and whose fault it is.
//!
//! In: nothing. Out: [`Error`]. Does not know how it is shown. No variant holds the address: there may be a secret in
//! it.

/// Why a relay ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Configuration: the address is none that is fetched.
    #[error("the source's address {0}")]
    Address(&'static str),
    /// Peer: nothing can be fetched there.
    #[error("the source cannot be opened: {0}")]
    Unreachable(String),
    /// Peer: it is not who its name says, as far as the authorities that are believed here know.
    #[error("the source's certificate is not trusted: {0}")]
    Untrusted(String),
    /// Peer: it has neither video nor audio that a transport stream takes.
    #[error("the source has neither video nor audio")]
    Nothing,
    /// Us: the transport stream cannot be written.
    #[error("what was fetched cannot be handed on: {0}")]
    Broken(String),
}
