//! What a ticket's tier admits to, request by request.

use std::fmt::Write as _;

use crate::origin::Say;
use crate::stage::{ABROAD, HOME, MEDIA, NEXT_DOOR, PLAYLIST, Scene, Stage};
use crate::ticket;

/// The status and the code of what is refused below a session.
async fn refused(scene: &Scene, rest: &str, code: &str) {
    let before = scene.count();
    let reply = scene.watch(rest).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, code), "{rest}");
    assert_eq!(scene.count(), before, "the origin was asked for {rest}");
}

pub(super) async fn a_tier_ends_at_its_highest_rung(stage: Stage) {
    let scene = stage.show().with_policy(r#"{"height_max":480}"#);
    let reply = scene.enter(&ticket::token(&scene.claims)).await;
    let text = reply.text();
    assert_eq!(reply.status, 200, "{text}");
    assert!(text.contains("/480p/index.m3u8") && text.contains("/audio/index.m3u8"), "{text}");
    assert!(!text.contains("/720p/") && !text.contains("RESOLUTION=1280x720"), "{text}");
    for rest in ["720p/index.m3u8", "720p/iframes.m3u8", "720p/e1/s1.m4s", "source/e1/i0.mp4"] {
        refused(&scene, rest, "tier_too_low").await;
    }
    assert_eq!(scene.watch("480p/index.m3u8").await.text(), MEDIA);
    let inside = scene.watch("index.m3u8").await.text();
    assert!(
        inside.contains("\n480p/index.m3u8") && !inside.contains("720p/index.m3u8\r"),
        "{inside}"
    );

    let none = stage.show().with_policy(r#"{"height_max":144}"#);
    let only = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1280x720\n720p/index.m3u8\n";
    stage.origin.on(&format!("{}/index.m3u8", none.path), Say::body(PLAYLIST, only));
    let reply = none.enter(&ticket::token(&none.claims)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "tier_too_low"));
}

/// A live window of this many segments of two seconds.
fn window(segments: usize) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI=\"e1/i0.mp4\"\n"
        .to_owned();
    for msn in 0..segments {
        writeln!(text, "#EXTINF:2.0,\ne1/s{msn}.m4s").expect("a text grows");
    }
    text
}

pub(super) async fn a_tier_reaches_back_to_its_depth_and_no_further(stage: Stage) {
    let scene = stage.show().with_policy(r#"{"dvr_s_max":20}"#);
    let say = |text: String| {
        stage.origin.on(&format!("{}/720p/index.m3u8", scene.path), Say::body(PLAYLIST, text));
    };
    for msn in [1, 99] {
        stage.origin.on(&format!("{}/720p/e1/s{msn}.m4s", scene.path), crate::stage::segment());
    }
    say(window(100));
    let reply = scene.watch("720p/index.m3u8?_HLS_skip=YES").await;
    let text = reply.text();
    assert_eq!((reply.status, reply.header("cache-control")), (200, "private, no-store"), "{text}");
    assert!(!text.contains("e1/s1.m4s") && !text.contains("e1/s80.m4s"), "{text}");
    let uri = text.lines().find(|line| line.contains("s99.m4s")).expect("the live edge");
    assert_eq!(scene.watch(&format!("720p/{uri}")).await.text(), "0123456789");
    let seen = stage.origin.seen(&scene.path);
    assert!(seen.iter().all(|one| one.query.is_none()), "{seen:?}");
    // Whoever knows the live edge's name can guess the others', and its mark opens no other.
    refused(&scene, "720p/e1/s1.m4s", "dvr_too_far").await;
    refused(&scene, "720p/e1/s99.m4s", "dvr_too_far").await;
    refused(&scene, "storyboard.vtt", "dvr_too_far").await;
    refused(&scene, "board/e1/b0.jpg", "dvr_too_far").await;
    refused(&scene, &format!("720p/{}", uri.replace("s99", "s1")), "dvr_too_far").await;
    let other = stage.show();
    assert_eq!(other.watch("720p/index.m3u8").await.text(), MEDIA, "others have it all");

    let recorded = stage.show().with_policy(r#"{"dvr_s_max":20}"#);
    let vod = window(3).replace("#EXT-X-VERSION:9", "#EXT-X-PLAYLIST-TYPE:VOD");
    let path = format!("{}/720p/index.m3u8", recorded.path);
    stage.origin.on(&path, Say::body(PLAYLIST, vod + "#EXT-X-ENDLIST\n"));
    let reply = recorded.watch("720p/index.m3u8").await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "dvr_too_far"), "a recording");
}

