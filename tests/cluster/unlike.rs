//! What is told of workers, and of what films took; and films that were begun by another encoder than a worker has.

use std::time::Instant;

use serde_json::Value;

use crate::alone::{CHUNKS, expected, told, upload};
use crate::site::Site;
use crate::{LOOK_EVERY, WAIT_MAX};

/// An encoder that nobody has.
const OTHER: &str = "libavcodec 0.0.0";

/// The workers of a site, as the command line tells them.
fn workers(site: &Site) -> Vec<Value> {
    let told = site.house.cli_json(&["asset", "workers", "--json"]);
    told["workers"].as_array().expect("a list").clone()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("no {name}: {value}"))
}

#[tokio::test]
async fn what_workers_do_and_what_a_film_took_is_told() {
    let Some(site) = Site::open(10).await else { return };
    let mut one = site.worker();
    let asset = upload(&site.house);
    one.begins(&asset).await;
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let all = workers(&site);
        let has = all.first().and_then(|one| one["jobs"].as_array()).is_some_and(|jobs| {
            jobs.iter().any(|job| job["kind"] == "chunk" && job["asset"] == *asset)
        });
        if has {
            assert_eq!((&all[0]["state"], &all[0]["is_worker"]), (&"working".into(), &true.into()));
            assert!(all[0]["host"].is_string(), "{all:?}");
            break;
        }
        assert!(Instant::now() < deadline, "{all:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let made = site.made(&asset).await;
    made.is(expected().await);
    let took = site.house.cli_json(&["asset", "statistics", &asset, "--json"]);
    let bytes: usize = made.media.values().map(Vec::len).sum();
    assert_eq!(number(&took, "made_bytes"), bytes as u64, "{took}");
    assert_eq!(number(&took, "made_ms") / 100, 320, "{took}");
    assert_eq!((number(&took, "jobs_left"), number(&took, "failures")), (0, 0), "{took}");
    assert!(number(&took, "cpu_ms") > 0 && number(&took, "speed_percent") > 0, "{took}");
    assert!(took["encoder"].as_str().is_some_and(|name| name.contains("libavcodec ")), "{took}");
    let own = workers(&site).remove(0);
    assert_eq!((&own["encoder"], number(&own, "jobs_done")), (&took["encoder"], CHUNKS + 2));
    assert_eq!(number(&own, "cpu_ms"), number(&took, "cpu_ms"), "it did all of it");
    let of_chunks = ["kind=\"chunk\"".to_owned()];
    assert!(one.metric("matinee_film_cpu_milliseconds_total", &of_chunks).await > 0);
    for arguments in [&["asset", "workers"][..], &["asset", "statistics", &asset]] {
        let said = site.house.cli(arguments);
        let text = String::from_utf8_lossy(&said.stdout);
        assert!(said.status.success() && text.contains(" s"), "{text}");
    }
    one.signal("TERM");
    assert_eq!(one.ended().await, Some(0), "{}", one.log());
    assert_eq!(workers(&site)[0]["state"], "ended");
}

#[tokio::test]
async fn a_film_that_another_encoder_began_waits_for_that_until_somebody_says_otherwise() {
    let Some(site) = Site::open(10).await else { return };
    let mut one = site.worker();
    let asset = upload(&site.house);
    one.begins(&asset).await;
    one.signal("TERM");
    assert_eq!(one.ended().await, Some(0), "{}", one.log());
    site.postgres.run(&format!("UPDATE assets SET encoder = '{OTHER}' WHERE id = '{asset}'"));
    let two = site.worker();
    two.says(&["a film is left to others", &asset, OTHER]).await;
    tokio::time::sleep(LOOK_EVERY * 100).await;
    assert_eq!(two.said(&["a job is begun", "chunk", &asset]), [""; 0]);
    let said = told(&site.house, &asset);
    let waits = format!("it was begun with {OTHER}, and no worker that is at work has that");
    assert!(said["reason"].as_str().is_some_and(|why| why.starts_with(&waits)), "{said}");
    assert!(two.metric("matinee_film_jobs_of_other_encoders", &[]).await > 0);
    let all = workers(&site);
    assert_eq!(all[0]["other_encoder"], OTHER, "{all:?}");
    assert!(number(&all[0], "other_jobs") > 0, "{all:?}");

    for action in ["cancel", "transcode"] {
        let _ = site.house.cli_json(&["asset", action, &asset, "--json"]);
    }
    // In truth both have the same encoder.
    site.made(&asset).await.is(expected().await);
}
