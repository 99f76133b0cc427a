//! The cover and the storyboard of a film: where those of recordings are, made of the film itself.

use std::path::Path;
use std::process::Command;

use reqwest::{Client, Method};
use serde_json::Value;
use tests::House;
use tests::viewer::{fetch, renditions};

use crate::Tus;
use crate::looked_into::make;
use crate::transcoded::{FLAGS, ready, text, upload};

/// What is seen from each tenth second on, as FFmpeg names it and as red, green and blue.
const SEEN: [(&str, [u8; 3]); 3] =
    [("red", [255, 0, 0]), ("lime", [0, 255, 0]), ("blue", [0, 0, 255])];
/// How far a colour may be from what it was.
const OFF_MAX: u8 = 40;
/// A strip's tile.
const TILE: (usize, usize) = (160, 90);

/// Thirty seconds, of each colour ten; but the first two are black, and the next three have much in them.
fn film(folder: &Path) -> std::path::PathBuf {
    let colour =
        |(name, _): &(&str, [u8; 3])| format!("color={name}:size=640x360:rate=25:duration=10");
    let colours = SEEN.each_ref().map(colour);
    let mixed = "testsrc2=size=640x360:rate=25:duration=3";
    let black = "color=black:size=640x360:rate=25:duration=1.9";
    let graph = "[3]setpts=PTS+0.1/TB[black];[4]setpts=PTS+2/TB[mixed];\
                 [0][black]overlay=eof_action=pass[a];[a][mixed]overlay=eof_action=pass[b];\
                 [b][1][2]concat=n=3,format=yuv420p[v]";
    let inputs = [&*colours[0], &*colours[1], &*colours[2], black, mixed];
    let inputs = inputs.iter().flat_map(|one| ["-f", "lavfi", "-i", one]);
    let mut arguments: Vec<&str> = inputs.collect();
    arguments.extend(["-filter_complex", graph, "-map", "[v]", "-c:v", "mpeg4", "-q:v", "2"]);
    arguments.extend(["-g", "25"]);
    make(folder, "film.mkv", &arguments)
}

/// The pixels of a JPEG, as FFmpeg decodes it.
fn pixels(jpeg: &[u8], folder: &Path) -> Vec<u8> {
    let file = folder.join("picture.jpg");
    std::fs::write(&file, jpeg).expect("writable");
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(&file)
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output();
    decoded.expect("ffmpeg runs").stdout
}

async fn state(client: &Client, house: &House, show: &str) -> Value {
    let state = format!("{}/v1/shows/{show}/state", house.edge);
    serde_json::from_slice(&fetch(client, &state).await.body).expect("JSON")
}

#[tokio::test]
async fn a_film_has_a_cover_and_a_storyboard_as_a_recording_has() {
    let (house, folder) = (House::start(&FLAGS), tempfile::tempdir().expect("a directory"));
    let id = upload(&house, &film(folder.path()));
    let told = ready(&house, &id).await;
    let (client, show) =
        (Client::builder().no_proxy().build().expect("a client"), text(&told, "show"));
    let ticket = house.ticket(&show);
    let whole = fetch(&client, &ticket.playlist_url).await.text();
    let (_, playlist) = renditions(&whole, &ticket.playlist_url).remove(0);
    let base = playlist.rsplitn(3, '/').nth(2).expect("a session's folder").to_owned();

    let board = fetch(&client, &format!("{base}/storyboard.vtt")).await;
    assert_eq!((board.status, board.text().get(..22)), (200, Some("WEBVTT\n\nNOTE start_us=")));
    let cues = board.text();
    let cues: Vec<(&str, &str)> = cues
        .split("\n\n")
        .filter_map(|cue| cue.split_once('\n'))
        .filter(|(time, _)| time.contains("-->"))
        .collect();
    assert_eq!(cues.len(), SEEN.len(), "{}", board.text());
    for ((at, (time, picture)), (_, colour)) in cues.iter().enumerate().zip(SEEN) {
        let from = format!("00:00:{}0.000 --> ", at);
        assert!(time.starts_with(&from), "{time}");
        let (uri, place) = picture.split_once("#xywh=").expect("a place");
        let strip = fetch(&client, &format!("{base}/{uri}")).await;
        assert_eq!(
            (strip.status, &strip.headers["content-type"]),
            (200, &"image/jpeg".parse().expect("a type"))
        );
        assert!(strip.headers["cache-control"].to_str().expect("text").contains("immutable"));
        let left: usize = place.split(',').next().and_then(|x| x.parse().ok()).expect("a number");
        let pixels = pixels(&strip.body, folder.path());
        let width = pixels.len() / 3 / TILE.1;
        assert_eq!(width % TILE.0, 0, "{width}");
        let middle = (TILE.1 / 2 * width + left + TILE.0 / 2) * 3;
        let seen = &pixels[middle..middle + 3];
        let is_off = seen.iter().zip(colour).any(|(seen, of)| seen.abs_diff(of) > OFF_MAX);
        assert!(!is_off, "at {at}0 s: {seen:?}, not {colour:?}");
    }

    assert_eq!(state(&client, &house, &show).await["cover"], "cover.jpg");
    let cover = fetch(&client, &format!("{base}/cover.jpg")).await;
    assert_eq!(cover.status, 200);
    let pixels = pixels(&cover.body, folder.path());
    assert_eq!(pixels.len(), 640 * 360 * 3);
    let seen: std::collections::BTreeSet<[u8; 3]> =
        pixels.chunks_exact(3).map(|one| [one[0] >> 6, one[1] >> 6, one[2] >> 6]).collect();
    assert!(seen.len() > 20, "it is the picture with most in it: {seen:?}");

    let objects = house.data().join("objects").join(&show);
    assert!(objects.join("cover.jpg").is_file() && objects.join("board").is_dir());
    let _ = house.cli_json(&["asset", "delete", &id, "--json"]);
    assert!(!objects.exists(), "its pictures are gone with it");
    let shown = Tus::to(&house).ask(Method::GET, &format!("/v1/shows/{show}")).send().await;
    let shown = shown.expect("an answer").text().await.expect("a body");
    assert!(!shown.contains("cover"), "{shown}");
}
