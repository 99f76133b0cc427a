//! Expiration, checksum and termination; the quota.

use super::{CHUNK, House, NOW, until};

/// `NOW` and an hour.
const EXPIRES: &str = "Fri, 15 Jan 2027 09:00:00 GMT";

#[tokio::test]
async fn upload_expires_must_be_told_at_creation_and_in_every_patch_response() {
    let house = House::open().await;
    let made = house.tus("POST", "/v1/tus", &[("upload-length", "10")], "").await;
    assert_eq!(made.header("upload-expires"), Some(EXPIRES), "{NOW}");
    let path = made.header("location").unwrap();
    let patched = house.patch(path, 0, "hello").await;
    assert_eq!(patched.header("upload-expires"), Some(EXPIRES));
    // It moves as the upload goes on.
    house.wait(60);
    let patched = house.patch(path, 5, "wor").await;
    assert_eq!(patched.header("upload-expires"), Some("Fri, 15 Jan 2027 09:01:00 GMT"));
    // What is whole does not expire.
    let patched = house.patch(path, 8, "ld").await;
    assert_eq!(patched.header("upload-expires"), None);
}

#[tokio::test]
async fn an_unfinished_upload_expires_and_is_removed() {
    let house = House::open().await;
    house.room.uploads.start_sweeping();
    let path = house.create(&[("upload-length", "10")]).await;
    let whole = house.create(&[("upload-length", "5")]).await;
    house.patch(&path, 0, "hello").await;
    house.patch(&whole, 0, "hello").await;
    let folder = house.file(&path).parent().unwrap().to_owned();
    assert!(folder.is_dir());
    house.wait(3601);
    assert_eq!(house.head(&path).await.status, 410, "before anybody swept");
    let sent = [CHUNK, ("upload-offset", "5")];
    let gone = house.tus("PATCH", &path, &sent, "world").await;
    assert_eq!((gone.status, gone.code().as_str()), (410, "upload_gone"));
    house.room.uploads.sweep_once().await;
    until("its bytes are gone", async || !folder.exists()).await;
    assert_eq!(house.head(&path).await.status, 410);
    assert_eq!(house.bytes(&whole), b"hello", "what is whole stays");
}

#[tokio::test]
async fn checksums_must_be_told_and_have_sha1() {
    let house = House::open().await;
    let told = house.bare("OPTIONS", "/v1/tus", &[], "").await;
    let names = told.header("tus-checksum-algorithm").unwrap();
    assert_eq!(names, "sha1,sha256,md5");
    assert!(names.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b','));
}

#[tokio::test]
async fn a_chunk_must_be_verified_against_its_checksum() {
    let house = House::open().await;
    for sum in [
        "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
        "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
        "md5 XrY7u+Ae7tCTyyK7j1rNww==",
    ] {
        let path = house.create(&[("upload-length", "11")]).await;
        let sent = [CHUNK, ("upload-offset", "0"), ("upload-checksum", sum)];
        let wrong = house.tus("PATCH", &path, &sent, "hello World").await;
        assert_eq!((wrong.status, wrong.code().as_str()), (460, "checksum_mismatch"), "{sum}");
        // It MUST be discarded, and the offset not be updated.
        assert_eq!(house.offset(&path).await, 0);
        let right = house.tus("PATCH", &path, &sent, "hello world").await;
        assert_eq!((right.status, right.header("upload-offset")), (204, Some("11")), "{sum}");
        assert_eq!(house.bytes(&path), b"hello world");
    }
}

#[tokio::test]
async fn a_checksum_that_is_not_known_must_change_nothing() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "11")]).await;
    for (sum, code) in [
        ("crc32 DUoRhQ==", "checksum_unsupported"),
        ("SHA1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", "checksum_unsupported"),
        ("sha1", "checksum_malformed"),
        ("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0", "checksum_malformed"),
        ("sha1 XrY7u+Ae7tCTyyK7j1rNww==", "checksum_malformed"),
    ] {
        let sent = [CHUNK, ("upload-offset", "0"), ("upload-checksum", sum)];
        let refused = house.tus("PATCH", &path, &sent, "hello world").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, code), "{sum}");
    }
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn a_chunk_that_makes_an_upload_is_verified_as_well() {
    let house = House::open().await;
    let sent =
        [CHUNK, ("upload-length", "11"), ("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")];
    let wrong = house.tus("POST", "/v1/tus", &sent, "hello World").await;
    assert_eq!((wrong.status, wrong.header("location")), (460, None));
    assert_eq!(house.tus("POST", "/v1/tus", &sent, "hello world").await.status, 201);
}

#[tokio::test]
async fn termination_must_be_confirmed_with_204() {
    let house = House::open().await;
    let unfinished = house.create(&[("upload-length", "10")]).await;
    let finished = house.create(&[("upload-length", "5")]).await;
    for path in [unfinished, finished] {
        house.patch(&path, 0, "hello").await;
        let folder = house.file(&path).parent().unwrap().to_owned();
        assert_eq!(house.tus("DELETE", &path, &[], "").await.status, 204);
        assert!(!folder.exists(), "its resources are freed");
        assert_eq!(house.head(&path).await.status, 410);
        assert_eq!(house.tus("DELETE", &path, &[], "").await.status, 410);
        let sent = [CHUNK, ("upload-offset", "5")];
        assert_eq!(house.tus("PATCH", &path, &sent, "world").await.status, 410);
    }
    let none = house.tus("DELETE", "/v1/tus/0123456789abcdef", &[], "").await;
    assert_eq!((none.status, none.code().as_str()), (404, "upload_unknown"));
}

#[tokio::test]
async fn the_quota_counts_what_is_there_and_what_is_to_come() {
    let house = House::with(|_, rules| rules.bytes_max = Some(100)).await;
    let first = house.create(&[("upload-length", "60")]).await;
    let refused = house.tus("POST", "/v1/tus", &[("upload-length", "41")], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "quota_exceeded"));
    let second = house.create(&[("upload-length", "5")]).await;
    house.patch(&second, 0, "hello").await;
    // An asset counts as its upload did.
    let refused = house.tus("POST", "/v1/tus", &[("upload-length", "36")], "").await;
    assert_eq!(refused.status, 413);
    // Of unknown length: as it comes.
    let third = house.create(&[("upload-defer-length", "1")]).await;
    house.patch(&third, 0, "0123456789012345678901234567890123").await;
    let sent = [CHUNK, ("upload-offset", "34")];
    let refused = house.tus("PATCH", &third, &sent, "56").await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "quota_exceeded"));
    assert_eq!(house.offset(&third).await, 34);
    house.patch(&third, 34, "5").await;
    let refused = house.tus("POST", "/v1/tus", &[("upload-length", "1")], "").await;
    assert_eq!(refused.status, 413);
    // What is terminated makes room.
    assert_eq!(house.tus("DELETE", &first, &[], "").await.status, 204);
    house.create(&[("upload-length", "60")]).await;
}
