//! Viewers who may not, and requests that mean harm.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use reqwest::Client;
use tests::House;
use tests::viewer::{Fetched, fetch, read};

use crate::bystander::Bystander;

#[tokio::test]
async fn viewers_who_may_not_watch_are_told_why() {
    let house = House::start(&[]);
    let bystander = Bystander::on_air(&house).await;
    let other = house.show("Another show");
    let client = Client::new();
    let edge = &house.edge;
    let show = &bystander.show.id;
    let good = &bystander.ticket.playlist_url;
    let token = good.split_once("token=").expect("a token").1.to_owned();
    let forged = format!("{}{}", &token[..token.len() - 6], "AAAAAA");

    let cases = [
        (format!("{edge}/live/{show}/index.m3u8"), 401, "token_missing"),
        (format!("{edge}/live/{show}/index.m3u8?token="), 401, "token_missing"),
        (format!("{edge}/live/{show}/index.m3u8?token=x"), 401, "token_malformed"),
        (format!("{edge}/live/{show}/index.m3u8?token={forged}"), 401, "token_forged"),
        (format!("{edge}/live/{}/index.m3u8?token={token}", other.id), 403, "token_wrong_show"),
        (format!("{edge}/p/AAAA/source/index.m3u8"), 403, "session_malformed"),
        (format!("{edge}/nothing/here"), 404, "not_found"),
    ];
    for (url, status, code) in cases {
        refused(&fetch(&client, &url).await, status, code);
    }
    for (path, code) in [("watch-me", "not_found"), ("0000000000000000", "show_unknown")] {
        let url = format!("{edge}/v1/shows/{path}/state");
        refused(&fetch(&client, &url).await, 404, code);
    }
    let wrong = client
        .post(format!("{edge}/v1/shows/{show}/playback"))
        .json(&serde_json::json!({ "ticket": "tk_nonsense" }))
        .send()
        .await
        .expect("an answer");
    refused(&read(wrong).await, 403, "ticket_unknown");
    bystander.goes_on().await;
    let log = house.log();
    assert!(
        !log.contains(&token) && !log.contains(&bystander.ticket.ticket),
        "no secret in the log"
    );
}

#[tokio::test]
async fn malformed_requests_are_answered_and_forgotten() {
    let house = House::start(&[]);
    let bystander = Bystander::on_air(&house).await;
    let client = Client::new();
    let playlist = bystander.playlist();
    for query in [
        "_HLS_msn=x",
        "_HLS_part=1",
        "_HLS_msn=-1",
        "_HLS_msn=99999999999999999999999",
        "_HLS_msn=999999",
    ] {
        refused(&fetch(&client, &format!("{playlist}?{query}")).await, 400, "bad_directive");
    }
    let session = playlist.split("/p/").nth(1).and_then(|rest| rest.split('/').next());
    let session = session.expect("a session");
    for path in [
        "../../../etc/passwd",
        "%2e%2e/%2e%2e/matinee.db",
        "source/%2fetc%2fpasswd",
        "source//index.m3u8",
    ] {
        // Written by hand: a client library would tidy the path before it sends it.
        let answer = raw(&house.edge, &format!("/p/{session}/{path}"));
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        assert!(!answer.contains("root:"), "{path}");
    }
    let huge = "x".repeat(10_000_000);
    let answer = raw(&house.edge, &format!("/live/{}/index.m3u8?token={huge}", bystander.show.id));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "10 MB: {answer:.200}");
    bystander.goes_on().await;
}

/// Sends one request line as it stands and reads what comes back.
fn raw(edge: &str, target: &str) -> String {
    let address = edge.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the edge is there");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    // The edge may hang up before it has read ten megabytes.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn refused(answer: &Fetched, status: u16, code: &str) {
    let text = answer.text();
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{text}");
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("content-type"), Some("application/problem+json"), "{text}");
    assert_eq!(header("access-control-allow-origin"), Some("*"), "{text}");
    let id = header("x-request-id").expect("a request id");
    assert!(text.contains(id), "the body names the request: {text}");
}
