//! The origin's validators and its words about staleness.

use std::time::Duration;

use crate::edge;
use crate::origin::{Origin, Say};
use crate::viewer::{Viewer, get};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_confirmed_by_the_origin_and_not_sent_again() {
    let origin = Origin::start().await;
    let edge = edge::start(edge::config(&[&origin])).await;
    let tagged = |say: Say| say.with("etag", "\"v1\"").with("cache-control", "max-age=1");
    let confirmed = tagged(Say::body("")).status(304);
    origin.on("/assets/a.js", [tagged(Say::body("script")), confirmed]);
    assert_eq!(get(edge.address, "/assets/a.js").await.header("x-cache"), "miss");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = get(edge.address, "/assets/a.js").await;
    assert_eq!((second.header("x-cache"), second.text().as_str()), ("revalidated", "script"));
    let asked = origin.seen("/assets/a.js");
    assert_eq!((asked.len(), asked[1].header("if-none-match")), (2, "\"v1\""));
    let known = [("if-none-match", "\"v1\"")];
    let third = Viewer::asks(edge.address, "GET", "/assets/a.js", &known).await.reply().await;
    assert_eq!((third.status, third.header("x-cache")), (304, "hit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_shown_while_the_origin_is_away_if_it_lets_us() {
    let origin = Origin::start().await;
    let edge = edge::start(edge::config(&[&origin])).await;
    let say = Say::body("page").with("cache-control", "max-age=1, stale-if-error=60");
    origin.on("/assets/page", [say]);
    assert_eq!(get(edge.address, "/assets/page").await.status, 200);
    origin.vanish().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let stale = get(edge.address, "/assets/page").await;
    assert_eq!((stale.status, stale.header("x-cache")), (200, "stale"));
    assert!(stale.header("age").parse::<u32>().is_ok_and(|age| age >= 1), "{stale:?}");
    let unknown = get(edge.address, "/assets/other").await;
    assert_eq!(unknown.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_asked_for_once() {
    let origin = Origin::start().await;
    let edge = edge::start(edge::config(&[&origin])).await;
    let problem = "{\"status\":404,\"title\":\"t\",\"code\":\"not_found\",\"request_id\":\"o\"}";
    let say = Say::body(problem).status(404).with("content-type", "application/problem+json");
    origin.on("/assets/none", [say.with("cache-control", "public, max-age=60")]);
    for via in ["miss", "hit", "hit"] {
        let reply = get(edge.address, "/assets/none").await;
        assert_eq!((reply.status, reply.header("x-cache")), (404, via));
    }
    assert_eq!(origin.seen("/assets/none").len(), 1);
}
