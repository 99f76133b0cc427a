//! Creation, with upload and with a deferred length.

use super::{CHUNK, House};

#[tokio::test]
async fn creation_must_be_acknowledged_with_201_and_a_location() {
    let house = House::open().await;
    let made = house.tus("POST", "/v1/tus", &[("upload-length", "100")], "").await;
    assert_eq!(made.status, 201);
    let path = made.header("location").unwrap();
    assert!(path.starts_with("/v1/tus/"), "{path}");
    assert_eq!(house.offset(path).await, 0);
}

#[tokio::test]
async fn creation_must_have_a_length_or_defer_it() {
    let house = House::open().await;
    let both = [("upload-length", "5"), ("upload-defer-length", "1")];
    for wrong in [&[][..], &both] {
        let refused = house.tus("POST", "/v1/tus", wrong, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "header_malformed"));
    }
}

#[tokio::test]
async fn upload_defer_length_must_be_1() {
    let house = House::open().await;
    for wrong in ["0", "2", "true", "", "11"] {
        let refused = house.tus("POST", "/v1/tus", &[("upload-defer-length", wrong)], "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "header_malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn head_must_say_upload_defer_length_until_the_length_is_known() {
    let house = House::open().await;
    let path = house.create(&[("upload-defer-length", "1")]).await;
    house.patch(&path, 0, "hello").await;
    let told = house.head(&path).await;
    assert_eq!(told.header("upload-defer-length"), Some("1"));
    assert_eq!((told.header("upload-length"), told.header("upload-offset")), (None, Some("5")));
    let sent = [CHUNK, ("upload-offset", "5"), ("upload-length", "11")];
    assert_eq!(house.tus("PATCH", &path, &sent, " wor").await.status, 204);
    let told = house.head(&path).await;
    assert_eq!(told.header("upload-defer-length"), None);
    assert_eq!(told.header("upload-length"), Some("11"));
    house.patch(&path, 9, "ld").await;
    assert_eq!(house.bytes(&path), b"hello world");
}

#[tokio::test]
async fn once_set_the_length_must_not_be_changed() {
    let house = House::open().await;
    let deferred = house.create(&[("upload-defer-length", "1")]).await;
    house.patch(&deferred, 0, "hello").await;
    let early = [CHUNK, ("upload-offset", "5"), ("upload-length", "4")];
    assert_eq!(house.tus("PATCH", &deferred, &early, "").await.status, 400);
    let sent = [CHUNK, ("upload-offset", "5"), ("upload-length", "9")];
    assert_eq!(house.tus("PATCH", &deferred, &sent, "").await.status, 204);
    let known = house.create(&[("upload-length", "9")]).await;
    house.patch(&known, 0, "hello").await;
    for path in [&deferred, &known] {
        let sent = [CHUNK, ("upload-offset", "5"), ("upload-length", "6")];
        assert_eq!(house.tus("PATCH", path, &sent, "!").await.status, 400);
        let told = house.head(path).await;
        assert_eq!(told.header("upload-length"), Some("9"));
        assert_eq!(told.header("upload-offset"), Some("5"));
        // The same one is no change.
        let sent = [CHUNK, ("upload-offset", "5"), ("upload-length", "9")];
        assert_eq!(house.tus("PATCH", path, &sent, "!").await.status, 204);
    }
}

#[tokio::test]
async fn a_length_above_the_maximum_must_be_answered_with_413() {
    let house = House::open().await;
    let refused = house.tus("POST", "/v1/tus", &[("upload-length", "1048577")], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "upload_too_large"));
    assert_eq!(house.tus("POST", "/v1/tus", &[("upload-length", "1048576")], "").await.status, 201);
    let path = house.create(&[("upload-defer-length", "1")]).await;
    let sent = [CHUNK, ("upload-offset", "0"), ("upload-length", "1048577")];
    assert_eq!(house.tus("PATCH", &path, &sent, "hello").await.status, 413);
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn head_must_include_the_metadata_as_it_was_sent() {
    let house = House::open().await;
    let sent = "filename d29ybGRfZG9taW5hdGlvbl9wbGFuLnBkZg==,is_confidential";
    let path = house.create(&[("upload-length", "5"), ("upload-metadata", sent)]).await;
    assert_eq!(house.head(&path).await.header("upload-metadata"), Some(sent));
    house.patch(&path, 0, "hello").await;
    assert_eq!(house.head(&path).await.header("upload-metadata"), Some(sent));
    let path = house.create(&[("upload-length", "5")]).await;
    assert_eq!(house.head(&path).await.header("upload-metadata"), None);
}

#[tokio::test]
async fn metadata_must_be_pairs_of_unique_keys_and_base_64() {
    let house = House::open().await;
    for wrong in ["", ",", "a YQ==,a YQ==", "a not-base-64", "a b c", "a YQ==,,b YQ=="] {
        let sent = [("upload-length", "5"), ("upload-metadata", wrong)];
        let refused = house.tus("POST", "/v1/tus", &sent, "").await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "metadata_malformed"),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn creation_with_upload_must_answer_the_offset_after_what_came() {
    let house = House::open().await;
    let sent = [CHUNK, ("upload-length", "11")];
    let made = house.tus("POST", "/v1/tus", &sent, "hello").await;
    assert_eq!((made.status, made.header("upload-offset")), (201, Some("5")));
    let path = made.header("location").unwrap();
    house.patch(path, 5, " world").await;
    assert_eq!(house.bytes(path), b"hello world");
    // All of it at once.
    let made = house.tus("POST", "/v1/tus", &[CHUNK, ("upload-length", "5")], "hello").await;
    assert_eq!((made.status, made.header("upload-offset")), (201, Some("5")));
    assert_eq!(house.bytes(made.header("location").unwrap()), b"hello");
    // Of a length that is not known.
    let made = house.tus("POST", "/v1/tus", &[CHUNK, ("upload-defer-length", "1")], "he").await;
    assert_eq!((made.status, made.header("upload-offset")), (201, Some("2")));
}

#[tokio::test]
async fn a_body_that_makes_an_upload_must_be_labelled_as_a_chunk() {
    let house = House::open().await;
    let sent = [("upload-length", "5"), ("content-type", "text/plain")];
    assert_eq!(house.tus("POST", "/v1/tus", &sent, "hello").await.status, 415);
    let sent = [CHUNK, ("upload-length", "4")];
    let refused = house.tus("POST", "/v1/tus", &sent, "hello").await;
    assert_eq!((refused.status, refused.header("location")), (413, None));
}

#[tokio::test]
async fn an_empty_file_is_whole_at_once() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "0")]).await;
    assert_eq!(house.bytes(&path), b"");
    let told = house.head(&path).await;
    assert_eq!(
        (told.header("upload-offset"), told.header("upload-length")),
        (Some("0"), Some("0"))
    );
}
