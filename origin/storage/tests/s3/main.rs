//! The bucket on two S3 servers, directly and behind a proxy on which things go wrong.

#[path = "../../../../tests/bucket/proxy.rs"]
#[allow(dead_code, reason = "whole houses use what this does not")]
mod proxy;
#[path = "../../../../tests/bucket/server.rs"]
#[allow(dead_code, reason = "whole houses use what this does not")]
mod server;

use bytes::Bytes;
use origin_storage::{Encryption, S3, S3Config};
use shared_media::{Bucket as _, BucketFailure, PIECE_BYTES_MIN};

use crate::proxy::{Fault, Proxy};
use crate::server::{BUCKET, CREDENTIALS, Kind, Server};

const KINDS: [Kind; 2] = [Kind::Moto, Kind::S3rver];
const OBJECT_MAX: usize = 64 << 20;

/// The secret is told as everywhere: by a file of the profile that the environment names. Tests must not change their
/// own environment, so each runs itself anew within one.
fn with_credentials(test: &str) -> bool {
    if std::env::var_os(CREDENTIALS[0].0).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("a test knows its own path");
    let mut again = std::process::Command::new(program);
    let status = again.args(["--exact", test, "--nocapture"]).envs(CREDENTIALS).status();
    assert!(status.expect("it runs").success(), "{test}");
    false
}

async fn bucket(endpoint: String) -> S3 {
    let config = S3Config {
        bucket: BUCKET.to_owned(),
        prefix: "house/".to_owned(),
        endpoint: Some(endpoint),
        path_style: true,
        encryption: Some(Encryption::Aes256),
        tags: Some("class=recording".to_owned()),
        ..S3Config::default()
    };
    S3::open(config).await
}

