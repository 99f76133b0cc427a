//! Captions on the watch page: a cue is shown at its time, and a menu switches them off and on.

use std::time::Duration;

use serde_json::{Value, json};
use tests::House;

use crate::viewer::Viewer;
use crate::{JOIN_MAX, NOTICE_MAX, alone, publish};

fn push(house: &House, show: &str, text: &str) {
    let url = format!("{}/v1/shows/{show}/captions/en", house.api);
    let token = std::fs::read_to_string(house.data().join("admin.token")).expect("a token");
    let cue = json!({ "start_in_ms": 1000, "end_in_ms": 6000, "text": text });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        let client = reqwest::Client::new();
        let request = client.post(url).bearer_auth(token.trim());
        request.json(&json!({ "cues": [cue] })).send().await.expect("the API answers")
    });
    assert!(answer.status().is_success(), "{answer:?}");
}

fn shows(text: &'static str) -> impl Fn(&Value) -> bool {
    move |seen| seen["captions"].as_array().is_some_and(|all| all.iter().any(|cue| cue == text))
}

#[test]
fn captions_come_at_their_time_and_can_be_switched() {
    let _alone = alone();
    let house = House::start(&[]);
    let show = house.show("Captioned");
    let set = ["show", "set", &show.id, "--captions", "en=English", "--json"];
    assert_eq!(house.cli_json(&set)["broadcast"]["captions"][0]["name"], "English");
    let ticket = house.ticket(&show.id);
    let _publisher = publish(&show);
    let mut viewer = Viewer::open(&ticket.watch_url);
    viewer.until_state("live", JOIN_MAX);
    assert_eq!(viewer.see()["captions"], json!([]), "nobody asked for captions");
    viewer.click("Captions");
    viewer.ask(&json!({ "do": "choose", "name": "English" }));
    push(&house, &show.id, "Good evening.");
    let (_, took) = viewer.until("the caption", NOTICE_MAX, shows("Good evening."));
    println!("a caption for a second from now was seen after {:.1} s", took.as_secs_f64());
    assert!(took < Duration::from_secs(6), "it is shown at its time: {took:?}");
    viewer.shoot("captions");
    viewer.press("c");
    viewer.until("no caption", NOTICE_MAX, |seen| seen["captions"] == json!([]));
    viewer.assert_clean();
}
