//! What uploads need of the world: a ledger that all nodes share, and a store for bytes.
//!
//! In: nothing. Out: [`Ledger`], [`Store`]. Does not know who carries them out.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use shared_wire::AssetId;
use shared_wire::upload::{NewAsset, Piece, Upload};

use crate::Error;

/// An answer that takes a moment.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// An upload that begins.
#[derive(Debug, Clone)]
pub struct New {
    /// The account that owns it; `None`: the house does.
    pub account: Option<String>,
    /// Bytes it is to have, if that is known.
    pub length: Option<u64>,
    /// `Upload-Metadata`, as it was sent.
    pub metadata: Option<String>,
    /// `Upload-Concat`, as it was sent.
    pub concat: Option<String>,
    /// When it is removed unless it goes on, in seconds from now.
    pub expires_s: u32,
}

/// What asking for an upload gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// It is held, under this fence, by whoever asked.
    Have {
        /// The upload as it stands.
        upload: Upload,
        /// Greater at every grant.
        fence: i64,
        /// Whether the holder before may still be writing: then its piece must not be gone on with.
        is_fresh: bool,
    },
    /// Somebody else has it, and has been asked to let go.
    Held,
    /// There is no such upload.
    Unknown,
}

/// What a holder wants remembered.
#[derive(Debug, Clone)]
pub struct Save {
    /// The upload as it is now.
    pub upload: Upload,
    /// The fence it is held under.
    pub fence: i64,
    /// Bytes of the quota it takes.
    pub reserved: u64,
    /// Whether the holder lets go.
    pub release: bool,
    /// What is said of the asset that it becomes with this.
    pub asset: Option<NewAsset>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is remembered.
    Yes {
        /// Whether somebody else wants the upload.
        is_wanted: bool,
    },
    /// Somebody else holds the upload by now: nothing was changed.
    Lost,
}

/// The state of all uploads, and who holds which. What was answered outlives the process.
pub trait Ledger: Send + Sync {
    /// The time, in seconds since the Unix epoch.
    fn now(&self) -> i64;

    /// Makes an upload.
    ///
    /// # Errors
    /// [`Error::Quota`], [`Error::TooMany`], [`Error::Refused`] if the account is gone, [`Error::Storage`].
    fn create(&self, new: New) -> Reply<'_, Upload>;

    /// Looks at an upload without holding it.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn find(&self, id: AssetId) -> Reply<'_, Option<Upload>>;

    /// Asks for an upload.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn lock(&self, id: AssetId) -> Reply<'_, Lock>;

    /// Remembers an upload, all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Quota`] if more was to be reserved than there is, [`Error::Storage`].
    fn save(&self, save: Save) -> Reply<'_, Kept>;

    /// Uploads that nobody holds and that have expired, or that are whole and yet open.
    ///
    /// # Errors
    /// [`Error::Storage`].
    fn due(&self) -> Reply<'_, Vec<AssetId>>;
}

/// Somebody who goes on with a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The piece, by the fence of whoever began it.
    pub piece: i64,
    /// How many of its bytes count.
    pub at: u64,
    /// The fence that the upload is held under: of one piece no two sessions have the same, and the later the greater.
    pub fence: i64,
}

/// Where bytes lie. It is shared by all nodes.
///
/// The port does not promise that a piece can be appended to: an object store makes objects of what is written. Only
/// what [`Writer::settle`] and [`Writer::safe`] have answered for counts; what lies behind it is nobody's.
pub trait Store: Send + Sync {
    /// Opens a piece for appending; whatever it has beyond what counts is dropped.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`].
    fn open(&self, id: AssetId, session: Session) -> Reply<'_, Box<dyn Writer>>;

    /// Makes the one file of an upload out of its pieces. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`].
    fn finish(&self, id: AssetId, pieces: Vec<Piece>, fence: i64) -> Reply<'_, ()>;

    /// Makes one file out of those of finished uploads, in this order. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`].
    fn join(&self, id: AssetId, parts: Vec<AssetId>, fence: i64) -> Reply<'_, ()>;

    /// Deletes all bytes of an upload. What is not there is deleted already.
    ///
    /// # Errors
    /// [`Error::Bucket`], [`Error::Storage`].
    fn delete(&self, id: AssetId) -> Reply<'_, ()>;
}

/// A piece that is being written.
pub trait Writer: Send {
    /// Takes bytes; they may wait in memory.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`].
    fn put(&mut self, bytes: Bytes) -> Reply<'_, ()>;

    /// How many bytes of the piece are safe by now, as [`Self::settle`] has it. Whoever sends fast does not wait for
    /// more than what is being done already.
    ///
    /// # Errors
    /// As [`Writer::settle`].
    fn safe(&mut self) -> Reply<'_, u64>;

    /// Makes what was taken safe; how many bytes of the piece outlive this process and the next power cut. It may be
    /// less than was taken only after a failure that was told.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Bucket`], [`Error::Storage`].
    fn settle(&mut self) -> Reply<'_, u64>;
}
