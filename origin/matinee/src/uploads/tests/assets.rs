//! What uploads become: assets, by every way in.

use axum::body::Body;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{CHUNK, House};

impl House {
    async fn rest(&self, method: &str, path: &str, body: serde_json::Value) -> super::Answer {
        let json = [("content-type", "application/json")];
        self.bare(method, path, &json, body.to_string()).await
    }
}

#[tokio::test]
async fn a_whole_upload_is_an_asset_with_what_was_said_of_it() {
    let house = House::open().await;
    // "Der Film" and "film.mp4".
    let said = "title RGVyIEZpbG0=,filename ZmlsbS5tcDQ=";
    let odd = format!("{said},priority aGlnaA==");
    let odd = [("upload-length", "5"), ("upload-metadata", odd.as_str())];
    let odd = house.tus("POST", "/v1/tus", &odd, "").await;
    assert_eq!((odd.status, odd.code().as_str()), (400, "metadata_malformed"));
    let said = format!("{said},keep_hdr aGV2Yw==");
    let path = house.create(&[("upload-length", "5"), ("upload-metadata", &said)]).await;
    let none = house.bare("GET", "/v1/assets", &[], "").await.json();
    assert_eq!(none["assets"], json!([]));
    house.patch(&path, 0, "hello").await;
    let id = path.rsplit('/').next().unwrap();
    let told = house.bare("GET", &format!("/v1/assets/{id}"), &[], "").await.json();
    let expected = json!({
        "asset": id, "title": "Der Film", "description": "", "tags": [], "visibility": "private",
        "is_playable": false, "progress_percent": 0, "state": "probing", "file_name": "film.mp4",
        "kind": "upload", "bytes": 5, "created_at": super::NOW, "priority": "normal",
        "keep_hdr": "hevc"
    });
    assert_eq!(told, expected);
    assert_eq!(house.tus("DELETE", &path, &[], "").await.status, 204);
    let gone = house.bare("GET", &format!("/v1/assets/{id}"), &[], "").await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "asset_unknown"));
}

#[tokio::test]
async fn a_small_file_comes_in_one_request() {
    let house = House::open().await;
    let sent = [("content-length", "5"), ("content-type", "video/mp4")];
    let path = "/v1/assets?title=Der%20Film&file_name=film.mp4";
    let made = house.bare("POST", path, &sent, "hello").await;
    assert_eq!(made.status, 201);
    let asset = made.json();
    assert_eq!((&asset["title"], &asset["bytes"]), (&json!("Der Film"), &json!(5)));
    assert_eq!(house.bytes(asset["asset"].as_str().unwrap()), b"hello");
    // Its length need not be said.
    let made = house.bare("POST", "/v1/assets", &[], "hello").await;
    assert_eq!((made.status, &made.json()["bytes"]), (201, &json!(5)));
    assert_eq!(made.json()["priority"], "normal");
    let made = house.bare("POST", "/v1/assets?priority=urgent", &sent, "hello").await;
    assert_eq!(made.json()["priority"], "urgent");
    let odd = house.bare("POST", "/v1/assets?priority=high", &sent, "hello").await;
    assert_eq!((odd.status, odd.code().as_str()), (400, "query_malformed"));
    assert_eq!(made.json().get("keep_hdr"), None, "unless it is said");
    let made = house.bare("POST", "/v1/assets?keep_hdr=av1", &sent, "hello").await;
    assert_eq!(made.json()["keep_hdr"], "av1");
    let odd = house.bare("POST", "/v1/assets?keep_hdr=h265", &sent, "hello").await;
    assert_eq!((odd.status, odd.code().as_str()), (400, "query_malformed"));
    let said = odd.json()["detail"].as_str().unwrap().to_owned();
    assert!(said.contains("`none`, `hevc`, `av1`"), "{said}");
    let long = house.bare("POST", "/v1/assets", &[("content-length", "1048577")], "x").await;
    assert_eq!((long.status, long.code().as_str()), (413, "upload_too_large"));
    let short = house.bare("POST", "/v1/assets", &[("content-length", "6")], "hello").await;
    assert_eq!((short.status, short.code().as_str()), (400, "body_broke_off"));
    let listed = house.bare("GET", "/v1/assets", &[], "").await.json();
    assert_eq!(listed["assets"].as_array().unwrap().len(), 4, "nothing is left of those");
}

