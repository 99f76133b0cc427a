//! The cover and the storyboard: pictures of a show while it is on the air, and of its recording.

use std::process::{Command, Stdio};
use std::time::Instant;

use reqwest::Client;
use tests::viewer::{fetch, renditions};
use tests::{House, Publisher};

use crate::clip::Clip;
use crate::{LOOK_EVERY, WAIT_MAX, on_air};

/// Width, height and mean brightness of a JPEG, as FFmpeg decodes it.
fn look_at(jpeg: &[u8], width: usize, height: usize) -> usize {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("picture.jpg");
    std::fs::write(&file, jpeg).expect("writable");
    let decoded = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(&file)
        .args(["-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg runs");
    assert_eq!(decoded.stdout.len(), width * height, "{} bytes of JPEG", jpeg.len());
    decoded.stdout.iter().map(|level| usize::from(*level)).sum::<usize>() / decoded.stdout.len()
}

#[tokio::test]
async fn a_show_has_a_cover_at_once_and_a_storyboard_as_it_goes_on() {
    let house = House::start(&[]);
    let show = house.show("To be looked at");
    let ticket = house.ticket(&show.id);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("clip.flv");
    Clip { seconds: 60, height: 360, gop: 30, b_frames: 2 }.make(&file);
    let begun = Instant::now();
    let _publisher = Publisher::of_file(&file, &show.rtmp);
    let client = Client::new();
    let text = on_air(&client, &ticket.playlist_url).await;
    let (_, playlist) = renditions(&text, &ticket.playlist_url).remove(0);
    let base = playlist.rsplitn(3, '/').nth(2).expect("a session's folder").to_owned();
    let state = format!("{}/v1/shows/{}/state", house.edge, show.id);
    let deadline = Instant::now() + WAIT_MAX;
    let cover = loop {
        let state: serde_json::Value =
            serde_json::from_slice(&fetch(&client, &state).await.body).expect("JSON");
        if let Some(cover) = state["cover"].as_str() {
            break cover.to_owned();
        }
        assert!(Instant::now() < deadline, "no cover: {state}\n{}", house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    };
    println!("the cover was there {:?} after the publisher began", begun.elapsed());
    let cover = fetch(&client, &format!("{base}/{cover}")).await;
    assert_eq!(cover.status, 200);
    assert_eq!(cover.headers["content-type"], "image/jpeg");
    assert!(look_at(&cover.body, 640, 360) > 40, "it is no black picture");
    // The child that drew it stays for the next drawing. Whoever kills it meanwhile costs no picture.
    let children = house.children("draw");
    assert_eq!(children.len(), 1, "{children:?}");
    let killed = Command::new("kill").args(["-9", &children[0].to_string()]).status();
    assert!(killed.expect("kill runs").success());

    // One picture in ten seconds: the second is taken by then. The strip is drawn when it is full, or at the end.
    tokio::time::sleep_until((begun + std::time::Duration::from_secs(16)).into()).await;
    let said = house.cli(&["show", "end", &show.id]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let deadline = Instant::now() + WAIT_MAX;
    let board = loop {
        let board = fetch(&client, &format!("{base}/storyboard.vtt")).await;
        if board.status == 200 {
            break board;
        }
        assert!(Instant::now() < deadline, "no storyboard: {}\n{}", board.text(), house.log_tail());
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let next = house.children("draw");
    assert!(next.len() == 1 && next != children, "{next:?} after {children:?}");
    assert_eq!(board.headers["content-type"], "text/vtt; charset=utf-8");
    let text = board.text();
    let cues: Vec<&str> = text.lines().filter(|line| line.contains("#xywh=")).collect();
    assert!((2..=3).contains(&cues.len()), "{text}");
    assert!(
        text.starts_with("WEBVTT\n\nNOTE start_us=") && cues[1].ends_with("#xywh=160,0,160,90")
    );
    let uri = cues[0].split('#').next().expect("a URI");
    let strip = fetch(&client, &format!("{base}/{uri}")).await;
    assert_eq!(strip.status, 200);
    assert_eq!(strip.headers["content-type"], "image/jpeg");
    assert!(strip.headers["cache-control"].to_str().expect("text").contains("immutable"));
    assert!(look_at(&strip.body, 960, 90) > 10, "two of six tiles have pictures");
    // They are a session's: nobody else gets them.
    let sealed = base.rsplit_once('/').expect("a session").1;
    let forged = base.replace(sealed, "nobody");
    assert!(fetch(&client, &format!("{forged}/{uri}")).await.status >= 400);
}
