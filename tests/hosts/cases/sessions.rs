//! Sealed sessions: what they open, and what they do not.

use crate::stage::{Scene, Stage};
use crate::ticket;

/// The session opens nothing, and the origin does not hear of it.
async fn refused(scene: &Scene, session: &str, code: &str) {
    for rest in ["720p/index.m3u8", "720p/e1/s1.m4s"] {
        let reply = scene.stage.get(&format!("/p/{session}/{rest}")).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, code), "{session}");
    }
    assert_eq!(scene.count(), 0, "the origin was asked");
}

pub(super) async fn a_garbled_session_is_refused(stage: Stage) {
    let scene = stage.show();
    let good = ticket::sealed(&scene.claims);
    for garbled in
        ["x", "~", &good[1..], &good[..good.len() - 1], &format!("{good}A"), &"A".repeat(500)]
    {
        refused(&scene, garbled, "session_malformed").await;
    }
}

pub(super) async fn a_forged_session_is_refused(stage: Stage) {
    let scene = stage.show();
    refused(&scene, &ticket::foreign_sealed(&scene.claims), "session_forged").await;
    let good = ticket::sealed(&scene.claims);
    for _ in 0..8 {
        let spoiled = ticket::spoiled(&good);
        let reply = stage.get(&format!("/p/{spoiled}/720p/index.m3u8")).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
    }
    assert_eq!(scene.count(), 0);
}

pub(super) async fn an_expired_session_is_refused(stage: Stage) {
    let mut scene = stage.show();
    scene.claims.expires_at = ticket::now() - 1;
    refused(&scene, &ticket::sealed(&scene.claims), "session_expired").await;
}

pub(super) async fn a_session_opens_its_own_show_only(stage: Stage) {
    let (mine, other) = (stage.show(), stage.show());
    let show = other.claims.show;
    for rest in [
        format!("{show}/index.m3u8"),
        format!("{show}/720p/index.m3u8"),
        format!("../{show}/720p/index.m3u8"),
        format!("o/{show}/720p/index.m3u8"),
    ] {
        let reply = mine.watch(&rest).await;
        // Viceroy resolves dots before the program sees the path: then it is no session at all.
        assert!(matches!(reply.status, 400 | 403 | 404), "{rest}: {}", reply.status);
    }
    assert_eq!(other.count(), 0, "another show was opened");
    assert_eq!(mine.watch("720p/index.m3u8").await.status, 200);
}