#[tokio::test]
async fn an_asset_is_changed_found_paged_through_and_deleted() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for title in ["One", "Two", "100%25"] {
        let made = house.bare("POST", &format!("/v1/assets?title={title}"), &[], "hello").await;
        ids.push(made.json()["asset"].as_str().unwrap().to_owned());
    }
    let path = format!("/v1/assets/{}", ids[0]);
    let change = json!({
        "title": "Der Himmel", "description": "a\nb", "tags": ["Über", "b", "b"],
        "visibility": "unlisted", "priority": "urgent"
    });
    let changed = house.rest("PATCH", &path, change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    assert_eq!(changed["tags"], json!(["Über", "b"]));
    assert_eq!(changed["priority"], "urgent");
    assert_eq!(house.bare("GET", &path, &[], "").await.json(), changed);
    for (query, found) in [
        ("", vec![2, 1, 0]),
        ("?q=himmel", vec![0]),
        ("?q=%C3%BCBER%20der", vec![0]),
        ("?q=t_o", vec![]),
        ("?q=0%25", vec![2]),
        ("?q=two&state=probing", vec![1]),
        ("?state=uploaded", vec![]),
    ] {
        let listed = house.bare("GET", &format!("/v1/assets{query}"), &[], "").await.json();
        let listed = listed["assets"].as_array().unwrap().clone();
        let listed: Vec<_> = listed.iter().map(|asset| asset["asset"].as_str().unwrap()).collect();
        assert_eq!(listed, found.iter().map(|at| ids[*at].as_str()).collect::<Vec<_>>(), "{query}");
    }
    let first = house.bare("GET", "/v1/assets?limit=2", &[], "").await.json();
    let next = format!("/v1/assets?limit=2&cursor={}", first["next"].as_str().unwrap());
    let last = house.bare("GET", &next, &[], "").await.json();
    assert_eq!((&last["assets"][0]["asset"], last.get("next")), (&json!(ids[0]), None));
    for (wrong, field) in [
        (json!({ "title": "" }), "title"),
        (json!({ "description": "\u{7}" }), "description"),
        (json!({ "tags": ["\n"] }), "tags"),
        (json!({ "tags": vec!["a"; 33] }), "tags"),
    ] {
        let refused = house.rest("PATCH", &path, wrong).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "field_invalid"));
        assert!(refused.json()["detail"].as_str().unwrap().contains(field));
    }
    assert_eq!(house.rest("PATCH", &path, json!({ "state": "x" })).await.status, 400);
    let dropped = house.bare("DELETE", &path, &[], "").await;
    assert_eq!(dropped.json(), json!({ "asset": ids[0], "bytes": 5 }));
    assert!(!house.file(&ids[0]).exists());
    assert_eq!(house.bare("DELETE", &path, &[], "").await.status, 404);
    assert_eq!(house.bare("GET", "/v1/assets/import", &[], "").await.status, 405);
}

/// A server that answers each connection with these bytes; its address.
pub(super) async fn server(answer: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

/// A server that sends everybody elsewhere.
async fn moved_to(url: &str) -> String {
    server(format!(
        "HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ))
    .await
}

#[tokio::test]
async fn a_file_elsewhere_is_fetched() {
    let house = House::open().await;
    let film = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    let there = server(film.to_owned()).await;
    let moved = moved_to(&format!("{there}/film.mp4")).await;
    let made = house.rest("POST", "/v1/assets/import", json!({ "url": moved + "/a.mp4" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let asset = made.json();
    assert_eq!((&asset["title"], &asset["bytes"]), (&json!("a.mp4"), &json!(5)));
    assert_eq!(asset["priority"], "bulk", "unless it is said");
    assert_eq!(house.bytes(asset["asset"].as_str().unwrap()), b"hello");
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhello";
    let cut = server(cut.to_owned()).await;
    let refused = house.rest("POST", "/v1/assets/import", json!({ "url": cut })).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "body_broke_off"));
    let none = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let none = server(none.to_owned()).await;
    let refused = house.rest("POST", "/v1/assets/import", json!({ "url": none })).await;
    assert_eq!((refused.status, refused.code().as_str()), (502, "not_fetched"));
}

#[tokio::test]
async fn nothing_is_fetched_from_a_private_network_however_it_is_named() {
    let judged = |url: String| async move { super::super::import::fetch(&url, false).await.err() };
    let there = server("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_owned()).await;
    let port = there.rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f.1", "0.0.0.0"] {
        let error = judged(format!("http://{host}:{port}/x")).await;
        let error = error.unwrap_or_else(|| panic!("{host} was fetched")).to_string();
        assert!(error.contains("private network"), "{host}: {error}");
    }
    for url in ["file:///etc/passwd", "ftp://h/x", "rtmp://h/x", "http://u:p@h/x", "", "x"] {
        assert!(matches!(
            judged(url.to_owned()).await,
            Some(origin_control::Error::Invalid { field: "url", .. })
        ));
    }
}

#[tokio::test]
async fn nobody_is_sent_on_into_a_private_network() {
    let there = server("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx".to_owned()).await;
    let port = there.rsplit(':').next().unwrap().to_owned();
    let client = super::super::import::client(false).unwrap();
    // The first server stands for one in the world: whoever names it is judged before.
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"] {
        let first = moved_to(&format!("http://{host}:{port}/x")).await;
        let error = client.get(first).send().await.expect_err(host);
        let told = format!("{error:?}");
        assert!(told.contains("private network"), "{host}: {told}");
    }
    let around = moved_to("/again").await;
    let anywhere = super::super::import::client(true).unwrap();
    let error = anywhere.get(around).send().await.expect_err("without end");
    assert!(format!("{error:?}").contains("redirects too often"), "{error:?}");
    let file = moved_to("file:///etc/passwd").await;
    let left = anywhere.get(file).send().await;
    assert!(
        left.is_err() || left.is_ok_and(|answer| answer.status() == 302),
        "a file of this machine"
    );
}

#[tokio::test]
async fn a_body_that_falls_silent_leaves_nothing() {
    let house = House::open().await;
    let broken = futures::stream::iter([
        Ok(bytes::Bytes::from_static(b"hel")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    let refused = house.bare("POST", "/v1/assets", &[], Body::from_stream(broken)).await;
    assert_eq!(refused.code(), "body_broke_off");
    // By the protocol what had come stays.
    let path = house.create(&[("upload-length", "5")]).await;
    let broken = futures::stream::iter([
        Ok(bytes::Bytes::from_static(b"hel")),
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    ]);
    let sent = [("tus-resumable", "1.0.0"), CHUNK, ("upload-offset", "0")];
    let refused = house.bare("PATCH", &path, &sent, Body::from_stream(broken)).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "body_broke_off"));
    assert_eq!(house.offset(&path).await, 3);
    house.patch(&path, 3, "lo").await;
    assert_eq!(house.bytes(&path), b"hello");
}
