//! Who may send what: every route, by the administrator, by the account whose it is, by another one, and by nobody.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use shared_wire::AssetId;

use super::openapi::{document, operations};
use crate::FilmJobKind;
use crate::films::tests::uploaded_by;
use crate::testing::{Answer, TestHouse, field};

/// What accounts may do with what is theirs. All else is the administrator's, but for what is open to all.
const CREATORS: [(&str, &str); 32] = [
    ("GET", "/v1/account"),
    ("GET", "/v1/assets"),
    ("POST", "/v1/assets"),
    ("POST", "/v1/assets/import"),
    ("GET", "/v1/assets/{asset}"),
    ("PATCH", "/v1/assets/{asset}"),
    ("DELETE", "/v1/assets/{asset}"),
    ("GET", "/v1/assets/{asset}/plan"),
    ("POST", "/v1/assets/{asset}/transcode"),
    ("POST", "/v1/assets/{asset}/cancel"),
    ("GET", "/v1/assets/{asset}/jobs"),
    ("GET", "/v1/assets/{asset}/statistics"),
    ("GET", "/v1/assets/{asset}/chapters"),
    ("PUT", "/v1/assets/{asset}/chapters"),
    ("DELETE", "/v1/assets/{asset}/chapters"),
    ("PUT", "/v1/assets/{asset}/retention"),
    ("DELETE", "/v1/assets/{asset}/retention"),
    ("PUT", "/v1/assets/{asset}/trim"),
    ("DELETE", "/v1/assets/{asset}/trim"),
    ("GET", "/v1/assets/{asset}/subtitles"),
    ("PUT", "/v1/assets/{asset}/subtitles/{language}"),
    ("DELETE", "/v1/assets/{asset}/subtitles/{language}"),
    ("GET", "/v1/failed-jobs"),
    ("GET", "/v1/shows/{show}"),
    ("GET", "/v1/shows/{show}/tiers"),
    ("PUT", "/v1/shows/{show}/tiers/{tier}"),
    ("GET", "/v1/shows/{show}/tiers/{tier}"),
    ("DELETE", "/v1/shows/{show}/tiers/{tier}"),
    ("POST", "/v1/shows/{show}/tickets"),
    ("GET", "/v1/shows/{show}/tickets"),
    ("POST", "/v1/tickets/revoke"),
    ("GET", "/v1/shows/{show}/sessions"),
];

/// A house with two accounts; a film of the first, whose making has failed, and one of the house.
struct Rights {
    house: TestHouse,
    anna: String,
    ben: String,
    film: AssetId,
    show: String,
}

async fn rights() -> Rights {
    let house = TestHouse::open().await;
    let (anna, ben) = (house.account("anna", None).await, house.account("ben", None).await);
    let film = film(&house, Some("anna"), "A film").await;
    let path = format!("/v1/assets/{film}");
    let asset = house.by(&anna, "GET", &path, Value::Null).await.json;
    assert_eq!((&asset["account"], &asset["state"]), (&json!("anna"), &json!("failed")));
    let show = field(&asset, "show").to_owned();
    Rights { house, anna, ben, film, show }
}

async fn film(house: &TestHouse, account: Option<&str>, title: &str) -> AssetId {
    let control = &house.control;
    let film = uploaded_by(house, account, title, 5).await;
    assert_eq!(control.begin_films().await, Ok(1));
    let due = control.films_due(&[FilmJobKind::Index], true).await.unwrap();
    let lease = control.claim_film_job(&due.jobs[0]).await.unwrap().unwrap();
    assert!(control.film_job_failed(&lease, "it cannot be read", None).await.unwrap());
    film
}

impl Rights {
    /// Every operation that is not open to all: its method, its path, the same for what anna has and for what nobody
    /// has, and whether it is the administrator's alone.
    fn operations(&self) -> Vec<(String, String, [String; 2], bool)> {
        let mut all = Vec::new();
        for (method, path, operation) in operations(&document()) {
            if operation.get("security") == Some(&json!([])) {
                continue;
            }
            let told = |asset: &str, show: &str| {
                let path = path.replace("{asset}", asset).replace("{show}", show);
                let path = path.replace("{tier}", "basic").replace("{range}", "r");
                let path = path.replace("{session}", "0123456789abcdef").replace("{track}", "en");
                path.replace("{language}", "en").replace("{account}", "anna")
            };
            let none = "0123456789abcdef";
            let paths = [told(&self.film.to_string(), &self.show), told(none, none)];
            let is_admins = !CREATORS.contains(&(method.as_str(), path.as_str()));
            let described = operation["responses"].get("403").is_some();
            assert_eq!(described, is_admins, "{method} {path} is described otherwise");
            all.push((method, path, paths, is_admins));
        }
        all
    }
}

/// What is told, but for the request's own id.
fn told(answer: &Answer) -> Value {
    let mut json = answer.json.clone();
    json["request_id"] = Value::Null;
    json
}

