//! Who is not served is told why, in words that reach the person.

use std::time::Duration;

use origin_ingest::{
    Airtime, Config, Door, Error, Gate, Opening, Refusal, Server, StreamKey, Verdict,
};
use shared_media::TrackKind;

use crate::stagehand::{House, USUAL, assert_in_order, ffmpeg, quick, units, whole, words};

#[tokio::test]
async fn a_wrong_key_is_refused_before_any_media() {
    let house = House::open(quick()).await;
    let publisher = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k3"));
    let (went_well, words) = words(publisher).await;
    assert!(!went_well);
    assert!(words.contains("Server error: wrong stream key"), "{words}");
    assert_eq!(house.airtimes(), []);
    house.close().await;
}

#[tokio::test]
async fn an_unknown_app_is_refused() {
    let house = House::open(quick()).await;
    let url = format!("rtmp://{}/studio/k1", house.address);
    let (went_well, words) = words(ffmpeg("30", &format!("-t 1 {USUAL}"), &url)).await;
    assert!(!went_well && words.contains("unknown application"), "{words}");
    house.close().await;
}

#[tokio::test]
async fn a_second_publisher_is_refused_while_the_first_goes_on() {
    let mut house = House::open(quick()).await;
    let first = ffmpeg("30", &format!("-vf realtime -t 4 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    let second = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k1"));
    let (went_well, said) = words(second).await;
    assert!(!went_well, "{said}");
    assert_eq!(house.airtimes(), [Airtime::Live], "the first is still on air");
    let publications = show.await.expect("the show ends");
    assert_in_order(&publications);
    assert_eq!(units(&publications, TrackKind::Video).len(), 120);
    assert!(words(first).await.0);
    assert!(said.contains("Server error: already publishing"), "{said}");
    house.close().await;
}

#[tokio::test]
async fn codecs_we_do_not_take_are_named() {
    for (encoding, name) in [
        ("-c:v flv1 -c:a aac", "Sorenson H.263 (FLV1) is not taken"),
        ("-c:v libx264 -preset ultrafast -c:a libmp3lame -ar 44100", "MP3 is not taken"),
    ] {
        let house = House::open(quick()).await;
        // Longer than it takes to be told: ffmpeg looks for answers between its packets.
        let publisher = ffmpeg("30", &format!("-t 600 {encoding}"), &house.url("k1"));
        let (went_well, words) = words(publisher).await;
        assert!(!went_well && words.contains(name), "{words}");
        assert!(words.contains("publish H.264 video and AAC audio"), "{words}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_full_house_says_so() {
    let mut house = House::open(Config { connections_max: 1, ..quick() }).await;
    let _first = ffmpeg("30", &format!("-t 600 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let taking = tokio::spawn(async move { while opening.publications.recv().await.is_some() {} });
    let second = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k2"));
    let (went_well, words) = words(second).await;
    assert!(!went_well && words.contains("the house is full"), "{words}");
    house.close().await;
    taking.await.expect("the show's channel closes");
}

struct NoGate;

impl Gate for NoGate {
    fn admit<'a>(&'a self, _: &'a StreamKey, _: std::net::SocketAddr) -> Verdict<'a> {
        Box::pin(std::future::pending())
    }
    fn opened(&self, _: Opening) {}
    fn airtime(&self, _: &str, _: Airtime) {}
}

#[tokio::test]
async fn a_gate_that_does_not_answer_holds_nobody_for_ever() {
    let config = Config { admission_timeout: Duration::from_millis(200), ..quick() };
    let server = Server::bind(config, std::sync::Arc::new(NoGate)).await.expect("a free port");
    let url = format!("rtmp://{}/live/k1", server.local_addr());
    tokio::spawn(server.run(std::future::pending()));
    let (_, words) = words(ffmpeg("30", &format!("-t 1 {USUAL}"), &url)).await;
    assert!(words.contains(&Refusal::Unavailable.to_string()), "{words}");
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let house = House::open(quick()).await;
    let config = Config { listen: house.address, ..quick() };
    let error = Server::bind(config, std::sync::Arc::new(NoGate)).await.map(|_| ());
    let expected = Error::AddressInUse { door: Door::Rtmp, address: house.address };
    assert_eq!(error, Err(expected));
    house.close().await;
}
