//! What a viewer with dash.js sees: live, close behind the clock, in another rung, and the recording from its start.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::House;

use super::viewer::Viewer;
use super::{Delay, JOIN_MAX, NOTICE_MAX, alone, publish};

/// How far behind the clock half of the time may be spent, in seconds.
const LATENCY_S_MEDIAN_MAX: f64 = 3.0;
/// How often it is looked whether a show has begun.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until there is an MPD: a player asks for it three times and gives up.
fn until_there(mpd: &str) {
    let begun = Instant::now();
    loop {
        let asked = Command::new("curl")
            .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", mpd])
            .output()
            .expect("curl runs");
        if asked.stdout == b"200" {
            return;
        }
        assert!(begun.elapsed() < JOIN_MAX, "{}", String::from_utf8_lossy(&asked.stdout));
        std::thread::sleep(LOOK_EVERY);
    }
}

fn open(house: &House, mpd: &str) -> Viewer {
    let mut viewer = Viewer::driven_by("dash.mjs");
    viewer.ask(&json!({ "do": "open", "site": house.edge, "mpd": mpd }));
    viewer
}

#[test]
fn dash_js_plays_live_changes_the_rung_and_plays_the_recording() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("By DASH");
    let ticket = house.ticket(&show.id);
    let publisher = publish(&show);
    until_there(&ticket.mpd_url);
    let mut viewer = open(&house, &ticket.mpd_url);
    let (seen, took) = viewer.until("a picture", JOIN_MAX, |seen| seen["ready"] == 4);
    println!("first picture after {:.1} s", took.as_secs_f64());
    assert_eq!((&seen["isDynamic"], &seen["lowLatency"]), (&json!(true), &json!(true)), "{seen}");
    viewer.until_moving(NOTICE_MAX);

    let measured = viewer.ask(&json!({ "do": "measure", "seconds": 20 }));
    let latency = Delay::of(&measured["latencies"]);
    println!(
        "behind the clock: min {:.2} s, median {:.2} s, p95 {:.2} s, max {:.2} s; {} stalls",
        latency.min, latency.median, latency.p95, latency.max, measured["stalls"]
    );
    let played = measured["played"].as_f64().unwrap_or_default();
    assert!((18.0..22.0).contains(&played), "20 s of watching showed {played} s");
    assert!(latency.median < LATENCY_S_MEDIAN_MAX, "{measured}");

    let seen = viewer.see();
    let rungs = seen["rungs"].as_array().cloned().unwrap_or_default();
    let lowest = rungs.iter().min_by_key(|rung| rung["height"].as_u64()).expect("a rung");
    assert!(rungs.len() >= 2 && lowest["id"] != seen["rung"], "{seen}");
    viewer.ask(&json!({ "do": "choose", "id": lowest["id"] }));
    let is_lowest =
        |seen: &Value| (&seen["shown"], &seen["height"]) == (&lowest["id"], &lowest["height"]);
    viewer.until("the lowest rung", NOTICE_MAX, is_lowest);
    viewer.until_moving(NOTICE_MAX);
    assert_eq!(viewer.see()["errors"], json!([]));
    viewer.shoot("dash");

    // Who watches when it ends sees it to its end.
    let ended = house.cli(&["show", "end", &show.id]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    drop(publisher);
    let (seen, _) = viewer.until("the end", JOIN_MAX, |seen| seen["isDynamic"] == json!(false));
    assert_eq!(seen["errors"], json!([]), "{seen}");

    let mut viewer = open(&house, &ticket.mpd_url);
    let (seen, _) = viewer.until("a picture", JOIN_MAX, |seen| seen["ready"] == 4);
    assert_eq!(seen["isDynamic"], json!(false), "{seen}");
    assert!(seen["time"].as_f64().is_some_and(|time| time < 5.0), "from the start: {seen}");
    let duration = seen["duration"].as_f64().unwrap_or_default();
    assert!(duration > 25.0, "{seen}");
    viewer.until_moving(NOTICE_MAX);
    viewer.ask(&json!({ "do": "seek", "to": duration - 6.0 }));
    let late = |seen: &Value| seen["time"].as_f64().is_some_and(|time| time > duration - 4.0);
    viewer.until("the last seconds", NOTICE_MAX, late);
    assert_eq!(viewer.see()["errors"], json!([]));
}

#[test]
fn dash_js_goes_on_when_the_publisher_comes_back() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("By DASH, with a hole");
    let ticket = house.ticket(&show.id);
    let first = publish(&show);
    until_there(&ticket.mpd_url);
    let mut viewer = open(&house, &ticket.mpd_url);
    viewer.until("a picture", JOIN_MAX, |seen| seen["ready"] == 4);
    viewer.until_moving(NOTICE_MAX);
    drop(first);
    std::thread::sleep(NOTICE_MAX);
    let before = viewer.see()["time"].as_f64().unwrap_or_default();
    let _second = publish(&show);
    let back = |seen: &Value| seen["time"].as_f64().is_some_and(|time| time > before + 8.0);
    let (seen, took) = viewer.until("what came after", JOIN_MAX, back);
    println!("it went on {:.1} s after the publisher's return", took.as_secs_f64());
    viewer.until_moving(NOTICE_MAX);
    assert_eq!(seen["errors"], json!([]), "{seen}");
}
