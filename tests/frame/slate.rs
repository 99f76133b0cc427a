//! A slate in the place of a publisher who is away: viewers see it, and then the show again.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Client;
use tests::viewer::{Playlist, fetch, renditions};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::whole::aligned;
use crate::{WAIT_MAX, ended, on_air, over};

/// How long the slate is watched.
const WATCHED: Duration = Duration::from_secs(4);

/// A picture of one colour, as a file.
fn green(file: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "color=0x00c000:size=400x400", "-frames:v", "1"])
        .arg(file)
        .status();
    assert!(made.expect("ffmpeg runs").success());
}

/// The middle of every frame: red, green and blue.
fn middles(file: &Path) -> Vec<[u8; 3]> {
    let seen = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(file)
        .args(["-vf", "crop=16:16,scale=1:1:flags=area", "-fps_mode", "passthrough"])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stderr));
    seen.stdout.as_chunks().0.to_vec()
}

#[tokio::test]
async fn viewers_see_a_slate_while_the_publisher_is_away() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let picture = directory.path().join("slate.png");
    green(&picture);
    let picture = picture.to_str().expect("a path of letters");
    let house = House::start(&["--reconnect-window-s", "8", "--slate", picture]);
    let show = house.show("A break with a picture");
    let set = ["show", "set", &show.id, "--while-away", "slate", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["while_away"], "slate");
    let ticket = house.ticket(&show.id);
    let file = directory.path().join("clip.flv");
    Clip { seconds: 6, height: 360, gop: 30, b_frames: 0 }.make(&file);
    let client = Client::new();
    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "{said}");
    let multivariant = on_air(&client, &ticket.playlist_url).await;
    let (_, url) =
        renditions(&multivariant, &ticket.playlist_url).into_iter().next().expect("a rendition");
    let mut list = Playlist::parse(&fetch(&client, &url).await.text(), &url);
    let after_break = |list: &Playlist| {
        let broken = list.segments.iter().position(|segment| segment.discontinuity);
        broken.map_or(0.0, |at| list.segments[at..].iter().map(|segment| segment.duration_s).sum())
    };
    let deadline = Instant::now() + WAIT_MAX;
    while after_break(&list) < WATCHED.as_secs_f64() {
        assert!(Instant::now() < deadline, "no slate: {list:?}");
        let msn = list.media_sequence + list.segments.len() as u64;
        let place = format!("_HLS_msn={msn}&_HLS_part={}", list.open_parts.len());
        let next = fetch(&client, &format!("{url}?{place}")).await;
        assert_eq!(next.status, 200, "the playlist goes on: {}", next.text());
        list = Playlist::parse(&next.text(), &url);
        assert!(!list.ended, "no slate: {list:?}");
    }
    let state = house.cli_json(&["show", "list", "--json"]);
    assert_eq!(state["shows"][0]["state"], "interrupted", "a slate is no publisher");

    let (well, said) = Publisher::of_file(&file, &show.rtmp).finish();
    assert!(well, "the publisher goes before the slate: {said}");
    over(&house).await;
    let lists = ended(&client, &ticket.playlist_url).await;
    // Where a slate is broken off its sound ends some frames before its picture.
    let is_picture = |list: &&(String, Playlist)| list.0 != "audio";
    aligned(&lists.iter().filter(is_picture).cloned().collect::<Vec<_>>());
    for (name, list) in &lists {
        let breaks = list.segments.iter().filter(|segment| segment.discontinuity).count();
        assert_eq!(breaks, 3, "{name}: slate, show, slate until the end");
        if name == "audio" {
            continue;
        }
        let is_green = |[r, g, b]: &[u8; 3]| *g > 150 && *r < 60 && *b < 60;
        // One file for each initialization segment.
        let mut frames = Vec::new();
        for group in list.segments.chunk_by(|one, next| one.map == next.map) {
            let media = directory.path().join(format!("{name}.mp4"));
            let part = Playlist { segments: group.to_vec(), ..list.clone() };
            part.download(&client, &media).await;
            frames.extend(middles(&media));
        }
        let slate = frames.iter().filter(|frame| is_green(frame)).count();
        assert_eq!(frames.len() - slate, 360, "{name}: every frame of both, and {slate} of slate");
        assert!(slate >= 30 * 4, "{name}: {slate} frames of slate");
    }
}

#[test]
fn a_slate_that_is_no_picture_stops_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let text = directory.path().join("slate.png");
    std::fs::write(&text, "no picture").expect("a file");
    let data = directory.path().join("data");
    let mut house = Command::new(tests::program());
    let outcome = house
        .arg("up")
        .arg("--data")
        .arg(&data)
        .arg("--slate")
        .arg(&text)
        .output()
        .expect("the program runs");
    assert!(!outcome.status.success() && !data.exists(), "nothing was begun");
    let said = String::from_utf8_lossy(&outcome.stderr);
    assert!(said.contains("--slate") && said.contains("picture"), "{said}");
}
