//! The deny list: who stops watching, when, and who does not.

use std::time::{Duration, Instant};

use crate::stage::{Scene, Stage};
use crate::ticket;

/// How soon a denied viewer must be stopped, with a second for a loaded machine.
const STOPPED_MAX: Duration = Duration::from_secs(3);
/// How often the viewer asks, as a player would.
const ASKED: Duration = Duration::from_millis(150);
/// After this, no instance is left that was made for an earlier case. Each keeps its own list, and one that is made
/// while there is no list to be had has none: a host that keeps nothing of its own cannot do better.
const INSTANCES_GONE: Duration = Duration::from_millis(5500);

/// Asks as a player does until the answer is this problem.
pub(super) async fn stopped(scene: &Scene, code: &str) {
    let start = Instant::now();
    loop {
        let reply = scene.watch("720p/index.m3u8").await;
        if reply.status == 403 {
            assert_eq!(reply.code(), code);
            return;
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(start.elapsed() < STOPPED_MAX, "still watching after {:?}", start.elapsed());
        tokio::time::sleep(ASKED).await;
    }
}

pub(super) async fn a_denied_ticket_stops_within_two_seconds(stage: Stage) {
    let scene = stage.show();
    assert_eq!(scene.watch("720p/index.m3u8").await.status, 200);
    stage.origin.deny("ticket", &scene.claims.ticket.to_string(), "refunded");
    stopped(&scene, "refunded").await;
    let before = scene.count();
    for rest in ["720p/index.m3u8", "720p/e1/s1.m4s"] {
        assert_eq!(scene.watch(rest).await.code(), "refunded", "{rest}");
    }
    let reply = scene.enter(&ticket::token(&scene.claims)).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (403, "refunded"),
        "the token is no way back"
    );
    assert_eq!(scene.count(), before, "the origin was asked");
}

pub(super) async fn a_denied_session_stops_and_no_other(stage: Stage) {
    let scene = stage.show();
    let mut other = scene.clone();
    other.claims.session = ticket::claims(scene.claims.show).session;
    other.session = format!("/p/{}", ticket::sealed(&other.claims));
    stage.origin.deny("session", &scene.claims.session.to_string(), "elsewhere");
    stopped(&scene, "elsewhere").await;
    let reply = other.watch("720p/index.m3u8").await;
    assert_eq!(reply.status, 200, "another session of the same ticket goes on: {}", reply.text());
}

pub(super) async fn the_last_list_holds_while_there_is_no_new_one(stage: Stage) {
    let (scene, bystander) = (stage.show(), stage.show());
    tokio::time::sleep(INSTANCES_GONE).await;
    stage.origin.deny("ticket", &scene.claims.ticket.to_string(), "revoked");
    stopped(&scene, "revoked").await;
    stage.origin.has_list(false);
    let start = Instant::now();
    while start.elapsed() < STOPPED_MAX {
        let denied = scene.watch("720p/index.m3u8").await;
        let other = bystander.watch("720p/index.m3u8").await;
        assert_eq!((denied.status, other.status), (403, 200), "after {:?}", start.elapsed());
        tokio::time::sleep(ASKED).await;
    }
    stage.origin.has_list(true);
}
