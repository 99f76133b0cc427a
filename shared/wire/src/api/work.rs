//! Who makes films, what that took, and what became of one.
//!
//! In: nothing. Out: serde types. Does not know who counts, nor how.

use serde::{Deserialize, Serialize};

use super::AssetJob;
use crate::AssetId;

/// `GET /v1/assets/{asset}/statistics`: what an asset takes, took and gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetStatistics {
    /// The asset.
    pub asset: AssetId,
    /// Bytes of its file.
    pub source_bytes: u64,
    /// Bytes of what was made of it.
    pub made_bytes: u64,
    /// Jobs that are done, those that list not counted as in all of these, …
    pub jobs_done: u64,
    /// … that wait or are being done, …
    pub jobs_left: u64,
    /// … and that were given up.
    pub jobs_dead: u64,
    /// How often one of them came to nothing, those that were given up counted as well.
    pub failures: u64,
    /// What they took of processors, in milliseconds, where the system tells: of the processes that decode and encode.
    pub cpu_ms: u64,
    /// What they took of time, in milliseconds, one after the other.
    pub wall_ms: u64,
    /// How long the film is of which pictures, or sounds alone, are made, in milliseconds.
    pub made_ms: u64,
    /// How many times faster than it plays it was made, from its first job to its end, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_percent: Option<u64>,
    /// When its first job was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<i64>,
    /// When the last of what it is was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<i64>,
    /// What encodes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Playback sessions that somebody swapped a ticket for and that are still listed, …
    pub sessions: u64,
    /// … and those of them that may play.
    pub sessions_active: u64,
}

/// Where a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerState {
    /// It takes jobs.
    Working,
    /// It does what it has, and takes no more.
    Draining,
    /// It said that it ends.
    Ended,
    /// It has said nothing for long.
    Gone,
}

impl WorkerState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Working, Self::Draining, Self::Ended, Self::Gone];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Draining => "draining",
            Self::Ended => "ended",
            Self::Gone => "gone",
        }
    }
}

/// A process that makes films, as one row of `GET /v1/workers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name, another one at every start.
    pub worker: String,
    /// Its node's name.
    pub node: String,
    /// The machine, as that calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Whether it does nothing else: it is no house.
    pub is_worker: bool,
    /// Where it stands.
    pub state: WorkerState,
    /// What encodes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// Jobs that take the processor which it does at a time.
    pub hands: u64,
    /// When it began.
    pub started_at: i64,
    /// When it last said something.
    pub seen_at: i64,
    /// Jobs that it brought to their end, those that list not counted, …
    pub jobs_done: u64,
    /// … and how often one came to nothing there.
    pub jobs_failed: u64,
    /// What its jobs took of processors, in milliseconds, as statistics of assets have it.
    pub cpu_ms: u64,
    /// What they took of time, in milliseconds, one after the other.
    pub wall_ms: u64,
    /// What it made, in milliseconds as it plays.
    pub media_ms: u64,
    /// What it has.
    pub jobs: Vec<AssetJob>,
    /// Jobs that it leaves to others: their films were begun by another encoder.
    pub other_jobs: u64,
    /// Which that is, of the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_encoder: Option<String>,
}

/// `GET /v1/workers`, the last to begin first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerList {
    /// A page of them.
    pub workers: Vec<Worker>,
    /// The cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
