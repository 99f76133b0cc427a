//! Tiers: what a ticket admits to, in its tokens; and the preview's wall.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_ticket::cat::Facts;
use shared_ticket::{Claims, Verifier};
use shared_wire::Policy;

use crate::testing::{Answer, NOW, TestHouse, field};

/// What an edge reads in the token of an answer.
fn claims(house: &TestHouse, show: &str, played: &Answer) -> Claims {
    let variables = house.control.edge_environment().variables;
    let keys = variables.iter().find(|(name, _)| name == "MATINEE_TOKEN_KEYS").unwrap();
    let verifier = Verifier::from_json(&keys.1).unwrap();
    let now = played.json["expires_at"].as_i64().unwrap() - 1;
    let path = format!("/live/{show}/index.m3u8");
    let facts = Facts::get(now, "house", &path);
    verifier.admit(field(&played.json, "token"), &facts, &show.parse().unwrap()).unwrap().claims
}

fn full() -> Value {
    json!({
        "height_max": 480, "dvr_s_max": 0, "countries": { "deny": ["DE", "AT"] },
        "bind": "network", "preview_s": 300, "devices_max": 2, "watermark": "b"
    })
}

#[tokio::test]
async fn a_tiers_policy_stands_in_its_tickets_tokens() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    house.tier(show, "basic", full()).await;
    let ticket = house.ticket(show, json!({ "tier": "basic" })).await;
    assert_eq!(ticket["tier"], "basic");
    let played = house.play(show, field(&ticket, "ticket")).await;
    assert_eq!((&played.json["tier"], &played.json["policy"]), (&json!("basic"), &full()));
    let policy: Policy = serde_json::from_value(full()).unwrap();
    let said = claims(&house, show, &played);
    assert_eq!((said.tier.as_str(), &said.policy), ("basic", &policy));

    // A tier put right is right for tickets already sold, also after a restart.
    house.tier(show, "basic", json!({ "height_max": 720 })).await;
    let house = house.restart().await;
    let played = house.play(show, field(&ticket, "ticket")).await;
    assert_eq!(played.json["policy"], json!({ "height_max": 720 }));

    let all = house.ticket(show, json!({})).await;
    let played = house.play(show, field(&all, "ticket")).await;
    assert_eq!((&played.json["tier"], played.json.get("policy")), (&json!("all"), None));
    assert!(claims(&house, show, &played).policy.is_everything());
}

#[tokio::test]
async fn tiers_are_listed_and_dropped_when_no_good_ticket_has_them() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let path = format!("/v1/shows/{show}/tiers");
    house.tier(show, "b", json!({})).await;
    house.tier(show, "a", full()).await;
    let listed = house.admin("GET", &path, Value::Null).await.json;
    let names: Vec<_> = listed["tiers"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["all", "a", "b"]);
    let one = house.admin("GET", &format!("{path}/a"), Value::Null).await.json;
    assert_eq!(one, json!({ "name": "a", "policy": full() }));

    house.ticket(show, json!({ "tier": "a", "valid_s": 60 })).await;
    let drop = |name: &str| {
        let path = format!("{path}/{name}");
        let house = &house;
        async move { house.admin("DELETE", &path, Value::Null).await }
    };
    for (name, status, code) in
        [("a", 409, "tier_in_use"), ("all", 409, "tier_in_use"), ("c", 404, "tier_unknown")]
    {
        let refused = drop(name).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (status, code), "{name}");
    }
    house.wait(60);
    assert_eq!(drop("a").await.status, StatusCode::OK);
    let gone = house.admin("GET", &format!("{path}/a"), Value::Null).await;
    assert_eq!((gone.status.as_u16(), gone.code()), (404, "tier_unknown"));
}

