//! A job of a film, and the lease of whoever does it.
//!
//! In: rows. Out: jobs. Does not know how rows are found.

use shared_wire::AssetId;

use crate::Error;
use crate::rows::{self, films};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilmJobKind {
    /// Looks through the file, so that it is known where it can be cut.
    Index,
    /// Lists what is made already. It waits again whenever more is.
    List,
    /// Makes all sounds and subtitles.
    Sounds,
    /// Makes the pictures of one chunk.
    Chunk,
    /// Makes subtitles that were uploaded.
    Texts,
}

impl FilmJobKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Index, Self::List, Self::Sounds, Self::Chunk, Self::Texts];
    /// Those that make what a film cannot be without.
    pub(super) const MEDIA: [Self; 2] = [Self::Sounds, Self::Chunk];
    /// Those whose results are listed.
    pub(super) const LISTED: [Self; 3] = [Self::Sounds, Self::Chunk, Self::Texts];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::List => "list",
            Self::Sounds => "sounds",
            Self::Chunk => "chunk",
            Self::Texts => "texts",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobState {
    /// For somebody to take it.
    Waiting,
    /// Somebody does it, for as long as the lease is.
    Running,
    /// What it came to is kept.
    Done,
    /// It was tried in vain as often as it may be.
    Dead,
}

impl JobState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

/// A job that makes a piece of what is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFilmJob {
    /// What it does.
    pub kind: FilmJobKind,
    /// Where its piece begins, in milliseconds.
    pub from_ms: i64,
    /// How long that is.
    pub length_ms: i64,
}

impl NewFilmJob {
    /// A job that makes no piece.
    pub(super) const fn plain(kind: FilmJobKind) -> Self {
        Self { kind, from_ms: 0, length_ms: 0 }
    }
}

/// A job that somebody may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmJob {
    /// The asset.
    pub asset: AssetId,
    /// Its place among those of the asset.
    pub number: u32,
    /// What it does.
    pub kind: FilmJobKind,
    /// How often it was begun in vain.
    pub attempts: u32,
    /// Since when it waits, in milliseconds since the Unix epoch by the database's clock.
    pub since_ms: i64,
    /// Its fence, as it was seen.
    pub fence: i64,
}

/// A job that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmLease {
    /// The asset.
    pub asset: AssetId,
    /// Its place among those of the asset.
    pub number: u32,
    /// What it does.
    pub kind: FilmJobKind,
    /// How often it was begun, this time too.
    pub attempts: u32,
    /// Greater than that of anybody who had it before.
    pub fence: i64,
}

impl FilmLease {
    /// The number of the first job that makes what is played.
    pub const MEDIA_FIRST: u32 = 2;
    /// The numbers of jobs that make uploaded subtitles are greater: a film has not so many chunks.
    pub const TEXTS_FIRST: u32 = 1_000_000;
}

pub(super) fn of_row(row: &films::Model) -> Result<FilmJob, Error> {
    let corrupt = || Error::Corrupt { what: format!("a job of {} cannot be read", row.asset_id) };
    Ok(FilmJob {
        asset: rows::id(&row.asset_id)?,
        number: u32::try_from(row.number).map_err(|_| corrupt())?,
        kind: FilmJobKind::named(&row.kind).ok_or_else(corrupt)?,
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        since_ms: row.since_ms,
        fence: row.fence,
    })
}
