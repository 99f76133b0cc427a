//! One frame from publisher to viewer: real RTMP in, through the edge with a ticket, decoded by `ffmpeg`.
//!
//! In: the built program, clips made here. Out: what a viewer sees and hears, frame by frame. Does not know the inside.

mod admission;
mod backup;
mod captions;
mod clip;
mod closed_captions;
mod comeback;
mod dash;
mod devices;
mod encoder_death;
mod encoders;
mod first_part;
mod hooks;
mod i_frames;
mod languages;
mod live_edge;
mod newer_codecs;
mod observed;
mod pull;
mod pull_secured;
mod recording;
mod remade;
mod restart;
mod revoked;
mod slate;
mod splices;
mod srt;
mod storyboard;
mod timed;
mod trimmed;
mod whole;

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::House;
use tests::viewer::{Playlist, fetch, renditions};

/// How long a playlist may take to appear or to end.
const WAIT_MAX: Duration = Duration::from_secs(40);
/// How often a test looks again while it waits.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Waits until the multivariant playlist is there, and returns its text.
async fn on_air(client: &Client, playlist_url: &str) -> String {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let fetched = fetch(client, playlist_url).await;
        if fetched.status == 200 {
            return fetched.text();
        }
        assert!(Instant::now() < deadline, "not on air: {} {}", fetched.status, fetched.text());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until every media playlist has ended, and returns them by name.
async fn ended(client: &Client, playlist_url: &str) -> Vec<(String, Playlist)> {
    let text = on_air(client, playlist_url).await;
    let mut lists = Vec::new();
    for (name, url) in renditions(&text, playlist_url) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let fetched = fetch(client, &url).await;
            let list = Playlist::parse(&fetched.text(), &url);
            if list.ended {
                lists.push((name, list));
                break;
            }
            assert!(Instant::now() < deadline, "{name} has not ended: {}", fetched.text());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    lists
}

/// Waits until the house says that its show has ended. Its playlists end a moment before, with gaps for the time in
/// which nobody published, which the recording that takes their place does not have.
async fn over(house: &House) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let state = house.cli_json(&["show", "list", "--json"])["shows"][0]["state"].clone();
        if state == "ended" {
            return;
        }
        assert!(Instant::now() < deadline, "it is {state}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The earliest presentation time in a file, in seconds.
fn start_s(file: &Path) -> f64 {
    let times = tests::frame_times(file);
    times.into_iter().fold(f64::INFINITY, f64::min)
}
