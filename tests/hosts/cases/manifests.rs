//! MPDs: a way in like the multivariant playlist, and afterwards everybody's bytes.

use std::time::Duration;

use crate::origin::Say;
use crate::stage::{Scene, Stage, session_of};
use crate::ticket;

/// Type of MPDs.
const MPD: &str = "application/dash+xml";

/// An MPD as the house writes it.
const MANIFEST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD type=\"dynamic\">\n\
    <Location>manifest.8.mpd</Location>\n<Period id=\"0\" start=\"PT0S\">\n\
    <AdaptationSet id=\"1\" contentType=\"video\">\n\
    <Representation id=\"720p\" bandwidth=\"3\" width=\"1280\" height=\"720\">\n\
    <SegmentTemplate media=\"720p/e1/s$Number$.m4s\"/>\n</Representation>\n\
    <Representation id=\"480p\" bandwidth=\"1\" width=\"854\" height=\"480\">\n\
    <SegmentTemplate media=\"480p/e1/s$Number$.m4s\"/>\n</Representation>\n\
    </AdaptationSet>\n</Period>\n</MPD>\n";
/// How many viewers wait for one.
const VIEWERS: usize = 100;

/// The scene with an MPD and the one after it.
fn with_manifest(scene: Scene) -> Scene {
    let say = || Say::body(MPD, MANIFEST).with("cache-control", "public, max-age=12");
    for name in ["manifest.mpd", "manifest.8.mpd"] {
        scene.stage.origin.on(&format!("{}/{name}", scene.path), say());
    }
    scene
}

fn door(scene: &Scene) -> String {
    format!("/live/{}/manifest.mpd?token={}", scene.claims.show, ticket::token(&scene.claims))
}

