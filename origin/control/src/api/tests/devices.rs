//! How many devices play at once, and what becomes of the one too many.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{NOW, TestHouse, field};

const FIREFOX: &str = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18 Safari/6";

/// A show whose tickets of the tier `few` play on `devices_max` devices, and such a ticket.
async fn few(house: &TestHouse, devices_max: u16) -> (String, Value) {
    let made = house.show("a").await;
    let show = field(&made, "show").to_owned();
    house.tier(&show, "few", json!({ "devices_max": devices_max })).await;
    let issued = house.ticket(&show, json!({ "tier": "few" })).await;
    (show, issued)
}

/// Sessions on the deny list, with why and what else is told.
fn denied(house: &TestHouse) -> Vec<(String, String, Option<String>)> {
    let list = house.control.denied();
    let entries = list.entries.iter().map(|entry| {
        assert_eq!(entry.ticket, None);
        (entry.session.unwrap().to_string(), entry.reason.clone(), entry.detail.clone())
    });
    entries.collect()
}

/// How the deny list tells that Firefox took over.
fn displaced(session: &Value) -> (String, String, Option<String>) {
    let taken_by = Some("Firefox on Android".to_owned());
    (session.as_str().unwrap().to_owned(), "displaced".to_owned(), taken_by)
}

#[tokio::test]
async fn a_new_device_displaces_the_one_that_has_played_longest() {
    let house = TestHouse::open().await;
    let (show, issued) = few(&house, 1).await;
    let ticket = field(&issued, "ticket");
    let first = house.play_on(&show, ticket, SAFARI, &Value::Null).await;
    // The session that came with the ticket made room first.
    let (_, reason, detail) = denied(&house).remove(0);
    assert_eq!((reason.as_str(), detail.as_deref()), ("displaced", Some("Safari on iPhone")));

    let second = house.play_on(&show, ticket, FIREFOX, &Value::Null).await;
    assert_eq!(second.status, StatusCode::OK);
    assert_eq!(denied(&house)[1], displaced(&first.json["session"]));
    assert_eq!(house.control.denied().entries[1].until, NOW + 6 * 3600 + 300);

    // The first device learns who took over, and may take it back.
    let told = house.play_on(&show, ticket, SAFARI, &first.json["session"]).await;
    assert_eq!((told.status.as_u16(), told.code()), (403, "displaced"));
    assert_eq!(field(&told.json, "detail"), "Firefox on Android");
    let back = house.play_on(&show, ticket, SAFARI, &Value::Null).await;
    assert_eq!(back.status, StatusCode::OK);
    assert_eq!(denied(&house)[2].0, field(&second.json, "session"));
}

#[tokio::test]
async fn the_same_device_goes_on_and_displaces_nobody() {
    let house = TestHouse::open().await;
    let (show, issued) = few(&house, 2).await;
    let ticket = field(&issued, "ticket");
    let one = house.play_on(&show, ticket, SAFARI, &Value::Null).await;
    let two = house.play_on(&show, ticket, FIREFOX, &Value::Null).await;
    let before = denied(&house);
    for _ in 0..300 {
        let again = house.play_on(&show, ticket, SAFARI, &one.json["session"]).await;
        assert_eq!(again.json["session"], one.json["session"], "{again:?}");
    }
    assert_eq!(denied(&house), before);
    // Its session ran out overnight: it still is the same device, and now the later one.
    house.wait(6 * 3600);
    let later = house.play_on(&show, ticket, SAFARI, &one.json["session"]).await;
    assert_eq!(later.json["session"], one.json["session"]);
    let later = house.play_on(&show, ticket, FIREFOX, &two.json["session"]).await;
    assert_eq!(later.json["session"], two.json["session"]);
    assert_eq!(denied(&house), before);
}

#[tokio::test]
async fn where_a_show_says_so_a_device_too_many_is_refused() {
    let house = TestHouse::open().await;
    let (show, issued) = few(&house, 2).await;
    let ticket = field(&issued, "ticket");
    let path = format!("/v1/shows/{show}");
    let changed = house.admin("PATCH", &path, json!({ "when_full": "refuse" })).await;
    assert_eq!(changed.json["when_full"], "refuse");
    let house = house.restart().await;
    let one = house.play_on(&show, ticket, SAFARI, &Value::Null).await;
    let two = house.play_on(&show, ticket, FIREFOX, &Value::Null).await;
    assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    let three = house.play_on(&show, ticket, "VLC/3", &Value::Null).await;
    assert_eq!((three.status.as_u16(), three.code()), (403, "devices_full"));
    let says = "the ticket plays on Safari on iPhone and Firefox on Android already";
    assert!(field(&three.json, "detail").starts_with(says), "{three:?}");

    // A page that was left keeps nobody out.
    let left = json!({ "ticket": ticket, "session": one.json["session"] });
    let left = house.anybody("POST", &format!("{path}/playback/end"), left).await;
    assert_eq!((left.status, &left.json["ended_at"]), (StatusCode::OK, &json!(NOW)));
    let three = house.play_on(&show, ticket, "VLC/3", &Value::Null).await;
    assert_eq!(three.status, StatusCode::OK, "{three:?}");
    // Yet a session that was left does not play on beside those that took its place.
    let (session, reason, _) = denied(&house).pop().unwrap();
    assert_eq!((session.as_str(), reason.as_str()), (field(&one.json, "session"), "ended"));
}

