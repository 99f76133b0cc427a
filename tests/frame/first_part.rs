//! How soon a show is there: before its source has shown a whole GOP, and whatever that turns out to be.
//!
//! In: a source that goes on only when it is told to. Out: what a viewer is listed meanwhile, and afterwards.

use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use reqwest::Client;
use serde_json::Value;
use tests::enhanced::{self, Kind, Run, Track};
use tests::viewer::{Playlist, Segment, attribute, fetch, i_frames, media, renditions};
use tests::{House, program};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::whole::aligned;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

/// Target durations, `BANDWIDTH` and what else the first seconds of a show could get wrong.
const ITEMS: [u64; 6] = [9, 10, 32, 33, 34, 36];

/// The tracks of a clip, without the settings that x264 writes beside its first picture.
fn tracks(directory: &Path, gop: usize, seconds: usize) -> Vec<Track> {
    let file = directory.join("clip.mp4");
    let encoders = format!(
        "-c:v libx264 -preset ultrafast -crf 20 -g {gop} -keyint_min {gop} -sc_threshold 0 -bf 0 \
         -bsf:v filter_units=remove_types=6 -c:a aac -b:a 128k -f mp4"
    );
    Clip { seconds, height: 240, gop, b_frames: 0 }.make_with(&encoders, &file);
    enhanced::read(&file)
}

/// Publishes in real time, but from `held_ms` on only once the sender is used or gone.
fn publish(
    house: &House,
    key: &str,
    tracks: Vec<Track>,
    held_ms: i64,
) -> (mpsc::Sender<()>, JoinHandle<Result<String, String>>) {
    let (go_on, told) = mpsc::channel();
    let (address, key) = (house.rtmp.clone(), key.to_owned());
    let publisher = spawn_blocking(move || {
        let told = Mutex::new(Some(told));
        let stamp = |_: Kind, ms: i64| {
            if ms >= held_ms
                && let Some(told) = told.lock().expect("nobody panics").take()
            {
                // Dropped, it says the same.
                let _ = told.recv();
            }
            u32::try_from(ms).ok()
        };
        enhanced::run(&address, &key, &tracks, &Run { speed: 1.0, laps: 1, stamp: &stamp })
    });
    (go_on, publisher)
}

async fn playlist(client: &Client, url: &str) -> Playlist {
    let fetched = fetch(client, url).await;
    assert_eq!(fetched.status, 200, "{}", fetched.text());
    Playlist::parse(&fetched.text(), url)
}

