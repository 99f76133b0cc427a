//! Shows: made, read, ended, their keys replaced.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_wire::ShowId;
use shared_wire::api::State;
use tokio::sync::mpsc;

use crate::testing::{TestHouse, field};

#[tokio::test]
async fn a_show_is_made_with_a_key_that_publishes_it() {
    let house = TestHouse::open().await;
    let asked = json!({ "title": "Première", "starts_at": 1_900_000_000 });
    let made = house.admin("POST", "/v1/shows", asked).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let (show, key) = (field(&made.json, "show"), field(&made.json, "stream_key"));
    assert_eq!(made.json["publish"]["rtmp"], format!("rtmp://127.0.0.1:1935/live/{key}"));
    assert_eq!(made.headers["location"], format!("/v1/shows/{show}"));
    assert_eq!(made.headers["cache-control"], "no-store");

    let state = json!({
        "show": show, "title": "Première", "state": "scheduled", "starts_at": 1_900_000_000
    });
    assert_eq!(house.admin("GET", &format!("/v1/shows/{show}"), Value::Null).await.json, state);
    let public = house.anybody("GET", &format!("/v1/shows/{show}/state"), Value::Null).await;
    assert_eq!((public.status, public.json), (StatusCode::OK, state));
    assert_eq!(public.headers["cache-control"], "public, max-age=1");

    let found = house.control.show_by_stream_key(key).await.unwrap().unwrap();
    assert_eq!((found.show.to_string().as_str(), found.state), (show, State::Scheduled));
    for wrong in ["", "sk_", &key.to_uppercase(), &key[..34], "sk_00000000000000000000000000000000"]
    {
        assert_eq!(house.control.show_by_stream_key(wrong).await, Ok(None), "{wrong}");
    }
}

#[tokio::test]
async fn a_replaced_key_publishes_no_more() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/stream-key", field(&made, "show"));
    let again = house.admin("POST", &path, Value::Null).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json["show"], made["show"]);
    let old = house.control.show_by_stream_key(field(&made, "stream_key")).await;
    let new = house.control.show_by_stream_key(field(&again.json, "stream_key")).await;
    assert_eq!(old, Ok(None));
    assert!(new.unwrap().is_some());
}

#[tokio::test]
async fn an_ended_show_tells_ingest_and_stays_ended() {
    let (ends, mut heard) = mpsc::channel(1);
    let house = TestHouse::with(|config| config.ends = Some(ends)).await;
    let made = house.show("a").await;
    let show: ShowId = field(&made, "show").parse().unwrap();
    assert_eq!(house.control.set_state(show, State::Live).await, Ok(true));
    assert_eq!(house.control.set_state(show, State::Live).await, Ok(false));

    let ended = house.admin("POST", &format!("/v1/shows/{show}/end"), Value::Null).await;
    assert_eq!((ended.status, &ended.json["state"]), (StatusCode::OK, &json!("ended")));
    assert_eq!(heard.recv().await, Some(show));
    // What ingest still reports about the publisher it sends away.
    assert_eq!(house.control.set_state(show, State::Interrupted).await, Ok(false));
    assert_eq!(house.control.show_state(show).unwrap().state, State::Ended);
}

#[tokio::test]
async fn an_end_that_ingest_does_not_hear_says_so() {
    let (ends, heard) = mpsc::channel(1);
    let house = TestHouse::with(|config| config.ends = Some(ends)).await;
    drop(heard);
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/end", field(&made, "show"));
    let unheard = house.admin("POST", &path, Value::Null).await;
    assert_eq!((unheard.status.as_u16(), unheard.code()), (503, "end_unheard"));
}

#[tokio::test]
async fn there_is_a_limit_to_shows() {
    let house = TestHouse::with(|config| config.shows_max = 1).await;
    house.show("a").await;
    let refused = house.admin("POST", "/v1/shows", json!({ "title": "b" })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "shows_full"));
}

#[tokio::test]
async fn an_unknown_show_is_not_found_on_every_route() {
    let house = TestHouse::open().await;
    for id in ["0123456789abcdef", "0", "..%2f..%2fetc", "%ff", "%00", &"x".repeat(5000)] {
        for (method, rest) in [
            ("GET", ""),
            ("GET", "/state"),
            ("GET", "/tickets"),
            ("GET", "/sessions"),
            ("POST", "/end"),
            ("POST", "/stream-key"),
            ("POST", "/tickets"),
            ("POST", "/playback"),
        ] {
            let path = format!("/v1/shows/{id}{rest}");
            let answer = house.admin(method, &path, json!({})).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (404, "show_unknown"), "{path}");
        }
    }
}
