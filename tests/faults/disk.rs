//! A full disk stops the recording, never the show.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::House;
use tests::viewer::fetch;

use crate::bystander::Bystander;

/// Room for the database and a little media.
const DISK_SIZE: &str = "size=3m";

/// A small filesystem that goes when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK_SIZE, "tmpfs"])
            .arg(at)
            .status()
            .expect("mount runs");
        status.success().then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: a failing test may still have files open.
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_stops_the_recording_but_not_the_show() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    let Some(_disk) = SmallDisk::mount(&data) else {
        println!("skipped: mounting a small filesystem needs root, and this user is not");
        return;
    };
    let house = House::start_in(directory, &[]);
    let filler = house.data().join("filler");
    let bystander = Bystander::on_air(&house).await;
    std::fs::write(&filler, vec![0; 3 << 20]).expect_err("the disk is full now");
    let client = Client::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
        let failed = metrics.lines().any(|line| {
            line.starts_with("matinee_storage_write_failures_total") && !line.ends_with(" 0")
        });
        if failed {
            break;
        }
        assert!(Instant::now() < deadline, "the failure is counted: {metrics}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for _ in 0..3 {
        bystander.goes_on().await;
    }
    std::fs::remove_file(&filler).expect("room again");
    bystander.goes_on().await;
}
