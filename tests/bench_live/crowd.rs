//! A crowd beside the ladder, by `matinee load`.
//!
//! In: the built program. Out: rows. Does not know how viewers are made.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher, program};

use crate::Plan;
use crate::cpu::clip;
use crate::report::{Better, Row};
use crate::rows::milliseconds;

/// How long a show may take to list enough to play.
const WAIT_MAX: Duration = Duration::from_secs(60);

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let file = clip(&plan.room, 1080, 4_000_000, 90)?;
    let house = House::start(&[]);
    let show = house.show("Crowd");
    let ticket = house.ticket(&show.id);
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    on_air(&ticket.playlist_url)?;
    // As players do: who gets less than a rung needs takes a smaller one.
    let choosing = ["--ramp", "10", "--choose-rungs"];
    let said = load(&ticket.playlist_url, plan.viewers, plan.measured, &choosing)?;
    eprintln!("{said:#}");
    let smooth = said["viewers"].as_f64().unwrap_or(0.0) - said["stalls"].as_f64().unwrap_or(0.0);
    let viewers = plan.viewers as f64;
    Ok(vec![
        Row {
            what: format!("{} viewers beside the ladder: those without a stall", plan.viewers),
            ours: format!("{} stalls, errors {}", said["stalls"], said["errors"]),
            theirs: "–".to_owned(),
            figure: smooth.max(0.0),
            unit: "viewers",
            at_least: viewers,
            aim: viewers,
            better: Better::More,
            by_cpu: None,
        },
        milliseconds(
            format!("{} viewers: a part, after the first of them has it, p99", plan.viewers),
            said["part_delay"]["p99_ms"].as_f64().unwrap_or(f64::NAN),
            100.0,
        ),
    ])
}

/// Runs `matinee load`; its figures.
pub(crate) fn load(
    url: &str,
    viewers: usize,
    measured: Duration,
    arguments: &[&str],
) -> io::Result<Value> {
    let output = Command::new(program())
        .args(["load", "--json", "--viewers", &viewers.to_string()])
        .args(["--for", &measured.as_secs().to_string()])
        .args(arguments)
        .env("MATINEE_LOAD_URL", url)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

/// Waits until a show has enough for a player to begin where it is to.
pub(crate) fn on_air(playlist_url: &str) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::new();
        let deadline = Instant::now() + WAIT_MAX;
        while Instant::now() < deadline {
            let fetched = fetch(&client, playlist_url).await;
            if fetched.status == 200
                && let Some((_, url)) = renditions(&fetched.text(), playlist_url).last()
                && fetch(&client, &format!("{url}?_HLS_msn=2")).await.status == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(io::Error::other("the show does not begin"))
    })
}
