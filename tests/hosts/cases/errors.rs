//! Errors, and the headers that stand on every answer.

use crate::origin::{EDGE_KEY, Say};
use crate::stage::Stage;
use crate::ticket;

pub(super) async fn every_error_names_its_request(stage: Stage) {
    let scene = stage.show();
    let expired = scene.live("a.b.c");
    for (target, status) in
        [("/nothing", 404), ("/p/x/720p/index.m3u8", 403), (&expired, 401), ("//", 400)]
    {
        let own = stage.ask("GET", target, &[("x-request-id", "viewer-1.a_b")]).await;
        assert_eq!((own.status, own.header("x-request-id")), (status, "viewer-1.a_b"));
        assert_eq!(own.problem("request_id"), "viewer-1.a_b");
        for bad in ["", "a b", "<script>", &"x".repeat(65)] {
            let made = stage.ask("GET", target, &[("x-request-id", bad)]).await;
            let id = made.header("x-request-id");
            assert_eq!(made.problem("request_id"), id);
            assert!(id != bad && (8..=64).contains(&id.len()), "{id}");
        }
        let (one, two) = (stage.get(target).await, stage.get(target).await);
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    }
}

pub(super) async fn the_request_id_goes_to_the_origin_and_back(stage: Stage) {
    let scene = stage.show();
    let target = format!("{}/720p/index.m3u8", scene.session);
    let reply = stage.ask("GET", &target, &[("x-request-id", "trace-7")]).await;
    assert_eq!((reply.status, reply.header("x-request-id")), (200, "trace-7"));
    assert_eq!(stage.origin.seen(&scene.path)[0].header("x-request-id"), "trace-7");
    // The second viewer may get the first one's object, but not its id.
    let reply = stage.ask("GET", &target, &[("x-request-id", "trace-8")]).await;
    assert_eq!(reply.header("x-request-id"), "trace-8");
}

pub(super) async fn scripts_of_any_site_may_read_every_answer(stage: Stage) {
    let scene = stage.show();
    let live = scene.live(&ticket::token(&scene.claims));
    let segment = format!("{}/720p/e1/s1.m4s", scene.session);
    let missing = format!("{}/720p/e1/s9.m4s", scene.session);
    for target in [&live, &segment, &missing, "/nothing", "/p/x/y.m3u8", "/live/x"] {
        let headers = [("origin", "https://player.test"), ("cookie", "a=b")];
        let reply = stage.ask("GET", target, &headers).await;
        assert_eq!(reply.header("access-control-allow-origin"), "*", "{target}");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
        assert_eq!(reply.header("set-cookie"), "");
        let exposed = reply.header("access-control-expose-headers").to_ascii_lowercase();
        assert!(exposed.contains("x-request-id") && exposed.contains("age"), "{exposed}");
    }
}

pub(super) async fn the_origins_own_errors_pass(stage: Stage) {
    let scene = stage.show();
    for (status, code) in [(404, "object_unknown"), (400, "bad_directive"), (503, "show_waits")] {
        stage.origin.on(&format!("{}/480p/index.m3u8", scene.path), Say::problem(status, code));
        let reply = scene.watch("480p/index.m3u8").await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code));
    }
}

pub(super) async fn an_origin_that_does_not_know_the_edge_is_a_bad_gateway(stage: Stage) {
    let scene = stage.show();
    for (say, what) in [
        (Say::problem(401, "edge_unknown"), "not the viewer's 401"),
        (Say::body("text/html", "<h1>oops").status(500), "an error without a reason"),
        (Say::body("", "").status(302).with("location", "https://elsewhere.test/"), "a redirect"),
    ] {
        stage.origin.on(&format!("{}/480p/index.m3u8", scene.path), say);
        let reply = scene.watch("480p/index.m3u8").await;
        assert_eq!((reply.status, reply.code().as_str()), (502, "origin_failed"), "{what}");
        assert_eq!(reply.header("location"), "");
    }
    stage.origin.on(&format!("{}/index.m3u8", scene.path), Say::body("text/html", "<h1>login"));
    let reply = scene.enter(&ticket::token(&scene.claims)).await;
    assert_eq!((reply.status, reply.code().as_str()), (502, "origin_failed"), "no playlist");
}

pub(super) async fn an_origin_that_is_down_is_a_bad_gateway(stage: Stage) {
    let stage = stage.without_origin().await;
    let scene = stage.show();
    let token = ticket::token(&scene.claims);
    let entering = scene.enter(&token).await;
    assert_eq!((entering.status, entering.code().as_str()), (503, "edge_isolated"));
    let watching = scene.watch("720p/index.m3u8").await;
    assert_eq!((watching.status, watching.code().as_str()), (502, "origin_unreachable"));
    assert!(!entering.text().contains(&token));
    assert_eq!(stage.get("/healthz").await.status, 200, "the edge itself is well");
    assert_eq!(stage.get("/nothing").await.status, 404);
}

pub(super) async fn what_is_between_edge_and_origin_stays_there(stage: Stage) {
    let scene = stage.show();
    let say = crate::stage::segment()
        .with("surrogate-control", "max-age=31536000")
        .with("surrogate-key", "SECRET-KEY")
        .with("server", "SECRET-SERVER")
        .with("set-cookie", "SECRET=1")
        .with("x-powered-by", "SECRET");
    stage.origin.on(&format!("{}/720p/e1/s3.m4s", scene.path), say);
    for _ in 0..2 {
        let reply = scene.watch("720p/e1/s3.m4s").await;
        assert_eq!(reply.status, 200);
        let all = format!("{reply:?}");
        assert!(!all.contains("SECRET") && !all.contains("surrogate"), "{all}");
        assert!(!all.contains(EDGE_KEY), "{all}");
    }
    assert_eq!(stage.origin.seen(&scene.path)[0].header("matinee-edge-key"), EDGE_KEY);
}
