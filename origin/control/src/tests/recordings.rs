//! Recordings as assets, beside those that were uploaded, on whichever database the tests run.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared_wire::api::{AssetPlan, KeepHdr, MediaInfo, State};
use shared_wire::{AssetId, ShowId};

use crate::testing::{TestHouse, field};
use crate::{Error, Files, FoundRecording, NewFile, NewImport, Reply};

/// Whoever has bytes, and notes what of them it deleted.
#[derive(Default)]
pub(super) struct Noted {
    deleted: Mutex<Vec<ShowId>>,
    /// Whose recording another node has.
    lost: Mutex<Option<ShowId>>,
}

impl Noted {
    pub(super) fn deleted(&self) -> Vec<ShowId> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn loses(&self, show: ShowId) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(show);
    }

    pub(super) fn finds(&self) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Files for Noted {
    fn take(&self, _file: NewFile) -> Reply<'_, AssetId> {
        Box::pin(async { Err(Error::NoFiles) })
    }

    fn import(&self, _: NewImport) -> Reply<'_, AssetId> {
        Box::pin(async { Err(Error::NoFiles) })
    }

    fn plan(&self, _media: &MediaInfo, _keep_hdr: KeepHdr) -> AssetPlan {
        AssetPlan::default()
    }

    fn halt(&self, _asset: AssetId) {}

    fn unmake(&self, _asset: AssetId, _show: ShowId) -> Reply<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn has_recording(&self, show: ShowId) -> bool {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) != Some(show)
    }

    fn has_all_films(&self) -> bool {
        true
    }

    fn delete_recording(&self, show: ShowId) -> Reply<'_, ()> {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).push(show);
        Box::pin(async { Ok(()) })
    }

    fn delete(&self, _asset: AssetId) -> Reply<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A show that is over, of which so much was recorded, and its asset.
pub(super) async fn recorded(house: &TestHouse, title: &str, duration_ms: u64) -> (ShowId, Value) {
    let made = house.show(title).await;
    let show: ShowId = field(&made, "show").parse().unwrap();
    house.control.set_state(show, State::Ended).await.unwrap();
    let found = FoundRecording { show, bytes: 7, started_at: Some(1000), duration_ms };
    house.control.recording_found(found).await.unwrap();
    let listed = house.admin("GET", "/v1/assets?kind=recording", Value::Null).await.json;
    let own = |one: &&Value| one["show"] == show.to_string();
    let asset = listed["assets"].as_array().unwrap().iter().find(own).unwrap();
    (show, asset.clone())
}

#[tokio::test]
async fn a_recording_is_an_asset_with_the_fields_of_any_other() {
    let house = TestHouse::open().await;
    let (show, asset) = recorded(&house, "Opening night", 5000).await;
    let id = field(&asset, "asset");
    for (name, is) in [
        ("kind", json!("recording")),
        ("title", json!("Opening night")),
        ("state", json!("ready")),
        ("is_playable", json!(true)),
        ("visibility", json!("private")),
        ("bytes", json!(7)),
        ("started_at", json!(1000)),
        ("duration_ms", json!(5000)),
        ("tags", json!([])),
    ] {
        assert_eq!(asset[name], is, "{name}");
    }
    assert_eq!(asset.get("cover"), None);
    house.control.set_cover(show).await.unwrap();
    let path = format!("/v1/assets/{id}");
    assert_eq!(house.admin("GET", &path, Value::Null).await.json["cover"], "cover.jpg");

    // The show went on the air again: there is one asset still, and what was said of it stays.
    let said = json!({ "title": "Premiere", "tags": ["jazz"], "visibility": "public" });
    let changed = house.admin("PATCH", &path, said).await.json;
    assert_eq!((&changed["title"], &changed["tags"]), (&json!("Premiere"), &json!(["jazz"])));
    let found = FoundRecording { show, bytes: 9, started_at: Some(1000), duration_ms: 6000 };
    house.control.recording_found(found).await.unwrap();
    for (query, count) in
        [("kind=recording", 1), ("kind=upload", 0), ("q=jazz", 1), ("state=ready&q=premiere", 1)]
    {
        let listed = house.admin("GET", &format!("/v1/assets?{query}"), Value::Null).await.json;
        assert_eq!(listed["assets"].as_array().unwrap().len(), count, "{query}");
    }
    let told = house.admin("GET", &path, Value::Null).await.json;
    assert_eq!((&told["bytes"], &told["duration_ms"]), (&json!(9), &json!(6000)));
    assert_eq!((&told["title"], &told["visibility"]), (&json!("Premiere"), &json!("public")));

    // Its title is what viewers read.
    let watched = house.anybody("GET", &format!("/v1/shows/{show}/state"), Value::Null).await;
    assert_eq!(watched.json["title"], "Premiere");
    let again = house.restart().await;
    let watched = again.anybody("GET", &format!("/v1/shows/{show}/state"), Value::Null).await;
    assert_eq!(watched.json["title"], "Premiere", "also after a restart");
}

