//! What assets took, and who makes them, as people read it.
//!
//! In: an asset, or none. Out: what to print. Does not know HTTP.

use serde_json::json;
use shared_wire::AssetId;
use shared_wire::api::{AssetStatistics, Worker, WorkerList};

use super::asset::length;
use super::error::Error;
use super::house::{House, HouseFlags};
use super::moment;
use super::pages::all;
use super::table::table;

/// What an asset takes, took and gave.
///
/// # Errors
/// Any of [`Error`].
pub(super) async fn statistics(asset: AssetId, flags: &HouseFlags) -> Result<String, Error> {
    let path = format!("/v1/assets/{asset}/statistics");
    let told: AssetStatistics = House::find(flags).await?.get(&path).await?;
    Ok(if flags.json { json!(told).to_string() } else { said(&told) })
}

/// Who makes films.
///
/// # Errors
/// Any of [`Error`].
pub(super) async fn workers(flags: &HouseFlags) -> Result<String, Error> {
    let workers = all::<WorkerList>(&House::find(flags).await?, "/v1/workers").await?;
    Ok(match flags.json {
        true => json!({ "workers": workers }).to_string(),
        false if workers.is_empty() => "Nobody makes films here.".to_owned(),
        false => listed(&workers),
    })
}

fn said(told: &AssetStatistics) -> String {
    let mut lines = vec![
        format!("  file        {} bytes", told.source_bytes),
        format!("  made        {} bytes, {}", told.made_bytes, length(told.made_ms)),
        format!(
            "  jobs        {} done, {} left, {} given up; came to nothing {} times",
            told.jobs_done, told.jobs_left, told.jobs_dead, told.failures
        ),
        format!(
            "  took        {} of processors, {} of time",
            seconds(told.cpu_ms),
            seconds(told.wall_ms)
        ),
    ];
    if let Some(percent) = told.speed_percent {
        lines.push(format!("  speed       {} × real time", hundredths(percent)));
    }
    let moments = [("begun", told.begun_at), ("ready", told.ready_at)];
    let known = moments.iter().filter_map(|(what, at)| Some((what, (*at)?)));
    lines.extend(known.map(|(what, at)| format!("  {what:<10}  {}", moment::utc(at))));
    lines.extend(told.encoder.iter().map(|encoder| format!("  encoder     {encoder}")));
    let (all, active) = (told.sessions, told.sessions_active);
    lines.push(format!("  sessions    {all} listed, {active} may play"));
    lines.join("\n")
}

fn listed(workers: &[Worker]) -> String {
    let row = |worker: &Worker| {
        let doing = worker.jobs.iter().map(|job| {
            let percent = (job.done_ms * 100).checked_div(job.length_ms).unwrap_or_default();
            format!("{} {} of {} {percent} %", job.kind, job.number, job.asset)
        });
        [
            worker.host.clone().unwrap_or_default(),
            worker.node.clone(),
            worker.state.name().to_owned(),
            moment::utc(worker.started_at),
            moment::utc(worker.seen_at),
            worker.jobs_done.to_string(),
            worker.jobs_failed.to_string(),
            seconds(worker.cpu_ms),
            doing.collect::<Vec<_>>().join(", "),
        ]
    };
    let rows: Vec<_> = workers.iter().map(row).collect();
    let heading =
        ["HOST", "NODE", "STATE", "SINCE", "SEEN", "DONE", "FAILED", "PROCESSORS", "MAKES"];
    let mut lines = vec![table(heading, &rows)];
    lines.extend(workers.iter().filter(|worker| worker.other_jobs > 0).map(|worker| {
        let (node, jobs) = (&worker.node, worker.other_jobs);
        let begun_with = worker.other_encoder.as_deref().unwrap_or_default();
        let own = worker.encoder.as_deref().unwrap_or_default();
        format!("{node} leaves {jobs} jobs to others: begun with {begun_with}; it has {own}")
    }));
    lines.join("\n")
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms / 100 % 10)
}

fn hundredths(percent: u64) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!((seconds(61_950).as_str(), seconds(40).as_str()), ("61.9 s", "0.0 s"));
        assert_eq!((hundredths(5).as_str(), hundredths(1234).as_str()), ("0.05", "12.34"));
    }
}
