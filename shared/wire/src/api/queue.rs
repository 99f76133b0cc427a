//! The queue of films: which goes first, and what is done for each.
//!
//! In: nothing. Out: serde types. Does not know who does it, nor how.

use serde::{Deserialize, Serialize};

use crate::AssetId;

/// Which films are made first: all of a class before any of the next.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody waits for it.
    Urgent,
    /// What people upload.
    #[default]
    Normal,
    /// What is fetched from elsewhere, often by the hundred.
    Bulk,
}

impl Priority {
    /// All of them, the first to be made first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }

    /// The priority of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// What is done for an asset, as one row of `GET /v1/assets/{asset}/jobs` or `GET /v1/failed-jobs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetJob {
    /// The asset.
    pub asset: AssetId,
    /// Its place among the jobs of the asset.
    pub number: u32,
    /// What it does: `index`, `list`, `sounds` or `chunk`.
    pub kind: String,
    /// `waiting`, `running`, `done` or `dead`: that was given up.
    pub state: String,
    /// How often it was begun since it last came to its end.
    pub attempts: u32,
    /// Where its piece of the film begins, in milliseconds.
    pub from_ms: u64,
    /// How long that is; 0 of a job that makes none.
    pub length_ms: u64,
    /// How much of it is made.
    pub done_ms: u64,
    /// The node that has it, or had it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What it came to the last time that it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<i64>,
    /// Before when it is not tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<i64>,
}

/// `GET /v1/assets/{asset}/jobs`, in their order, or `GET /v1/failed-jobs`, the last to fail first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetJobList {
    /// A page of them.
    pub jobs: Vec<AssetJob>,
    /// The cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