#[tokio::test]
async fn nothing_is_made_of_a_recording() {
    let house = TestHouse::open().await;
    let (_, asset) = recorded(&house, "a", 5000).await;
    let path = format!("/v1/assets/{}", field(&asset, "asset"));
    for (method, below) in [("POST", "transcode"), ("POST", "cancel"), ("GET", "plan")] {
        let refused = house.admin(method, &format!("{path}/{below}"), Value::Null).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "asset_is_recording"));
    }
    let refused = house.admin("PUT", &format!("{path}/subtitles/en"), json!("")).await;
    assert_eq!(refused.code(), "asset_is_recording");
}

#[tokio::test]
async fn an_import_is_of_one_thing_that_is_there() {
    let house = TestHouse::open().await;
    let (_, asset) = recorded(&house, "a", 5000).await;
    let both = json!({ "url": "https://h/a.mp4", "asset": field(&asset, "asset") });
    for (body, status, code) in [
        (both, StatusCode::UNPROCESSABLE_ENTITY, "field_invalid"),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY, "field_invalid"),
        (json!({ "asset": "0123456789abcdef" }), StatusCode::NOT_FOUND, "asset_unknown"),
    ] {
        let refused = house.admin("POST", "/v1/assets/import", body.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{body}");
    }
}

#[tokio::test]
async fn a_recording_is_deleted_with_its_objects_unless_its_show_is_on_the_air() {
    let house = TestHouse::open().await;
    let (show, asset) = recorded(&house, "a", 5000).await;
    let (other, _) = recorded(&house, "b", 5000).await;
    house.control.set_cover(show).await.unwrap();
    let path = format!("/v1/assets/{}", field(&asset, "asset"));
    assert_eq!(house.admin("DELETE", &path, Value::Null).await.code(), "stopping");
    let noted = Arc::new(Noted::default());
    let files: Arc<dyn Files> = noted.clone();
    house.control.set_files(Arc::downgrade(&files));
    house.control.set_state(show, State::Live).await.unwrap();
    assert_eq!(house.admin("DELETE", &path, Value::Null).await.code(), "asset_not_whole");
    assert_eq!(noted.deleted(), []);
    house.control.set_state(show, State::Ended).await.unwrap();
    let gone = house.admin("DELETE", &path, Value::Null).await;
    assert_eq!((gone.status, &gone.json["bytes"]), (StatusCode::OK, &json!(7)));
    assert_eq!(noted.deleted(), [show]);
    assert_eq!(house.admin("GET", &path, Value::Null).await.code(), "asset_unknown");
    let known = house.control.show_state(show).unwrap();
    assert_eq!((known.state, known.cover), (State::Ended, None));
    // Others may delete one, to make room.
    house.control.recording_gone(other).await.unwrap();
    let listed = house.admin("GET", "/v1/assets", Value::Null).await.json;
    assert_eq!(listed["assets"], json!([]));
}

#[tokio::test]
async fn what_is_shown_of_an_asset_can_be_said_and_taken_back() {
    let house = TestHouse::open().await;
    let (show, asset) = recorded(&house, "a", 60_000).await;
    let path = format!("/v1/assets/{}", field(&asset, "asset"));
    let trim = format!("{path}/trim");
    for (said, wrong) in [
        (json!({}), "in_ms"),
        (json!({ "in_ms": 5000, "out_ms": 5000 }), "in_ms"),
        (json!({ "in_ms": 60_000 }), "in_ms"),
        (json!({ "out_ms": 0 }), "in_ms"),
        (json!({ "in_ms": 1, "out_ms": 60_001 }), "out_ms"),
    ] {
        let refused = house.admin("PUT", &trim, said.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, "field_invalid"), "{said}");
        assert!(refused.json["detail"].as_str().unwrap().contains(wrong), "{said}");
    }
    let said = json!({ "in_ms": 1500, "out_ms": 50_000 });
    let told = house.admin("PUT", &trim, said.clone()).await.json;
    assert_eq!((&told["trim"], &told["duration_ms"]), (&said, &json!(48_500)));
    let watched = house.anybody("GET", &format!("/v1/shows/{show}/state"), Value::Null).await;
    assert_eq!(watched.json["trim"], said);
    // Points count from the beginning of the whole, whatever is shown now.
    let told = house.admin("PUT", &trim, json!({ "out_ms": 60_000 })).await.json;
    assert_eq!(told["duration_ms"], 60_000);
    let _ = house.admin("PUT", &trim, said.clone()).await;
    let house = house.restart().await;
    let told = house.admin("GET", &path, Value::Null).await.json;
    assert_eq!((&told["trim"], &told["duration_ms"]), (&said, &json!(48_500)));
    let told = house.admin("DELETE", &trim, Value::Null).await.json;
    assert_eq!((told.get("trim"), &told["duration_ms"]), (None, &json!(60_000)));

    // What is not whole has no end that could be cut, and what is gone has nothing that could be shown.
    house.control.set_state(show, State::Live).await.unwrap();
    assert_eq!(house.admin("PUT", &trim, said.clone()).await.code(), "asset_not_whole");
    house.control.set_state(show, State::Ended).await.unwrap();
    let _ = house.admin("PUT", &trim, said.clone()).await;
    house.control.recording_gone(show).await.unwrap();
    assert_eq!(house.control.show_state(show).unwrap().trim, None, "another is shown in whole");
    assert_eq!(house.admin("PUT", &trim, said).await.code(), "asset_unknown");
}
