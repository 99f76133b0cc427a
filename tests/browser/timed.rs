//! What is said of a live show's time, as hls.js tells it to the page.

use std::process::Command;

use serde_json::{Value, json};
use tests::{House, Show};

use super::viewer::Viewer;
use super::{JOIN_MAX, NOTICE_MAX, alone, publish};

/// Sends a creator's request; it must be taken.
pub(crate) fn post(house: &House, show: &Show, what: &str, body: &Value) {
    let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
    let sent = Command::new("curl")
        .args(["--silent", "--show-error", "--fail-with-body", "--json", &body.to_string()])
        .args(["--header", &format!("Authorization: Bearer {}", token.trim())])
        .arg(format!("{}/v1/shows/{}/{what}", house.api, show.id))
        .output()
        .expect("curl runs");
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stdout));
}

#[test]
fn a_tag_reaches_the_player() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("With metadata");
    let ticket = house.ticket(&show.id);
    let _publisher = publish(&show);
    let mut viewer = Viewer::open(&ticket.watch_url);
    viewer.until_state("live", JOIN_MAX);
    viewer.until_moving(NOTICE_MAX);
    // The first tag makes hls.js add a track, and Chromium empties a track once its (empty) source is loaded: the first
    // tag is lost there.
    post(&house, &show, "id3", &json!({ "description": "score", "text": "1:1" }));
    viewer.until("a track", NOTICE_MAX, |seen: &Value| seen["metadataTracks"] == json!(1));
    post(&house, &show, "id3", &json!({ "description": "score", "text": "2:1" }));
    let told = |seen: &Value| {
        seen["metadata"].as_array().is_some_and(|cues| cues.contains(&json!("TXXX=2:1")))
    };
    viewer.until("the tag", NOTICE_MAX, told);
    viewer.assert_clean();
}