pub(super) async fn a_ticket_is_for_its_countries(stage: Stage) {
    for policy in [r#"{"countries":{"allow":["DE","AT"]}}"#, r#"{"countries":{"deny":["FR"]}}"#] {
        let scene = stage.show().with_policy(policy);
        let live = scene.live(&ticket::token(&scene.claims));
        let reply = stage.ask_from(ABROAD, &live, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "country_denied"), "{policy}");
        assert_eq!(reply.problem("detail"), "the request comes from FR");
        assert_eq!(scene.count(), 0);
        assert_eq!(stage.ask_from(HOME, &live, &[]).await.status, 200, "{policy}");
    }
}

pub(super) async fn a_host_that_knows_no_country_lets_nobody_in_by_country(stage: Stage) {
    let scene = stage.show().with_policy(r#"{"countries":{"allow":["DE"]}}"#);
    let live = scene.live(&ticket::token(&scene.claims));
    let spoofed = [("matinee-client-country", "DE"), ("cf-ipcountry", "DE")];
    let reply = stage.ask("GET", &live, &spoofed).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "country_denied"));
    let scene = stage.show().with_policy(r#"{"countries":{"deny":["FR"]}}"#);
    assert_eq!(scene.enter(&ticket::token(&scene.claims)).await.status, 200);
}

pub(super) async fn a_session_stays_in_its_network(stage: Stage) {
    for (policy, is_next_door) in
        [(r#"{"bind":"network"}"#, true), (r#"{"bind":"address"}"#, false)]
    {
        let scene = stage.show().with_policy(policy);
        let session = scene.begin(HOME).await;
        let target = format!("{session}/720p/index.m3u8");
        let from = |place| stage.ask_from(place, &target, &[]);
        assert_eq!(from(HOME).await.status, 200);
        let before = scene.count();
        let next_door = from(NEXT_DOOR).await;
        assert_eq!(next_door.status == 200, is_next_door, "{policy}: {}", next_door.text());
        let abroad = from(ABROAD).await;
        assert_eq!((abroad.status, abroad.code().as_str()), (403, "session_wrong_network"));
        assert!(scene.count() <= before + usize::from(is_next_door));
    }
}

pub(super) async fn a_preview_ends_at_the_wall(stage: Stage) {
    let scene = stage.show().with_policy(r#"{"preview_s":300}"#);
    assert_eq!(scene.watch("720p/index.m3u8").await.status, 200);
    let mut over = scene.clone();
    over.claims.expires_at = ticket::now() - 1;
    let over = over.with_policy(r#"{"preview_s":300}"#);
    refused(&over, "720p/index.m3u8", "preview_over").await;
    for token in [ticket::token(&over.claims), ticket::cat(&over.claims)] {
        let reply = over.enter(&token).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "preview_over"));
    }
}

pub(super) async fn each_watermark_gets_its_own_form_of_the_media(stage: Stage) {
    let seen = |scene: &Scene| {
        let seen = stage.origin.seen(&format!("{}/720p/e1", scene.path));
        seen.iter().map(|one| one.query.clone().unwrap_or_default()).collect::<Vec<_>>()
    };
    let scene = stage.show();
    for (policy, query) in [(r#"{"watermark":"a"}"#, "wm=a"), (r#"{"watermark":"b"}"#, "wm=b")] {
        let scene = scene.clone().with_policy(policy);
        assert_eq!(scene.watch("720p/index.m3u8").await.text(), MEDIA, "playlists are the same");
        assert_eq!(scene.watch("720p/e1/s1.m4s?wm=x").await.status, 200);
        assert_eq!(seen(&scene).last().map(String::as_str), Some(query));
    }
    assert_eq!(scene.watch("720p/e1/s1.m4s?wm=a").await.status, 200);
    assert_eq!(seen(&scene), ["wm=a", "wm=b", ""], "a viewer does not choose");
}

pub(super) async fn a_displaced_viewer_is_told_which_device_took_over(stage: Stage) {
    let scene = stage.show();
    let session = scene.claims.session.to_string();
    stage.origin.deny_with("session", &session, "displaced", "Anna's phone");
    super::deny::stopped(&scene, "displaced").await;
    let reply = scene.watch("720p/index.m3u8").await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "displaced"));
    assert_eq!(reply.problem("detail"), "Anna's phone");
}
