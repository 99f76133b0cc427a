//! Accounts as rows, on whichever database the tests run: tokens, quotas, what is whose.

use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use shared_wire::Who;
use shared_wire::upload::{Piece, Quota, Stage};

use super::stored::{asset_of, came, lock, new};
use crate::testing::{TestHouse, field, is_left_out};
use crate::{Error, Fault, NewUpload};

fn of(account: &str, length: Option<u64>) -> NewUpload {
    NewUpload { account: Some(account.to_owned()), ..new(length) }
}

fn anna() -> Who {
    Who::Account("anna".to_owned())
}

#[tokio::test]
async fn a_token_is_good_until_another_takes_its_place() {
    let house = TestHouse::open().await;
    let token = house.account("anna", None).await;
    assert!(token.starts_with("ac_") && token.len() == 3 + 32);
    let who = async |token: &str| house.control.who(token.as_bytes()).await.unwrap();
    assert_eq!(who(&token).await, Some(anna()));
    assert_eq!(who(&house.admin).await, Some(Who::House));
    for none in ["", "ac_", "anna", &token[3..], &token[..34], &token.to_uppercase()] {
        assert_eq!(who(none).await, None, "{none}");
    }
    assert_eq!(house.control.who(b"ac_\xff").await.unwrap(), None);
    let rotated = house.admin("POST", "/v1/accounts/anna/token", Value::Null).await;
    let other = field(&rotated.json, "token");
    assert_eq!((who(&token).await, who(other).await), (None, Some(anna())));
    let house = house.restart().await;
    assert_eq!(house.control.who(other.as_bytes()).await.unwrap(), Some(anna()));
}

#[tokio::test]
async fn no_token_is_stored() {
    if is_left_out() {
        return;
    }
    let house = TestHouse::open().await;
    let token = house.account("a-name-that-is-found", None).await;
    let mut name_found = false;
    for path in super::files(house.dir.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        name_found |= holds("a-name-that-is-found");
        assert!(!holds(&token[3..]), "{path:?}");
    }
    assert!(name_found, "the search above sees what is stored");
}

#[tokio::test]
async fn accounts_are_made_once_listed_and_their_names_have_bounds() {
    let house = TestHouse::with(|config| config.accounts_max = 2).await;
    house.account("anna", Some(100)).await;
    for name in ["", "Anna", "a b", "../a", "-a", ".a", &"a".repeat(65)] {
        let refused = house.admin("POST", "/v1/accounts", json!({ "account": name })).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, "field_invalid"), "{name}");
    }
    let huge = json!({ "account": "ben", "quota_bytes": u64::MAX });
    assert_eq!(house.admin("POST", "/v1/accounts", huge).await.code(), "field_invalid");
    let twice = house.admin("POST", "/v1/accounts", json!({ "account": "anna" })).await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "account_exists"));
    house.account("ben", None).await;
    let full = house.admin("POST", "/v1/accounts", json!({ "account": "carl" })).await;
    assert_eq!((full.status.as_u16(), full.code()), (409, "accounts_full"));
    house.control.create_upload(of("anna", Some(7))).await.unwrap();
    let first = house.admin("GET", "/v1/accounts?limit=1", Value::Null).await.json;
    assert_eq!(first["accounts"][0]["account"], "ben");
    let next = format!("/v1/accounts?cursor={}", field(&first, "next"));
    let last = house.admin("GET", &next, Value::Null).await.json;
    let now = crate::testing::NOW;
    let told = json!({ "account": "anna", "quota_bytes": 100, "used_bytes": 7, "created_at": now });
    assert_eq!(last, json!({ "accounts": [told] }));
    assert_eq!(house.admin("GET", "/v1/accounts/anna", Value::Null).await.json, told);
    for (method, path) in [
        ("GET", "/v1/accounts/carl"),
        ("DELETE", "/v1/accounts/carl"),
        ("POST", "/v1/accounts/carl/token"),
    ] {
        let none = house.admin(method, path, Value::Null).await;
        assert_eq!((none.status.as_u16(), none.code()), (404, "account_unknown"), "{path}");
    }
}

