//! Subtitles that are uploaded for an asset.
//!
//! In: nothing. Out: serde types, limits. Does not know how they are read, nor who shows them.

use serde::{Deserialize, Serialize};

/// Subtitles of one asset, beside those that are in its file.
pub const SUBTITLES_MAX: usize = 32;
/// Bytes of one file of subtitles: 20 hours of talk.
pub const SUBTITLES_BYTES_MAX: usize = 2 << 20;

/// How far subtitles are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubtitlesState {
    /// They are kept, and become a rendition of the film.
    Making,
    /// They are made; playlists list them within a moment.
    Ready,
    /// They could not be made; `reason` says why.
    Failed,
}

/// `PUT /v1/assets/{asset}/subtitles/{language}`: what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtitles {
    /// Their language (BCP 47).
    pub language: String,
    /// What a viewer chooses by.
    pub name: String,
    /// They are shown to whoever chose nothing.
    pub default: bool,
    /// They have only what everybody must read: signs, other languages.
    pub forced: bool,
    /// How many cues they have.
    pub cues: u64,
    /// How far they are.
    pub state: SubtitlesState,
    /// Why they could not be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When they came.
    pub created_at: i64,
}

/// `GET /v1/assets/{asset}/subtitles`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitlesList {
    /// All of them, in the order in which they came.
    pub subtitles: Vec<Subtitles>,
}
