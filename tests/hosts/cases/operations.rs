//! What an operator decides: isolation, purging, media on another host.

use crate::client::Reply;
use crate::origin::{EDGE_KEY, Say};
use crate::stage::{MEDIA, PLAYLIST, Scene, Stage};
use crate::ticket;

pub(super) async fn an_edge_without_a_list_lets_nobody_new_in_and_cuts_nobody(stage: Stage) {
    let isolated = stage.without_list(&[]).await;
    let scene = isolated.show();
    let reply = scene.enter(&ticket::token(&scene.claims)).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "edge_isolated"));
    assert_eq!(reply.header("retry-after"), "5");
    assert_eq!(scene.watch("720p/index.m3u8").await.text(), MEDIA, "who is in stays in");
    isolated.origin.has_list(true);
    let start = std::time::Instant::now();
    while scene.enter(&ticket::token(&scene.claims)).await.status != 200 {
        assert!(start.elapsed().as_secs() < 10, "the list is there again");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }

    let lenient = stage.without_list(&[("MATINEE_ISOLATED_S", "0")]).await;
    let scene = lenient.show();
    assert_eq!(scene.enter(&ticket::token(&scene.claims)).await.status, 200, "the rule is off");
}

async fn purge(stage: &Stage, key: &str, keys: &str) -> Reply {
    let headers = [("matinee-edge-key", key), ("surrogate-key", keys)];
    stage.ask("POST", "/purge", &headers).await
}

/// Asks for the playlist, and says how often the origin was asked for this show so far.
async fn watched(scene: &Scene) -> usize {
    let reply = scene.watch("720p/index.m3u8").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    scene.count()
}

pub(super) async fn a_purge_needs_the_edge_key(stage: Stage) {
    for key in ["", "wrong", &EDGE_KEY[1..]] {
        let reply = purge(&stage, key, "x").await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "edge_key_wrong"), "{key}");
    }
    let reply = purge(&stage, EDGE_KEY, " ").await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "field_invalid"));
    let reply = stage.ask("GET", "/purge", &[("matinee-edge-key", EDGE_KEY)]).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "POST, OPTIONS"));
    assert!(
        stage.origin.seen("/purge").is_empty()
            && stage.origin.seen("/").iter().all(|one| one.method != "PURGE")
    );
}

pub(super) async fn a_purge_makes_the_cache_forget(stage: Stage) {
    let (scene, other) = (stage.show(), stage.show());
    for one in [&scene, &other] {
        let keys = format!("{0} {0}/720p", one.claims.show);
        let say = Say::body(PLAYLIST, MEDIA)
            .with("cache-control", "max-age=60")
            .with("surrogate-key", &keys);
        stage.origin.on(&format!("{}/720p/index.m3u8", one.path), say);
        assert_eq!((watched(one).await, watched(one).await), (1, 1), "it is kept");
    }
    let reply = purge(&stage, EDGE_KEY, &format!("{}/720p denied", scene.claims.show)).await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert_eq!(watched(&scene).await, 2, "it was forgotten");
    assert_eq!(watched(&other).await, 1, "the other was not");
}

pub(super) async fn a_host_without_a_cache_says_that_it_cannot_purge(stage: Stage) {
    let reply = purge(&stage, EDGE_KEY, "x").await;
    assert_eq!((reply.status, reply.code().as_str()), (501, "purge_unsupported"));
}

pub(super) async fn closed_segments_may_come_from_another_host(stage: Stage) {
    let secret = format!("hmac:k1:{}", "A".repeat(43));
    let settings =
        [("MATINEE_MEDIA_BASE", "https://media.test/o"), ("MATINEE_MEDIA_SIGN", &secret)];
    let elsewhere = stage.beside(&settings).await;
    let scene = elsewhere.show();
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"e1/i0.mp4\"\n".to_owned();
    for msn in 0..6 {
        text += &format!("#EXTINF:2.0,\ne1/s{msn}.m4s\n");
    }
    text += "#EXT-X-PART:DURATION=1.0,URI=\"e1/p6.0.m4s\"\n";
    elsewhere.origin.on(&format!("{}/720p/index.m3u8", scene.path), Say::body(PLAYLIST, text));
    let reply = scene.watch("720p/index.m3u8").await;
    let text = reply.text();
    assert_eq!((reply.status, reply.header("cache-control")), (200, "private, no-store"), "{text}");
    let there = format!("https://media.test/o/{}/720p/e1/", scene.claims.show);
    for file in ["i0.mp4", "s0.m4s", "s2.m4s"] {
        assert!(text.contains(&format!("{there}{file}?exp=")), "{file}: {text}");
    }
    assert!(text.contains("\ne1/s5.m4s\n") && text.contains("\"e1/p6.0.m4s\""), "{text}");
    assert!(!text.contains(&scene.session[3..]), "nothing of the viewer goes elsewhere");
    assert_eq!(scene.watch("720p/e1/s1.m4s").await.status, 200, "it is still here as well");
}
