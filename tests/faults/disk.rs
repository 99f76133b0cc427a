//! A full disk stops the recording, never the show.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::Value;
use tests::House;
use tests::viewer::fetch;

use crate::bystander::Bystander;

/// Room for the database and a little media.
const DISK_SIZE: &str = "size=3m";

/// Room for some minutes as well.
const ROOMY_DISK_SIZE: &str = "size=32m";
/// How long an alarm may take.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// A small filesystem that goes when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", size, "tmpfs"])
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
    let Some(_disk) = SmallDisk::mount(&data, DISK_SIZE) else {
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

/// Waits until `matinee status` tells of this alarm.
pub(crate) async fn alarm(house: &House, wanted: &str) -> Value {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let status = house.cli(&["status", "--json"]);
        let told: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        if told["alarm"] == wanted {
            return told;
        }
        assert!(Instant::now() < deadline, "not {wanted}: {told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// How many segments of the source a show has on disk.
fn segments(house: &House, show: &str) -> usize {
    let source = house.data().join("objects").join(show).join("source");
    let epochs = std::fs::read_dir(source).into_iter().flatten().flatten();
    let files = epochs.filter_map(|epoch| std::fs::read_dir(epoch.path()).ok()).flatten().flatten();
    files.filter(|file| file.file_name().to_string_lossy().starts_with('s')).count()
}

#[tokio::test]
async fn there_is_an_alarm_before_the_disk_is_full_and_recording_goes_on_when_there_is_room() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let data = directory.path().join("data");
    let Some(_disk) = SmallDisk::mount(&data, ROOMY_DISK_SIZE) else {
        println!("skipped: mounting a small filesystem needs root, and this user is not");
        return;
    };
    let house = House::start_in(directory, &["--disk-low-mib", "8"]);
    alarm(&house, "ok").await;
    let bystander = Bystander::on_air(&house).await;
    let filler = house.data().join("filler");
    let free = |told: &Value| told["disk_free_bytes"].as_u64().expect("bytes");
    let spare = usize::try_from(free(&alarm(&house, "ok").await)).expect("bytes") - (6 << 20);
    std::fs::write(&filler, vec![0; spare]).expect("there is room for that");
    let told = alarm(&house, "disk_low").await;
    assert_eq!(told["on_air"][0]["is_recorded"], true, "{told}");
    assert!(house.log().contains("the disk is almost full"), "{}", house.log_tail());
    let metrics = fetch(&Client::new(), &format!("{}/metrics", house.api)).await.text();
    assert!(metrics.contains("matinee_storage_disk_low 1"), "{metrics}");
    std::fs::write(house.data().join("more"), vec![0; 32 << 20]).expect_err("the disk is full now");
    let told = alarm(&house, "disk_full").await;
    assert_eq!(told["on_air"][0]["is_recorded"], false, "{told}");
    bystander.goes_on().await;
    let before = segments(&house, &bystander.show.id);
    std::fs::remove_file(&filler).expect("room again");
    std::fs::remove_file(house.data().join("more")).expect("room again");
    let told = alarm(&house, "ok").await;
    assert_eq!(told["on_air"][0]["is_recorded"], true, "{told}");
    let deadline = Instant::now() + WAIT_MAX;
    while segments(&house, &bystander.show.id) <= before + 1 {
        assert!(Instant::now() < deadline, "the recording stands still at {before}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bystander.goes_on().await;
}
