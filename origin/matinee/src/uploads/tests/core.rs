//! The core protocol.

use super::{CHUNK, House};

#[tokio::test]
async fn upload_offset_must_be_a_non_negative_integer() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for wrong in ["-1", "1.0", "", "x", "0x0", "+0", "18446744073709551616"] {
        let refused = house.tus("PATCH", &path, &[CHUNK, ("upload-offset", wrong)], "hello").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "header_malformed"), "{wrong}");
    }
    assert_eq!(house.tus("PATCH", &path, &[CHUNK], "hello").await.status, 400);
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn upload_length_must_be_a_non_negative_integer() {
    let house = House::open().await;
    for wrong in ["-1", "1.5", "", "five", "18446744073709551616"] {
        let refused = house.tus("POST", "/v1/tus", &[("upload-length", wrong)], "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "header_malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn options_must_tell_versions_extensions_and_the_largest_size() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for path in ["/v1/tus", path.as_str()] {
        // Tus-Resumable MUST be ignored.
        for headers in [&[][..], &[("tus-resumable", "0.2.2")]] {
            let told = house.bare("OPTIONS", path, headers, "").await;
            assert_eq!(told.status, 204);
            assert_eq!(told.header("tus-version"), Some("1.0.0"));
            assert_eq!(told.header("tus-max-size"), Some("1048576"));
            assert_eq!(
                told.header("tus-extension"),
                Some(
                    "creation,creation-with-upload,creation-defer-length,expiration,checksum,\
                     termination,concatenation"
                )
            );
        }
    }
    // Nobody needs a right to ask, or a browser could not.
    let request = axum::http::Request::builder().method("OPTIONS").uri("/v1/tus");
    let told = house.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(told.status, 204);
}

#[tokio::test]
async fn every_response_must_have_tus_resumable() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    let wrong = [CHUNK, ("upload-offset", "3")];
    let answers = [
        house.tus("POST", "/v1/tus", &[("upload-length", "5")], "").await,
        house.tus("POST", "/v1/tus", &[], "").await,
        house.head(&path).await,
        house.head("/v1/tus/0123456789abcdef").await,
        house.tus("PATCH", &path, &wrong, "hello").await,
        house.patch(&path, 0, "hello").await,
        house.tus("DELETE", &path, &[], "").await,
        house.tus("PUT", &path, &[], "").await,
    ];
    let statuses = answers.iter().map(|answer| answer.status).collect::<Vec<_>>();
    assert_eq!(statuses, [201, 400, 200, 404, 409, 204, 204, 405]);
    for answer in answers {
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_spoken_must_be_answered_with_412_and_not_processed() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for version in [&[][..], &[("tus-resumable", "0.2.2")], &[("tus-resumable", "1.0.1")]] {
        let with = |more: &[(&'static str, &'static str)]| [version, more].concat();
        let chunk = with(&[CHUNK, ("upload-offset", "0"), ("content-length", "5")]);
        for refused in [
            house.bare("PATCH", &path, &chunk, "hello").await,
            house.bare("POST", "/v1/tus", &with(&[("upload-length", "5")]), "").await,
            house.bare("DELETE", &path, version, "").await,
            house.bare("HEAD", &path, version, "").await,
        ] {
            assert_eq!(refused.status, 412);
            assert_eq!(refused.header("tus-version"), Some("1.0.0"));
            assert_eq!(refused.header("upload-offset"), None);
            assert_eq!(refused.header("location"), None);
        }
    }
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn x_http_method_override_must_be_interpreted_and_the_actual_method_ignored() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    let patch = ("x-http-method-override", "PATCH");
    let sent = [patch, CHUNK, ("upload-offset", "0")];
    let taken = house.tus("POST", &path, &sent, "hel").await;
    assert_eq!((taken.status, taken.header("upload-offset")), (204, Some("3")));
    let sent = [patch, CHUNK, ("upload-offset", "3")];
    assert_eq!(house.tus("DELETE", &path, &sent, "lo").await.status, 204);
    assert_eq!(house.bytes(&path), b"hello");
    let gone = house.tus("PATCH", &path, &[("x-http-method-override", "DELETE")], "").await;
    assert_eq!(gone.status, 204);
    assert_eq!(house.head(&path).await.status, 410);
}

#[tokio::test]
async fn head_must_tell_the_offset_and_the_length_and_forbid_caching() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for (at, more) in [(0, "hel"), (3, "lo"), (5, "")] {
        let told = house.head(&path).await;
        assert_eq!(told.status, 200);
        assert_eq!(told.header("upload-offset"), Some(at.to_string().as_str()));
        assert_eq!(told.header("upload-length"), Some("5"));
        assert_eq!(told.header("upload-defer-length"), None);
        assert_eq!(told.header("cache-control"), Some("no-store"));
        house.patch(&path, at, more).await;
    }
    let none = house.head("/v1/tus/0123456789abcdef").await;
    assert_eq!((none.status, none.header("upload-offset")), (404, None));
    assert_eq!(house.head("/v1/tus/no-id").await.status, 404);
}

#[tokio::test]
async fn patch_at_another_offset_must_be_answered_with_409_and_change_nothing() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "10")]).await;
    house.patch(&path, 0, "hello").await;
    for at in ["0", "4", "6", "10"] {
        let refused = house.tus("PATCH", &path, &[CHUNK, ("upload-offset", at)], "XXXX").await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "offset_conflict"));
    }
    assert_eq!(house.offset(&path).await, 5);
    house.patch(&path, 5, "world").await;
    assert_eq!(house.bytes(&path), b"helloworld");
}