#[tokio::test]
async fn both_quotas_hold_and_which_one_it_was_is_said() {
    let house = TestHouse::with(|config| config.uploads_bytes_max = Some(100)).await;
    let control = &house.control;
    let token = house.account("anna", Some(60)).await;
    house.account("ben", None).await;
    asset_of(control, Some("anna"), "a", 20).await;
    control.create_upload(of("anna", Some(30))).await.unwrap();
    let full = control.create_upload(of("anna", Some(11))).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::Account { max: 60, left: 10 }));
    assert_eq!(full.fault(), Fault::Peer);
    assert!(full.to_string().contains("this account's quota") && full.to_string().contains("60"));
    // What comes without a length counts as it comes.
    let grows = control.create_upload(of("anna", None)).await.unwrap();
    let (upload, fence) = lock(control, &grows).await;
    assert_eq!(control.change_upload(came(&upload, fence, 10)).await.unwrap(), Some(false));
    let full = control.change_upload(came(&upload, fence, 11)).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::Account { max: 60, left: 10 }));
    // Who has no quota of its own has the house's, and is not told what others have.
    control.create_upload(of("ben", Some(40))).await.unwrap();
    let full = control.create_upload(of("ben", Some(1))).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::HouseOfOthers));
    assert_eq!(full.fault(), Fault::Config);
    assert!(!full.to_string().contains("100"), "{full}");
    let full = control.create_upload(new(Some(1))).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::House { max: 100, left: 0 }));
    // The house's may be full while an account's is not.
    house.admin("PUT", "/v1/accounts/anna/quota", json!({ "quota_bytes": 1000 })).await;
    let full = control.create_upload(of("anna", Some(1))).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::HouseOfOthers));
    let usage = house.by(&token, "GET", "/v1/account", Value::Null).await.json;
    assert_eq!(usage, json!({ "account": "anna", "quota_bytes": 1000, "used_bytes": 60 }));
    let usage = house.admin("GET", "/v1/account", Value::Null).await.json;
    assert_eq!(usage, json!({ "quota_bytes": 100, "used_bytes": 100 }));
}

#[tokio::test]
async fn a_lower_quota_breaks_no_promise() {
    let house = TestHouse::open().await;
    let control = &house.control;
    house.account("anna", Some(100)).await;
    let begun = control.create_upload(of("anna", Some(80))).await.unwrap();
    let to = house.admin("PUT", "/v1/accounts/anna/quota", json!({ "quota_bytes": 10 })).await;
    assert_eq!((&to.json["quota_bytes"], &to.json["used_bytes"]), (&json!(10), &json!(80)));
    let (upload, fence) = lock(control, &begun).await;
    let mut whole = came(&upload, fence, 80);
    assert_eq!(control.change_upload(whole.clone()).await.unwrap(), Some(false));
    let full = control.create_upload(of("anna", Some(1))).await.unwrap_err();
    assert_eq!(full, Error::QuotaExceeded(Quota::Account { max: 10, left: 0 }));
    // None of its own again; what is gone makes room in any case.
    house.admin("PUT", "/v1/accounts/anna/quota", json!({})).await;
    control.create_upload(of("anna", Some(1 << 40))).await.unwrap();
    (whole.upload.stage, whole.reserved) = (Stage::Gone, 0);
    control.change_upload(whole).await.unwrap();
    let told = house.admin("GET", "/v1/accounts/anna", Value::Null).await.json;
    assert_eq!((told.get("quota_bytes"), &told["used_bytes"]), (None, &json!(1_u64 << 40)));
}