#[tokio::test]
async fn every_route_is_for_those_it_is_for() {
    let it = rights().await;
    let all = it.operations();
    let named: BTreeSet<_> = all.iter().map(|(method, path, ..)| (&**method, &**path)).collect();
    assert!(CREATORS.iter().all(|creators| named.contains(creators)), "a route is gone");
    for (method, path, [own, none], is_admins) in &all {
        let nobody = it.house.anybody(method, own, Value::Null).await;
        assert_eq!((nobody.status.as_u16(), nobody.code()), (401, "credential_missing"), "{path}");
        for account in [&it.ben, &it.anna] {
            let answer = it.house.by(account, method, own, Value::Null).await;
            if *is_admins {
                let told = (answer.status.as_u16(), answer.code());
                assert_eq!(told, (403, "administrator_only"), "{method} {path}");
            } else {
                assert!(![401, 403].contains(&answer.status.as_u16()), "{method} {path}");
            }
        }
        if !is_admins && own != none {
            // What is another's and what there is not are told alike, word by word.
            let others = it.house.by(&it.ben, method, own, Value::Null).await;
            let nothing = it.house.by(&it.ben, method, none, Value::Null).await;
            assert_eq!(others.status.as_u16(), 404, "{method} {path}: {others:?}");
            assert!(["asset_unknown", "show_unknown"].contains(&others.code()), "{method} {path}");
            assert_eq!(told(&others), told(&nothing), "{method} {path}");
            let own = it.house.by(&it.anna, method, own, Value::Null).await;
            let code = own.json["code"].as_str().unwrap_or_default();
            assert!(!["asset_unknown", "show_unknown"].contains(&code), "{method} {path}: {own:?}");
        }
    }
    // Last: some of it takes rights away.
    for (method, path, [own, _], _) in &all {
        let admins = it.house.admin(method, own, Value::Null).await;
        assert!(![401, 403].contains(&admins.status.as_u16()), "{method} {path}: {admins:?}");
    }
}

#[tokio::test]
async fn lists_hold_ones_own() {
    let it = rights().await;
    let of_house = film(&it.house, None, "Another film").await;
    let ids = |answer: &Answer, list: &str| -> Vec<String> {
        let rows = answer.json[list].as_array().unwrap();
        rows.iter().map(|row| field(row, "asset").to_owned()).collect()
    };
    let (own, others) = (it.film.to_string(), of_house.to_string());
    let both = vec![others.clone(), own.clone()];
    for (token, path, found) in [
        (&it.house.admin, "/v1/assets", &both),
        (&it.house.admin, "/v1/assets?account=anna", &vec![own.clone()]),
        (&it.house.admin, "/v1/assets?account=nobody", &vec![]),
        (&it.anna, "/v1/assets", &vec![own.clone()]),
        (&it.anna, "/v1/assets?account=ben", &vec![own.clone()]),
        (&it.anna, "/v1/assets?q=film&state=failed", &vec![own.clone()]),
        (&it.anna, "/v1/assets?q=another", &vec![]),
        (&it.ben, "/v1/assets?account=anna", &vec![]),
    ] {
        let listed = it.house.by(token, "GET", path, Value::Null).await;
        assert_eq!(&ids(&listed, "assets"), found, "{path}");
    }
    let failed = async |token: &str| {
        let listed = it.house.by(token, "GET", "/v1/failed-jobs", Value::Null).await;
        ids(&listed, "jobs").into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(failed(&it.house.admin).await, BTreeSet::from([own.clone(), others]));
    assert_eq!(failed(&it.anna).await, BTreeSet::from([own]));
    assert_eq!(failed(&it.ben).await, BTreeSet::new());
}

#[tokio::test]
async fn an_account_sells_tickets_for_its_own_films() {
    let it = rights().await;
    let path = format!("/v1/shows/{}/tickets", it.show);
    let issued = it.house.by(&it.anna, "POST", &path, json!({})).await;
    assert_eq!(issued.status.as_u16(), 201, "{issued:?}");
    for name in [field(&issued.json, "ticket"), field(&issued.json, "id")] {
        let revoke = json!({ "ticket": name });
        let refused = it.house.by(&it.ben, "POST", "/v1/tickets/revoke", revoke.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (404, "ticket_unknown"));
        let nothing = json!({ "ticket": "0123456789abcdef" });
        let nothing = it.house.by(&it.ben, "POST", "/v1/tickets/revoke", nothing).await;
        assert_eq!(told(&refused), told(&nothing));
        let revoked = it.house.by(&it.anna, "POST", "/v1/tickets/revoke", revoke).await;
        assert_eq!(revoked.json["id"], issued.json["id"], "{revoked:?}");
    }
    // Shows that are nobody's film are the house's, and so are their tickets.
    let live = it.house.show("live").await;
    let ticket = it.house.ticket(field(&live, "show"), json!({})).await;
    let path = format!("/v1/shows/{}", field(&live, "show"));
    let hidden = it.house.by(&it.anna, "GET", &path, Value::Null).await;
    assert_eq!((hidden.status.as_u16(), hidden.code()), (404, "show_unknown"));
    let revoke = json!({ "ticket": field(&ticket, "id") });
    let refused = it.house.by(&it.anna, "POST", "/v1/tickets/revoke", revoke).await;
    assert_eq!(refused.code(), "ticket_unknown");
    // Viewers need no right: they have a ticket.
    let ticket = it.house.ticket(&it.show, json!({})).await;
    assert!(it.house.play(&it.show, field(&ticket, "ticket")).await.status.is_success());
}

#[tokio::test]
async fn a_token_that_was_replaced_is_wrong() {
    let it = rights().await;
    let other = it.house.admin("POST", "/v1/accounts/anna/token", Value::Null).await;
    let refused = it.house.by(&it.anna, "GET", "/v1/assets", Value::Null).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "credential_wrong"));
    let own = it.house.by(field(&other.json, "token"), "GET", "/v1/account", Value::Null).await;
    assert_eq!(own.json["account"], "anna");
    let almost = Request::get("/v1/assets").header("authorization", format!("Basic {}", it.anna));
    let refused = it.house.send(almost.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.code(), "credential_missing");
}