#[tokio::test]
async fn patch_must_be_acknowledged_with_204_and_the_sum_of_offset_and_bytes() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "11")]).await;
    let first = house.patch(&path, 0, "hello").await;
    assert_eq!(first.header("upload-offset"), Some("5"));
    let second = house.patch(&path, 5, " ").await;
    assert_eq!(second.header("upload-offset"), Some("6"));
    let third = house.patch(&path, 6, "world").await;
    assert_eq!(third.header("upload-offset"), Some("11"));
    assert_eq!(house.bytes(&path), b"hello world");
}

#[tokio::test]
async fn patch_must_be_labelled_as_a_chunk() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for kind in ["application/octet-stream", "text/plain", ""] {
        let sent = [("content-type", kind), ("upload-offset", "0")];
        let refused = house.tus("PATCH", &path, &sent, "hello").await;
        assert_eq!((refused.status, refused.code().as_str()), (415, "chunk_type_wrong"));
    }
    let none = "/v1/tus/0123456789abcdef";
    assert_eq!(
        house.tus("PATCH", none, &[CHUNK, ("upload-offset", "0")], "hello").await.status,
        404
    );
}

#[tokio::test]
async fn a_chunk_beyond_the_end_is_refused_whether_its_length_is_said_or_not() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    let said = house.tus("PATCH", &path, &[CHUNK, ("upload-offset", "0")], "hello!").await;
    assert_eq!((said.status, said.code().as_str()), (413, "chunk_too_long"));
    assert_eq!(house.offset(&path).await, 0);
    let sent = [("tus-resumable", "1.0.0"), CHUNK, ("upload-offset", "0")];
    let unsaid = house.bare("PATCH", &path, &sent, "hello!").await;
    assert_eq!((unsaid.status, unsaid.code().as_str()), (413, "chunk_too_long"));
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn nobody_uploads_without_the_administrators_credential() {
    let house = House::open().await;
    let path = house.create(&[("upload-length", "5")]).await;
    for credential in ["", "Bearer", "Bearer x", "Basic x", "x"] {
        for (method, path) in
            [("POST", "/v1/tus"), ("HEAD", &path), ("PATCH", &path), ("DELETE", &path)]
        {
            let request = axum::http::Request::builder().method(method).uri(path);
            let request = request.header("authorization", credential);
            let request = request.header("tus-resumable", "1.0.0").header("upload-length", "5");
            let refused = house.send(request.body(axum::body::Body::empty()).unwrap()).await;
            assert_eq!(refused.status, 401, "{method}");
            assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        }
    }
    assert_eq!(house.offset(&path).await, 0);
}

#[tokio::test]
async fn a_page_from_elsewhere_may_ask_and_read_every_header_of_the_protocol() {
    let house = House::open().await;
    let asked = [("origin", "https://studio.example"), ("access-control-request-method", "PATCH")];
    let told = house.bare("OPTIONS", "/v1/tus", &asked, "").await;
    assert_eq!(told.header("access-control-allow-origin"), Some("*"));
    let methods = told.header("access-control-allow-methods").unwrap();
    assert!(["POST", "PATCH", "HEAD", "DELETE"].iter().all(|method| methods.contains(method)));
    let allowed = told.header("access-control-allow-headers").unwrap();
    for name in ["authorization", "tus-resumable", "upload-offset", "upload-concat", "content-type"]
    {
        assert!(allowed.contains(name), "{name}");
    }
    let made = house.tus("POST", "/v1/tus", &[("upload-length", "5")], "").await;
    let exposed = made.header("access-control-expose-headers").unwrap();
    for name in ["location", "upload-offset", "upload-expires", "tus-resumable"] {
        assert!(exposed.contains(name), "{name}");
    }
}
