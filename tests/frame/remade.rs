//! A recording made into a film: with every picture, with a ladder that the show did not have, and as it was besides.

use std::process::Command;
use std::time::Instant;

use reqwest::Client;
use serde_json::{Value, json};
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher};

use crate::clip::{self, Clip};
use crate::trimmed::asset;
use crate::{LOOK_EVERY, WAIT_MAX};

const SECONDS: usize = 6;

/// The asset once it stands where it is wanted.
async fn once(house: &House, id: &str, state: &str) -> Value {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let told = house.cli_json(&["asset", "show", id, "--json"]);
        if told["state"] == state {
            return told;
        }
        assert!(told["state"] != "failed" && told["state"] != "refused", "{told}");
        assert!(Instant::now() < deadline, "{told}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_recording_becomes_a_film_with_every_picture_and_a_ladder() {
    // No rung of this ladder is below the source: nothing but that is recorded.
    let house = House::start(&["--reconnect-window-s", "0", "--ladder", "720p"]);
    let show = house.show("Opening night");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    let clip = Clip { seconds: SECONDS, height: 360, gop: 30, b_frames: 2 };
    clip.make(&file);
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let recording = asset(&house, &show.id).await;
    let id = recording["asset"].as_str().expect("an id");

    let made = house.cli_json(&["asset", "import", id, "--json"]);
    let film = made["asset"].as_str().expect("an id");
    assert_eq!((&made["kind"], &made["priority"]), (&json!("upload"), &json!("normal")));
    assert_eq!(
        (&made["title"], &made["file_name"]),
        (&json!("Opening night"), &json!("recording.mp4"))
    );
    let told = once(&house, film, "ready").await;
    let length = told["duration_ms"].as_u64().expect("a length");
    assert!(length.abs_diff(SECONDS as u64 * 1000) < 200, "{told}");

    // The file is one that any player takes, and has all of both tracks.
    let kept = house.data().join("uploads").join(film).join("file");
    assert_eq!(clip::pictures(&kept).len(), SECONDS * clip::FRAME_RATE);
    let complaints = Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-i"])
        .arg(&kept)
        .args(["-map", "0:v", "-map", "0:a", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed");
    let complaints = String::from_utf8_lossy(&complaints.stderr).into_owned();
    assert_eq!(complaints, "");

    let client = Client::builder().no_proxy().build().expect("a client");
    let ticket = house.ticket(told["show"].as_str().expect("a show"));
    let all = fetch(&client, &ticket.playlist_url).await.text();
    let mut names = Vec::new();
    for (name, url) in renditions(&all, &ticket.playlist_url) {
        let text = fetch(&client, &url).await.text();
        let list = Playlist::parse(&text, &url);
        let media = directory.path().join(format!("{name}.mp4"));
        list.download(&client, &media).await;
        if !name.starts_with("audio") {
            assert_eq!(clip::pictures(&media).len(), SECONDS * clip::FRAME_RATE, "{name}");
        }
        names.push(name);
    }
    assert!(names.iter().any(|name| name == "160p"), "{names:?}");

    // The recording is as it was, and a film is imported by nobody.
    assert_eq!(asset(&house, &show.id).await["asset"], recording["asset"]);
    let output = house.cli(&["asset", "import", film]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("is a film"), "{said}");
}

#[tokio::test]
async fn a_recording_whose_pictures_change_their_size_is_no_film_and_says_so() {
    let house = House::start(&["--reconnect-window-s", "3", "--ladder", "720p"]);
    let show = house.show("Two cameras");
    let directory = tempfile::tempdir().expect("a temporary directory");
    for height in [240, 360] {
        let file = directory.path().join(format!("{height}.flv"));
        Clip { seconds: SECONDS, height, gop: 30, b_frames: 0 }.make(&file);
        let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
        assert!(well, "{said}");
    }
    let recording = asset(&house, &show.id).await;
    let output = house.cli(&["asset", "import", recording["asset"].as_str().expect("an id")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it was imported");
    assert!(said.contains("changes its codec or picture size amid the show"), "{said}");
    let listed = house.cli_json(&["asset", "list", "--json"]);
    assert_eq!(listed["assets"].as_array().map(Vec::len), Some(1), "nothing is left: {listed}");
}
