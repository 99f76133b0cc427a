//! Captions of a show: its tracks, and what is said on them while it is on the air.
//!
//! In: nothing. Out: serde types. Does not know playlists.

use serde::{Deserialize, Serialize};

/// Tracks of captions of a show, at most.
pub const CAPTION_TRACKS_MAX: usize = 8;

/// Characters of a track's language, at most: it names a rendition.
pub const CAPTION_LANGUAGE_CHARS_MAX: usize = 13;

/// A track of captions, by the language it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptionTrack {
    /// Its language (BCP 47), at most 13 characters; no other track of the show has it.
    pub language: String,
    /// What viewers choose it by.
    pub name: String,
    /// It is shown to viewers who chose nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
}

impl CaptionTrack {
    /// The name of its rendition.
    #[must_use]
    pub fn rendition(&self) -> String {
        format!("cc-{}", self.language.to_ascii_lowercase())
    }
}

/// `POST /v1/shows/{show}/captions/{track}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCaptions {
    /// The cues, 1 to 64.
    pub cues: Vec<NewCue>,
}

/// A cue: a text, and when it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCue {
    /// From when, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<i64>,
    /// Until when, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<i64>,
    /// From when, in milliseconds from now; less than 0 is before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_in_ms: Option<i64>,
    /// Until when, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_in_ms: Option<i64>,
    /// What is shown, as it is: no markup.
    pub text: String,
}

/// Cues that are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionsTaken {
    /// How many.
    pub cues: usize,
}
