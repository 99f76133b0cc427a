//! An upload as the nodes of a house keep it between requests.
//!
//! In: nothing. Out: [`Upload`], what it is made of, how it is written into one column; and [`Quota`], which may have
//! no room for it. Does not know tus, the database or where bytes lie.
//!
//! An upload's bytes lie in **pieces**. Whoever holds an upload appends to one piece; who takes it over from a holder
//! that was never heard of again begins a piece of its own, named by its fence. So nobody who wakes up late can write
//! into what others have already counted.

use core::fmt::{self, Write as _};

use crate::AssetId;
use crate::api::{KeepHdr, Priority};

/// Pieces an upload may have: each stands for a holder that vanished.
pub const PIECES_MAX: usize = 64;

/// Bytes of an upload that one holder wrote, and those after it that knew it was gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The fence of the holder that began it: its name.
    pub fence: i64,
    /// How many of its bytes count.
    pub bytes: u64,
}

/// Where an upload stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It takes bytes, or waits to be put together.
    Open,
    /// All bytes are there; it is an asset, or a part of others.
    Done,
    /// It expired, or was terminated.
    Gone,
}

impl Stage {
    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Gone => "gone",
        }
    }

    /// The stage of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Done, Self::Gone].into_iter().find(|stage| stage.name() == name)
    }
}

/// What is said of the asset that an upload becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAsset {
    /// Its title.
    pub title: String,
    /// The file's name, if it has one.
    pub file_name: Option<String>,
    /// Whether it is made before others.
    pub priority: Priority,
    /// How the range of its HDR is kept; `None`: as the house does.
    pub keep_hdr: Option<KeepHdr>,
}

/// One upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, and the name of the asset it becomes.
    pub id: AssetId,
    /// Bytes it is to have; `None`: not known yet.
    pub length: Option<u64>,
    /// Its bytes, in order.
    pub pieces: Vec<Piece>,
    /// The account that owns it; `None`: the house does.
    pub account: Option<String>,
    /// `Upload-Metadata`, as it was sent.
    pub metadata: Option<String>,
    /// `Upload-Concat`, as it was sent.
    pub concat: Option<String>,
    /// Where it stands.
    pub stage: Stage,
    /// When it is removed unless it goes on, in seconds since the Unix epoch.
    pub expires_at: i64,
}

/// A quota that has no room, as whoever met it is told: which one it is, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// The house's own, told to its administrator.
    House {
        /// Bytes that may be taken.
        max: u64,
        /// Bytes that are left.
        left: u64,
    },
    /// The same, told to an account: how much others have is none of its business.
    HouseOfOthers,
    /// That of the account that asks.
    Account {
        /// Bytes that may be taken.
        max: u64,
        /// Bytes that are left.
        left: u64,
    },
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::House { max, left } => write!(
                f,
                "the house's quota: all uploads and assets together may take {max} bytes, and \
                 {left} are left: delete assets, or raise --uploads-max-mib"
            ),
            Self::HouseOfOthers => f.write_str(
                "the house's quota, not this account's: whoever runs the house must make room",
            ),
            Self::Account { max, left } => write!(
                f,
                "this account's quota: its uploads and assets may take {max} bytes, and {left} \
                 are left: delete some of them, or have the house's administrator raise it"
            ),
        }
    }
}

impl Upload {
    /// How many of its bytes are there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.bytes))
    }

    /// Whether all its bytes are there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.length == Some(self.offset())
    }
}

/// Pieces as one text: `7:1048576,9:42`.
#[must_use]
pub fn write_pieces(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for Piece { fence, bytes } in pieces {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing into a text does not fail.
        let _ = write!(text, "{comma}{fence}:{bytes}");
    }
    text
}

/// Reads pieces; `None` if the text is none of ours.
#[must_use]
pub fn read_pieces(text: &str) -> Option<Vec<Piece>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let piece = |text: &str| {
        let (fence, bytes) = text.split_once(':')?;
        Some(Piece { fence: fence.parse().ok()?, bytes: bytes.parse().ok()? })
    };
    text.split(',').map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_read_back_and_nothing_else_does() {
        for pieces in [vec![], vec![(7, 1 << 40)], vec![(1, 0), (2, 5), (9, 1)]] {
            let pieces: Vec<_> =
                pieces.into_iter().map(|(fence, bytes)| Piece { fence, bytes }).collect();
            assert_eq!(read_pieces(&write_pieces(&pieces)), Some(pieces));
        }
        for none in [",", "1", "1:", ":1", "1:-1", "1:2,", "x:1"] {
            assert_eq!(read_pieces(none), None, "{none}");
        }
    }
}