#[tokio::test]
async fn a_page_that_comes_back_before_its_place_is_taken_has_it_still() {
    let house = TestHouse::open().await;
    let (show, issued) = few(&house, 1).await;
    let ticket = field(&issued, "ticket");
    let one = house.play_on(&show, ticket, SAFARI, &Value::Null).await;
    let end = format!("/v1/shows/{show}/playback/end");
    let left = json!({ "ticket": ticket, "session": one.json["session"] });
    house.anybody("POST", &end, left.clone()).await;
    let back = house.play_on(&show, ticket, SAFARI, &one.json["session"]).await;
    assert_eq!(back.json["session"], one.json["session"]);

    // Left again, and taken by another device: whoever comes back is a new one.
    house.anybody("POST", &end, left).await;
    house.play_on(&show, ticket, FIREFOX, &Value::Null).await;
    let back = house.play_on(&show, ticket, SAFARI, &one.json["session"]).await;
    assert_eq!(back.status, StatusCode::OK);
    assert_ne!(back.json["session"], one.json["session"]);
}

#[tokio::test]
async fn only_the_tickets_holder_ends_a_session() {
    let house = TestHouse::open().await;
    let (show, issued) = few(&house, 1).await;
    let other = house.ticket(&show, json!({})).await;
    let one = house.play(&show, field(&issued, "ticket")).await;
    let end = format!("/v1/shows/{show}/playback/end");
    let unknown = "tk_00000000000000000000000000000000";
    for (ticket, status, code) in
        [(unknown, 403, "ticket_unknown"), (field(&other, "ticket"), 404, "session_unknown")]
    {
        let body = json!({ "ticket": ticket, "session": one.json["session"] });
        let refused = house.anybody("POST", &end, body).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code));
    }
}

#[tokio::test]
async fn one_session_is_revoked_and_its_ticket_stays_good() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let ticket = house.ticket(show, json!({})).await;
    let ticket = field(&ticket, "ticket");
    let one = house.play_on(show, ticket, SAFARI, &Value::Null).await;
    let session = field(&one.json, "session");
    let path = format!("/v1/sessions/{session}/revoke");
    for _ in 0..2 {
        let revoked = house.admin("POST", &path, Value::Null).await;
        assert_eq!((revoked.status, &revoked.json["denied"]), (StatusCode::OK, &json!("revoked")));
        assert_eq!(denied(&house), [(session.to_owned(), "revoked".to_owned(), None)]);
    }
    let told = house.play_on(show, ticket, SAFARI, &one.json["session"]).await;
    assert_eq!((told.status.as_u16(), told.code()), (403, "revoked"));
    assert_eq!(house.play(show, ticket).await.status, StatusCode::OK);
    for unknown in ["0123456789abcdef", "x"] {
        let path = format!("/v1/sessions/{unknown}/revoke");
        let unknown = house.admin("POST", &path, Value::Null).await;
        assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "session_unknown"));
    }
}

#[tokio::test]
async fn devices_that_take_turns_leave_room_for_revocations() {
    let house = TestHouse::with(|config| {
        (config.denied_max, config.denied_sessions_max) = (4, 2);
    })
    .await;
    let (show, issued) = few(&house, 1).await;
    let ticket = field(&issued, "ticket");
    for _ in 0..2 {
        assert_eq!(house.play(&show, ticket).await.status, StatusCode::OK);
    }
    let full = house.play(&show, ticket).await;
    assert_eq!((full.status.as_u16(), full.code()), (503, "deny_list_full"));
    // Nobody who is new is kept out for the sake of a link that nobody may have.
    let fresh = house.ticket(&show, json!({ "tier": "few" })).await;
    assert_eq!(house.play(&show, field(&fresh, "ticket")).await.status, StatusCode::OK);
    let revoked = json!({ "ticket": issued["id"] });
    let revoked = house.admin("POST", "/v1/tickets/revoke", revoked).await;
    assert_eq!(revoked.status, StatusCode::OK);
}
