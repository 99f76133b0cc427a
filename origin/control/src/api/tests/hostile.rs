//! Requests that are wrong, large, or somebody else's: a clear error each, and nothing else disturbed.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::openapi::{document, operations};
use crate::testing::{TestHouse, field};

#[tokio::test]
async fn the_administrators_routes_are_closed_to_all_others() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let almost = &house.admin[..house.admin.len() - 1];
    for (method, path, operation) in operations(&document()) {
        if operation.get("security").is_some() {
            continue;
        }
        let path = path.replace("{show}", field(&made, "show"));
        for (credential, code) in [
            (String::new(), "credential_missing"),
            (format!("Basic {}", house.admin), "credential_missing"),
            ("Bearer".to_owned(), "credential_missing"),
            ("Bearer ".to_owned(), "credential_wrong"),
            (format!("Bearer {almost}"), "credential_wrong"),
            (format!("Bearer {}", field(&made, "stream_key")), "credential_wrong"),
        ] {
            let request = Request::builder().method(method.as_str()).uri(&path);
            let request = request.header("authorization", &credential);
            let answer = house.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.code()), (401, code), "{path}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn a_wrong_body_is_refused_and_its_field_is_named() {
    let house = TestHouse::open().await;
    for (body, status, code, says) in [
        ("", 400, "body_malformed", "object"),
        ("null", 400, "body_malformed", "object"),
        (r#"["title"]"#, 400, "body_malformed", "object"),
        ("{", 400, "body_malformed", "EOF"),
        (r#"{"title":"a"} x"#, 400, "body_malformed", "follows"),
        ("{}", 400, "body_malformed", "`title`"),
        (r#"{"title":7}"#, 400, "body_malformed", "`title`"),
        (r#"{"title":"a","title":"b"}"#, 400, "body_malformed", "`title`"),
        (r#"{"title":"a","starts_at":"soon"}"#, 400, "body_malformed", "`starts_at`"),
        (r#"{"title":"a","price":1}"#, 400, "body_malformed", "`price`"),
        (r#"{"title":""}"#, 422, "field_invalid", "`title`"),
        (r#"{"title":"  "}"#, 422, "field_invalid", "`title`"),
        (r#"{"title":"a\u0000b"}"#, 422, "field_invalid", "`title`"),
        (r#"{"title":"a\u001b[31m"}"#, 422, "field_invalid", "`title`"),
        (r#"{"title":"a","starts_at":-1}"#, 422, "field_invalid", "`starts_at`"),
    ] {
        let request = Request::post("/v1/shows")
            .header("authorization", format!("bearer {}", house.admin))
            .header("content-type", "application/json; charset=utf-8");
        let answer = house.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{body}");
        assert!(field(&answer.json, "detail").contains(says), "{body}: {:?}", answer.json);
    }
    assert!(house.control.shows().is_empty());
}

#[tokio::test]
async fn texts_and_times_of_tickets_have_bounds() {
    let house = TestHouse::open().await;
    let made = house.show(&"ä".repeat(200)).await;
    let path = format!("/v1/shows/{}/tickets", field(&made, "show"));
    for (body, says) in [
        (json!({ "valid_s": 0 }), "`valid_s`"),
        (json!({ "valid_s": 4_000_000_000_u32 }), "`valid_s`"),
        (json!({ "note": "x".repeat(201) }), "`note`"),
        (json!({ "note": "a\nb" }), "`note`"),
    ] {
        let answer = house.admin("POST", &path, body).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (422, "field_invalid"));
        assert!(field(&answer.json, "detail").contains(says));
    }
}

#[tokio::test]
async fn a_body_too_large_or_not_json_is_not_read() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/playback", field(&made, "show"));
    for bytes in [16 * 1024 + 1, 10_000_000] {
        let large = house.anybody("POST", &path, json!({ "ticket": "x".repeat(bytes) })).await;
        assert_eq!((large.status.as_u16(), large.code()), (413, "body_too_large"));
    }
    let form = Request::post(&path).header("content-type", "application/x-www-form-urlencoded");
    let form = house.send(form.body(Body::from("ticket=x")).unwrap()).await;
    assert_eq!((form.status.as_u16(), form.code()), (415, "body_not_json"));
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let wait = std::time::Duration::from_millis(20);
    let house = TestHouse::with(|config| config.body_wait = wait).await;
    let made = house.show("a").await;
    let path = format!("/v1/shows/{}/playback", field(&made, "show"));
    let never = futures::stream::pending::<Result<Bytes, Infallible>>();
    let request = Request::post(&path).header("content-type", "application/json");
    let slow = house.send(request.body(Body::from_stream(never)).unwrap()).await;
    assert_eq!((slow.status.as_u16(), slow.code()), (408, "body_too_slow"));
}

#[tokio::test]
async fn wrong_addresses_and_methods_are_problems_too() {
    let house = TestHouse::open().await;
    for (method, path, status, code) in [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/shows/a/b/c/d", 404, "not_found"),
        ("GET", "/v1/../../etc/passwd", 404, "not_found"),
        ("DELETE", "/v1/shows", 405, "method_not_allowed"),
        ("GET", "/v1/tickets/revoke", 405, "method_not_allowed"),
        ("PUT", "/openapi.json", 405, "method_not_allowed"),
    ] {
        let answer = house.admin(method, path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_id_is_taken_over_if_it_is_plain() {
    let house = TestHouse::open().await;
    for (sent, kept) in [("trace-1.A_b", true), ("a b", false), ("<script>", false), ("", false)] {
        let request = Request::get("/v1/shows").header("x-request-id", sent);
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.code(), "credential_missing");
        assert_eq!(answer.headers["x-request-id"] == sent, kept, "{sent}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_body_brings_the_house_down(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let house = TestHouse::open().await;
            let made = house.show("a").await;
            let path = format!("/v1/shows/{}/playback", field(&made, "show"));
            let request = Request::post(path).header("content-type", "application/json");
            let answer = house.send(request.body(Body::from(body)).unwrap()).await;
            assert!(answer.status.is_client_error());
            answer.code();
        });
    }
}
