//! Closed segments from the bucket, and from the origin where it does not have them.

use shared_wire::header::CACHE_MEDIA;

use super::deny;
use crate::bucket::{Bucket, Fault};
use crate::client::Reply;
use crate::host::Host;
use crate::origin::Say;
use crate::stage::{Scene, Stage};

/// What the bucket has of a segment, and the origin.
const THERE: &[u8] = b"from the bucket";
const HERE: &[u8] = b"by the origin!!";

/// A show before an edge with a bucket.
async fn set(stage: &Stage) -> (Scene, Bucket) {
    let bucket = Bucket::start().await;
    let settings = bucket.settings();
    let more: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    (stage.beside(&more).await.show(), bucket)
}

/// Has the origin say a media object as the house does.
fn at_origin(scene: &Scene, rest: &str) {
    let show = scene.claims.show;
    let say = Say::body("video/mp4", HERE)
        .with("cache-control", CACHE_MEDIA)
        .with("surrogate-key", &format!("{show} {show}/720p"));
    scene.stage.origin.on(&format!("{}/{rest}", scene.path), say);
}

fn at_bucket(scene: &Scene, bucket: &Bucket, rest: &str) {
    bucket.put(&format!("{}/{rest}", scene.path), THERE);
}

/// The headers of an answer, but for those of this one answer.
fn lasting(reply: &Reply) -> Vec<(String, String)> {
    let own = ["age", "date", "x-request-id", "x-cache", "cache-status"];
    let mut all = reply.all().to_vec();
    all.retain(|(name, _)| !own.contains(&name.as_str()));
    all.sort();
    all
}

pub(super) async fn closed_segments_come_from_the_bucket_as_the_origin_gives_them(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    for rest in ["720p/e1/s1.m4s", "720p/e1/i0.mp4"] {
        at_bucket(&scene, &bucket, rest);
        at_origin(&scene, rest);
        let reply = scene.watch(&format!("{rest}?CMCD=bl%3D1&x=SPY")).await;
        assert_eq!((reply.status, &*reply.body), (200, THERE), "{rest}");
    }
    assert_eq!(scene.count(), 0, "the origin was spared");
    let seen = bucket.seen();
    assert_eq!(seen.len(), 2);
    let all = seen.concat();
    for hidden in ["SPY", "CMCD", "matinee-edge-key", &scene.session[3..], "edge.test"] {
        assert!(!all.contains(hidden), "{hidden}: {all}");
    }
    // The same head, whoever answered.
    let from_bucket = scene.watch("720p/e1/s1.m4s").await;
    at_origin(&scene, "720p/e1/s2.m4s");
    let from_origin = scene.watch("720p/e1/s2.m4s").await;
    assert_eq!(&*from_origin.body, HERE);
    assert_eq!(lasting(&from_bucket), lasting(&from_origin));
    assert_eq!(from_bucket.header("content-type"), "video/mp4");
    assert_eq!(from_bucket.header("cache-control"), CACHE_MEDIA);
}

pub(super) async fn a_range_of_a_segment_comes_from_the_bucket(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    at_bucket(&scene, &bucket, "720p/e1/s1.m4s");
    let target = format!("{}/720p/e1/s1.m4s", scene.session);
    for _ in 0..2 {
        let reply = scene.stage.ask("GET", &target, &[("range", "bytes=5-7")]).await;
        assert_eq!((reply.status, &*reply.body), (206, &THERE[5..=7]), "{reply:?}");
        assert_eq!(reply.header("content-range"), "bytes 5-7/15");
        assert_eq!(reply.header("content-type"), "video/mp4");
    }
    assert_eq!(scene.count(), 0);
    assert!(!bucket.seen().is_empty());
}

pub(super) async fn what_the_bucket_does_not_give_comes_from_the_origin(stage: Stage) {
    let (first, bucket) = set(&stage).await;
    for fault in
        [Fault::None, Fault::Status(403), Fault::Status(500), Fault::Status(301), Fault::Hang]
    {
        // A show of its own, and a bucket that did well just now.
        let scene = first.stage.show();
        bucket.fault(Fault::None);
        at_bucket(&scene, &bucket, "480p/e1/s1.m4s");
        assert_eq!(scene.watch("480p/e1/s1.m4s").await.body, THERE);
        let asked = bucket.seen().len();
        bucket.fault(fault);
        // Nobody has it yet; that must not stay so.
        let rest = "720p/e1/s10.m4s";
        let reply = scene.watch(rest).await;
        assert_eq!((reply.status, reply.code().as_str()), (404, "object_unknown"), "{fault:?}");
        at_origin(&scene, rest);
        let reply = scene.watch(rest).await;
        assert_eq!((reply.status, &*reply.body), (200, HERE), "{fault:?}");
        assert!(bucket.seen().len() > asked, "{fault:?}");
    }
}

