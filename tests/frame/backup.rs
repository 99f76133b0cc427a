//! A primary and a backup publisher of one show: one dies, the other goes on, and viewers need not do anything.

use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher, signal};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air, over};

/// The longest a viewer may wait for the next part while publishers change.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Follows a playlist as a player does, and returns the longest wait for something new.
async fn longest_wait(url: String, until: Instant) -> Duration {
    let client = Client::new();
    let mut longest = Duration::ZERO;
    let mut list = Playlist::parse(&fetch(&client, &url).await.text(), &url);
    while Instant::now() < until && !list.ended {
        let msn = list.media_sequence + list.segments.len() as u64;
        let asked = Instant::now();
        let next = format!("{url}?_HLS_msn={msn}&_HLS_part={}", list.open_parts.len());
        let answer = fetch(&client, &next).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        longest = longest.max(asked.elapsed());
        list = Playlist::parse(&answer.text(), &url);
    }
    longest
}

async fn switches(client: &Client, house: &House, count: usize) {
    counts(client, house, &format!("matinee_ingest_switches_total {count}\n")).await;
}

/// Waits until the house counts so.
async fn counts(client: &Client, house: &House, expected: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    while !fetch(client, &format!("{}/metrics", house.api)).await.text().contains(expected) {
        assert!(Instant::now() < deadline, "never {expected}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn the_backup_goes_on_and_the_primary_comes_back() {
    let house = House::start(&["--reconnect-window-s", "2"]);
    let show = house.show("Two encoders");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 60, height: 360, gop: 60, b_frames: 0 }.make(&file);
    let client = Client::new();
    let primary = Publisher::of_file(&file, &show.rtmp);
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let backup = Publisher::of_file(&file, &format!("{}?backup=1", show.rtmp));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (_, source) =
        renditions(&multivariant, &ticket.playlist_url).into_iter().next().expect("a rendition");
    let viewer = tokio::spawn(longest_wait(source, Instant::now() + Duration::from_secs(18)));

    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(primary);
    switches(&client, &house, 1).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let primary = Publisher::of_file(&file, &show.rtmp);
    switches(&client, &house, 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Its connection stays, and nothing comes.
    signal(primary.0.id(), "STOP");
    switches(&client, &house, 3).await;
    let longest = viewer.await.expect("the viewer is content");
    println!("the longest wait for a part was {longest:?}");
    assert!(longest < SILENCE_MAX, "{longest:?}");

    drop((primary, backup));
    over(&house).await;
    for (name, list) in ended(&client, &ticket.playlist_url).await {
        let breaks = list.segments.iter().filter(|segment| segment.discontinuity).count();
        assert!((3..=4).contains(&breaks), "{name}: {breaks} discontinuities");
        assert!(list.segments.iter().all(|segment| !segment.gap), "{name}");
        list.download(&client, &directory.path().join(format!("{name}.mp4"))).await;
    }
}

#[tokio::test]
async fn a_second_publisher_is_refused_or_takes_over() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 12, height: 360, gop: 30, b_frames: 0 }.make(&file);
    // The rule of the house; then a show's own, which stands before it.
    let rules = [("refuse", None, false), ("take-over", None, true)];
    let own = [("refuse", Some("take-over"), true), ("take-over", Some("refuse"), false)];
    for (rule, own, taken_over) in rules.into_iter().chain(own) {
        let house = House::start(&["--second-publisher", rule]);
        let show = house.show("One key, two encoders");
        if let Some(own) = own {
            let set = ["show", "set", &show.id, "--second-publisher", own, "--json"];
            let changed = house.cli_json(&set);
            assert_eq!(changed["broadcast"]["second_publisher"], own);
        }
        let ticket = house.ticket(&show.id);
        let mut first = Publisher::of_file(&file, &show.rtmp);
        let _ = on_air(&Client::new(), &ticket.playlist_url).await;
        let mut second = Publisher::of_file(&file, &show.rtmp);
        if taken_over {
            let (well, said) = first.finish();
            assert!(!well, "the first one is sent away: {said}");
            assert!(matches!(second.0.try_wait(), Ok(None)), "the second one is on air");
        } else {
            let (well, said) = second.finish();
            assert!(!well, "the second one is refused: {said}");
            assert!(matches!(first.0.try_wait(), Ok(None)), "the first one is on air");
        }
    }
}

#[tokio::test]
async fn one_publisher_more_than_the_house_takes_is_told_so_until_one_leaves() {
    let house = House::start(&["--publishers-max", "1", "--reconnect-window-s", "0"]);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 12, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let (one, other) = (house.show("The first"), house.show("One too many"));
    let mut first = Publisher::of_file(&file, &one.rtmp);
    let client = Client::new();
    let _ = on_air(&client, &house.ticket(&one.id).playlist_url).await;
    let (well, said) = Publisher::of_file(&file, &other.rtmp).finish();
    assert!(!well, "the house takes it: {said}");
    assert!(house.log().contains("refusal=the house is full"), "{}", house.log());
    assert!(matches!(first.0.try_wait(), Ok(None)), "the first one is on air");
    drop(first);
    counts(&client, &house, "matinee_ingest_publishers 0\n").await;
    let _second = Publisher::of_file(&file, &other.rtmp);
    let _ = on_air(&client, &house.ticket(&other.id).playlist_url).await;
}
