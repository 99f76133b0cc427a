//! Why an upload's request failed, and by whose fault.
//!
//! In: refusals of the machine, failures of ledger and store. Out: [`Error`]. Does not know HTTP's answers.

use std::io;

use shared_wire::upload::Quota;

use crate::machine::Refusal;

/// Why an upload's request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Peer: the protocol does not allow it.
    #[error("{}", .0.detail)]
    Refused(Refusal),
    /// Configuration, or the peer's, who can delete something: a quota has no room for it.
    #[error("{0}")]
    Quota(Quota),
    /// Configuration: there are too many uploads.
    #[error("there are as many unfinished uploads as there may be: finish one, or terminate it")]
    TooMany,
    /// Peer: somebody else has the upload, and does not let go.
    #[error("another request has this upload: try again")]
    Held,
    /// Peer: another request wanted the upload.
    #[error("another request has taken this upload over; what had come is kept")]
    TakenOver,
    /// Us: the house drains.
    #[error("the house is stopping; what had come is kept: go on in a moment")]
    Stopping,
    /// Peer: the body broke off or fell silent.
    #[error("the body broke off; what had come is kept")]
    BrokeOff,
    /// Storage: the disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// Storage: the bucket does not take or give what it should. What was acknowledged is there.
    #[error("the house's object store fails; what was acknowledged is kept: try again later")]
    Bucket(String),
    /// Storage: it cannot be reached, or failed.
    #[error("the house's storage failed: {0}")]
    Storage(String),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull
            || error.kind() == io::ErrorKind::QuotaExceeded
        {
            return Self::DiskFull;
        }
        Self::Storage(error.to_string())
    }
}
