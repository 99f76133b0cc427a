//! Viewers that ask and do not take.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::node::Node;
use crate::origin::Say;

/// Larger than all buffers on the way.
const LARGE: usize = 16 << 20;
/// `--stall-s 2`, a look's delay, and a slow machine.
const CUT_MAX: Duration = Duration::from_secs(20);

async fn start() -> Node {
    let node = Node::start(&["--stall-s", "2"]).await;
    let body = vec![7; LARGE];
    node.say("720p/e1/s1.m4s", Say::body("video/mp4", body).with("cache-control", "max-age=600"));
    node
}

async fn until_cut(node: &Node) {
    let deadline = Instant::now() + CUT_MAX;
    loop {
        let cut = node.metric("matinee_edge_connections_cut_total").await;
        if cut.contains("reason=\"stalled\"} 1") {
            return;
        }
        assert!(Instant::now() < deadline, "still held: {cut}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_cut() {
    let node = start().await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let mut stream = socket.connect(node.viewers).await.expect("the edge listens");
    let ask = format!("GET {}/720p/e1/s1.m4s HTTP/1.1\r\nhost: x\r\n\r\n", node.session);
    stream.write_all(ask.as_bytes()).await.expect("the edge reads");
    until_cut(&node).await;
    let mut rest = Vec::new();
    // Closed or reset: either way what comes is not the whole.
    drop(stream.read_to_end(&mut rest).await);
    assert!(rest.len() < LARGE, "{}", rest.len());
}

#[tokio::test]
async fn a_window_that_stays_shut_is_cut() {
    let node = start().await;
    let stream = TcpStream::connect(node.viewers).await.expect("the edge listens");
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1000)
        .handshake(TokioIo::new(stream))
        .await
        .expect("HTTP/2");
    // The connection answers pings and settings, so that only the window is shut.
    let ended = tokio::spawn(connection);
    let uri = format!("http://{}{}/720p/e1/s1.m4s", node.viewers, node.session);
    let request = hyper::Request::get(uri).body(Empty::<Bytes>::new()).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 200);
    until_cut(&node).await;
    let ended = tokio::time::timeout(CUT_MAX, ended).await;
    assert!(ended.is_ok(), "the connection is over");
    assert!(response.into_body().collect().await.is_err(), "the body broke off");
}

#[tokio::test]
async fn a_slow_viewer_and_one_that_waits_for_media_are_not() {
    let node = start().await;
    let body = vec![7; 256 * 1024];
    node.say("720p/e1/s2.m4s", Say::body("video/mp4", body).with("cache-control", "max-age=600"));
    let held = Say::body("application/vnd.apple.mpegurl", "#EXTM3U").after(Duration::from_secs(4));
    node.say("720p/index.m3u8", held.with("cache-control", "max-age=1"));
    let waits = node.get("720p/index.m3u8", &[]);
    let slow = async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let mut stream = socket.connect(node.viewers).await.expect("the edge listens");
        let path = format!("{}/720p/e1/s2.m4s", node.session);
        let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).await.expect("the edge reads");
        // Some seconds' worth of slowness, then the rest.
        let (mut all, mut some) = (0, [0; 2048]);
        for _ in 0..40 {
            all += stream.read(&mut some).await.expect("it comes");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.expect("it comes");
        all + rest.len()
    };
    let (waited, all) = tokio::join!(waits, slow);
    assert_eq!(waited.status, 200);
    assert!(all > 256 * 1024, "{all}");
    assert_eq!(node.metric("matinee_edge_connections_cut_total").await, "");
}
