//! An edge that is told to stop.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::node::Node;
use crate::origin::Say;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

#[tokio::test]
async fn what_was_begun_is_finished_and_nothing_new_begins() {
    let mut node = Node::start(&[]).await;
    assert_eq!(node.probe("/readyz").await.status, 200);
    let held = Say::body(PLAYLIST, "#EXTM3U").after(Duration::from_secs(2));
    node.say("720p/index.m3u8", held.with("cache-control", "max-age=1"));
    let stream = TcpStream::connect(node.viewers).await.expect("the edge listens");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let uri = format!("http://{}{}/720p/index.m3u8", node.viewers, node.session);
    let request = || hyper::Request::get(&uri).body(Empty::<Bytes>::new()).expect("a request");
    let first = tokio::spawn(sender.send_request(request()));
    while node.origin.seen(&format!("/o/{}", node.claims.show)).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    node.signal("TERM");
    // The admin's address answers to the end, and says that no more viewers should be sent.
    let deadline = Instant::now() + Duration::from_secs(2);
    while node.probe("/readyz").await.status != 503 {
        assert!(Instant::now() < deadline, "not ready any more");
    }
    assert_eq!(node.probe("/healthz").await.status, 200);
    assert!(TcpStream::connect(node.viewers).await.is_err(), "nobody new is let in");
    let answer = first.await.expect("a task").expect("an answer");
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(&body[..], b"#EXTM3U");
    // GOAWAY ends the connection in good order, without an error.
    assert!(connection.await.expect("a task").is_ok(), "the connection ends well");
    assert!(sender.send_request(request()).await.is_err(), "nothing new on the old connection");
    assert!(node.ended().is_some_and(|status| status.success()), "{}", node.log());
}

#[tokio::test]
async fn a_viewer_that_does_not_finish_is_left_behind() {
    let mut node = Node::start(&["--drain-s", "1"]).await;
    let held = Say::body(PLAYLIST, "#EXTM3U").after(Duration::from_secs(12));
    node.say("720p/index.m3u8", held);
    let (viewers, target) = (node.viewers, format!("{}/720p/index.m3u8", node.session));
    let waits = tokio::spawn(async move {
        crate::client::send(viewers, "GET", target.as_bytes(), &[], b"").await
    });
    while node.origin.seen(&format!("/o/{}", node.claims.show)).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let start = Instant::now();
    node.signal("TERM");
    assert!(node.ended().is_some_and(|status| status.success()), "{}", node.log());
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    assert!(node.log().contains("still being served"), "{}", node.log());
    waits.abort();
}
