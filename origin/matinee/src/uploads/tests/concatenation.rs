//! Concatenation.

use super::{CHUNK, House};

/// Two finished parts.
async fn parts(house: &House) -> (String, String) {
    let partial = ("upload-concat", "partial");
    let metadata = ("upload-metadata", "filename YS5tcDQ=");
    let first = house.create(&[partial, metadata, ("upload-length", "5")]).await;
    let second = house.create(&[partial, ("upload-length", "6")]).await;
    house.patch(&first, 0, "hello").await;
    house.patch(&second, 0, " world").await;
    (first, second)
}

#[tokio::test]
async fn a_final_upload_must_have_its_parts_in_order_and_the_sum_of_their_lengths() {
    let house = House::open().await;
    let (first, second) = parts(&house).await;
    let sent = format!("final;{first} https://house.example{second}");
    let path = house.create(&[("upload-concat", &sent)]).await;
    assert_eq!(house.bytes(&path), b"hello world");
    // After it, offset and length MUST be set and equal; the header MUST be as it was sent.
    let told = house.head(&path).await;
    assert_eq!(told.header("upload-length"), Some("11"));
    assert_eq!(told.header("upload-offset"), Some("11"));
    assert_eq!(told.header("upload-concat"), Some(sent.as_str()));
    // Parts may be used again, in another order.
    let sent = format!("final;{second} {first} {first}");
    let again = house.create(&[("upload-concat", &sent)]).await;
    assert_eq!(house.bytes(&again), b" worldhellohello");
}

#[tokio::test]
async fn head_of_a_partial_upload_must_tell_the_offset_and_that_it_is_partial() {
    let house = House::open().await;
    let path = house.create(&[("upload-concat", "partial"), ("upload-length", "10")]).await;
    for at in [0, 5] {
        let told = house.head(&path).await;
        assert_eq!(told.header("upload-offset"), Some(at.to_string().as_str()));
        assert_eq!(told.header("upload-length"), Some("10"));
        assert_eq!(told.header("upload-concat"), Some("partial"));
        house.patch(&path, at, "hello").await;
    }
}

#[tokio::test]
async fn the_metadata_of_parts_must_not_be_transferred() {
    let house = House::open().await;
    let (first, second) = parts(&house).await;
    let sent = format!("final;{first} {second}");
    let bare = house.create(&[("upload-concat", &sent)]).await;
    assert_eq!(house.head(&bare).await.header("upload-metadata"), None);
    let metadata = ("upload-metadata", "filename Yi5tcDQ=");
    let named = house.create(&[("upload-concat", &sent), metadata]).await;
    assert_eq!(house.head(&named).await.header("upload-metadata"), Some("filename Yi5tcDQ="));
}

#[tokio::test]
async fn patch_of_a_final_upload_must_be_answered_with_403_and_change_nothing() {
    let house = House::open().await;
    let (first, second) = parts(&house).await;
    let path = house.create(&[("upload-concat", &format!("final;{first} {second}"))]).await;
    for at in ["0", "11"] {
        let refused = house.tus("PATCH", &path, &[CHUNK, ("upload-offset", at)], "!").await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "upload_final"));
    }
    assert_eq!(house.bytes(&path), b"hello world");
    assert_eq!((house.bytes(&first), house.bytes(&second)), (b"hello".into(), b" world".into()));
}

#[tokio::test]
async fn a_final_upload_must_have_no_length_of_its_own() {
    let house = House::open().await;
    let (first, second) = parts(&house).await;
    let sent = format!("final;{first} {second}");
    for more in [("upload-length", "11"), ("upload-defer-length", "1")] {
        let refused = house.tus("POST", "/v1/tus", &[("upload-concat", &sent), more], "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "header_malformed"));
    }
    let refused = house.tus("POST", "/v1/tus", &[("upload-concat", &sent), CHUNK], "!").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn upload_concat_must_be_partial_or_final_with_uploads() {
    let house = House::open().await;
    let (first, _) = parts(&house).await;
    let whole = house.create(&[("upload-length", "5")]).await;
    house.patch(&whole, 0, "hello").await;
    let none = "final;/v1/tus/0123456789abcdef".to_owned();
    for wrong in [
        String::new(),
        "final".to_owned(),
        "final;".to_owned(),
        "complete".to_owned(),
        format!("final;{first} elsewhere"),
        format!("final;{whole}"),
        none,
    ] {
        let refused = house.tus("POST", "/v1/tus", &[("upload-concat", &wrong)], "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "concat_malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn parts_that_are_not_finished_are_refused_as_nothing_else_is_announced() {
    let house = House::open().await;
    let told = house.bare("OPTIONS", "/v1/tus", &[], "").await;
    let extensions: Vec<&str> = told.header("tus-extension").unwrap().split(',').collect();
    assert!(extensions.contains(&"concatenation"));
    assert!(!extensions.contains(&"concatenation-unfinished"));
    let path = house.create(&[("upload-concat", "partial"), ("upload-length", "10")]).await;
    house.patch(&path, 0, "hello").await;
    let sent = format!("final;{path}");
    let refused = house.tus("POST", "/v1/tus", &[("upload-concat", &sent)], "").await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "concat_malformed"));
}

#[tokio::test]
async fn parts_expire_and_do_not_become_assets() {
    let house = House::open().await;
    let (first, second) = parts(&house).await;
    let path = house.create(&[("upload-concat", &format!("final;{first} {second}"))]).await;
    let listed = house.bare("GET", "/v1/assets", &[], "").await.json();
    let names: Vec<&str> =
        listed["assets"].as_array().unwrap().iter().map(|a| a["asset"].as_str().unwrap()).collect();
    assert_eq!(names, [path.rsplit('/').next().unwrap()]);
    house.wait(3601);
    house.room.uploads.sweep_once().await;
    assert!(!house.file(&first).exists() && !house.file(&second).exists());
    assert_eq!(house.bytes(&path), b"hello world");
}
