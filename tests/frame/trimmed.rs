//! The recording of a show as an asset: it is listed, shown in part, and deleted, as a film is.

use std::time::Instant;

use reqwest::Client;
use serde_json::{Value, json};
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::{LOOK_EVERY, WAIT_MAX};

/// How long the show is, in seconds.
const SECONDS: usize = 12;

/// The asset of a show's recording, once it is there.
pub(crate) async fn asset(house: &House, show: &str) -> Value {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let listed = house.cli_json(&["asset", "list", "--kind", "recording", "--json"]);
        let all = listed["assets"].as_array().expect("a list");
        if let Some(found) = all.iter().find(|one| one["show"] == show) {
            return found.clone();
        }
        assert!(Instant::now() < deadline, "no asset: {listed}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_recording_is_an_asset_that_is_trimmed_and_deleted_as_any_other() {
    let house = House::start(&["--reconnect-window-s", "0"]);
    let show = house.show("Opening night");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: SECONDS, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let found = asset(&house, &show.id).await;
    assert_eq!((&found["title"], &found["state"]), (&json!("Opening night"), &json!("ready")));
    let length = found["duration_ms"].as_u64().expect("a length");
    assert!(length.abs_diff(SECONDS as u64 * 1000) < 500, "{found}");
    assert!(found["started_at"].as_i64().is_some_and(|at| at > 1_700_000_000), "{found}");
    assert!(found["bytes"].as_u64().is_some_and(|bytes| bytes > 10_000), "{found}");
    assert_eq!(found["cover"], "cover.jpg");

    let id = found["asset"].as_str().expect("an id");
    let told = house.cli_json(&["asset", "change", id, "--title", "Premiere", "--json"]);
    assert_eq!(told["title"], "Premiere");
    let _ = house.cli_json(&["asset", "trim", id, "--in", "3.5", "--out", "8", "--json"]);
    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(&show.id);
    let all = fetch(&client, &ticket.playlist_url).await.text();
    assert!(all.contains("#EXT-X-START:TIME-OFFSET="), "{all}");
    let mut numbers = Vec::new();
    for (name, url) in renditions(&all, &ticket.playlist_url) {
        let text = fetch(&client, &url).await.text();
        let list = Playlist::parse(&text, &url);
        let lasts: f64 = list.segments.iter().map(|one| one.duration_s).sum();
        assert!((4.5..9.0).contains(&lasts) && list.ended, "{name}: {text}");
        assert!(!text.contains("MEDIA-SEQUENCE:0\n"), "{name}: {text}");
        numbers.push((
            text.lines().find(|line| line.contains("MEDIA-SEQUENCE")).map(str::to_owned),
            list.segments.len(),
        ));
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if name != "audio" {
            let pictures = clip::pictures(&media).len();
            let expected = (lasts * clip::FRAME_RATE as f64).round() as usize;
            assert_eq!(pictures, expected, "{name}");
        }
    }
    assert!(numbers.windows(2).all(|two| two[0] == two[1]), "{numbers:?}");
    let state = fetch(&client, &format!("{}/v1/shows/{}/state", house.edge, show.id)).await.text();
    assert!(state.contains("Premiere"), "{state}");

    let _ = house.cli_json(&["asset", "delete", id, "--json"]);
    assert!(!house.data().join("objects").join(&show.id).exists(), "its objects are gone");
    let listed = house.cli_json(&["asset", "list", "--json"]);
    assert_eq!(listed["assets"], json!([]));
}
