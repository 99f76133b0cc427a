//! Tickets revoked: no new sessions, and word to the edges about the old ones.

use axum::http::StatusCode;
use serde_json::json;
use shared_wire::api::{Denied, DenyList};

use crate::Control;
use crate::testing::{NOW, TestHouse, config, field, is_left_out};

/// The version that a deny list begins with.
const NOW_MS: u64 = NOW.unsigned_abs() * 1000;

#[tokio::test]
async fn a_revoked_ticket_plays_no_more_and_its_sessions_are_denied() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let issued = house.ticket(show, json!({ "note": "n" })).await;
    let ticket = field(&issued, "ticket");
    let first = house.control.denied();
    assert_eq!((first.version, first.entries.len()), (NOW_MS, 0));

    let revoked = house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": ticket })).await;
    assert_eq!(revoked.status, StatusCode::OK);
    assert_eq!(
        revoked.json,
        json!({ "id": issued["id"], "show": show, "note": "n", "created_at": NOW,
                "expires_at": NOW + 86400, "revoked_at": NOW, "tier": "all" })
    );
    let refused = house.play(show, ticket).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "ticket_revoked"));
    let entry = Denied {
        ticket: field(&issued, "id").parse().ok(),
        session: None,
        reason: "revoked".to_owned(),
        detail: None,
        until: NOW + 86400 + 300,
    };
    let list = DenyList { version: NOW_MS + 1, entries: vec![entry] };
    assert_eq!(**house.control.denied(), list);

    // Once more, by its id: nothing changes.
    house.wait(5);
    let again = json!({ "ticket": issued["id"] });
    let again = house.admin("POST", "/v1/tickets/revoke", again).await;
    assert_eq!(again.json, revoked.json);
    assert_eq!(**house.control.denied(), list);
}

#[tokio::test]
async fn the_deny_list_survives_a_restart_and_goes_on_counting() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let (one, two) = (house.ticket(show, json!({})).await, house.ticket(show, json!({})).await);
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": one["id"] })).await;
    let before = house.control.denied();
    let house = house.restart().await;
    assert_eq!(house.control.denied(), before);
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": two["id"] })).await;
    assert_eq!(house.control.denied().version, before.version + 1);
}

#[tokio::test]
async fn a_house_restored_from_a_backup_goes_on_after_what_edges_have() {
    if is_left_out() {
        return;
    }
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let (one, two) = (house.ticket(show, json!({})).await, house.ticket(show, json!({})).await);
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": one["id"] })).await;
    let early = house.control.denied();
    let TestHouse { control, dir, clock, admin } = house;
    drop(control);
    let backup = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("matinee.db") {
            std::fs::copy(file.path(), backup.path().join(file.file_name())).unwrap();
        }
    }
    // Edges hear of more than the backup knows.
    let control = Control::open(config(dir.path(), &clock)).await.unwrap();
    let house = TestHouse { control, dir, clock, admin };
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": two["id"] })).await;
    let late = house.control.denied();
    assert_eq!((late.version, late.entries.len()), (early.version + 1, 2));

    house.wait(3600);
    let restored = Control::open(config(backup.path(), &house.clock)).await.unwrap().denied();
    assert_eq!(restored.entries, early.entries);
    assert!(restored.version > late.version, "edges take it");
}

#[tokio::test]
async fn entries_are_dropped_when_no_session_can_be_left() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let ticket = house.ticket(field(&made, "show"), json!({ "valid_s": 60 })).await;
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": ticket["id"] })).await;
    house.wait(359);
    house.control.house.denied.sweep(NOW + 359).await.unwrap();
    assert_eq!(house.control.denied().entries.len(), 1);
    house.control.house.denied.sweep(NOW + 360).await.unwrap();
    assert_eq!(**house.control.denied(), DenyList { version: NOW_MS + 2, entries: vec![] });
    let house = house.restart().await;
    assert_eq!(**house.control.denied(), DenyList { version: NOW_MS + 2, entries: vec![] });
}

#[tokio::test]
async fn a_ticket_whose_time_is_over_needs_no_entry() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let ticket = house.ticket(field(&made, "show"), json!({ "valid_s": 60 })).await;
    house.wait(60);
    let revoked = json!({ "ticket": ticket["id"] });
    let revoked = house.admin("POST", "/v1/tickets/revoke", revoked).await;
    assert_eq!(revoked.json["revoked_at"], NOW + 60);
    assert!(house.control.denied().entries.is_empty());
}

#[tokio::test]
async fn a_full_deny_list_still_revokes_and_takes_the_ticket_later() {
    let house = TestHouse::with(|config| config.denied_max = 1).await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let short = house.ticket(show, json!({ "valid_s": 60 })).await;
    let long = house.ticket(show, json!({})).await;
    house.admin("POST", "/v1/tickets/revoke", json!({ "ticket": short["id"] })).await;
    let named = json!({ "ticket": long["id"] });
    let full = house.admin("POST", "/v1/tickets/revoke", named.clone()).await;
    assert_eq!((full.status.as_u16(), full.code()), (503, "deny_list_full"));
    assert_eq!(house.play(show, field(&long, "ticket")).await.code(), "ticket_revoked");

    house.wait(360);
    house.control.house.denied.sweep(NOW + 360).await.unwrap();
    let revoked = house.admin("POST", "/v1/tickets/revoke", named).await;
    assert_eq!((revoked.status, revoked.json["revoked_at"].as_i64()), (StatusCode::OK, Some(NOW)));
    assert_eq!(house.control.denied().entries.len(), 1);
}

#[tokio::test]
async fn what_is_no_ticket_is_not_found() {
    let house = TestHouse::open().await;
    for named in ["", "x", "0123456789abcdef", "tk_00000000000000000000000000000000"] {
        let unknown = json!({ "ticket": named });
        let unknown = house.admin("POST", "/v1/tickets/revoke", unknown).await;
        assert_eq!((unknown.status.as_u16(), unknown.code()), (404, "ticket_unknown"));
    }
}
