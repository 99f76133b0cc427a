//! Peers that mean harm: floods of resets, of headers, of bytes.

use std::time::{Duration, Instant};

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::node::Node;
use crate::origin::Say;

#[tokio::test]
async fn a_flood_of_resets_hurts_nobody_else() {
    let node = Node::start(&[]).await;
    let held = Say::body("application/vnd.apple.mpegurl", "#EXTM3U").after(Duration::from_secs(5));
    node.say("720p/index.m3u8", held);
    let stream = TcpStream::connect(node.viewers).await.expect("the edge listens");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let uri = format!("http://{}{}/720p/index.m3u8", node.viewers, node.session);
    let mut asked = 0;
    while asked < 20_000 && sender.ready().await.is_ok() {
        let request = hyper::Request::get(&uri).body(Empty::<Bytes>::new()).expect("a request");
        // Dropped before its answer: a stream that is opened and reset.
        drop(sender.send_request(request));
        asked += 1;
        if asked % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let start = Instant::now();
    let reply = node.ask("GET", "/healthz", &[]).await;
    assert_eq!(reply.status, 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let fetched = node.origin.seen(&format!("/o/{}", node.claims.show)).len();
    assert!(fetched <= 2, "collapsed all the same: {fetched}");
    connection.abort();
}

#[tokio::test]
async fn heads_beyond_the_limits_are_refused() {
    let node = Node::start(&[]).await;
    let line = |count: usize| (0..count).map(|n| format!("x-{n}: 1\r\n")).collect::<String>();
    let long = format!("x: {}\r\n", "y".repeat(40_000));
    for (headers, refused) in [(line(50), false), (line(200), true), (long, true)] {
        let mut stream = TcpStream::connect(node.viewers).await.expect("the edge listens");
        let head =
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        // The edge may have answered and closed before it has read all.
        drop(stream.write_all(head.as_bytes()).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert_eq!(answer.starts_with("HTTP/1.1 431"), refused, "{} {answer}", headers.len());
        assert_eq!(answer.starts_with("HTTP/1.1 200"), !refused, "{} {answer}", headers.len());
    }
}
