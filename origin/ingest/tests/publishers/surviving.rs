//! Whatever knocks on the port, publishers on air do not notice.

use std::time::Duration;

use origin_ingest::Config;
use shared_media::TrackKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time;

use crate::stagehand::{House, USUAL, assert_in_order, ffmpeg, quick, units, whole, words};

/// Bytes that look random but are the same every time.
fn noise(mut seed: u32, count: usize) -> Vec<u8> {
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A good handshake, then whatever.
fn after_handshake(rest: &[u8]) -> Vec<u8> {
    [&[3][..], &[0; 2 * 1536], rest].concat()
}

#[tokio::test]
async fn garbage_disturbs_nobody() {
    let mut house = House::open(quick()).await;
    let publisher = ffmpeg("30", &format!("-vf realtime -t 4 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    let mut garbage = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x16, 3, 1, 0, 200, 1, 0],
        vec![3],
        vec![3; 700],
        after_handshake(&[0xFF; 4000]),
        after_handshake(&[0x02, 0, 0, 0, 0xFF, 0xFF, 0xFF, 20, 0, 0, 0, 0]),
    ];
    garbage.extend((1..20).map(|seed| noise(seed, 5000)));
    garbage.extend((20..40).map(|seed| after_handshake(&noise(seed, 5000))));
    for bytes in garbage {
        let mut socket = TcpStream::connect(house.address).await.expect("the port is open");
        let _ = socket.write_all(&bytes).await; // the server may have closed already
    }
    let publications = show.await.expect("the show ends");
    assert_in_order(&publications);
    assert_eq!(units(&publications, TrackKind::Video).len(), 120);
    assert!(words(publisher).await.0);
    house.close().await;
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let house =
        House::open(Config { handshake_timeout: Duration::from_millis(300), ..quick() }).await;
    for bytes in [vec![], vec![3], after_handshake(&[])] {
        let mut socket = TcpStream::connect(house.address).await.expect("the port is open");
        socket.write_all(&bytes).await.expect("the server listens");
        let mut answer = Vec::new();
        let closed = time::timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "still open after {} bytes", bytes.len());
    }
    house.close().await;
}

#[tokio::test]
async fn who_floods_before_a_key_is_closed() {
    let house = House::open(quick()).await;
    let mut socket = TcpStream::connect(house.address).await.expect("the port is open");
    // 4 KiB data messages, well formed, without end
    let mut message = vec![0x02, 0, 0, 0, 0, 0, 128, 18, 0, 0, 0, 0];
    message.extend([0; 128]);
    let flood = after_handshake(&message.repeat(1000));
    let flooded = async {
        let _ = socket.write_all(&flood).await;
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer).await;
    };
    time::timeout(Duration::from_secs(5), flooded).await.expect("it is closed");
    house.close().await;
}
