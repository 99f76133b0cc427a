//! HTTP/1.1 and HTTP/2 without TLS, and what both must say alike.

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::curl::curl;
use crate::node::Node;
use crate::origin::Say;

const SEGMENT: &[u8] = b"0123456789";

fn segment() -> Say {
    Say::body("video/mp4", SEGMENT).with("cache-control", "public, max-age=600")
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_without_tls_is_spoken_by_those_who_know() {
    let node = Node::start(&[]).await;
    node.say("720p/e1/s1.m4s", segment());
    let url = format!("http://{}{}/720p/e1/s1.m4s", node.viewers, node.session);
    for (argument, version) in [("--http2-prior-knowledge", "2"), ("--http1.1", "1.1")] {
        let seen = curl(&url, &[argument]);
        assert_eq!((seen.status, seen.version.as_str()), (200, version), "{seen:?}");
        assert!(seen.text.ends_with("0123456789"), "{seen:?}");
    }
    let counted = node.metric("matinee_edge_requests_total").await;
    assert!(counted.contains("http=\"2\"") && counted.contains("http=\"1.1\""), "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_tells_the_length_that_get_has() {
    let node = Node::start(&[]).await;
    node.say("720p/e1/s1.m4s", segment());
    let target = format!("{}/720p/e1/s1.m4s", node.session);
    for _ in 0..2 {
        let head = node.ask("HEAD", &target, &[]).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "10", 0));
        let get = node.ask("GET", &target, &[]).await;
        assert_eq!((get.header("content-length"), &get.body[..]), ("10", SEGMENT));
        assert_eq!(get.header("content-type"), head.header("content-type"));
    }
    let url = format!("http://{}{target}", node.viewers);
    let seen = curl(&url, &["--http2-prior-knowledge", "--head"]);
    assert!(seen.status == 200 && seen.text.contains("content-length: 10"), "{seen:?}");
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let node = Node::start(&[]).await;
    node.say("720p/e1/s1.m4s", segment());
    let stream = TcpStream::connect(node.viewers).await.expect("the edge listens");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let uri = format!("http://{}{}/720p/e1/s1.m4s", node.viewers, node.session);
    let answers = (0..40).map(|_| {
        let request = hyper::Request::get(&uri).body(Empty::<Bytes>::new()).expect("a request");
        let mut sender = sender.clone();
        tokio::spawn(async move {
            let answer = sender.send_request(request).await.expect("an answer");
            answer.into_body().collect().await.expect("a body").to_bytes()
        })
    });
    for answer in answers.collect::<Vec<_>>() {
        assert_eq!(&answer.await.expect("a task")[..], SEGMENT);
    }
    connection.abort();
    assert_eq!(node.origin.seen(&format!("/o/{}", node.claims.show)).len(), 1, "and one fetch");
}
