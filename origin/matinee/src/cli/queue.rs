//! What is done for assets, as people read it.
//!
//! In: an asset, or none. Out: what to print. Does not know HTTP.

use clap::ValueEnum;
use serde_json::json;
use shared_wire::AssetId;
use shared_wire::api::{AssetJob, AssetJobList, Priority};

use super::asset::length;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;

/// Which films are made first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Class {
    /// Before all others
    Urgent,
    /// As uploads are
    Normal,
    /// After all others, as files are that are fetched from elsewhere
    Bulk,
}

impl From<Class> for Priority {
    fn from(class: Class) -> Self {
        match class {
            Class::Urgent => Self::Urgent,
            Class::Normal => Self::Normal,
            Class::Bulk => Self::Bulk,
        }
    }
}

/// The jobs of an asset; of all, those that were given up.
///
/// # Errors
/// Any of [`Error`].
pub(super) async fn jobs(of: Option<AssetId>, flags: &HouseFlags) -> Result<String, Error> {
    let house = House::find(flags).await?;
    let path = of.map(|asset| format!("/v1/assets/{asset}/jobs"));
    let path = path.unwrap_or_else(|| "/v1/failed-jobs".to_owned());
    let jobs = all::<AssetJobList>(&house, &path).await?;
    Ok(match (flags.json, of) {
        (true, _) => json!({ "jobs": jobs }).to_string(),
        (false, None) if jobs.is_empty() => "Nothing was given up.".to_owned(),
        (false, None) => failed(&jobs),
        (false, Some(_)) if jobs.is_empty() => "Nothing was begun for it.".to_owned(),
        (false, Some(_)) => listed(&jobs),
    })
}

fn listed(jobs: &[AssetJob]) -> String {
    let row = |job: &AssetJob| {
        let percent = (job.done_ms * 100).checked_div(job.length_ms);
        let is_running = job.state == "running";
        let percent = percent.filter(|_| is_running).map(|percent| format!(" {percent} %"));
        let again = job.again_at.map(|at| format!(" until {}", moment::utc(at)));
        [
            job.number.to_string(),
            job.kind.clone(),
            piece(job),
            format!("{}{}", job.state, percent.or(again).unwrap_or_default()),
            job.attempts.to_string(),
            job.node.clone().unwrap_or_default(),
            job.reason.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = jobs.iter().map(row).collect();
    table(["JOB", "KIND", "PIECE", "STATE", "TRIES", "NODE", "REASON"], &rows)
}

fn failed(jobs: &[AssetJob]) -> String {
    let row = |job: &AssetJob| {
        [
            job.asset.to_string(),
            job.number.to_string(),
            job.kind.clone(),
            piece(job),
            job.attempts.to_string(),
            job.failed_at.map(moment::utc).unwrap_or_default(),
            job.node.clone().unwrap_or_default(),
            job.reason.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = jobs.iter().map(row).collect();
    let heading = ["ASSET", "JOB", "KIND", "PIECE", "TRIES", "FAILED", "NODE", "REASON"];
    let again = "Once more: matinee asset transcode <asset>";
    format!("{}\n{again}", table(heading, &rows))
}

/// From where to where its piece is.
fn piece(job: &AssetJob) -> String {
    let until = job.from_ms.saturating_add(job.length_ms);
    if job.length_ms == 0 {
        return String::new();
    }
    format!("{}–{}", length(job.from_ms), length(until))
}
