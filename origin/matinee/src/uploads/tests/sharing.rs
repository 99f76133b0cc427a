//! One upload, several who want it: requests of one node, nodes, processes that stood still.

use std::time::Duration;

use axum::body::{Body, Bytes};
use origin_control::{UploadChange, UploadLock};
use shared_wire::upload::{Piece, Upload};
use tokio::sync::mpsc;

use super::{CHUNK, House, until};

/// A body that comes when it is told to.
fn slow() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(4);
    let body = futures::stream::poll_fn(move |context| {
        receiver.poll_recv(context).map(|bytes| bytes.map(Ok::<_, std::io::Error>))
    });
    (sender, Body::from_stream(body))
}

#[tokio::test]
async fn who_comes_back_takes_over_from_a_request_that_hangs() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "11")]).await;
    let (sender, body) = slow();
    let sent = [("tus-resumable", "1.0.0"), CHUNK, ("upload-offset", "0")];
    let hanging = house.bare("PATCH", &path, &sent, body);
    let coming_back = async {
        sender.send(Bytes::from_static(b"hello")).await.unwrap();
        // The other request has it once it has read all there is.
        until("it is read", async || sender.capacity() == sender.max_capacity()).await;
        house.offset(&path).await
    };
    let (hung, offset) = tokio::join!(hanging, coming_back);
    assert_eq!((hung.status, hung.code().as_str()), (423, "upload_taken_over"));
    assert_eq!(offset, 5, "what had come is kept");
    house.patch(&path, 5, " world").await;
    assert_eq!(house.bytes(&path), b"hello world");
}

#[tokio::test]
async fn a_house_that_stops_keeps_what_has_come() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "11")]).await;
    let (sender, body) = slow();
    let sent = [("tus-resumable", "1.0.0"), CHUNK, ("upload-offset", "0")];
    let going = house.bare("PATCH", &path, &sent, body);
    let stopping = async {
        sender.send(Bytes::from_static(b"hello")).await.unwrap();
        until("it is read", async || sender.capacity() == sender.max_capacity()).await;
        house.stop.cancel();
    };
    let (stopped, ()) = tokio::join!(going, stopping);
    assert_eq!((stopped.status, stopped.code().as_str()), (503, "stopping"));
    assert_eq!(stopped.header("retry-after"), Some("1"));
    assert_eq!(house.offset(&path).await, 5);
}

/// What a holder says.
fn said(upload: &Upload, fence: i64, bytes: u64, release: bool) -> UploadChange {
    let pieces = vec![Piece { fence, bytes }];
    let upload = Upload { pieces, ..upload.clone() };
    UploadChange { upload, fence, reserved: 11, release, asset: None }
}

#[tokio::test]
async fn a_holder_that_was_given_up_changes_nothing_any_more() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "11")]).await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    let UploadLock::Have(upload, old, _) = house.control.lock_upload(id).await.unwrap() else {
        panic!("nobody has it");
    };
    assert_eq!(
        house.control.change_upload(said(&upload, old, 3, false)).await.unwrap(),
        Some(false)
    );
    let UploadLock::Have(seen, new, _) = house.control.lock_upload(id).await.unwrap() else {
        panic!("requests of one process take turns elsewhere");
    };
    assert!(new > old);
    assert_eq!(seen.offset(), 3);
    for release in [false, true] {
        let late = said(&upload, old, 9, release);
        assert_eq!(house.control.change_upload(late).await.unwrap(), None);
    }
    assert_eq!(house.control.upload(id).await.unwrap().unwrap().offset(), 3);
    let kept = house.control.change_upload(said(&upload, new, 5, true)).await.unwrap();
    assert_eq!(kept, Some(false));
}

#[tokio::test]
async fn an_upload_that_a_killed_process_left_whole_is_finished_by_the_next() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    house.tus("PATCH", &path, &[CHUNK, ("upload-offset", "0")], "hell").await;
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    // It wrote the last byte, counted it, and was killed before it made one file of it.
    let UploadLock::Have(mut upload, fence, _) = house.control.lock_upload(id).await.unwrap()
    else {
        panic!("nobody has it");
    };
    let piece = upload.pieces.last_mut().unwrap();
    house.put_piece(&path, piece.fence, "hello");
    piece.bytes = 5;
    let change = UploadChange { upload, fence, reserved: 5, release: false, asset: None };
    house.control.change_upload(change).await.unwrap();
    let house = house.restart().await;
    assert_eq!(house.offset(&path).await, 5);
    assert_eq!(house.bytes(&path), b"hello");
    let listed = house.bare("GET", "/v1/assets", &[], "").await.json();
    assert_eq!(listed["assets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn many_who_patch_at_once_make_one_file() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "300")]).await;
    let one = |name: &'static str| {
        let (house, path) = (&house, &path);
        async move {
            let mut taken = 0_u64;
            loop {
                let told = house.head(path).await;
                let at = told.header("upload-offset").map(str::to_owned);
                match at.as_deref() {
                    Some("300") => return taken,
                    Some(at) => {
                        let sent = [CHUNK, ("upload-offset", at)];
                        let patched = house.tus("PATCH", path, &sent, name).await;
                        assert!([204, 409, 423].contains(&patched.status), "{patched:?}");
                        taken += u64::from(patched.status == 204);
                    }
                    None => assert_eq!(told.status, 423, "{told:?}"),
                }
            }
        }
    };
    let all = async { tokio::join!(one("aaa"), one("bbb"), one("ccc")) };
    let (a, b, c) = tokio::time::timeout(Duration::from_secs(60), all).await.expect("an end");
    assert_eq!(a + b + c, 100, "each chunk was taken once");
    let bytes = house.bytes(&path);
    let whole = bytes.chunks(3).all(|chunk| [b"aaa", b"bbb", b"ccc"].iter().any(|t| *t == chunk));
    assert!(whole && bytes.len() == 300, "no chunk was torn");
}
