//! Captions on the watch page: a cue is read at its time, live, after the publisher came back, and in the recording.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{House, Show};

use super::timed::post;
use super::viewer::Viewer;
use super::{JOIN_MAX, NOTICE_MAX, alone, publish};

/// How long after the picture of its time a cue may be read: two parts, and how often the page is looked at.
const AFTER_PICTURE_S_MAX: f64 = 1.0;

/// Says something for a while, beginning now.
fn say(house: &House, show: &Show, language: &str, text: &str, for_ms: u32) {
    let cue = json!({ "start_in_ms": 0, "end_in_ms": for_ms, "text": text });
    post(house, show, &format!("captions/{language}"), &json!({ "cues": [cue] }));
}

fn reads(text: &'static str) -> impl Fn(&Value) -> bool {
    move |seen| seen["captions"] == text
}

#[test]
fn captions_come_with_the_picture_of_their_time_and_go() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("With captions");
    let set = ["show", "set", &show.id, "--captions", "en*=English,de=Deutsch", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["captions"][1]["name"], "Deutsch");
    let ticket = house.ticket(&show.id);
    let publisher = publish(&show);
    let mut viewer = Viewer::open(&ticket.watch_url);
    viewer.until_state("live", JOIN_MAX);
    viewer.until_moving(NOTICE_MAX);
    assert_eq!(viewer.see()["captions"], "", "nobody said anything yet");

    say(&house, &show, "en", "Good evening.", 3000);
    let (seen, took) = viewer.until("the caption", NOTICE_MAX, reads("Good evening."));
    let latency = seen["latency"].as_f64().expect("a latency");
    println!("read {:.2} s after it was said, {latency:.2} s behind", took.as_secs_f64());
    assert!(took.as_secs_f64() < latency + AFTER_PICTURE_S_MAX, "with the picture: {took:?}");
    viewer.shoot("captions");
    let (_, took) = viewer.until("its end", NOTICE_MAX, reads(""));
    assert!(took > Duration::from_millis(1500), "it is shown for three seconds: {took:?}");

    say(&house, &show, "en", "A longer word.", 20_000);
    say(&house, &show, "de", "Ein Wort.", 20_000);
    viewer.until("the caption", NOTICE_MAX, reads("A longer word."));
    viewer.press("c");
    viewer.until("none", NOTICE_MAX, reads(""));
    viewer.click("Captions");
    viewer.shoot("captions-menu");
    viewer.ask(&json!({ "do": "choose", "name": "Deutsch" }));
    viewer.until("the other language", NOTICE_MAX, reads("Ein Wort."));

    // Whoever comes back goes on after a discontinuity: media time and the player's part there.
    drop(publisher);
    let publisher = publish(&show);
    viewer.until("what was said before", JOIN_MAX, reads(""));
    say(&house, &show, "de", "Wieder da.", 4000);
    viewer.until("captions after the comeback", JOIN_MAX, reads("Wieder da."));
    viewer.until("its end", NOTICE_MAX, reads(""));
    drop(publisher);
    let ended = house.cli(&["show", "end", &show.id]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    viewer.until_state("ended", JOIN_MAX);
    viewer.click("Watch the recording");
    viewer.until_state("recording", NOTICE_MAX);
    viewer.until("the caption in the recording", JOIN_MAX, reads("Ein Wort."));
    viewer.assert_clean();
}
