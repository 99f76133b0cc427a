//! Quotas: the oldest recordings make room, one that is on the air stops growing, and shows go on.

use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::fetch;
use tests::{House, Publisher};

use crate::bystander::{Bystander, clip};
use crate::disk::alarm;

/// How long recordings may take to outgrow what they may.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_recording_that_has_all_it_may_take_stops_and_the_show_goes_on() {
    let house = House::start(&["--recording-max-mib", "1"]);
    let bystander = Bystander::on_air(&house).await;
    let told = alarm(&house, "recording_stopped").await;
    assert_eq!(told["on_air"][0]["show"], bystander.show.id.as_str());
    assert_eq!(told["on_air"][0]["is_recorded"], false, "{told}");
    let taken = told["recordings_bytes"].as_u64().expect("bytes");
    for _ in 0..3 {
        bystander.goes_on().await;
    }
    // Whatever is listed is there: what is not on disk is in memory.
    let client = Client::new();
    let text = fetch(&client, bystander.playlist()).await.text();
    let base = bystander.playlist().rsplit_once('/').expect("a folder").0;
    let listed: Vec<_> = text.lines().filter(|line| line.ends_with(".m4s")).collect();
    assert!(listed.len() > 1, "{text}");
    for uri in listed {
        assert_eq!(fetch(&client, &format!("{base}/{uri}")).await.status, 200, "{uri}");
    }
    // The show's own quota stands before the house's, and holds at once.
    let show = &bystander.show.id;
    let said = house.cli_json(&["show", "set", show, "--recording-max-mib", "1000", "--json"]);
    assert_eq!(said["broadcast"]["recording_bytes_max"], 1000_u64 << 20);
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let told = house.cli_json(&["status", "--json"]);
        let is_recorded = told["on_air"][0]["is_recorded"] == true;
        if is_recorded && told["recordings_bytes"].as_u64().expect("bytes") > taken + (100 << 10) {
            break;
        }
        assert!(Instant::now() < deadline, "the recording stands still: {told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let _ = house.cli_json(&["show", "set", show, "--recording-max-mib", "1", "--json"]);
    let _ = alarm(&house, "recording_stopped").await;
    for _ in 0..3 {
        bystander.goes_on().await;
    }
    ends_with_what_was_kept(&house, show).await;
}

/// Ends the show: its recording goes up to the last segment on disk, in all renditions, and not further.
async fn ends_with_what_was_kept(house: &House, show: &str) {
    let said = house.cli(&["show", "end", show]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let folder = house.data().join("objects").join(show);
    let deadline = Instant::now() + WAIT_MAX;
    for rendition in ["source", "audio"] {
        let text = loop {
            let text = std::fs::read_to_string(folder.join(rendition).join("index.m3u8"));
            match text {
                Ok(text) if text.ends_with("#EXT-X-ENDLIST\n") => break text,
                _ => assert!(Instant::now() < deadline, "{rendition} is not finished"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let (gaps, listed) = (text.matches("#EXT-X-GAP").count(), text.matches(".m4s\n").count());
        assert!(0 < gaps && gaps < listed, "{rendition}: {text}");
        let last = text.lines().rfind(|line| line.ends_with(".m4s"));
        let last = last.expect("a segment");
        assert!(
            folder.join(rendition).join(last).is_file(),
            "{rendition} ends with {last}: {text}"
        );
        let numbers =
            std::fs::read_dir(folder.join(rendition).join(last).parent().expect("a folder"));
        let newest = numbers.expect("a folder").filter_map(|file| {
            let name = file.expect("a file").file_name().into_string().expect("plain");
            name.strip_prefix('s')?.strip_suffix(".m4s")?.parse::<u64>().ok()
        });
        let newest = format!("/s{}.m4s", newest.max().expect("segments"));
        assert!(last.ends_with(&newest), "{rendition} ends with {last}, kept is {newest}");
    }
}

#[tokio::test]
async fn the_oldest_recording_makes_room_for_the_one_on_the_air() {
    let house = House::start(&["--recordings-max-mib", "3", "--reconnect-window-s", "0"]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = clip(&directory, "old.flv", &[]);
    let mut old = Vec::new();
    for title in ["The oldest", "The second"] {
        let show = house.show(title);
        let publisher = Publisher::of_file(&file, &show.rtmp);
        let folder = house.data().join("objects").join(&show.id).join("source");
        let deadline = Instant::now() + WAIT_MAX;
        while !folder.join("index.m3u8").is_file() {
            assert!(Instant::now() < deadline, "{title} is not recorded");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(publisher);
        let said = house.cli(&["show", "end", &show.id]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        old.push(house.data().join("objects").join(&show.id));
        // Their age is told in seconds.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert!(old.iter().all(|folder| folder.is_dir()));
    let bystander = Bystander::on_air(&house).await;
    let deadline = Instant::now() + WAIT_MAX;
    while old[0].is_dir() {
        assert!(Instant::now() < deadline, "nothing made room: {}", house.log_tail());
        let told = house.cli_json(&["status", "--json"]);
        assert!(old[1].is_dir(), "the younger went first: {told}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Counted when all of it is gone, which is a moment after its folder is.
    let client = Client::new();
    loop {
        let metrics = fetch(&client, &format!("{}/metrics", house.api)).await.text();
        if metrics.contains("matinee_recordings_deleted_total") {
            break;
        }
        assert!(Instant::now() < deadline, "it is not counted: {metrics}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(house.data().join("objects").join(&bystander.show.id).is_dir());
    bystander.goes_on().await;
}
