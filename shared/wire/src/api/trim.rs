//! What of an asset is shown.
//!
//! In: nothing. Out: serde types. Does not know playlists.

use serde::{Deserialize, Serialize};

/// `PUT /v1/assets/{asset}/trim`: from where to where an asset is shown, counted from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trim {
    /// Where it begins, in milliseconds; absent: at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_ms: Option<u64>,
    /// Where it ends, in milliseconds; absent: at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_ms: Option<u64>,
}

impl Trim {
    /// How long what is shown plays, of what plays so long in whole, in milliseconds.
    #[must_use]
    pub fn of_length(self, whole_ms: u64) -> u64 {
        let out_ms = self.out_ms.map_or(whole_ms, |out_ms| out_ms.min(whole_ms));
        out_ms.saturating_sub(self.in_ms.unwrap_or_default())
    }
}