pub(super) async fn a_bucket_that_is_not_there_costs_nobody_a_segment(stage: Stage) {
    let (gone, bucket) = (std::net::TcpListener::bind("127.0.0.1:0"), Bucket::start().await);
    let endpoint = format!("http://{}", gone.expect("a port").local_addr().expect("an address"));
    let mut settings = bucket.settings();
    for (_, value) in settings.iter_mut().filter(|(name, _)| name.ends_with("_ENDPOINT")) {
        value.clone_from(&endpoint);
    }
    let more: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let scene = stage.beside(&more).await.show();
    at_origin(&scene, "720p/e1/s1.m4s");
    assert_eq!(scene.watch("720p/e1/s1.m4s").await.body, HERE);
}

pub(super) async fn parts_playlists_and_marked_forms_never_go_to_the_bucket(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    for rest in ["720p/e1/p2.0.m4s", "720p/e1/s1.m4s", "cover.jpg"] {
        at_origin(&scene, rest);
        at_bucket(&scene, &bucket, rest);
    }
    for rest in ["720p/e1/p2.0.m4s", "720p/index.m3u8", "index.m3u8", "cover.jpg"] {
        assert_eq!(scene.watch(rest).await.status, 200, "{rest}");
    }
    let head = format!("{}/720p/e1/s1.m4s", scene.session);
    // Our host fetches the whole for its cache; elsewhere a `HEAD` is the origin's.
    if stage.host != Host::Ours {
        assert_eq!(scene.stage.ask("HEAD", &head, &[]).await.status, 200);
    }
    let marked = scene.with_policy(r#"{"watermark":"a"}"#);
    assert_eq!(marked.watch("720p/e1/s1.m4s").await.body, HERE);
    assert_eq!(bucket.seen().len(), 0);
}

pub(super) async fn the_bucket_is_for_those_who_may_watch(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    at_bucket(&scene, &bucket, "720p/e1/s1.m4s");
    let forged = format!("{}AAAA/720p/e1/s1.m4s", &scene.session[..scene.session.len() - 4]);
    assert!(scene.stage.get(&forged).await.status >= 400);
    let ticket = scene.claims.ticket.to_string();
    scene.stage.origin.deny("ticket", &ticket, "refunded");
    deny::stopped(&scene, "refunded").await;
    let reply = scene.watch("720p/e1/s1.m4s").await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(bucket.seen().len(), 0);
}

pub(super) async fn a_bucket_that_fails_is_left_alone(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    bucket.fault(Fault::Status(503));
    for msn in 0..20 {
        let rest = format!("720p/e1/s{msn}.m4s");
        at_origin(&scene, &rest);
        assert_eq!(scene.watch(&rest).await.body, HERE);
    }
    let asked = bucket.seen().len();
    assert!((3..20).contains(&asked), "asked {asked} times");
    bucket.fault(Fault::None);
    let mut msn = 100;
    loop {
        let rest = format!("720p/e1/s{msn}.m4s");
        at_origin(&scene, &rest);
        at_bucket(&scene, &bucket, &rest);
        if scene.watch(&rest).await.body == THERE {
            break;
        }
        msn += 1;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

pub(super) async fn what_cannot_be_in_the_bucket_yet_is_not_asked_for(stage: Stage) {
    let (scene, bucket) = set(&stage).await;
    for msn in 50..60 {
        let rest = format!("720p/e1/s{msn}.m4s");
        at_origin(&scene, &rest);
        assert_eq!(scene.watch(&rest).await.body, HERE);
        at_bucket(&scene, &bucket, &rest);
    }
    assert_eq!(bucket.seen().len(), 1, "the first told that it is live");
    at_bucket(&scene, &bucket, "720p/e1/s40.m4s");
    assert_eq!(scene.watch("720p/e1/s40.m4s").await.body, THERE, "who goes back");
}
