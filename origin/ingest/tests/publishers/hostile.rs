//! Who draws things out or sends too much is let go, and keeps nobody out.

use std::time::Duration;

use origin_ingest::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time;

use crate::srt::{assert_whole, publisher, with_srt};
use crate::stagehand::{House, USUAL, ffmpeg, quick, whole, words};

/// Connections that send a byte of a good handshake now and then, and never what matters.
async fn lingering(house: &House, count: usize) -> tokio::task::JoinHandle<()> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(TcpStream::connect(house.address).await.expect("the port is open"));
    }
    tokio::spawn(async move {
        loop {
            for stream in &mut all {
                // Those that made room are closed.
                let _ = stream.write_all(&[3]).await;
            }
            time::sleep(Duration::from_millis(50)).await;
        }
    })
}

#[tokio::test]
async fn who_draws_out_the_handshake_keeps_no_publisher_out() {
    let mut house = House::open(Config { connections_max: 4, ..quick() }).await;
    let first = ffmpeg("30", &format!("-vf realtime -t 3 {USUAL}"), &house.url("k1"));
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    let slow = lingering(&house, 200).await;
    time::sleep(Duration::from_millis(200)).await;
    let second = ffmpeg("30", &format!("-t 1 {USUAL}"), &house.url("k2"));
    let mut other = house.opening().await;
    assert!(!whole(&mut other).await.is_empty());
    let (went_well, said) = words(second).await;
    assert!(went_well, "it came through: {said}");
    show.await.expect("the show ends");
    assert!(words(first).await.0, "who is on air makes room for nobody");
    slow.abort();
    house.close().await;
}

#[tokio::test]
async fn handshakes_of_srt_that_lead_nowhere_keep_no_publisher_out() {
    let mut house = House::open(Config { connections_max: 4, ..with_srt(None) }).await;
    let address = house.srt_address.expect("SRT is spoken");
    let mut hello = [0; 64];
    (hello[0], hello[19], hello[39]) = (0x80, 5, 1);
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        socket.send_to(&hello, address).await.expect("loopback");
        sockets.push(socket);
    }
    // At once: their time is not over by far.
    let encoding = "-t 3 -c:v libx264 -preset ultrafast -g 30 -c:a aac";
    let publisher = publisher(address, "streamid=publish:k1", encoding);
    assert_whole(&whole(&mut house.opening().await).await);
    assert!(words(publisher).await.0);
    house.close().await;
}

/// A text in AMF, and a chunk of its own for a message below 128 bytes.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short").to_be_bytes();
    [&[2][..], &length, text.as_bytes()].concat()
}

fn command(stream: u8, values: &[&[u8]]) -> Vec<u8> {
    let body = values.concat();
    let length = u8::try_from(body.len()).expect("short");
    assert!(length < 128, "one chunk");
    [&[3, 0, 0, 0, 0, 0, length, 20, stream, 0, 0, 0][..], &body].concat()
}

/// A connection that may publish.
async fn admitted(house: &House, key: &str) -> TcpStream {
    const ONE: &[u8] = &[0, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0];
    let app = [&[3, 0, 3][..], b"app", &text("live"), &[0, 0, 9]].concat();
    let mut said = vec![3];
    said.extend([0; 2 * 1536]);
    said.extend(command(0, &[&text("connect"), ONE, &app]));
    said.extend(command(0, &[&text("createStream"), ONE, &[5]]));
    said.extend(command(1, &[&text("publish"), ONE, &[5], &text(key), &text("live")]));
    let mut stream = TcpStream::connect(house.address).await.expect("the port is open");
    stream.write_all(&said).await.expect("it reads");
    let mut heard = Vec::new();
    while !heard.windows(13).any(|at| at == b"Publish.Start".as_slice()) {
        let count = time::timeout(Duration::from_secs(10), stream.read_buf(&mut heard)).await;
        assert_ne!(count.expect("it answers").expect("it is open"), 0, "it is let on air");
    }
    stream
}

#[tokio::test]
async fn messages_above_the_limit_end_their_sender_even_with_a_key() {
    let config = Config { message_bytes_max: 64 << 10, ..quick() };
    let mut house = House::open(config).await;
    let publisher = ffmpeg("30", &format!("-vf realtime -t 3 {USUAL}"), &house.url("k2"));
    let mut opening = house.opening().await;
    let show = tokio::spawn(async move { whole(&mut opening).await });
    // One that says it has 16 MiB; and unfinished ones on many chunk streams, each below the limit.
    let large = vec![6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 9, 1, 0, 0, 0];
    let mut many = Vec::new();
    for stream in 4..30 {
        let head = [stream, 0, 0, 0, 0, 0xFF, 0xFF, 9, 1, 0, 0, 0];
        many.extend([&head[..], &[0; 128]].concat());
        for _ in 0..400 {
            many.extend([&[0xC0 | stream][..], &[0; 128]].concat());
        }
    }
    for flood in [large, many] {
        let mut stream = admitted(&house, "k1").await;
        let ended = async {
            let _ = stream.write_all(&flood).await;
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        };
        time::timeout(Duration::from_secs(10), ended).await.expect("it is closed");
    }
    show.await.expect("the show ends");
    assert!(words(publisher).await.0, "it is not disturbed");
    house.close().await;
}
