//! A worker beside a house on its machine, which has its rows in a file; and workers that cannot be.

use std::path::Path;
use std::process::{Command, Output};

use tests::{House, program};

use crate::alone::{CHUNK_S, expected, on_disk, ready, told, upload};
use crate::worker::Worker;

#[tokio::test]
async fn a_worker_beside_a_house_makes_its_films_while_the_house_is_killed_and_comes_back() {
    let flags = ["--transcodes", "0", "--chunk-s", CHUNK_S];
    let house = House::start(&flags);
    let data = house.data();
    let data = data.to_str().expect("a path");
    let worker = Worker::start(&["--data", data, "--chunk-s", CHUNK_S]);
    let asset = upload(&house);
    worker.begins(&asset).await;
    // What its worker has is not taken for that of a house which is dead.
    let house = house.killed_and_started_again(&flags);
    let show = ready(&house, &asset).await;
    on_disk(&house, &show).await.is(expected().await);
    let lost = worker.said(&["a job is over", "lost"]);
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(told(&house, &asset)["is_playable"], true);
    let _ = house.cli_json(&["asset", "delete", &asset, "--json"]);
    assert!(!house.data().join("objects").join(&show).exists(), "its objects are gone");
}

/// The outcome of a worker that is not to start.
fn refused(flags: &[&str]) -> String {
    let output: Output = Command::new("timeout")
        .arg("60")
        .arg(program())
        .args(["worker", "vod"])
        .args(flags)
        .current_dir(std::env::temp_dir())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn a_worker_that_could_not_do_anything_is_refused_in_words() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let here = directory.path().to_str().expect("a path");
    let said = refused(&["--data", here]);
    assert!(said.contains("is not the data directory of a house"), "{said}");
    assert!(said.contains("--database, --uploads, --s3-bucket not named"), "{said}");
    let shared = ["--database", "postgres://a:s3cr3t@127.0.0.1:1/b", "--uploads", here];
    let said = refused(&[&shared[..], &["--data", here]].concat());
    assert!(said.contains("--s3-bucket not named"), "{said}");
    let elsewhere = [&shared[..], &["--s3-bucket", "films"]].concat();
    let said = refused(&[&elsewhere[..], &["--transcodes", "0"]].concat());
    assert!(said.contains("has a worker do nothing"), "{said}");
    let said = refused(&elsewhere);
    assert!(said.contains("--database: it cannot be reached"), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
    let missing = Path::new(here).join("nowhere");
    let missing = missing.to_str().expect("a path");
    let said = refused(&["--database", "postgres://a@b/c", "--uploads", missing]);
    assert!(said.contains("is no directory"), "{said}");
}
