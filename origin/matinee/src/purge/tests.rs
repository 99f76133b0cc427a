//! Edges that take a purge, and edges that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::*;

/// An edge that answers its requests with these statuses, the last one for ever, and tells of each.
async fn edge(statuses: &'static [u16]) -> (String, mpsc::UnboundedReceiver<(u16, String)>) {
    let (told, requests) = mpsc::unbounded_channel();
    let asked = Arc::new(AtomicU32::new(0));
    let answer = move |headers: HeaderMap| {
        let number = asked.fetch_add(1, Ordering::Relaxed) as usize;
        let status = statuses[number.min(statuses.len() - 1)];
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let named = format!("{} {}", header(wire::EDGE_KEY), header(wire::SURROGATE_KEY));
        told.send((status, named)).unwrap();
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let router = Router::new().route("/purge", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, requests)
}

fn follow(base: String) -> watch::Sender<u64> {
    let (changes, lists) = watch::channel(0);
    let edge = Edge { client: Client::new(), base, key: "ek".to_owned() };
    tokio::spawn(edge.follow(lists));
    changes
}

#[tokio::test]
async fn an_edge_is_told_of_every_change_and_tried_again_when_it_fails() {
    let (base, mut requests) = edge(&[204, 503, 503, 204]).await;
    let changes = follow(base);
    changes.send_replace(1);
    assert_eq!(requests.recv().await.unwrap(), (204, "ek denied".to_owned()));
    changes.send_replace(2);
    for status in [503, 503, 204] {
        assert_eq!(requests.recv().await.unwrap().0, status);
    }
}

#[tokio::test]
async fn an_edge_that_refuses_is_not_pestered() {
    let (base, mut requests) = edge(&[501, 401, 204]).await;
    let changes = follow(base);
    for (version, status) in [(1, 501), (2, 401), (3, 204)] {
        changes.send_replace(version);
        assert_eq!(requests.recv().await.unwrap().0, status);
    }
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn an_edge_that_is_away_has_so_many_tries_and_then_the_next_change() {
    let (base, mut requests) = edge(&[503, 503, 503, 503, 503, 204]).await;
    let changes = follow(base);
    changes.send_replace(1);
    for _ in 0..TRIES_MAX {
        assert_eq!(requests.recv().await.unwrap().0, 503);
    }
    changes.send_replace(2);
    assert_eq!(requests.recv().await.unwrap().0, 204);
}
