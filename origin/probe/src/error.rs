//! Why a file is not taken.
//!
//! In: nothing. Out: [`Refusal`], all of them the file's own fault. Does not know how it is shown.

use serde::{Deserialize, Serialize};

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// It leads elsewhere.
    #[error("the file is a playlist ({0}), which leads to other files: upload the media itself")]
    Playlist(String),
    /// No demuxer of ours takes it.
    #[error("the file is no audio or video that is taken, or it is damaged: {0}")]
    Unreadable(String),
    /// Neither pictures nor sound.
    #[error("the file has neither video nor audio")]
    NoStreams,
    /// Its end is missing.
    #[error("the file is cut off: {0}")]
    Truncated(String),
    /// Nobody here has the key.
    #[error("the file is encrypted")]
    Encrypted,
    /// Pictures of impossible size.
    #[error("pictures of {0} × {1} are not taken: 16 to 8192 pixels a side are")]
    Dimensions(u32, u32),
    /// It lasts too long, or no time at all.
    #[error("a duration of {0} ms is not taken: 40 ms to 48 hours are")]
    Duration(i64),
    /// Too many streams.
    #[error("the file has {0} streams, and 128 are taken")]
    TooManyStreams(usize),
}
