//! What can go wrong with the store, and who can mend it.
//!
//! In: system errors. Out: [`Error`], one sentence each with what to do. Does not know HTTP statuses.

use std::io;
use std::path::{Path, PathBuf};

/// Who can mend an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Whoever set the house up.
    Config,
    /// The disk, or whoever looks after it.
    Storage,
}

/// Everything the store can answer but bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A limit that breaks the store's promises.
    #[error("{name} is {value}; it must be at least {least}")]
    Config {
        /// The field of [`crate::Config`].
        name: &'static str,
        /// What it is.
        value: u64,
        /// What it must be at least.
        least: u64,
    },
    /// The directory's parent is not there.
    #[error(
        "{} cannot be made: its parent is missing; make it, or name another with --data",
        .0.display()
    )]
    Missing(PathBuf),
    /// The directory cannot be written to.
    #[error(
        "{} is not writable ({reason}); give this user write access, or name another with --data",
        root.display()
    )]
    NotWritable {
        /// The directory.
        root: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// No space is left on the directory's disk.
    #[error(
        "the disk of {} is full; free some space, or name a directory on another with --data",
        .0.display()
    )]
    Full(PathBuf),
    /// Another house uses the directory.
    #[error(
        "{} is used by another running house; stop that one, or name another with --data",
        .0.display()
    )]
    Locked(PathBuf),
    /// An object is there and cannot be read.
    #[error("{key} cannot be read from disk: {reason}")]
    Read {
        /// Its key.
        key: String,
        /// What the system said.
        reason: String,
    },
    /// An object is not on disk, and cannot be brought there.
    #[error("{key} cannot be written to disk: {reason}")]
    Write {
        /// Its key.
        key: String,
        /// What the system said.
        reason: String,
    },
    /// An object is not on disk, and the bucket does not give it.
    #[error("{key} cannot be had from the bucket: {reason}")]
    Far {
        /// Its key.
        key: String,
        /// What was said.
        reason: String,
    },
    /// Whoever makes an object may not put it any more: by now it may be made, or unmade, by others.
    #[error("{key} is not this process's to put any more")]
    NotOurs {
        /// Its key.
        key: String,
    },
    /// An object that should be text is not.
    #[error("{0} is not text; it was changed from outside")]
    NotText(String),
    /// The drain ended before everything was on disk.
    #[error("{objects} objects did not reach the disk")]
    Unsaved {
        /// How many were still waiting.
        objects: usize,
    },
}

impl Error {
    /// Who can mend it.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Config { .. } | Self::Missing(_) | Self::NotWritable { .. } | Self::Locked(_) => {
                Fault::Config
            }
            Self::Full(_)
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Far { .. }
            | Self::NotOurs { .. }
            | Self::NotText(_)
            | Self::Unsaved { .. } => Fault::Storage,
        }
    }

    /// What a failed step of opening the store means.
    pub(crate) fn opening(root: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(root.to_owned()),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(root.to_owned())
            }
            _ => Self::NotWritable { root: root.to_owned(), reason: error.to_string() },
        }
    }
}