pub(super) async fn an_mpd_moves_below_the_session_and_what_follows_is_everybodys(stage: Stage) {
    let scene = with_manifest(stage.show());
    let entered = stage.get(&door(&scene)).await;
    assert_eq!((entered.status, entered.header("content-type")), (200, MPD), "{}", entered.text());
    assert_eq!(entered.header("cache-control"), "private, no-store");
    let session = session_of(&entered);
    let text = entered.text();
    assert!(text.contains(&format!("<BaseURL>{session}/</BaseURL>\n")), "{text}");
    let location = format!("<Location>{session}/manifest.8.mpd</Location>");
    assert!(text.contains(&location), "{text}");
    let next = stage.get(&format!("{session}/manifest.8.mpd")).await;
    assert_eq!((next.status, next.header("content-type")), (200, MPD));
    assert_eq!(next.text(), MANIFEST, "everybody's bytes");
    assert_eq!(next.header("cache-control"), "public, max-age=12", "the origin's word");
    assert_eq!(stage.get(&format!("{session}/720p/e1/s1.m4s")).await.text(), "0123456789");
    let in_path =
        format!("/live/{}/t/{}/manifest.mpd", scene.claims.show, ticket::token(&scene.claims));
    assert_eq!(stage.get(&in_path).await.status, 200);
    let head = stage.ask("HEAD", &door(&scene), &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let without = stage.get(&format!("/live/{}/manifest.mpd", scene.claims.show)).await;
    assert_eq!((without.status, without.code().as_str()), (401, "token_missing"));
    let seen = stage.origin.seen(&scene.path);
    assert!(seen.iter().all(|one| one.query.is_none() && !one.all().contains(&session)));
    // What calls itself something else is not handed on.
    let other = stage.show();
    stage.origin.on(&format!("{}/manifest.mpd", other.path), Say::body("text/html", MANIFEST));
    let reply = stage.get(&door(&other)).await;
    assert_eq!((reply.status, reply.code().as_str()), (502, "origin_failed"));
}

pub(super) async fn a_tiers_mpd_ends_at_its_highest_rung(stage: Stage) {
    let scene = with_manifest(stage.show().with_policy(r#"{"height_max":480}"#));
    let entered = stage.get(&door(&scene)).await;
    assert_eq!(entered.status, 200, "{}", entered.text());
    let session = session_of(&entered);
    let next = stage.get(&format!("{session}/manifest.8.mpd")).await;
    assert_eq!((next.status, next.header("cache-control")), (200, "private, no-store"));
    for reply in [entered, next] {
        let text = reply.text();
        assert!(text.contains("id=\"480p\"") && !text.contains("720p"), "{text}");
    }
    let above = stage.get(&format!("{session}/720p/e1/s1.m4s")).await;
    assert_eq!((above.status, above.code().as_str()), (403, "tier_too_low"));
    let none = with_manifest(stage.show().with_policy(r#"{"height_max":144}"#));
    let reply = stage.get(&door(&none)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "tier_too_low"));
}

/// An MPD of a show of a minute, in segments of two seconds: numbers 0 to 29.
const MINUTE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD type=\"dynamic\" \
    timeShiftBufferDepth=\"PT7200S\" maxSegmentDuration=\"PT2.5S\">\n\
    <Location>manifest.30.mpd</Location>\n<Period id=\"0\" start=\"PT0S\">\n\
    <AdaptationSet id=\"1\" contentType=\"video\">\n\
    <SegmentTemplate timescale=\"90000\" startNumber=\"0\">\n<SegmentTimeline>\n\
    <S t=\"0\" d=\"180000\" r=\"29\"/>\n</SegmentTimeline>\n</SegmentTemplate>\n\
    <Representation id=\"720p\" bandwidth=\"3\" width=\"1280\" height=\"720\">\n\
    <SegmentTemplate initialization=\"720p/e1/i0.mp4\" media=\"720p/e1/s$Number$.m4s\"/>\n\
    </Representation>\n</AdaptationSet>\n</Period>\n</MPD>\n";

pub(super) async fn a_ticket_that_reaches_back_only_so_far_gets_so_much(stage: Stage) {
    let scene = stage.show().with_policy(r#"{"dvr_s_max":20}"#);
    for name in ["manifest.mpd", "manifest.30.mpd"] {
        stage.origin.on(&format!("{}/{name}", scene.path), Say::body(MPD, MINUTE));
    }
    for number in [10, 18, 19, 30] {
        let path = format!("{}/720p/e1/s{number}.m4s", scene.path);
        stage.origin.on(&path, Say::body("video/mp4", format!("segment {number}")));
    }
    let entered = stage.get(&door(&scene)).await;
    assert_eq!((entered.status, entered.header("content-type")), (200, MPD), "{}", entered.text());
    let session = session_of(&entered);
    let next = stage.get(&format!("{session}/manifest.30.mpd")).await;
    assert_eq!((next.status, next.header("cache-control")), (200, "private, no-store"));
    // The newest begins at 58 s: what ends at 38 s or before is gone.
    let left = "startNumber=\"19\">\n<SegmentTimeline>\n<S t=\"3420000\" d=\"180000\" r=\"10\"/>\n";
    let query = |text: &str| {
        let (_, rest) = text.split_once("s$Number$.m4s").expect("a pattern");
        rest.split_once('"').expect("an end").0.to_owned()
    };
    let (mark, again) = (query(&entered.text()), query(&next.text()));
    assert!(mark.starts_with("?s=19.") && mark == again, "{mark} {again}");
    for text in [entered.text(), next.text()] {
        assert!(text.contains(left) && text.contains("timeShiftBufferDepth=\"PT20S\""), "{text}");
    }
    let segment = async |number: u32, mark: &str| {
        stage.get(&format!("{session}/720p/e1/s{number}.m4s{mark}")).await
    };
    for number in [19, 30] {
        assert_eq!(segment(number, &mark).await.text(), format!("segment {number}"));
    }
    let other = format!("{session}/480p/e1/s30.m4s{mark}");
    let (lower, cut) = (mark.replace("=19.", "=10."), mark.replace("?s=19.", "?s="));
    let mut refused = vec![stage.get(&other).await];
    for (number, mark) in [(18, &*mark), (10, &*lower), (19, &*cut), (19, ""), (19, "?s=19.")] {
        refused.push(segment(number, mark).await);
    }
    for reply in refused {
        assert_eq!((reply.status, reply.code().as_str()), (403, "dvr_too_far"));
    }
    let over = stage.show().with_policy(r#"{"dvr_s_max":20}"#);
    let recording = MINUTE.replace("dynamic", "static");
    stage.origin.on(&format!("{}/manifest.mpd", over.path), Say::body(MPD, recording));
    let reply = stage.get(&door(&over)).await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "dvr_too_far"));
}

pub(super) async fn a_denied_viewer_gets_no_more_mpds(stage: Stage) {
    let scene = with_manifest(stage.show());
    assert_eq!(scene.watch("manifest.8.mpd").await.status, 200);
    stage.origin.deny("ticket", &scene.claims.ticket.to_string(), "refunded");
    super::deny::stopped(&scene, "refunded").await;
    for target in [door(&scene), format!("{}/manifest.8.mpd", scene.session)] {
        let reply = stage.get(&target).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "refunded"), "{target}");
    }
}

/// The time by this machine's `date`, to the second. Such texts are in the order of their times.
fn date() -> String {
    let said = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S"]).output();
    String::from_utf8_lossy(&said.expect("date runs").stdout).trim().to_owned()
}

pub(super) async fn the_time_is_told_to_anybody(stage: Stage) {
    let before = date();
    let reply = stage.ask("GET", "/time", &[("origin", "https://player.test")]).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let told = reply.text();
    let (second, millis) = told.split_once('.').expect("milliseconds");
    assert!(before.as_str() <= second && second <= date().as_str(), "{told}");
    assert!(millis.len() == 4 && millis.ends_with('Z'), "{told}");
    let posted = stage.post("/time", "text/plain", b"").await;
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD, OPTIONS"));
}

pub(super) async fn viewers_who_wait_for_one_mpd_are_one_request(stage: Stage) {
    let scene = with_manifest(stage.show());
    let say = Say::body(MPD, MANIFEST).with("cache-control", "max-age=12");
    let target = format!("{}/manifest.8.mpd", scene.path);
    stage.origin.on(&target, say.after(Duration::from_secs(2)));
    // The deny list is known, as it is to any edge that has served a moment.
    assert_eq!(scene.watch("720p/e1/s1.m4s").await.status, 200);
    let viewers: Vec<_> = (0..VIEWERS)
        .map(|_| {
            let scene = scene.clone();
            tokio::spawn(async move { scene.watch("manifest.8.mpd").await })
        })
        .collect();
    for viewer in viewers {
        let reply = viewer.await.expect("a reply");
        assert_eq!((reply.status, reply.text().as_str()), (200, MANIFEST));
    }
    assert_eq!(stage.origin.seen(&target).len(), 1);
}
