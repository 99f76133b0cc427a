//! Who is not served by WHIP is told so, and disturbs nobody.

use std::time::{Duration, Instant};

use origin_ingest::Config;
use shared_media::TrackId;
use str0m::format::Codec;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use crate::stagehand::{House, until};
use crate::whip::caller::{Answer, Caller, pictures, post, request};
use crate::whip::with_whip;

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.body.contains(&format!("\"code\":\"{code}\"")), "{answer:?}");
    let id = answer.header("x-request-id").expect("a request id");
    assert!(answer.body.contains(id), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "pages see why");
}

#[tokio::test]
async fn offers_that_cannot_be_served_are_answered_with_the_reason() {
    let house = House::open(with_whip()).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let good = Caller::new(Codec::H264).await.offer;
    let vp8 = Caller::new(Codec::Vp8).await.offer;
    assert_problem(&post(address, "k3", &good).await, 401, "wrong_key");
    let answer = post(address, "k1", &vp8).await;
    assert_problem(&answer, 406, "unfit_offer");
    assert!(answer.body.contains("has no H264, it has VP8"), "{answer:?}");
    for broken in ["", "hello", "v=0\r\n=\r\n", &good[..good.len() / 2], "v=0\r\ns=-\r\n"] {
        let answer = post(address, "k1", broken).await;
        assert!([400, 406].contains(&answer.status), "{broken}: {answer:?}");
    }
    let receiving = good.replace("a=sendonly", "a=recvonly");
    assert_problem(&post(address, "k1", &receiving).await, 406, "unfit_offer");
    let unsealed: Vec<&str> = good.lines().filter(|at| !at.contains("fingerprint")).collect();
    let answer = post(address, "k1", &(unsealed.join("\r\n") + "\r\n")).await;
    assert_problem(&answer, 400, "malformed_offer");
    let long = format!("{good}{}", "a=x:y\r\n".repeat(20_000));
    assert_problem(&post(address, "k1", &long).await, 413, "too_long");
    assert_eq!(house.airtimes(), []);
    house.close().await;
}

#[tokio::test]
async fn http_is_answered_as_the_standard_has_it() {
    let house = House::open(with_whip()).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let offer = Caller::new(Codec::H264).await.offer;
    let keyless = "POST /whip HTTP/1.1\r\ncontent-type: application/sdp";
    let answer = request(address, keyless, &offer).await;
    assert_problem(&answer, 401, "no_key");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    let json = "POST /whip HTTP/1.1\r\nauthorization: Bearer k1\r\ncontent-type: application/json";
    assert_problem(&request(address, json, "{}").await, 415, "not_sdp");
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let answer = request(address, &format!("{method} /whip HTTP/1.1"), "").await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"), "{method}");
    }
    let patch = "PATCH /whip/x HTTP/1.1\r\nauthorization: Bearer k1";
    assert_problem(&request(address, patch, "").await, 405, "method_not_allowed");
    let end = "DELETE /whip/x HTTP/1.1\r\nauthorization: Bearer k1";
    assert_problem(&request(address, end, "").await, 404, "no_such_session");
    assert_problem(&request(address, "GET / HTTP/1.1", "").await, 404, "not_found");
    let asked = "OPTIONS /whip HTTP/1.1\r\norigin: http://x\r\naccess-control-request-method: POST";
    let answer = request(address, asked, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST, OPTIONS"));
    let headers = answer.header("access-control-allow-headers").unwrap_or_default();
    assert!(headers.contains("Authorization") && headers.contains("Content-Type"), "{headers}");
    assert_eq!(answer.header("accept-post"), Some("application/sdp"));
    house.close().await;
}

#[tokio::test]
async fn one_publisher_has_the_key_and_only_it_ends_its_session() {
    let mut house = House::open(with_whip()).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let mut first = Caller::new(Codec::H264).await;
    let answer = post(address, "k1", &first.offer).await;
    first.connect(&answer).await;
    let second = Caller::new(Codec::H264).await;
    assert_problem(&post(address, "k1", &second.offer).await, 409, "already_publishing");
    let session = answer.header("location").expect("a session");
    let end = format!("DELETE {session} HTTP/1.1\r\nauthorization: Bearer");
    assert_problem(&request(address, &format!("{end} k2"), "").await, 403, "anothers_key");
    assert_problem(&request(address, &end, "").await, 401, "no_key");

    let pictures = pictures(15, 15).await;
    first.write(first.video, Instant::now(), 0, &pictures[0]);
    first.run_for(Duration::from_millis(300)).await;
    let mut opening = house.opening().await;
    let picture = |publication: &shared_media::Publication| {
        matches!(publication, shared_media::Publication::Unit(TrackId::Video, _))
    };
    until(&mut opening, picture).await;
    // The show is ended at the desk: the publisher is told.
    assert!(house.desk.end("show-1"));
    first.run_for(Duration::from_millis(500)).await;
    assert!(!first.rtc.is_alive() || !first.rtc.is_connected(), "it is told to go");
    let third = Caller::new(Codec::H264).await;
    assert_problem(&post(address, "k1", &third.offer).await, 403, "show_ended");
    house.close().await;
}

#[tokio::test]
async fn half_open_sessions_are_few_and_end_by_themselves() {
    let config =
        Config { connections_max: 2, handshake_timeout: Duration::from_millis(500), ..with_whip() };
    let house = House::open(config).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let offer = Caller::new(Codec::H264).await.offer;
    assert_eq!(post(address, "k1", &offer).await.status, 201);
    assert_eq!(post(address, "k2", &offer).await.status, 201);
    let answer = post(address, "k1", &offer).await;
    assert_problem(&answer, 503, "house_full");
    assert_eq!(answer.header("retry-after"), Some("5"));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let mut caller = Caller::new(Codec::H264).await;
    let answer = post(address, "k1", &caller.offer).await;
    caller.connect(&answer).await;
    house.close().await;
}

#[tokio::test]
async fn noise_and_slow_requests_disturb_nobody() {
    let config = Config { handshake_timeout: Duration::from_millis(700), ..with_whip() };
    let house = House::open(config).await;
    let address = house.whip_address.expect("WHIP is spoken");
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    for round in 0..5000_u32 {
        let noise: Vec<u8> = (0..100).map(|at: u32| (at * round) as u8).collect();
        socket.send_to(&noise, address).await.expect("loopback");
        let hello = [&[0, 1, 0, 12, 0x21, 0x12, 0xA4, 0x42][..], &[7; 12], b"\0\x06\0\x08abcd:xyz"];
        socket.send_to(&hello.concat(), address).await.expect("loopback");
    }
    let mut slow = Vec::new();
    for _ in 0..300 {
        // The system takes more connections than the house serves; what is over is closed.
        if let Ok(mut stream) = TcpStream::connect(address).await {
            let _ = stream.write_all(b"POST /whip HTTP/1.1\r\nhost: ").await;
            slow.push(stream);
        }
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let mut caller = Caller::new(Codec::H264).await;
    let answer = post(address, "k1", &caller.offer).await;
    caller.connect(&answer).await;
    drop(slow);
    house.close().await;
}
