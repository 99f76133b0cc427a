//! The queue of films: who goes first, what is told of it, and how a film is cancelled, wherever it is made.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::House;
use tests::postgres::Postgres;
use tests::viewer::fetch;

use crate::looked_into::make;
use crate::transcoded::{once, ready, upload};
use crate::{LOOK_EVERY, Tus, WAIT_MAX};

/// How long a child may go on after its film was cancelled at another node.
const ENDED_MAX: Duration = Duration::from_secs(6);

/// Pictures for so long, in the size given.
fn film(folder: &Path, size: &str, seconds: u32) -> PathBuf {
    let drawn = format!("testsrc2=size={size}:rate=25:duration={seconds}");
    let coded = ["-c:v", "mpeg4", "-q:v", "5", "-g", "50"];
    make(folder, "film.mkv", &[&["-f", "lavfi", "-i", &drawn][..], &coded].concat())
}

/// What is done for an asset.
pub(crate) async fn jobs(house: &House, asset: &str) -> Vec<Value> {
    let path = format!("/v1/assets/{asset}/jobs?limit=200");
    let told = Tus::to(house).ask(Method::GET, &path).send().await.expect("an answer");
    assert_eq!(told.status(), 200);
    let told = told.bytes().await.expect("a body");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    told["jobs"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_film_is_cancelled_at_whichever_node_has_it_and_gone_on_with() {
    let Some(server) = Postgres::start() else { return };
    let folder = tempfile::tempdir().expect("a directory");
    let uploads = folder.path().join("uploads").to_str().expect("a path").to_owned();
    let url = server.url();
    let flags = ["--database", &url, "--uploads", &uploads, "--chunk-s", "60"];
    let maker = House::start(&flags);
    let other = House::start(&[&flags[..], &["--transcodes", "0"]].concat());
    // Two minutes, of which a piece takes seconds.
    let id = upload(&other, &film(folder.path(), "640x360", 120));
    let goes = |told: &Value| told["left_s"].is_u64() && told["progress_percent"] != 0;
    let told = once(&other, &id, "it is told how far it is", goes).await;
    assert_eq!((&told["state"], &told["priority"]), (&json!("transcoding"), &json!("normal")));
    let deadline = Instant::now() + WAIT_MAX;
    let is_amid = |job: &&Value| job["state"] == "running" && job["done_ms"].as_u64() > Some(0);
    let going = loop {
        let all = jobs(&other, &id).await;
        if let Some(going) = all.iter().find(is_amid) {
            break going.clone();
        }
        assert!(Instant::now() < deadline, "none goes on: {all:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    };
    assert!(going["node"].is_string(), "{going}");
    let shown = other.cli(&["asset", "jobs", &id]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("running") && shown.contains("0:00:14–0:00:30"), "{shown}");
    while maker.children("film").len() != 1 {
        assert!(Instant::now() < deadline, "nobody makes it: {}", maker.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }

    let told = other.cli_json(&["asset", "cancel", &id, "--json"]);
    assert_eq!(told["state"], "cancelled");
    let cancelled = Instant::now();
    while !maker.children("film").is_empty() {
        assert!(cancelled.elapsed() < ENDED_MAX, "it goes on: {}", maker.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    println!("its child ended after {:?}", cancelled.elapsed());
    let twice = maker.cli(&["asset", "cancel", &id]);
    let said = String::from_utf8_lossy(&twice.stderr).into_owned();
    assert!(!twice.status.success() && said.contains("nothing to cancel"), "{said}");

    let told = maker.cli_json(&["asset", "transcode", &id, "--json"]);
    assert_eq!(told["state"], "transcoding");
    let deadline = Instant::now() + WAIT_MAX;
    while maker.children("film").is_empty() {
        assert!(Instant::now() < deadline, "nobody goes on: {}", maker.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // At the node that has it there is nothing to wait for.
    let _ = maker.cli_json(&["asset", "cancel", &id, "--json"]);
    let cancelled = Instant::now();
    while !maker.children("film").is_empty() {
        assert!(cancelled.elapsed() < Duration::from_secs(2), "it goes on: {}", maker.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn what_is_urgent_is_made_before_what_came_earlier() {
    let folder = tempfile::tempdir().expect("a directory");
    let house = House::start_in(tempfile::tempdir().expect("a directory"), &["--transcodes", "0"]);
    let film = film(folder.path(), "160x90", 8);
    let with = |priority: &str| {
        let path = film.to_str().expect("a path");
        let made = house.cli_json(&["asset", "upload", path, "--priority", priority, "--json"]);
        assert_eq!(made["priority"], priority);
        made["asset"].as_str().expect("an id").to_owned()
    };
    let (bulk, normal, urgent) = (with("bulk"), with("normal"), with("urgent"));
    for asset in [&bulk, &normal, &urgent] {
        assert_eq!(Tus::to(&house).looked_into(asset).await["state"], "uploaded");
    }
    let house = House::start_in(house.stop(), &["--chunk-s", "4"]);
    ready(&house, &urgent).await;
    let done = |jobs: Vec<Value>| {
        let media = jobs.into_iter().filter(|job| job["kind"] == "chunk");
        media.filter(|job| job["state"] == "done").count()
    };
    assert_eq!(done(jobs(&house, &bulk).await), 0, "it waits for the others");
    let client = Client::builder().no_proxy().build().expect("a client");
    let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
    let waits = |line: &&str| {
        line.starts_with("matinee_film_jobs_waiting{") && line.contains("priority=\"bulk\"")
    };
    assert!(metrics.lines().filter(waits).any(|line| !line.ends_with(" 0")), "{metrics}");
    let made = "matinee_film_media_milliseconds_total{kind=\"chunk\"}";
    assert!(metrics.contains(made), "{metrics}");
    let told = house.cli_json(&["asset", "change", &bulk, "--priority", "urgent", "--json"]);
    assert_eq!(told["priority"], "urgent");
}