/// Waits until somebody waits for a playlist.
async fn somebody_waits(client: &Client, house: &House) {
    let deadline = Instant::now() + WAIT_MAX;
    while !fetch(client, &format!("{}/metrics", house.api))
        .await
        .text()
        .contains("matinee_playlist_blocked 1")
    {
        assert!(Instant::now() < deadline, "nobody waits");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// No segment takes more than the 125 % of `BANDWIDTH` that players are promised (Apple 1.28).
async fn assert_keeps(multivariant: &str, lists: &[(String, Playlist)], client: &Client) {
    for line in multivariant.lines().filter(|line| line.starts_with("#EXT-X-STREAM-INF:")) {
        let variant = multivariant.lines().skip_while(|other| *other != line).nth(1);
        let name = variant.and_then(|uri| uri.split('/').rev().nth(1)).expect("a rendition");
        let bandwidth: f64 = attribute(line, "BANDWIDTH").expect("it").parse().expect("a number");
        let (_, list) = lists.iter().find(|(listed, _)| listed == name).expect("it is listed");
        for Segment { url, duration_s, .. } in list.segments.iter().filter(|one| !one.gap) {
            let bits = media(client, url).await.len() as f64 * 8.0;
            assert!(
                bits / duration_s <= bandwidth * 1.25,
                "{name}: {bits} in {duration_s} s: {line}"
            );
        }
    }
}

#[tokio::test]
async fn a_part_is_listed_before_the_source_has_sent_its_second_keyframe() {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("At once");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let tracks = tracks(directory.path(), 60, 8);
    let pictures = tracks.iter().find(|track| track.kind == Kind::Video).expect("a picture");
    let second = pictures.units.iter().filter(|unit| unit.keyframe).nth(1).expect("a second one");
    let held_ms = second.dts_ms;
    let (go_on, publisher) = publish(&house, &show.stream_key, tracks, held_ms);

    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let all = renditions(&multivariant, &ticket.playlist_url);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["audio", "source", "160p"]);
    for (name, url) in &all {
        let list = playlist(&client, url).await;
        assert!(list.segments.is_empty() && !list.open_parts.is_empty(), "{name}: {list:?}");
        assert_eq!(list.target_duration_s, 2);
        media(&client, &list.open_parts[0].0).await;
    }
    let (name, url) = i_frames(&multivariant, &ticket.playlist_url).remove(0);
    let waiting = {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move { playlist(&client, &url).await })
    };
    somebody_waits(&client, &house).await;
    go_on.send(()).expect("the source waits");
    let pictures = waiting.await.expect("no panic");
    assert!(!pictures.segments.is_empty(), "{name}: who asks early waits for the first picture");

    let judged = tokio::process::Command::new(program())
        .args(["check", "--json", "--for", "4"])
        .env("MATINEE_CHECK_URL", &ticket.playlist_url)
        .output();
    let judged = judged.await.expect("the check runs");
    let report: Value = serde_json::from_slice(&judged.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings");
    for finding in findings.iter().filter(|one| ITEMS.iter().any(|item| one["item"] == *item)) {
        assert_ne!(finding["verdict"], "fail", "{finding}");
    }

    publisher.await.expect("no panic").expect("it is served");
    let lists = ended(&client, &ticket.playlist_url).await;
    aligned(&lists);
    assert_keeps(&multivariant, &lists, &client).await;
    for (name, list) in &lists {
        assert!(list.segments.iter().all(|one| !one.discontinuity && !one.gap), "{name}: {list:?}");
        let file = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &file).await;
        let numbers = || clip::pictures(&file).into_iter().map(|seen| seen.number);
        assert!(name == "audio" || numbers().eq(0..8 * FRAME_RATE), "{name}: every frame once");
    }
}

#[tokio::test]
async fn a_gop_that_turns_out_longer_than_assumed_breaks_no_promise() {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("Longer than it looks");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let tracks = tracks(directory.path(), 300, 7);
    // Before the time at which it is too long the show is there, with a promise.
    let (go_on, publisher) = publish(&house, &show.stream_key, tracks, 2000);
    let client = Client::new();
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let all = renditions(&multivariant, &ticket.playlist_url);
    let (_, source) = all.iter().find(|(name, _)| name == "source").expect("it passes so far");
    assert_eq!(playlist(&client, source).await.target_duration_s, 2);
    drop(go_on);
    publisher.await.expect("no panic").expect("it is served");

    let lists = ended(&client, &ticket.playlist_url).await;
    aligned(&lists);
    for (name, list) in &lists {
        assert_eq!(list.target_duration_s, 2, "{name}: it never changes");
        let breaks = list.segments.iter().filter(|one| one.discontinuity).count();
        assert_eq!(breaks, 1, "{name}");
        for segment in &list.segments {
            assert!(segment.duration_s < 2.5 && !segment.gap, "{name}: {segment:?}");
        }
        if name == "audio" {
            continue;
        }
        let at = list.segments.iter().position(|one| one.discontinuity).expect("a break");
        let mut numbers = Vec::new();
        for (half, segments) in [&list.segments[..at], &list.segments[at..]].iter().enumerate() {
            let file = directory.path().join(format!("{name}{half}.mp4"));
            let half = Playlist { segments: segments.to_vec(), ..Playlist::default() };
            half.download(&client, &file).await;
            numbers.extend(clip::pictures(&file).iter().map(|seen| seen.number));
        }
        assert!(numbers.iter().copied().eq(0..7 * FRAME_RATE), "{name}: {numbers:?}");
    }
}
