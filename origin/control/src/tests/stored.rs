//! Uploads and assets as rows, on whichever database the tests run.

use serde_json::{Value, json};
use shared_wire::api::{AssetState, MediaInfo, Priority};
use shared_wire::upload::{NewAsset, Piece, Quota, Stage, Upload};

use crate::testing::{NOW, TestHouse};
use crate::{Control, Error, NewUpload, UploadChange, UploadLock};

pub(super) fn new(length: Option<u64>) -> NewUpload {
    NewUpload { account: None, length, metadata: None, concat: None, expires_s: 60 }
}

pub(super) async fn lock(control: &Control, upload: &Upload) -> (Upload, i64) {
    match control.lock_upload(upload.id).await.unwrap() {
        UploadLock::Have(upload, fence, is_fresh) => {
            assert!(!is_fresh, "no other node has it");
            (upload, fence)
        }
        other => panic!("{other:?}"),
    }
}

/// What a holder says when so many bytes have come.
pub(super) fn came(upload: &Upload, fence: i64, bytes: u64) -> UploadChange {
    let upload = Upload { pieces: vec![Piece { fence, bytes }], ..upload.clone() };
    UploadChange { upload, fence, reserved: bytes, release: false, asset: None }
}

/// What is said of an asset of this title.
pub(super) fn titled(title: &str) -> NewAsset {
    NewAsset {
        title: title.to_owned(),
        file_name: None,
        priority: Priority::Normal,
        keep_hdr: None,
    }
}

async fn asset(control: &Control, title: &str, bytes: u64) -> Upload {
    asset_of(control, None, title, bytes).await
}

/// An upload of these bytes that has become an asset of this title, and of this account.
pub(crate) async fn asset_of(
    control: &Control,
    account: Option<&str>,
    title: &str,
    bytes: u64,
) -> Upload {
    let account = account.map(str::to_owned);
    let upload = NewUpload { account, ..new(Some(bytes)) };
    let upload = control.create_upload(upload).await.unwrap();
    let (upload, fence) = lock(control, &upload).await;
    let mut change = came(&upload, fence, bytes);
    change.upload.stage = Stage::Done;
    (change.reserved, change.release) = (0, true);
    change.asset = Some(titled(title));
    assert_eq!(control.change_upload(change).await.unwrap(), Some(false));
    upload
}

#[tokio::test]
async fn an_upload_is_changed_by_its_holder_alone_and_is_there_after_a_restart() {
    let house = TestHouse::open().await;
    let made = house.control.create_upload(new(Some(9))).await.unwrap();
    let (upload, old) = lock(&house.control, &made).await;
    assert_eq!((upload.offset(), upload.expires_at), (0, NOW + 60));
    house.control.change_upload(came(&upload, old, 4)).await.unwrap();
    let house = house.restart().await;
    let (upload, fence) = lock(&house.control, &made).await;
    assert_eq!((upload.offset(), fence), (4, old + 1));
    assert_eq!(house.control.change_upload(came(&upload, old, 9)).await.unwrap(), None);
    assert_eq!(house.control.upload(made.id).await.unwrap().unwrap().offset(), 4);
    let none = shared_wire::AssetId::from_bytes([0; 10]);
    assert_eq!(house.control.lock_upload(none).await.unwrap(), UploadLock::Unknown);
    assert_eq!(house.control.upload(none).await.unwrap(), None);
}