/// Bytes that differ from place to place.
fn content(len: usize) -> Bytes {
    (0..len).map(|at| u8::try_from(at / 251 % 256).expect("a byte") ^ (at % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_put_is_had_in_whole_and_in_ranges_listed_and_deleted() {
    if !with_credentials("what_was_put_is_had_in_whole_and_in_ranges_listed_and_deleted") {
        return;
    }
    for kind in KINDS {
        let server = Server::with_bucket(kind).await;
        let proxy = Proxy::before(server.address).await;
        let s3 = bucket(proxy.url()).await;
        let small = content(70_000);
        s3.put("show/720p/e/s0.m4s", small.clone()).await.expect("put");
        let put = proxy.seen().pop().expect("a request");
        let header = |name: &str| put.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(put.target.split('?').next(), Some("/films/house/show/720p/e/s0.m4s"));
        assert_eq!(header("x-amz-server-side-encryption"), Some("AES256"));
        assert_eq!(header("x-amz-tagging"), Some("class=recording"));
        assert_eq!(header("content-type"), Some("video/mp4"));
        assert!(header("x-amz-checksum-crc32").is_some(), "{kind:?}: {:?}", put.headers);
        assert!(header("authorization").is_some_and(|text| text.contains("AWS4-HMAC-SHA256")));

        let whole = s3.get("show/720p/e/s0.m4s", None, OBJECT_MAX).await.expect("get");
        assert_eq!(whole, Some(small.clone()), "{kind:?}");
        let range = s3.get("show/720p/e/s0.m4s", Some(100..5000), OBJECT_MAX).await.expect("get");
        assert_eq!(range, Some(small.slice(100..5000)), "{kind:?}");
        let absent = s3.get("show/720p/e/s1.m4s", None, OBJECT_MAX).await.expect("an answer");
        assert_eq!(absent, None, "{kind:?}");
        let large = s3.get("show/720p/e/s0.m4s", None, 69_999).await.expect_err("too large");
        assert_eq!(large.failure, BucketFailure::Damaged);

        for n in 0..3 {
            s3.put(&format!("other/{n}"), Bytes::from_static(b"x")).await.expect("put");
        }
        let page = s3.list("other/", Some("other/0")).await.expect("a list");
        let keys: Vec<_> = page.objects.iter().map(|one| one.key.as_str()).collect();
        assert_eq!((keys, page.more), (vec!["other/1", "other/2"], false), "{kind:?}");
        assert!(page.objects[0].bytes == 1 && page.objects[0].at_s > 1_700_000_000);
        let all = ["other/0", "other/1", "other/2", "other/none"].map(str::to_owned);
        s3.delete(all.to_vec()).await.expect("deleted");
        assert!(s3.list("other/", None).await.expect("a list").objects.is_empty(), "{kind:?}");
        assert_eq!(s3.list("show/", None).await.expect("a list").objects.len(), 1);
    }
}

#[tokio::test]
async fn a_large_object_comes_in_pieces_of_which_nothing_is_left_if_one_fails() {
    if !with_credentials("a_large_object_comes_in_pieces_of_which_nothing_is_left_if_one_fails") {
        return;
    }
    for kind in KINDS {
        let server = Server::with_bucket(kind).await;
        let proxy = Proxy::before(server.address).await;
        let s3 = bucket(proxy.url()).await;
        let large = content(12 << 20);
        s3.put("film.mp4", large.clone()).await.expect("put");
        let pieces = proxy.seen().iter().filter(|one| one.target.contains("partNumber=")).count();
        assert_eq!(pieces, 2, "{kind:?}");
        let tail = s3.get("film.mp4", Some(8_000_000..12_582_912), OBJECT_MAX).await;
        assert_eq!(tail.expect("get"), Some(large.slice(8_000_000..)), "{kind:?}");

        // The begin is heard, the first piece too, the second is not.
        proxy.faults(&[Fault::None, Fault::None, Fault::Error, Fault::None]);
        let failed = s3.put("other.mp4", large.clone()).await.expect_err("a piece failed");
        assert_eq!(failed.failure, BucketFailure::Busy, "{failed}");
        let last = proxy.seen().pop().expect("a request");
        assert!(last.method == "DELETE" && last.target.contains("uploadId="), "{last:?}");
        proxy.faults(&[Fault::None]);
        assert_eq!(s3.get("other.mp4", None, OBJECT_MAX).await.expect("an answer"), None);

        // By hand, as whoever takes an object piece by piece does: its end is heard of at the second try.
        let upload = s3.begin("upload").await.expect("begun");
        let mut pieces = Vec::new();
        for (number, piece) in [(1, large.slice(..PIECE_BYTES_MIN)), (2, large.slice(..9))] {
            pieces.push(s3.piece("upload", &upload, number, piece).await.expect("taken"));
        }
        proxy.faults(&[Fault::Unheard, Fault::None]);
        let unheard = s3.complete("upload", &upload, pieces.clone()).await.expect_err("unheard");
        assert_eq!(unheard.failure, BucketFailure::Unreachable, "{unheard}");
        proxy.faults(&[Fault::None]);
        let again = s3.complete("upload", &upload, pieces).await;
        // s3rver has no word for an upload that it does not know any more, and says 500.
        assert!(again.is_ok() || kind == Kind::S3rver, "it was completed before: {again:?}");
        let end = PIECE_BYTES_MIN as u64;
        let tail = s3.get("upload", Some(end..end + 9), OBJECT_MAX).await.expect("get");
        assert_eq!(tail, Some(large.slice(..9)), "{kind:?}");
        let aborted = s3.abort("upload", &upload).await;
        // s3rver does not know how to abort.
        assert!(aborted.is_ok() || kind == Kind::S3rver, "there is nothing to abort: {aborted:?}");
    }
}

#[tokio::test]
async fn failures_are_told_apart_and_bodies_are_whole_or_none() {
    if !with_credentials("failures_are_told_apart_and_bodies_are_whole_or_none") {
        return;
    }
    for kind in KINDS {
        let server = Server::with_bucket(kind).await;
        let proxy = Proxy::before(server.address).await;
        let s3 = bucket(proxy.url()).await;
        let bytes = content(40_000);
        for (fault, failure) in [
            (Fault::Error, BucketFailure::Busy),
            (Fault::Reset, BucketFailure::Unreachable),
            (Fault::Unheard, BucketFailure::Unreachable),
        ] {
            proxy.faults(&[fault]);
            let failed = s3.put("key", bytes.clone()).await.expect_err("told");
            assert_eq!(failed.failure, failure, "{kind:?} {fault:?}: {failed}");
            assert!(!failed.reason.contains(CREDENTIALS[1].1), "{failed}");
        }
        proxy.faults(&[Fault::Slow]);
        let slow = s3.get("key", None, OBJECT_MAX).await.expect("the unheard one was done");
        assert_eq!(slow, Some(bytes), "{kind:?}");
        proxy.faults(&[Fault::Torn]);
        let torn = s3.get("key", None, OBJECT_MAX).await.expect_err("half an object is none");
        assert!(
            matches!(torn.failure, BucketFailure::Unreachable | BucketFailure::Damaged),
            "{kind:?}: {torn}"
        );
        let nowhere = S3Config { bucket: "elsewhere".into(), ..config_of(&proxy) };
        proxy.faults(&[Fault::None]);
        let refused = S3::open(nowhere).await.put("key", Bytes::new()).await;
        let refused = refused.expect_err("there is no such bucket");
        assert_eq!(refused.failure, BucketFailure::Refused, "{kind:?}: {refused}");
    }
}

fn config_of(proxy: &Proxy) -> S3Config {
    S3Config { endpoint: Some(proxy.url()), path_style: true, ..S3Config::default() }
}
