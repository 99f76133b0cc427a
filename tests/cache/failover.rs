//! Several origins: one is asked, the others stand by.

use std::time::Duration;

use crate::edge;
use crate::origin::{Origin, Say, gate};
use crate::viewer::{Viewer, get};

/// Two origins, of which each says who it is.
async fn two() -> [Origin; 2] {
    let origins = [Origin::start().await, Origin::start().await];
    for (origin, name) in origins.iter().zip(["first", "second"]) {
        for n in 0..200 {
            origin.on(&format!("/assets/{n}"), [Say::body(name)]);
        }
        origin.on("/healthz", [Say::body("ok")]);
    }
    origins
}

fn quick(origins: &[Origin; 2]) -> edge_wasmtime::Config {
    let [first, second] = origins;
    let mut config = edge::config(&[first, second]);
    config.origin_limits.probe_every = Duration::from_millis(200);
    config.origin_limits.rest_min = Duration::from_millis(200);
    config
}

/// Asks for things that nobody asked for before, until the answer is from `name`.
async fn until(edge: &edge::Running, from: usize, name: &str) -> usize {
    for n in from..200 {
        let reply = get(edge.address, &format!("/assets/{n}")).await;
        assert_eq!(reply.status, 200, "no viewer sees an origin go: {reply:?}");
        if reply.text() == name {
            return n + 1;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never from the {name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_that_is_well_gets_everything_and_gets_it_back() {
    let origins = two().await;
    let edge = edge::start(quick(&origins)).await;
    for n in 0..5 {
        assert_eq!(get(edge.address, &format!("/assets/{n}")).await.text(), "first");
    }
    assert!(origins[1].seen("/assets").is_empty());
    origins[0].vanish().await;
    for n in 5..10 {
        let reply = get(edge.address, &format!("/assets/{n}")).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "second"));
    }
    let back = Origin::back_at(origins[0].address).await;
    for n in 0..200 {
        back.on(&format!("/assets/{n}"), [Say::body("first again")]);
    }
    back.on("/healthz", [Say::body("ok")]);
    let next = until(&edge, 10, "first again").await;
    assert_eq!(get(edge.address, &format!("/assets/{next}")).await.text(), "first again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_waits_at_an_origin_that_dies_is_answered_by_the_next() {
    let origins = two().await;
    let edge = edge::start(quick(&origins)).await;
    let held = gate();
    origins[0].on("/assets/held", [Say::body("never").when(&held)]);
    origins[1].on("/assets/held", [Say::body("second")]);
    let viewer = Viewer::asks(edge.address, "GET", "/assets/held", &[]).await;
    while origins[0].seen("/assets/held").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    origins[0].vanish().await;
    assert_eq!(viewer.reply().await.text(), "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_broke_off_goes_on_from_the_next_origin() {
    let origins = two().await;
    let edge = edge::start(quick(&origins)).await;
    let body: Vec<u8> = (0..1_000_000).map(|n| (n % 251) as u8).collect();
    let whole = Say::body(body.clone()).with("cache-control", "max-age=60, immutable");
    let held = gate();
    origins[0].on("/assets/large", [whole.clone().rest_when(300_000, &held)]);
    origins[1].on("/assets/large", [whole]);
    let viewer = Viewer::asks(edge.address, "GET", "/assets/large", &[]).await;
    while origins[0].seen("/assets/large").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    origins[0].vanish().await;
    assert!(viewer.reply().await.body == body);
    assert_eq!(origins[1].seen("/assets/large").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_sent_twice_is_not() {
    let origins = two().await;
    let edge = edge::start(quick(&origins)).await;
    let target = format!("/v1/shows/{}/playback", tests::ticket::fresh_show());
    origins[0].on(&target, [Say::body("{}").breaks_after(0)]);
    origins[1].on(&target, [Say::body("{}")]);
    let json = [("content-type", "application/json"), ("content-length", "0")];
    let reply = Viewer::asks(edge.address, "POST", &target, &json);
    drop(tokio::spawn(reply.await.reply()).await);
    assert_eq!((origins[0].seen(&target).len(), origins[1].seen(&target).len()), (1, 0));
}
