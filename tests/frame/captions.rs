//! Captions by the API: a track beside the pictures, cues while on the air, the same in the recording.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};
use tests::viewer::{Playlist, fetch};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, ended, on_air};

/// The address of the caption track that a multivariant playlist names.
fn track(multivariant: &str, base: &str) -> String {
    let line = multivariant.lines().find(|line| line.contains("TYPE=SUBTITLES"));
    let line = line.unwrap_or_else(|| panic!("no captions: {multivariant}"));
    assert!(line.contains("LANGUAGE=\"en\"") && line.contains("NAME=\"English\""), "{line}");
    let uri = line.split("URI=\"").nth(1).and_then(|rest| rest.split('"').next());
    let base = reqwest::Url::parse(base).expect("an address");
    base.join(uri.expect("a URI")).expect("an address").into()
}

async fn push(house: &House, show: &str, cues: Value) -> (u16, Value) {
    let url = format!("{}/v1/shows/{show}/captions/en", house.api);
    let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
    let answer = Client::new().post(url).bearer_auth(token.trim()).json(&cues).send().await;
    let answer = answer.expect("the API answers");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// Says lines as a program does that writes down what it hears.
fn say_lines(house: &House, show: &str, lines: &str) {
    let mut said = Command::new(tests::program())
        .args(["caption", show, "en"])
        .env("MATINEE_API", &house.api)
        .env("MATINEE_DATA", house.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = said.stdin.take().expect("stdin is piped");
    input.write_all(lines.as_bytes()).expect("it reads");
    drop(input);
    let output = said.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.starts_with("2 cues are on the way"), "{text}");
}

/// Sends a text that says where it lies in the media: an hour of it is ten seconds of the show.
fn map(house: &House, show: &str, directory: &Path) {
    let file = directory.join("mapped.vtt");
    let text = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:01:00:00.000,MPEGTS:900000\n\n\
                01:00:00.000 --> 01:00:01.000\nMapped\n";
    std::fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    let sent = house.cli_json(&["caption", show, "en", "--file", file, "--json"]);
    assert_eq!(sent, json!({ "cues": 1 }));
}

async fn assert_mapped(client: &Client, captions: &Playlist) {
    let mut all = String::new();
    for segment in &captions.segments {
        all += &fetch(client, &segment.url).await.text();
    }
    // The anchor is finer than the milliseconds of a cue.
    let times = ["00:00:10.000 --> 00:00:11.000\nMapped", "00:00:09.999 --> 00:00:10.999\nMapped"];
    assert!(times.iter().any(|time| all.contains(time)), "{all}");
}

#[tokio::test]
async fn a_cue_is_in_the_segment_of_its_time_and_in_the_recording() {
    let house = House::start(&["--reconnect-window-s", "1"]);
    let show = house.show("With captions");
    let set = ["show", "set", &show.id, "--captions", "en*=English", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["captions"][0]["language"], "en");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 14, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let client = Client::new();
    let mut publisher = Publisher::of_file(&file, &show.rtmp);
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let url = track(&multivariant, &ticket.playlist_url);
    let words = "Good evening, & welcome";
    let cue = json!({ "start_in_ms": 500, "end_in_ms": 1500, "text": words });
    let (status, said) = push(&house, &show.id, json!({ "cues": [cue] })).await;
    assert!((200..300).contains(&status), "{status} {said}");
    let placed = directory.path().join("placed.vtt");
    let text = "WEBVTT\n\n00:00.200 --> 00:02.000 line:0 size:500% align:start\n<i>Placed</i>\n";
    std::fs::write(&placed, text).expect("a file");
    let placed = placed.to_str().expect("a path in UTF-8");
    let sent = house.cli_json(&["caption", &show.id, "en", "--file", placed, "--json"]);
    assert_eq!(sent, json!({ "cues": 1 }));
    let sent = house.cli_json(&["caption", &show.id, "en", "One word", "--for", "2s", "--json"]);
    assert_eq!(sent, json!({ "cues": 1 }));
    map(&house, &show.id, directory.path());
    say_lines(&house, &show.id, "First line\n\nSecond line\n");
    let late = json!({ "start_in_ms": -60_000, "end_in_ms": -50_000, "text": "too late" });
    let (status, said) = push(&house, &show.id, json!({ "cues": [late] })).await;
    assert_eq!((status, &said["code"]), (409, &json!("caption_late")), "{said}");

    let deadline = Instant::now() + WAIT_MAX;
    let (mut list, mut found) = (Playlist::parse(&fetch(&client, &url).await.text(), &url), None);
    while found.is_none() {
        assert!(Instant::now() < deadline, "the cue comes in no segment");
        for segment in &list.segments {
            let answer = fetch(&client, &segment.url).await;
            assert_eq!(answer.status, 200, "{}", segment.url);
            let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok());
            assert!(kind.is_some_and(|kind| kind.starts_with("text/vtt")), "{kind:?}");
            let text = answer.text();
            assert!(text.starts_with("WEBVTT\n") && text.contains("X-TIMESTAMP-MAP="), "{text}");
            if text.contains("<i>Placed</i>") {
                assert!(text.contains(" line:0 align:start\n<i>Placed</i>\n"), "{text}");
            }
            if text.contains("Good evening") {
                found = Some(text);
            }
        }
        tokio::time::sleep(LOOK_EVERY.max(Duration::from_millis(200))).await;
        list = Playlist::parse(&fetch(&client, &url).await.text(), &url);
    }
    let _ = publisher.finish();
    let lists = ended(&client, &ticket.playlist_url).await;
    let multivariant = fetch(&client, &ticket.playlist_url).await.text();
    let url = track(&multivariant, &ticket.playlist_url);
    let captions = Playlist::parse(&fetch(&client, &url).await.text(), &url);
    assert_eq!(captions.segments.len(), lists[0].1.segments.len(), "as long as the pictures");
    assert_mapped(&client, &captions).await;
    let read = Command::new("ffmpeg")
        .args(["-v", "error", "-allowed_extensions", "ALL", "-i", &url, "-f", "srt", "-"])
        .output()
        .expect("ffmpeg runs");
    let text = String::from_utf8_lossy(&read.stdout);
    for words in [words, "Placed", "One word", "Mapped", "First line", "Second line"] {
        assert!(text.contains(words), "{words}: {text} {}", String::from_utf8_lossy(&read.stderr));
    }
}
