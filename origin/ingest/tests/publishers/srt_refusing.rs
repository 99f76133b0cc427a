//! Who is not served by SRT is told so, and disturbs nobody.

use std::time::Duration;

use origin_ingest::{Airtime, Config};
use shared_media::TrackId;
use tokio::net::UdpSocket;

use crate::srt::{assert_whole, publisher, with_srt};
use crate::stagehand::{House, until, whole, words};

const ENCODING: &str = "-t 3 -c:v libx264 -preset ultrafast -g 30 -c:a aac";

#[tokio::test]
async fn wrong_keys_and_wrong_passphrases_are_refused() {
    for (secret, query) in [
        (None, "streamid=publish:k3"),
        (None, "streamid=#!::r=live/k1,m=request"),
        (None, "transtype=live"),
        (None, "streamid=publish:k1&passphrase=a long secret"),
        (Some("a long secret"), "streamid=publish:k1&passphrase=another secret"),
        (Some("a long secret"), "streamid=publish:k1"),
    ] {
        let house = House::open(with_srt(secret)).await;
        let address = house.srt_address.expect("SRT is spoken");
        let (went_well, said) = words(publisher(address, query, ENCODING)).await;
        assert!(!went_well, "{query}: {said}");
        assert!(said.contains("rejected") || said.contains("failed"), "{query}: {said}");
        assert_eq!(house.airtimes(), [], "{query}");
        house.close().await;
    }
}

#[tokio::test]
async fn a_second_publisher_is_refused_while_the_first_goes_on() {
    let mut house = House::open(with_srt(None)).await;
    let address = house.srt_address.expect("SRT is spoken");
    let first = publisher(address, "streamid=publish:k1", ENCODING);
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    let (went_well, said) = words(publisher(address, "streamid=publish:k1", ENCODING)).await;
    assert!(!went_well, "{said}");
    assert_eq!(house.airtimes()[0], Airtime::Live);
    assert_whole(&show.await.expect("the show ends"));
    assert!(words(first).await.0);
    house.close().await;
}

#[tokio::test]
async fn codecs_not_taken_end_the_publisher() {
    let house = House::open(with_srt(None)).await;
    let address = house.srt_address.expect("SRT is spoken");
    let encoding = "-t 600 -c:v mpeg2video -c:a aac";
    let (went_well, _) = words(publisher(address, "streamid=publish:k1", encoding)).await;
    assert!(!went_well, "it cannot send any more");
    assert_eq!(house.airtimes(), []);
    house.close().await;
}

#[tokio::test]
async fn a_show_that_is_ended_lets_its_publisher_go() {
    let mut house = House::open(with_srt(None)).await;
    let address = house.srt_address.expect("SRT is spoken");
    let encoding = ENCODING.replace("-t 3", "-t 600");
    let publisher = publisher(address, "streamid=publish:k1", &encoding);
    let mut opening = house.opening().await;
    let is_picture = |publication: &shared_media::Publication| {
        matches!(publication, shared_media::Publication::Unit(TrackId::Video, _))
    };
    until(&mut opening, is_picture).await;
    assert!(house.desk.end("show-1"));
    whole(&mut opening).await;
    assert!(!words(publisher).await.0, "it is told to go");
    house.close().await;
}

#[tokio::test]
async fn noise_and_handshakes_that_lead_nowhere_disturb_nobody() {
    let config = Config {
        connections_max: 8,
        handshake_timeout: Duration::from_millis(300),
        ..with_srt(None)
    };
    let mut house = House::open(config).await;
    let address = house.srt_address.expect("SRT is spoken");
    let mut hello = [0; 64];
    (hello[0], hello[19], hello[39]) = (0x80, 5, 1);
    for round in 0..40_u8 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let noise: Vec<u8> = (0..200).map(|at: u8| at.wrapping_mul(round)).collect();
        for packet in [&hello[..], &noise, &hello[..40], &[]] {
            socket.send_to(packet, address).await.expect("loopback");
        }
    }
    tokio::time::sleep(Duration::from_millis(600)).await; // the handshakes' time, twice
    let publisher = publisher(address, "streamid=publish:k1", ENCODING);
    assert_whole(&whole(&mut house.opening().await).await);
    assert!(words(publisher).await.0);
    house.close().await;
}
