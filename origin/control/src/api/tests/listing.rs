//! Lists: newest first, page by page, no secrets.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{NOW, TestHouse, field};

#[tokio::test]
async fn shows_are_listed_newest_first_page_by_page() {
    let house = TestHouse::open().await;
    for title in ["a", "b", "c"] {
        house.show(title).await;
    }
    let mut titles: Vec<Vec<Value>> = Vec::new();
    let mut path = "/v1/shows?limit=2".to_owned();
    loop {
        let page = house.admin("GET", &path, Value::Null).await.json;
        titles.push(page["shows"].as_array().unwrap().iter().map(|s| s["title"].clone()).collect());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/shows?limit=2&cursor={next}");
    }
    let expected: [Vec<Value>; 2] = [vec![json!("c"), json!("b")], vec![json!("a")]];
    assert_eq!(titles, expected);
}

#[tokio::test]
async fn tickets_and_sessions_are_listed_for_their_show_only_and_without_secrets() {
    let house = TestHouse::open().await;
    let (one, other) = (house.show("a").await, house.show("b").await);
    let (one, other) = (field(&one, "show"), field(&other, "show"));
    let ticket = house.ticket(one, json!({ "note": "order 7" })).await;
    let played = house.play(one, field(&ticket, "ticket")).await;

    let tickets = house.admin("GET", &format!("/v1/shows/{one}/tickets"), Value::Null).await.json;
    let listed = json!({ "tickets": [{
        "id": ticket["id"], "show": one, "note": "order 7",
        "created_at": NOW, "expires_at": ticket["expires_at"], "tier": "all",
    }]});
    assert_eq!(tickets, listed);
    let path = format!("/v1/shows/{one}/sessions");
    let sessions = house.admin("GET", &path, Value::Null).await.json;
    let newest = json!({
        "session": played.json["session"], "ticket": ticket["id"],
        "created_at": NOW, "expires_at": played.json["expires_at"], "device": "another device",
    });
    assert_eq!(sessions["sessions"][0], newest);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);

    for list in ["tickets", "sessions"] {
        let path = format!("/v1/shows/{other}/{list}");
        assert_eq!(house.admin("GET", &path, Value::Null).await.json, json!({ list: [] }));
    }
}

#[tokio::test]
async fn a_query_that_is_none_of_ours_is_refused() {
    let house = TestHouse::open().await;
    for (query, code) in [
        ("limit=0", "field_invalid"),
        ("limit=201", "field_invalid"),
        ("cursor=x", "field_invalid"),
        ("cursor=99999999999999999999", "field_invalid"),
        ("limit=-1", "query_malformed"),
        ("limit=1&limit=2", "query_malformed"),
        ("offset=1", "query_malformed"),
    ] {
        let answer = house.admin("GET", &format!("/v1/shows?{query}"), Value::Null).await;
        assert_eq!(answer.code(), code, "{query}");
        assert!(answer.status.is_client_error());
    }
}

#[tokio::test]
async fn sessions_that_ended_long_ago_are_forgotten() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/sessions", field(&made, "show"));
    house.ticket(field(&made, "show"), json!({ "valid_s": 60 })).await;
    let kept = i64::from(house.control.house.config.session_kept_s);
    for (now, left) in [(NOW + 60 + kept, 1), (NOW + 61 + kept, 0)] {
        house.control.house.sessions.sweep(now).await.unwrap();
        let answer = house.admin("GET", &path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json["sessions"].as_array().unwrap().len(), left);
    }
}