#[tokio::test]
async fn no_account_has_all_unfinished_uploads_of_the_house() {
    let house = TestHouse::with(|config| config.uploads_open_of_account_max = 2).await;
    house.account("anna", None).await;
    for _ in 0..2 {
        house.control.create_upload(of("anna", Some(1))).await.unwrap();
    }
    let full = house.control.create_upload(of("anna", Some(1))).await;
    assert_eq!(full.unwrap_err(), Error::UploadsFull);
    house.control.create_upload(new(Some(1))).await.unwrap();
    let none = house.control.create_upload(of("nobody", Some(1))).await;
    assert_eq!(none.unwrap_err(), Error::AccountUnknown);
}

#[tokio::test]
async fn an_account_is_deleted_once_it_owns_nothing_or_hands_that_over() {
    let house = TestHouse::open().await;
    let control = &house.control;
    let token = house.account("anna", Some(100)).await;
    let film = asset_of(control, Some("anna"), "a", 20).await;
    let going = control.create_upload(of("anna", Some(30))).await.unwrap();
    assert_eq!(control.asset(film.id).await.unwrap().account.as_deref(), Some("anna"));
    let owns = house.admin("DELETE", "/v1/accounts/anna", Value::Null).await;
    assert_eq!((owns.status.as_u16(), owns.code()), (409, "account_owns"));
    assert!(field(&owns.json, "detail").contains("1 assets and 1 uploads"), "{owns:?}");
    assert_eq!(control.who(token.as_bytes()).await.unwrap(), Some(anna()), "nothing has changed");
    let (upload, fence) = lock(control, &going).await;
    let gone = house.admin("DELETE", "/v1/accounts/anna?hand_over=true", Value::Null).await;
    assert_eq!(gone.json["account"], "anna");
    assert_eq!(control.who(token.as_bytes()).await.unwrap(), None);
    assert_eq!(control.asset(film.id).await.unwrap().account, None);
    // What was on its way is the house's when it is there.
    let mut whole = came(&upload, fence, 30);
    whole.upload.stage = Stage::Done;
    (whole.reserved, whole.release) = (0, true);
    whole.asset = Some(super::stored::titled("b"));
    control.change_upload(whole).await.unwrap();
    assert_eq!(control.asset(going.id).await.unwrap().account, None);
    // Who has the name next has nothing of the one before.
    house.account("anna", None).await;
    let told = house.admin("GET", "/v1/accounts/anna", Value::Null).await.json;
    assert_eq!(told["used_bytes"], 0);
    let left = control.create_upload(of("anna", Some(1))).await.unwrap();
    let (left, fence) = lock(control, &left).await;
    let mut over = came(&left, fence, 0);
    (over.upload.stage, over.upload.pieces) = (Stage::Gone, Vec::<Piece>::new());
    control.change_upload(over).await.unwrap();
    let gone = house.admin("DELETE", "/v1/accounts/anna", Value::Null).await;
    assert_eq!(gone.status.as_u16(), 200, "what is only remembered is no hindrance: {gone:?}");
    assert_eq!(control.upload(left.id).await.unwrap().unwrap().account, None);
}

#[tokio::test]
async fn what_was_there_before_accounts_is_the_houses() {
    let house = TestHouse::open().await;
    let film = asset_of(&house.control, None, "a", 20).await;
    let going = house.control.create_upload(new(Some(30))).await.unwrap();
    for sql in [
        "DROP INDEX assets_by_account",
        "DROP INDEX uploads_by_account",
        "ALTER TABLE assets DROP COLUMN account",
        "ALTER TABLE uploads DROP COLUMN account",
        "DROP TABLE accounts",
        "DELETE FROM seaql_migrations WHERE version LIKE '%accounts'",
    ] {
        house.control.house.rows.read().execute_unprepared(sql).await.unwrap();
    }
    let house = house.restart().await;
    let token = house.account("anna", None).await;
    assert_eq!(house.control.asset(film.id).await.unwrap().account, None);
    assert_eq!(house.control.upload(going.id).await.unwrap().unwrap().account, None);
    let listed = house.by(&token, "GET", "/v1/assets", Value::Null).await.json;
    assert_eq!(listed["assets"], json!([]));
}