#[tokio::test]
async fn tiers_that_cannot_be_meant_are_refused() {
    let house = TestHouse::with(|config| config.tiers_per_show_max = 2).await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let path = format!("/v1/shows/{show}/tiers");
    for (name, policy, code, says) in [
        ("all", json!({}), "field_invalid", "`all`"),
        ("A", json!({}), "field_invalid", "a-z"),
        ("a.b", json!({}), "field_invalid", "a-z"),
        ("a", json!({ "height_max": 0 }), "field_invalid", "`height_max`"),
        ("a", json!({ "preview_s": 0 }), "field_invalid", "`preview_s`"),
        ("a", json!({ "preview_s": 86_401 }), "field_invalid", "`preview_s`"),
        ("a", json!({ "devices_max": 0 }), "field_invalid", "`devices_max`"),
        ("a", json!({ "devices_max": 257 }), "field_invalid", "`devices_max`"),
        ("a", json!({ "countries": { "allow": [] } }), "field_invalid", "`countries`"),
        ("a", json!({ "countries": { "allow": ["Germany"] } }), "body_malformed", "ISO 3166"),
        ("a", json!({ "height": 480 }), "body_malformed", "`height`"),
    ] {
        let refused = house.admin("PUT", &format!("{path}/{name}"), policy).await;
        assert_eq!(refused.code(), code, "{refused:?}");
        assert!(field(&refused.json, "detail").contains(says), "{refused:?}");
    }
    house.tier(show, "a", json!({})).await;
    house.tier(show, "b", json!({})).await;
    house.tier(show, "b", json!({ "height_max": 1 })).await;
    let full = house.admin("PUT", &format!("{path}/c"), json!({})).await;
    assert_eq!((full.status.as_u16(), full.code()), (409, "tiers_full"));
    let path = format!("/v1/shows/{show}/tickets");
    let unknown = house.admin("POST", &path, json!({ "tier": "c" })).await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (422, "field_invalid"));
}

#[tokio::test]
async fn a_preview_runs_from_the_first_use_however_often_it_is_used_again() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    house.tier(show, "taste", json!({ "preview_s": 300 })).await;
    let issued = house.ticket(show, json!({ "tier": "taste" })).await;
    let ticket = field(&issued, "ticket");
    house.wait(1000); // in somebody's mailbox
    let first = house.play(show, ticket).await;
    assert_eq!(first.json["expires_at"], NOW + 1300);
    house.wait(200);
    let again = house.play_on(show, ticket, "", &first.json["session"]).await;
    assert_eq!(again.json["expires_at"], NOW + 1300);
    assert_eq!(house.play(show, ticket).await.json["expires_at"], NOW + 1300);
    house.wait(99);
    let house = house.restart().await;
    assert_eq!(house.play(show, ticket).await.json["expires_at"], NOW + 1300);
    house.wait(1);
    for session in [&Value::Null, &first.json["session"]] {
        let over = house.play_on(show, ticket, "", session).await;
        assert_eq!((over.status.as_u16(), over.code()), (403, "preview_over"));
    }
}

#[tokio::test]
async fn the_link_of_a_limited_ticket_does_not_outlive_its_limits() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    let path = format!("/v1/shows/{show}/sessions");
    for (name, policy, until) in [
        ("taste", json!({ "preview_s": 300 }), NOW + 300),
        ("single", json!({ "devices_max": 1 }), NOW + 6 * 3600),
        ("small", json!({ "height_max": 480 }), NOW + 24 * 3600),
    ] {
        house.tier(show, name, policy).await;
        house.ticket(show, json!({ "tier": name })).await;
        let newest = house.admin("GET", &path, Value::Null).await.json;
        assert_eq!(newest["sessions"][0]["expires_at"], until, "{name}");
    }
}

#[tokio::test]
async fn a_token_is_a_cat_where_that_is_asked_for() {
    let house = TestHouse::open().await;
    let made = house.show("a").await;
    let show = field(&made, "show");
    house.tier(show, "basic", full()).await;
    let ticket = house.ticket(show, json!({ "tier": "basic", "format": "cat" })).await;
    assert!(!field(&ticket, "playlist_url").contains("token=ey"), "{ticket}");
    let path = format!("/v1/shows/{show}/playback");
    let body = json!({ "ticket": ticket["ticket"], "format": "cat" });
    let played = house.anybody("POST", &path, body).await;
    let said = claims(&house, show, &played);
    let policy: Policy = serde_json::from_value(full()).unwrap();
    assert_eq!((said.tier.as_str(), &said.policy), ("basic", &policy));
    assert_eq!(said.session.to_string(), field(&played.json, "session"));
}
