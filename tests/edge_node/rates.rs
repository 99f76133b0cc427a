//! Who asks too often, or holds too many connections.

use tests::ticket;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::node::Node;
use crate::origin::Say;

const PLAYLIST: &str = "application/vnd.apple.mpegurl";

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let node = Node::start(&["--client-rate", "1/5", "--trusted-proxies", "127.0.0.1"]).await;
    let from = |ip: &'static str| [("x-forwarded-for", ip)];
    for _ in 0..5 {
        assert_eq!(node.ask("GET", "/healthz", &from("203.0.113.1")).await.status, 200);
    }
    let refused = node.ask("GET", "/healthz", &from("203.0.113.1")).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"));
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(refused.header("access-control-allow-origin"), "*", "players may read it");
    assert_eq!(node.ask("GET", "/healthz", &from("203.0.113.2")).await.status, 200, "another");

    // One household has one bucket, whatever addresses it takes.
    for last in ["1", "2", "3", "4", "5"] {
        let ip = format!("2001:db8::{last}");
        assert_eq!(node.ask("GET", "/healthz", &[("x-forwarded-for", &ip)]).await.status, 200);
    }
    assert_eq!(node.ask("GET", "/healthz", &from("2001:db8::6")).await.status, 429);
    assert_eq!(node.ask("GET", "/healthz", &from("2001:db8:0:1::6")).await.status, 200);
    let limited = node.metric("matinee_edge_rate_limited_total").await;
    assert!(limited.contains("by=\"client\"} 2"), "{limited}");
}

#[tokio::test]
async fn a_session_that_asks_too_often_hurts_no_other() {
    let node = Node::start(&["--session-rate", "1/3"]).await;
    node.say("720p/index.m3u8", Say::body(PLAYLIST, "#EXTM3U").with("cache-control", "max-age=60"));
    for _ in 0..3 {
        assert_eq!(node.get("720p/index.m3u8", &[]).await.status, 200);
    }
    let refused = node.get("720p/index.m3u8", &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"));
    let mut other = ticket::claims(node.claims.show);
    other.policy = node.claims.policy.clone();
    let other = format!("/p/{}/720p/index.m3u8", ticket::sealed(&other));
    assert_eq!(node.ask("GET", &other, &[]).await.status, 200);
    assert_eq!(node.ask("GET", "/healthz", &[]).await.status, 200, "no session, no limit");
}

#[tokio::test]
async fn a_client_with_too_many_connections_gets_no_more() {
    let node = Node::start(&["--connections-per-client", "3"]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(node.viewers).await.expect("the edge listens"));
    }
    // The fourth is closed at once; a first three that were not yet accepted make no difference.
    let mut fourth = TcpStream::connect(node.viewers).await.expect("the kernel accepts");
    let closed = fourth.read(&mut [0; 1]).await;
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    held.clear();
    // The edge sees the ends in its own time.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while node.ask("GET", "/healthz", &[]).await.status != 200 {
        assert!(std::time::Instant::now() < deadline, "the places are free again");
    }
    let refused = node.metric("matinee_edge_connections_refused_total").await;
    assert!(!refused.is_empty() && !refused.ends_with(" 0"), "{refused}");
}
