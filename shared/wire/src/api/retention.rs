//! How long assets are kept.
//!
//! In: nothing. Out: serde types. Does not know who deletes them.

use serde::{Deserialize, Serialize};

/// `PUT /v1/assets/{asset}/retention`: how long an asset is kept, whatever the house has for those that do not say. One
/// of the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// When it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<i64>,
    /// It is not deleted by itself: neither for its age nor to make room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forever: bool,
}
