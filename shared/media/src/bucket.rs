//! The port to an object store that is elsewhere, such as S3.
//!
//! In: nothing. Out: [`Bucket`], and why it did not do what was asked. Does not know a protocol, nor keys' meaning.
//!
//! Each step is tried once: whoever asks decides when to ask again, and asking again does no harm.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;

/// What comes of a step, when it is done.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BucketError>> + Send + 'a>>;

/// Objects under keys. A key is any text without a leading slash; what the store's operator puts before all of them
/// is added behind this port.
pub trait Bucket: Send + Sync {
    /// Makes or replaces an object, whole; a large one in pieces, of which nothing is left if one fails.
    fn put(&self, key: &str, bytes: Bytes) -> Answer<'_, ()>;
    /// An object's bytes, or a range of them; `None` if it is not there. More than `bytes_max` is an error, and never
    /// comes into memory.
    fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        bytes_max: usize,
    ) -> Answer<'_, Option<Bytes>>;
    /// Objects below a prefix in the order of their keys, behind `after` if there is one; a page of them.
    fn list(&self, prefix: &str, after: Option<&str>) -> Answer<'_, Page>;
    /// Deletes objects; those that are not there are no error.
    fn delete(&self, keys: Vec<String>) -> Answer<'_, ()>;
    /// Begins an object that comes in pieces: the upload's name.
    fn begin(&self, key: &str) -> Answer<'_, String>;
    /// A piece, numbered from 1; all but the last have [`PIECE_BYTES_MIN`] at least.
    fn piece(&self, key: &str, upload: &str, number: i32, bytes: Bytes) -> Answer<'_, Piece>;
    /// Makes the object of its pieces.
    fn complete(&self, key: &str, upload: &str, pieces: Vec<Piece>) -> Answer<'_, ()>;
    /// Gives up an object that comes in pieces.
    fn abort(&self, key: &str, upload: &str) -> Answer<'_, ()>;
}

/// The least a piece has that is not the last.
pub const PIECE_BYTES_MIN: usize = 5 << 20;

/// A piece that the store has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its number, from 1.
    pub number: i32,
    /// What the store calls it.
    pub tag: String,
    /// What the store took its checksum to be.
    pub checksum: Option<String>,
}

/// Some of the objects there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Objects, in the order of their keys.
    pub objects: Vec<Listed>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// An object as a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When it was made, in seconds since the epoch.
    pub at_s: u64,
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketFailure {
    /// No answer, or half of one: the network, a server that is down or slow.
    Unreachable,
    /// The store says it cannot now.
    Busy,
    /// The store does not let us: credentials, rights, or there is no such bucket.
    Refused,
    /// The store does not take this.
    Wrong,
    /// What came is not what was put, or larger than may come.
    Damaged,
}

impl BucketFailure {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::Wrong => "wrong",
            Self::Damaged => "damaged",
        }
    }
}

/// A step that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketError {
    /// What kind of failure it is.
    pub failure: BucketFailure,
    /// What was said, without secrets.
    pub reason: String,
}

impl fmt::Display for BucketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.failure.name(), self.reason)
    }
}

impl std::error::Error for BucketError {}
