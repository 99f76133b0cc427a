//! Somebody uploads a film in the studio: drops it, pauses, reloads the page, goes on with it, and has it watched.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::House;

use crate::viewer::Viewer;
use crate::{NOTICE_MAX, alone};

/// What the line carries away while the story wants to see the upload under way, in bytes per second.
const NARROW: i64 = 500_000;
/// How long the film may take over such a line, or to be looked into.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A film of some megabytes: noise, which no codec makes small.
fn film(path: &Path) {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi"])
        .args(["-i", "testsrc=size=320x240:rate=25:duration=3", "-f", "lavfi"])
        .args(["-i", "sine=frequency=440:sample_rate=48000:duration=3"])
        .args(["-vf", "noise=alls=100:allf=t", "-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac"])
        .args(["-metadata:s:a:0", "language=deu"])
        .arg(path)
        .status();
    assert!(made.expect("ffmpeg runs").success());
    let bytes = std::fs::metadata(path).expect("a film").len();
    assert!(bytes > 4 << 20, "{bytes} bytes are too few to be seen on their way");
}

/// The first line of uploads.
fn line(seen: &Value) -> &Value {
    &seen["lines"][0]
}

fn percent(seen: &Value) -> f64 {
    line(seen)["percent"].as_f64().unwrap_or_default()
}

#[test]
fn a_film_is_dropped_paused_gone_on_with_after_a_reload_looked_into_and_watched() {
    let _alone = alone();
    let (house, folder) = (House::start(&[]), tempfile::tempdir().expect("a directory"));
    let film_mkv = folder.path().join("film.mkv");
    film(&film_mkv);
    let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
    let token = token.trim();

    let mut studio = Viewer::driven_by("studio.mjs");
    studio.ask(&json!({ "do": "open", "url": format!("{}/studio#token={token}", house.api) }));
    studio.ask(&json!({ "do": "narrow", "bytes": NARROW }));
    studio.ask(&json!({ "do": "drop", "path": film_mkv }));
    studio.until("an upload under way", WAIT_MAX, |seen| percent(seen) >= 10.0);
    studio.shoot("studio-sending");
    studio.click("Pause film.mkv");
    let (paused, _) = studio.until("a pause", NOTICE_MAX, |seen| line(seen)["state"] == "paused");
    std::thread::sleep(Duration::from_secs(2));
    let still = percent(&studio.see());
    assert!((still - percent(&paused)).abs() < f64::EPSILON, "it goes on: {paused}, then {still}");
    assert!(still < 90.0, "it is nearly done before the story begins: {paused}");

    studio.click("Go on with film.mkv");
    studio.until("more of it", WAIT_MAX, |seen| percent(seen) > still);
    studio.ask(&json!({ "do": "reload" }));
    let (left, _) = studio.until("what is unfinished", NOTICE_MAX, |seen| {
        line(seen)["unfinished"] == true
            && line(seen)["told"].as_str().is_some_and(|told| told.contains("in the house"))
    });
    assert!((1.0..100.0).contains(&percent(&left)), "{left}");
    studio.shoot("studio-unfinished");

    studio.ask(&json!({ "do": "narrow", "bytes": -1 }));
    studio.ask(&json!({ "do": "drop", "path": film_mkv }));
    let ready = |seen: &Value| seen["assets"][0]["state"] == "ready";
    let (seen, _) = studio.until("an asset", WAIT_MAX, ready);
    assert_eq!(seen["lines"].as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(line(&seen)["state"], "done", "{seen}");
    studio.ask(&json!({ "do": "click", "name": "film.mkv 0:03" }));
    let (seen, _) = studio.until("its media", NOTICE_MAX, |seen| seen["media"] != "");
    for fact in ["matroska", "mpeg4", "320×240", "25 pictures/s", "aac", "German"] {
        assert!(seen["media"].as_str().is_some_and(|text| text.contains(fact)), "{fact}: {seen}");
    }
    studio.shoot("studio-media");
    studio.click("Make a watch link");
    let (seen, _) = studio.until("a link", NOTICE_MAX, |seen| seen["link"] != "");
    plays(seen["link"].as_str().expect("a link"));
    studio.assert_clean();
    as_it_was(&house, &film_mkv);
    assert!(!house.log().contains(token), "the credential is not logged");
    let told = studio.ask(&json!({ "do": "told" }));
    assert_eq!(told["address"], json!(format!("{}/studio", house.api)), "nor left in the address");
}

/// Whoever has the link sees the film.
fn plays(link: &str) {
    let mut viewer = Viewer::open(link);
    viewer.until_state("ended", NOTICE_MAX);
    viewer.click("Watch the recording");
    viewer.until_state("recording", NOTICE_MAX);
    viewer.until_moving(NOTICE_MAX);
    viewer.shoot("film");
    viewer.assert_clean();
}

/// One asset came of it, byte by byte the film.
fn as_it_was(house: &House, film: &Path) {
    let listed = house.cli_json(&["asset", "list", "--json"]);
    let assets = listed["assets"].as_array().expect("a list");
    assert_eq!(assets.len(), 1, "{listed}");
    let asset = assets[0]["asset"].as_str().expect("an id");
    let there = std::fs::read(house.data().join("uploads").join(asset).join("file"));
    assert!(there.expect("a file") == std::fs::read(film).expect("a film"), "it is another one");
}
