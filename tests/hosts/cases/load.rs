//! Many viewers, one object.

use std::time::Duration;

use crate::origin::Say;
use crate::stage::{MEDIA, PLAYLIST, Stage, segment};

/// How many viewers wait for one playlist.
const VIEWERS: usize = 200;

pub(super) async fn two_hundred_viewers_of_one_blocked_playlist_are_one_request(stage: Stage) {
    let scene = stage.show();
    let say = Say::body(PLAYLIST, MEDIA)
        .with("cache-control", "max-age=12")
        .after(Duration::from_secs(2));
    stage.origin.on(&format!("{}/720p/index.m3u8", scene.path), say);
    // The deny list is known, as it is to any edge that has served a moment.
    assert_eq!(scene.watch("720p/e1/s1.m4s").await.status, 200);
    let viewers: Vec<_> = (0..VIEWERS)
        .map(|n| {
            let (stage, target) = (stage.clone(), format!("{}/720p/index.m3u8", scene.session));
            // Each calls itself something else, and asks in its own words.
            let query = format!("?_HLS_part=0&viewer={n}&_HLS_msn=9");
            tokio::spawn(async move { stage.get(&format!("{target}{query}")).await })
        })
        .collect();
    for viewer in viewers {
        let reply = viewer.await.expect("a reply");
        assert_eq!((reply.status, reply.text().as_str()), (200, MEDIA));
    }
    let asked = stage.origin.seen(&format!("{}/720p/index.m3u8", scene.path));
    assert_eq!(asked.len(), 1, "{VIEWERS} viewers were {} requests", asked.len());
    assert_eq!(asked[0].query.as_deref(), Some("_HLS_msn=9&_HLS_part=0"));
}

pub(super) async fn what_is_fresh_is_not_asked_again_and_tells_its_age(stage: Stage) {
    let scene = stage.show();
    let first = scene.watch("720p/e1/s1.m4s").await;
    assert_eq!((first.header("x-cache"), first.header("age")), ("miss", ""));
    let second = scene.watch("720p/e1/s1.m4s").await;
    assert_eq!(second.header("x-cache"), "hit");
    assert!(second.header("age").parse::<u32>().is_ok(), "{second:?}");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let third = scene.watch("720p/e1/s1.m4s").await;
    assert_eq!(third.header("x-cache"), "hit");
    assert!(third.header("age").parse::<u32>().is_ok_and(|age| age >= 1), "{third:?}");
    assert_eq!(third.header("date"), first.header("date"), "when the origin made it");
    assert_eq!((scene.count(), third.text().as_str()), (1, "0123456789"));
}

pub(super) async fn what_is_said_to_edges_goes_before_what_is_said_to_all(stage: Stage) {
    let scene = stage.show();
    let say = Say::body(PLAYLIST, MEDIA)
        .with("cache-control", "no-cache")
        .with("surrogate-control", "max-age=60");
    stage.origin.on(&format!("{}/720p/index.m3u8", scene.path), say);
    assert_eq!(scene.watch("720p/index.m3u8").await.header("x-cache"), "miss");
    let reply = scene.watch("720p/index.m3u8").await;
    assert_eq!((reply.header("x-cache"), reply.header("cache-control")), ("hit", "no-cache"));
    assert_eq!(scene.count(), 1);
}

pub(super) async fn heads_ranges_and_conditions_are_answered_from_the_store(stage: Stage) {
    let scene = stage.show();
    stage.origin.on(&format!("{}/720p/e1/s4.m4s", scene.path), segment());
    let target = format!("{}/720p/e1/s4.m4s", scene.session);
    let head = stage.ask("HEAD", &target, &[]).await;
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, "\"s1\"", 0));
    let part = stage.ask("GET", &target, &[("range", "bytes=-3")]).await;
    assert_eq!((part.status, part.text().as_str()), (206, "789"));
    let beyond = stage.ask("GET", &target, &[("range", "bytes=10-")]).await;
    assert_eq!((beyond.status, beyond.code().as_str()), (416, "range_not_satisfiable"));
    let known = stage.ask("GET", &target, &[("if-none-match", "W/\"s1\"")]).await;
    assert_eq!(known.status, 304);
    assert_eq!(scene.watch("720p/e1/s4.m4s").await.text(), "0123456789");
    assert_eq!(scene.count(), 1, "one request for all of them");
}

pub(super) async fn a_failure_is_not_kept(stage: Stage) {
    let scene = stage.show();
    let path = format!("{}/480p/index.m3u8", scene.path);
    for status in [503, 400] {
        stage.origin.on(&path, Say::problem(status, "not_now"));
        assert_eq!(scene.watch("480p/index.m3u8").await.status, status);
    }
    stage.origin.on(&path, Say::body(PLAYLIST, MEDIA));
    assert_eq!(scene.watch("480p/index.m3u8").await.status, 200);
    assert_eq!(scene.count(), 3);
}
