//! Chapters of assets.
//!
//! In: nothing. Out: serde types. Does not know who finds them, nor how players are told.

use serde::{Deserialize, Serialize};

/// Chapters of one asset.
pub const CHAPTERS_MAX: usize = 500;

/// Where a chapter begins, and what it is called. It ends where the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChapterMark {
    /// Where it begins, counted from the asset's beginning, in milliseconds.
    pub start_ms: u64,
    /// Its title.
    pub title: String,
}

/// `GET /v1/assets/{asset}/chapters`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterList {
    /// The chapters, in order, whatever is shown of the asset.
    pub chapters: Vec<ChapterMark>,
    /// Whether somebody has set them; if not, they are those of the file.
    pub is_set: bool,
}

/// `PUT /v1/assets/{asset}/chapters`: chapters in the place of those it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetChapters {
    /// The chapters, in order; none: it has none.
    pub chapters: Vec<ChapterMark>,
}
