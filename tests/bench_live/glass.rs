//! Glass to glass: the clock of the test pattern, read from what Chromium shows.
//!
//! In: the built program with the page in it, node, Chromium. Out: rows. Does not know how the page plays.

use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use tests::{House, Publisher, program};

use crate::Plan;
use crate::report::Row;
use crate::rows::milliseconds;
use crate::viewer::Viewer;

/// How long a page may take to play.
const JOIN_MAX: Duration = Duration::from_secs(30);
/// How long it may take to settle where it wants to be.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) fn rows(plan: &Plan) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (target, most) in [("333", 1800.0), ("200", 1200.0)] {
        let house = House::start(&["--part-target-ms", target]);
        let show = house.show("Glass to glass");
        let ticket = house.ticket(&show.id);
        let _publisher = Publisher(
            Command::new(program())
                .args(["source", "--width", "854", "--height", "480"])
                .env("MATINEE_SOURCE_URL", &show.rtmp)
                .stdin(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?,
        );
        let mut viewer = Viewer::open(&ticket.watch_url);
        viewer.until_state("live", JOIN_MAX);
        sleep(SETTLE);
        let seconds = plan.measured.as_secs();
        let measured = viewer.ask(&json!({ "do": "measure", "seconds": seconds }));
        let delays = measured["delaysMs"].as_array().into_iter().flatten();
        let mut sorted: Vec<f64> = delays.filter_map(serde_json::Value::as_f64).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: usize| sorted.get(sorted.len() * share / 100).copied();
        let (median, p95) = (at(50).unwrap_or(f64::NAN), at(95).unwrap_or(f64::NAN));
        let what = format!(
            "glass to glass in Chromium with hls.js, p95, target {target} ms \
             (median {median:.0} ms, {} stalls)",
            measured["stalls"]
        );
        rows.push(milliseconds(what, p95, most));
    }
    Ok(rows)
}
