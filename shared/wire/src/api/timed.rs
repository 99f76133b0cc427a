//! What is said of a live show's time.
//!
//! In: nothing. Out: serde types. Does not know what a date range is: `shared_playlist` does.

use serde::{Deserialize, Serialize};

/// `POST /v1/shows/{show}/id3`: a text, or a whole tag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewId3 {
    /// What the text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A text, which becomes a tag with a `TXXX` frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A tag of version 2.3 or 2.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// What is on its way into the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id3Taken {
    /// How long the tag is.
    pub bytes: usize,
}

/// `GET /v1/shows/{show}/date-ranges`: those that playlists list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateRangeList<T> {
    /// The date ranges, in the order they were told.
    pub date_ranges: Vec<T>,
}
