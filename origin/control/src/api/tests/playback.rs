//! Tickets swapped for tokens, and refused.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_ticket::Verifier;
use shared_wire::ShowId;
use tokio::task::JoinSet;

use crate::testing::{NOW, TestHouse, field};

/// What edges of this house verify with.
fn verifier(house: &TestHouse) -> Verifier {
    let variables = house.control.edge_environment().variables;
    let keys = variables.iter().find(|(name, _)| name == "MATINEE_TOKEN_KEYS").unwrap();
    Verifier::from_json(&keys.1).unwrap()
}

#[tokio::test]
async fn a_ticket_is_issued_with_addresses_that_play() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let ticket = house.ticket(show, json!({ "valid_s": 60, "note": "order 7" })).await;
    assert_eq!(ticket["expires_at"], NOW + 60);
    let watch = format!("http://127.0.0.1:8080/watch/{show}#ticket={}", field(&ticket, "ticket"));
    assert_eq!(ticket["watch_url"], watch);
    let prefix = format!("http://127.0.0.1:8080/live/{show}/index.m3u8?token=");
    let token = field(&ticket, "playlist_url").strip_prefix(&prefix).unwrap();
    let show: ShowId = show.parse().unwrap();
    let claims = verifier(&house).verify(token, &show, NOW).unwrap();
    assert_eq!(claims.ticket.to_string(), field(&ticket, "id"));
    assert_eq!(claims.expires_at, NOW + 60);
}

#[tokio::test]
async fn a_ticket_needs_no_body_and_is_then_good_for_a_day() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let ticket = house.ticket(field(&made, "show"), Value::Null).await;
    assert_eq!(ticket["expires_at"], NOW + 24 * 3600);
}

#[tokio::test]
async fn each_swap_is_a_session_of_its_own_that_ends_with_the_ticket() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let long = house.ticket(show, json!({})).await;
    let short = house.ticket(show, json!({ "valid_s": 60 })).await;

    let one = house.play(show, field(&long, "ticket")).await;
    let two = house.play(show, field(&long, "ticket")).await;
    assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    assert_ne!(one.json["session"], two.json["session"]);
    assert_eq!(one.json["expires_at"], NOW + 6 * 3600);
    let capped = house.play(show, field(&short, "ticket")).await;
    assert_eq!(capped.json["expires_at"], NOW + 60);

    let token = field(&one.json, "token");
    let address = format!("/live/{show}/index.m3u8?token={token}");
    assert_eq!(one.json["playlist_url"], address);
    let id: ShowId = show.parse().unwrap();
    let claims = verifier(&house).verify(token, &id, NOW).unwrap();
    assert_eq!(claims.session.to_string(), field(&one.json, "session"));
}

#[tokio::test]
async fn a_wrong_ticket_is_refused_for_what_is_wrong_with_it() {
    let house = TestHouse::open().await;
    let (one, other) = (house.show("a").await, house.show("b").await);
    let (one, other) = (field(&one, "show"), field(&other, "show"));
    let short = house.ticket(one, json!({ "valid_s": 60 })).await;
    let ticket = field(&short, "ticket");

    let unknown = ["", "tk_", "x", field(&short, "id"), "tk_00000000000000000000000000000000"];
    for ticket in unknown.into_iter().chain([ticket.to_uppercase().as_str()]) {
        let refused = house.play(one, ticket).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (403, "ticket_unknown"));
    }
    assert_eq!(house.play(other, ticket).await.code(), "ticket_wrong_show");
    house.wait(59);
    assert_eq!(house.play(one, ticket).await.status, StatusCode::OK);
    house.wait(1);
    let expired = house.play(one, ticket).await;
    assert_eq!((expired.status.as_u16(), expired.code()), (403, "ticket_expired"));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_keeps_no_holder_out() {
    let guess = "tk_00000000000000000000000000000000";
    let house = TestHouse::with(|config| config.failed_attempts_max = 3).await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let early = house.ticket(show, json!({})).await;
    let house = house.restart_with(|config| config.failed_attempts_max = 3).await;
    for _ in 0..3 {
        assert_eq!(house.play(show, guess).await.code(), "ticket_unknown");
    }
    let slowed = house.play(show, guess).await;
    assert_eq!((slowed.status.as_u16(), slowed.code()), (429, "too_many_attempts"));
    assert_eq!(slowed.headers["retry-after"], "10");
    let late = house.ticket(show, json!({})).await;
    for ticket in [early, late] {
        assert_eq!(house.play(show, field(&ticket, "ticket")).await.status, StatusCode::OK);
    }
    house.wait(10);
    assert_eq!(house.play(show, guess).await.code(), "ticket_unknown");
}

#[tokio::test]
async fn many_swap_at_once_and_none_gets_more_than_the_limit() {
    let house = TestHouse::with(|config| config.sessions_per_ticket_max = 21).await;
    let made = house.show("a").await;
    let show = field(&made, "show").to_owned();
    let ticket = house.ticket(&show, json!({})).await;
    let ticket = field(&ticket, "ticket").to_owned();
    let house = std::sync::Arc::new(house);
    let mut all = JoinSet::new();
    for _ in 0..40 {
        let (house, show, ticket) = (house.clone(), show.clone(), ticket.clone());
        all.spawn(async move { house.play(&show, &ticket).await });
    }
    let answers = all.join_all().await;
    let mut sessions: Vec<_> = answers.iter().filter(|answer| answer.status.is_success()).collect();
    sessions.sort_by_key(|answer| answer.json["session"].to_string());
    sessions.dedup_by_key(|answer| answer.json["session"].to_string());
    // One was made when the ticket was issued.
    assert_eq!(sessions.len(), 20);
    assert!(answers.iter().filter(|answer| answer.status == 429).count() == 20);
}
