//! A show that is published from a browser, by WHIP, and watched in another.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::House;

use crate::viewer::Viewer;
use crate::{JOIN_MAX, NOTICE_MAX, alone};

const WHIP: &[&str] = &["--whip", "127.0.0.1:0", "--reconnect-window-s", "2"];

#[test]
fn a_browser_publishes_by_whip_and_another_shows_it() {
    let _alone = alone();
    let house = House::start(WHIP);
    let show = house.show("From a browser");
    let ticket = house.ticket(&show.id);
    let url = show.whip.clone().expect("the house speaks WHIP");

    let mut publisher = Viewer::driven_by("publisher.mjs");
    let publish = json!({ "do": "publish", "url": url, "key": show.stream_key });
    let answer = publisher.ask(&publish);
    assert_eq!(answer["status"], 201, "{answer}");
    assert_eq!(answer["type"], "application/sdp");
    assert_eq!(answer["state"], "connected", "{answer}");

    let mut viewer = Viewer::open(&ticket.watch_url);
    let (_, took) = viewer.until_state("live", JOIN_MAX);
    println!("first picture after {:.1} s", took.as_secs_f64());
    viewer.until_moving(NOTICE_MAX);
    std::thread::sleep(Duration::from_secs(8));
    viewer.until_moving(NOTICE_MAX);
    viewer.shoot("whip");
    viewer.assert_clean();
    let sent = publisher.ask(&json!({ "do": "sent" }));
    println!("the publisher says: {sent}");
    assert_eq!(sent["codec"], "video/H264", "{sent}");
    assert!(sent["plis"].as_u64().is_some_and(|plis| plis >= 3), "keyframes are asked for: {sent}");

    let second = Viewer::driven_by("publisher.mjs").ask(&publish);
    assert_eq!(second["status"], 409, "{second}");
    assert_eq!(second["type"], "application/problem+json");
    assert_eq!(second["problem"]["code"], "already_publishing");

    let ended = publisher.ask(&json!({ "do": "end" }));
    assert_eq!(ended["status"], 200);
    viewer.until_state("ended", Duration::from_secs(15));
    has_picture_and_sound(&ticket.playlist_url);
    assert!(!house.log().contains(&show.stream_key), "the stream key is not logged");
}

#[test]
fn a_browser_that_is_turned_away_is_told_why() {
    let _alone = alone();
    let house = House::start(WHIP);
    let url = house.show("Closed").whip.expect("the house speaks WHIP");
    let mut publisher = Viewer::driven_by("publisher.mjs");
    let answer = publisher.ask(&json!({ "do": "publish", "url": url, "key": "no-such-key" }));
    assert_eq!((&answer["status"], &answer["problem"]["code"]), (&json!(401), &json!("wrong_key")));
    assert!(answer["problem"]["detail"].as_str().is_some_and(|text| text.contains("stream key")));
}

/// The recording is decoded: it has pictures that differ, and sound that is not silence.
fn has_picture_and_sound(playlist: &str) {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "info", "-i", playlist])
        .args(["-vf", "freezedetect=d=3", "-af", "volumedetect", "-f", "null", "-"])
        .output()
        .expect("ffmpeg runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("freeze_start"), "the picture stands still: {said}");
    let loudest = said.split("max_volume: ").nth(1).and_then(|rest| rest.split(' ').next());
    let loudest: f64 = loudest.and_then(|text| text.parse().ok()).expect("ffmpeg measured it");
    assert!(loudest > -40.0, "the sound is silence: {loudest} dB");
    let frames = said.rsplit("frame=").next().and_then(|rest| rest.split_whitespace().next());
    let frames: Value = frames.and_then(|text| text.parse::<u64>().ok()).into();
    assert!(frames.as_u64().is_some_and(|frames| frames > 150), "{frames} frames: {said}");
}