#[tokio::test]
async fn the_quota_is_of_what_is_there_and_what_is_to_come() {
    let house = TestHouse::with(|config| {
        (config.uploads_bytes_max, config.uploads_open_max) = (Some(100), 3);
    })
    .await;
    let control = &house.control;
    asset(control, "a", 40).await;
    let known = control.create_upload(new(Some(50))).await.unwrap();
    let full = control.create_upload(new(Some(11))).await;
    assert_eq!(full.unwrap_err(), Error::QuotaExceeded(Quota::House { max: 100, left: 10 }));
    let grows = control.create_upload(new(None)).await.unwrap();
    let (upload, fence) = lock(control, &grows).await;
    assert_eq!(control.change_upload(came(&upload, fence, 10)).await.unwrap(), Some(false));
    let full = control.change_upload(came(&upload, fence, 11)).await;
    assert_eq!(full.unwrap_err(), Error::QuotaExceeded(Quota::House { max: 100, left: 10 }));
    control.create_upload(new(Some(0))).await.unwrap();
    assert_eq!(control.create_upload(new(Some(0))).await.unwrap_err(), Error::UploadsFull);
    // What is gone makes room.
    let (upload, fence) = lock(control, &known).await;
    let mut gone = came(&upload, fence, 0);
    gone.upload.stage = Stage::Gone;
    control.change_upload(gone).await.unwrap();
    control.create_upload(new(Some(50))).await.unwrap();
}

#[tokio::test]
async fn what_expired_is_due_and_what_ended_is_forgotten_later() {
    let house = TestHouse::open().await;
    let control = &house.control;
    let upload = control.create_upload(new(Some(9))).await.unwrap();
    assert_eq!(control.uploads_due().await.unwrap(), []);
    house.wait(60);
    assert_eq!(control.uploads_due().await.unwrap(), [upload.id]);
    let (held, fence) = lock(control, &upload).await;
    assert_eq!(control.uploads_due().await.unwrap(), [], "somebody sees to it");
    let mut gone = came(&held, fence, 0);
    (gone.upload.stage, gone.release) = (Stage::Gone, true);
    control.change_upload(gone).await.unwrap();
    assert_eq!(control.uploads_due().await.unwrap(), []);
    assert_eq!(control.upload(upload.id).await.unwrap().unwrap().stage, Stage::Gone);
    house.wait(8 * 24 * 3600);
    assert_eq!(control.uploads_due().await.unwrap(), []);
    assert_eq!(control.upload(upload.id).await.unwrap(), None);
}

#[tokio::test]
async fn assets_are_looked_into_once_and_found_by_what_is_said_of_them() {
    let house = TestHouse::open().await;
    let control = &house.control;
    let film = asset(control, "Über 100% _Film_", 5).await;
    let list = asset(control, "List", 6).await;
    assert_eq!(control.next_to_probe(60_000).await.unwrap(), Some(film.id));
    assert_eq!(control.next_to_probe(0).await.unwrap(), Some(list.id));
    assert_eq!(control.next_to_probe(60_000).await.unwrap(), Some(list.id), "nobody has it");
    assert_eq!(control.next_to_probe(60_000).await.unwrap(), None);
    let media = MediaInfo {
        container: "mov".to_owned(),
        duration_ms: 1,
        bits_per_s: 2,
        streams: Vec::new(),
        chapters: Vec::new(),
    };
    control.probed(film.id, Ok(media.clone())).await.unwrap();
    control.probed(list.id, Err("it is a playlist".to_owned())).await.unwrap();
    let told = control.asset(film.id).await.unwrap();
    assert_eq!((told.state, told.media, told.bytes), (AssetState::Uploaded, Some(media), 5));
    let told = control.asset(list.id).await.unwrap();
    assert_eq!((told.state, told.bytes), (AssetState::Refused, 0));
    assert_eq!(told.reason.as_deref(), Some("it is a playlist"));
    for (query, found) in [
        ("q=%C3%9CBER%20film", 1),
        ("q=100%25", 1),
        ("q=1_0", 0),
        ("q=_film_", 1),
        ("q=%5C", 0),
        ("state=refused", 1),
        ("state=probing", 0),
    ] {
        let path = format!("/v1/assets?{query}");
        let listed = house.admin("GET", &path, Value::Null).await.json;
        assert_eq!(listed["assets"].as_array().unwrap().len(), found, "{query}");
    }
    // Nobody has their bytes here: they are not deleted, and neither is what is known of them.
    let path = format!("/v1/assets/{}", film.id);
    let refused = house.admin("DELETE", &path, Value::Null).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "stopping"));
    let changed = house.admin("PATCH", &path, json!({ "visibility": "public" })).await;
    assert_eq!(changed.json["visibility"], "public");
}
