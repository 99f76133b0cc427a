//! `matinee load`: a crowd that plays, and one from which parts are withheld.
//!
//! In: a show on the air. Out: whether the tool's figures are what viewers met. Does not know how it counts.

use std::time::Duration;

use serde_json::Value;
use tests::program;

use crate::cases::{Case, INNOCENT};
use crate::{Stage, proxy};

async fn crowd(url: &str, arguments: &[&str]) -> (bool, Value) {
    let output = tokio::process::Command::new(program())
        .args(["load", "--json", "--viewers", "12", "--for", "8", "--ramp", "2"])
        .args(arguments)
        .env("MATINEE_LOAD_URL", url)
        .output()
        .await
        .expect("the load runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_plays_and_what_it_misses_is_told() {
    let stage = Stage::set(&reqwest::Client::new()).await;
    a_crowd_plays_without_a_stall(&stage.ticket.playlist_url).await;
    a_crowd_notices_what_is_missing(&stage.house.edge, &stage.ticket.playlist_url).await;
}

/// Everybody sees a picture soon, nobody stands, and both protocols, the choice of rungs and hints work.
async fn a_crowd_plays_without_a_stall(url: &str) {
    for arguments in [&["--http2"][..], &["--choose-rungs"][..], &["--hints"][..]] {
        let (good, said) = crowd(url, arguments).await;
        assert!(good, "{arguments:?}: {said}");
        assert_eq!((&said["playing"], &said["stalls"]), (&Value::from(12), &Value::from(0)));
        // 12 viewers, 8 s, two tracks of three parts a second: with less they would have stood.
        let parts = said["part_latency"]["count"].as_u64().expect("a number");
        assert!(parts > 12 * 8 * 4, "{said}");
        let behind = said["behind"]["p50_ms"].as_f64().expect("a number");
        assert!((500.0..6000.0).contains(&behind), "{said}");
    }
}

/// Parts that come too slowly make viewers stand; parts that are lost are counted.
async fn a_crowd_notices_what_is_missing(edge: &str, url: &str) {
    let slow = Case {
        change: |asked, reply| {
            if asked.is_part() {
                reply.wait = Duration::from_millis(1500);
            }
        },
        ..INNOCENT
    };
    let lossy = Case {
        change: |asked, reply| {
            if asked.is_part() && asked.path.ends_with(".1.m4s") {
                reply.status = 404;
            }
        },
        ..INNOCENT
    };
    let (good, said) = crowd(&proxy::before(&proxy::start(edge, slow).await, url), &[]).await;
    assert!(!good && said["stalls"].as_u64() > Some(0), "{said}");
    let (good, said) = crowd(&proxy::before(&proxy::start(edge, lossy).await, url), &[]).await;
    assert!(!good && said["errors"]["status 404"].as_u64() > Some(0), "{said}");
}
