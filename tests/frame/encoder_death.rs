//! The encoder of a show is killed, or hangs, while it is live: nobody watching can tell.

use std::process::Command;
use std::time::Duration;

use reqwest::Client;
use tests::{House, Publisher, signal};

use crate::clip::{self, Clip, FRAME_RATE};
use crate::{ended, on_air};

#[tokio::test]
async fn a_killed_encoder_is_replaced_without_losing_the_publisher_or_a_frame() {
    is_replaced_after("KILL", 10).await;
}

/// It keeps its pipes and says nothing any more: the watchdog kills it, within the packager's patience.
#[tokio::test]
async fn a_hanging_encoder_is_replaced_without_losing_the_publisher_or_a_frame() {
    is_replaced_after("STOP", 14).await;
}

async fn is_replaced_after(harm: &str, seconds: usize) {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("An encoder dies");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds, height: 480, gop: 60, b_frames: 0 };
    clip.make(&file);
    let client = Client::new();
    let mut publisher = Publisher::of_file(&file, &show.rtmp);
    let _ = on_air(&client, &ticket.playlist_url).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let encoder = encoder_of(&house);
    signal(encoder, harm);
    let (well, said) = publisher.finish();
    assert!(well, "the publisher did not notice: {said}");
    let metrics = client.get(format!("{}/metrics", house.api)).send().await.expect("metrics");
    let metrics = metrics.text().await.expect("text");
    let restarted = metrics.lines().find(|line| line.starts_with("matinee_ladder_restarts_total "));
    assert_eq!(restarted, Some("matinee_ladder_restarts_total 1"), "once");

    for (name, list) in ended(&client, &ticket.playlist_url).await {
        let breaks = list.segments.iter().filter(|segment| segment.discontinuity).count();
        assert_eq!(breaks, 0, "{name}: no discontinuity");
        assert!(list.segments.iter().all(|segment| !segment.gap), "{name}: no gap");
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name != "audio" {
            let seen: Vec<usize> = clip::pictures(&media).iter().map(|seen| seen.number).collect();
            let whole: Vec<usize> = (0..clip.seconds * FRAME_RATE).collect();
            assert_eq!(seen, whole, "{name}");
        }
    }
}

/// The process id of the house's one encoder.
pub(crate) fn encoder_of(house: &House) -> u32 {
    let output = Command::new("ps")
        .args(["--ppid", &house.pid().to_string(), "-o", "pid=,args="])
        .output()
        .expect("ps runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains(" encode")).expect("an encoder runs");
    let pid = line.split_whitespace().next().expect("a process id");
    pid.parse().expect("a number")
}
