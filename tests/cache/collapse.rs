//! One audience, one request: also when connections break and viewers leave.

use edge_wasmtime::Config;
use tests::ticket;
use tokio::task::JoinSet;

use crate::edge::{self, Running};
use crate::origin::{Origin, Say, gate, open};
use crate::viewer::{Reply, Viewer, get};

/// Bytes of a large object.
const LARGE: usize = 1_000_000;

fn large() -> Vec<u8> {
    (0..LARGE).map(|n| (n % 251) as u8).collect()
}

async fn set(change: impl FnOnce(&mut Config)) -> (Origin, Running) {
    let origin = Origin::start().await;
    let mut config = edge::config(&[&origin]);
    change(&mut config);
    let edge = edge::start(config).await;
    (origin, edge)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_viewers_blocked_on_one_part_are_one_request() {
    let (origin, edge) = set(|_| {}).await;
    let claims = ticket::claims(ticket::fresh_show());
    let part = format!("/o/{}/720p/e1/p9.1.m4s", claims.show);
    let held = gate();
    let say = Say::body("part").with("cache-control", "public, max-age=31536000, immutable");
    origin.on(&part, [say.with("content-type", "video/mp4").when(&held)]);
    let target = format!("/p/{}/720p/e1/p9.1.m4s", ticket::sealed(&claims));
    let mut viewers = JoinSet::new();
    for _ in 0..1000 {
        let (address, target) = (edge.address, target.clone());
        viewers.spawn(async move { get(address, &target).await });
    }
    while origin.seen(&part).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    open(&held);
    let replies = viewers.join_all().await;
    assert!(replies.iter().all(|reply| (reply.status, reply.text().as_str()) == (200, "part")));
    let via = |word| replies.iter().filter(|reply| reply.header("x-cache") == word).count();
    assert_eq!((via("miss"), via("collapsed") + via("hit")), (1, 999));
    assert_eq!(origin.seen(&part).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_goes_out_before_the_whole_is_there_and_outlives_its_first_viewer() {
    let (origin, edge) = set(|_| {}).await;
    let (held, body) = (gate(), large());
    let say = Say::body(body.clone()).with("cache-control", "max-age=60");
    origin.on("/assets/large", [say.rest_when(LARGE / 2, &held)]);
    let mut first = Viewer::asks(edge.address, "GET", "/assets/large", &[]).await;
    first.reads(LARGE / 4).await;
    let mut second = Viewer::asks(edge.address, "GET", "/assets/large", &[]).await;
    second.reads(LARGE / 4).await;
    let range = [("range", "bytes=10-19")];
    let ranged = Viewer::asks(edge.address, "GET", "/assets/large", &range).await;
    drop(first);
    open(&held);
    let late = get(edge.address, "/assets/large").await;
    assert_eq!((late.status, late.body == body), (200, true));
    second.reads(LARGE / 2).await;
    let ranged = ranged.reply().await;
    assert!((200..=206).contains(&ranged.status), "{ranged:?}");
    assert_eq!(origin.seen("/assets/large").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_being_made_goes_to_all_who_want_it_and_is_kept_when_it_is_whole() {
    let (origin, edge) = set(|_| {}).await;
    let (held, body) = (gate(), large());
    let say = Say::body(body.clone()).chunked();
    let say = say.with("cache-control", "public, max-age=31536000, immutable");
    let first = LARGE / 2;
    origin.on("/assets/growing", [say.clone().rest_when(first, &held)]);
    let whole = |url: String| async move { reqwest::get(url).await?.bytes().await };
    let url = |name: &str| format!("http://{}/assets/{name}", edge.address);
    let mut viewers = JoinSet::new();
    for _ in 0..20 {
        let mut viewer = Viewer::asks(edge.address, "GET", "/assets/growing", &[]).await;
        viewer.reads(LARGE / 4).await;
        viewers.spawn(whole(url("growing")));
    }
    open(&held);
    for reply in viewers.join_all().await {
        assert!(reply.expect("the whole").as_ref() == body);
    }
    let later = get(edge.address, "/assets/growing").await;
    assert_eq!((later.header("x-cache"), later.body == body), ("hit", true));
    assert_eq!(later.header("content-length"), LARGE.to_string());
    assert_eq!(origin.seen("/assets/growing").len(), 1);

    // Twice it breaks off; it is gone on with, since it is sure to be the same, and no byte comes twice.
    let breaks = |at| say.clone().breaks_after(at);
    origin.on("/assets/broken", [breaks(first), breaks(first + 10), say.clone()]);
    assert!(whole(url("broken")).await.expect("the whole").as_ref() == body);
    assert_eq!(origin.seen("/assets/broken").len(), 3);
}

async fn all(edge: &Running, target: &str, count: usize) -> Vec<Reply> {
    let mut viewers = JoinSet::new();
    for _ in 0..count {
        let (address, target) = (edge.address, target.to_owned());
        viewers.spawn(async move { get(address, &target).await });
    }
    viewers.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_the_middle_is_taken_up_where_it_stopped() {
    let (origin, edge) = set(|_| {}).await;
    let body = large();
    let immutable = [("cache-control", "public, max-age=31536000, immutable")];
    let tagged = [("cache-control", "max-age=60"), ("etag", "\"v1\"")];
    for (path, headers) in [("/assets/immutable", &immutable[..]), ("/assets/tagged", &tagged)] {
        let with = |say: Say| headers.iter().fold(say, |say, (name, value)| say.with(name, value));
        let half = LARGE / 2;
        let rest = with(Say::body(&body[half..])).status(206);
        let rest = rest.with("content-range", &format!("bytes {half}-{}/{LARGE}", LARGE - 1));
        origin.on(path, [with(Say::body(body.clone())).breaks_after(half), rest]);
        for reply in all(&edge, path, 20).await {
            assert_eq!((reply.status, reply.body == body), (200, true), "{path}");
        }
        let asked = origin.seen(path);
        assert_eq!(asked.len(), 2, "{path}");
        assert_eq!(asked[1].header("range"), format!("bytes={half}-"));
    }
    assert_eq!(origin.seen("/assets/tagged")[1].header("if-range"), "\"v1\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_without_ranges_is_read_again_and_no_byte_comes_twice() {
    let (origin, edge) = set(|_| {}).await;
    let body = large();
    let whole = Say::body(body.clone()).with("cache-control", "max-age=60, immutable");
    origin.on("/assets/large", [whole.clone().breaks_after(LARGE / 3), whole]);
    for reply in all(&edge, "/assets/large", 20).await {
        assert_eq!((reply.status, reply.body == body), (200, true));
    }
    assert_eq!(origin.seen("/assets/large").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_object_that_broke_off_is_fetched_anew_and_nobody_notices() {
    let (origin, edge) = set(|_| {}).await;
    let say = |text: &str| Say::body(text).with("cache-control", "max-age=60");
    origin.on("/assets/small", [say("the old one").breaks_after(4), say("the new one, longer")]);
    for reply in all(&edge, "/assets/small", 20).await {
        assert_eq!((reply.status, reply.text().as_str()), (200, "the new one, longer"));
    }
    assert_eq!(origin.seen("/assets/small").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_changed_meanwhile_is_never_sewn_together() {
    let (origin, edge) = set(|_| {}).await;
    let say = Say::body(large()).with("cache-control", "max-age=60");
    origin.on("/assets/mutable", [say.breaks_after(LARGE / 2)]);
    let mut viewer = Viewer::asks(edge.address, "GET", "/assets/mutable", &[]).await;
    viewer.reads(LARGE / 4).await;
    let rest = tokio::spawn(viewer.reply());
    assert!(rest.await.is_err(), "the answer breaks off, so that the viewer knows");
    // It breaks off again: amid the answer, or so soon that there is none yet.
    let again = tokio::spawn(get(edge.address, "/assets/mutable")).await;
    let is_whole = again.as_ref().is_ok_and(|reply| reply.status != 502);
    assert!(!is_whole, "half an object is not kept: {:?}", again.map(|reply| reply.status));
}
