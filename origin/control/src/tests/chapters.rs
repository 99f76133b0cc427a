//! Chapters of assets, on whichever database the tests run.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_wire::api::Chapter;

use super::recordings::recorded;
use crate::testing::{TestHouse, field};

#[tokio::test]
async fn chapters_are_those_of_the_file_unless_somebody_sets_others() {
    let house = TestHouse::open().await;
    let (show, asset) = recorded(&house, "a", 60_000).await;
    let path = format!("/v1/assets/{}/chapters", field(&asset, "asset"));
    let none = json!({ "chapters": [], "is_set": false });
    assert_eq!(house.admin("GET", &path, Value::Null).await.json, none);
    let has = |house: &TestHouse| house.control.show_state(show).unwrap().has_chapters;
    assert!(!has(&house));

    let mark = |start_ms: u64, title: &str| json!({ "start_ms": start_ms, "title": title });
    let marks = json!([mark(0, "Intro"), mark(30_500, "The rehearsal")]);
    let told = house.admin("PUT", &path, json!({ "chapters": marks })).await;
    assert_eq!(told.json, json!({ "chapters": marks, "is_set": true }));
    assert!(has(&house));
    let house = house.restart().await;
    assert!(has(&house), "also after a restart");
    assert_eq!(house.admin("GET", &path, Value::Null).await.json, told.json);
    let chapter =
        |start_ms, end_ms, title: &str| Chapter { start_ms, end_ms, title: title.to_owned() };
    let all = [chapter(0, 30_500, "Intro"), chapter(30_500, 60_000, "The rehearsal")];
    assert_eq!(house.control.chapters(show).await.unwrap(), all);

    for (wrong, why) in [
        (json!([mark(5, "a"), mark(5, "b")]), "the 2. does not begin"),
        (json!([mark(0, "a"), mark(60_000, "b")]), "before the end"),
        (json!([mark(0, "")]), "title"),
        (json!([mark(0, &"a".repeat(201))]), "title"),
        (Value::Array((0..501).map(|at| mark(at, "a")).collect()), "at most 500"),
    ] {
        let refused = house.admin("PUT", &path, json!({ "chapters": wrong })).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{why}");
        assert!(refused.json["detail"].as_str().unwrap().contains(why), "{}", refused.json);
    }
    assert_eq!(house.admin("GET", &path, Value::Null).await.json, told.json, "nothing has changed");

    let told = house.admin("PUT", &path, json!({ "chapters": [] })).await.json;
    assert_eq!((told, has(&house)), (json!({ "chapters": [], "is_set": true }), false));
    assert_eq!(house.admin("DELETE", &path, Value::Null).await.json, none);
    let other = "/v1/assets/0123456789abcdef/chapters";
    for (method, body) in [("GET", Value::Null), ("PUT", json!({ "chapters": [] }))] {
        assert_eq!(house.admin(method, other, body).await.code(), "asset_unknown");
    }
}

#[tokio::test]
async fn what_is_deleted_takes_its_chapters_along() {
    let house = TestHouse::open().await;
    let (show, asset) = recorded(&house, "a", 60_000).await;
    let path = format!("/v1/assets/{}/chapters", field(&asset, "asset"));
    let marks = json!({ "chapters": [{ "start_ms": 0, "title": "a" }] });
    let _ = house.admin("PUT", &path, marks).await;
    house.control.recording_gone(show).await.unwrap();
    assert!(!house.control.show_state(show).unwrap().has_chapters);
    assert_eq!(house.control.chapters(show).await.unwrap(), []);
}
