//! Methods, conditions, and what passes to the origin's pages.

use crate::origin::Say;
use crate::stage::Stage;
use crate::ticket;

pub(super) async fn head_has_the_headers_and_no_body(stage: Stage) {
    let scene = stage.show();
    let segment = format!("{}/720p/e1/s1.m4s", scene.session);
    let reply = stage.ask("HEAD", &segment, &[]).await;
    assert_eq!(
        (reply.status, reply.header("content-type"), reply.body.len()),
        (200, "video/mp4", 0)
    );
    assert_eq!(reply.header("etag"), "\"s1\"");
    let live = scene.live(&ticket::token(&scene.claims));
    let reply = stage.ask("HEAD", &live, &[]).await;
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    let reply = stage.ask("HEAD", "/nothing", &[]).await;
    assert_eq!((reply.status, reply.body.len()), (404, 0));
    let reply = stage.ask("HEAD", &scene.live(""), &[]).await;
    assert_eq!((reply.status, reply.body.len()), (401, 0));
}

pub(super) async fn a_range_is_answered_in_part(stage: Stage) {
    let scene = stage.show();
    // An origin that serves ranges by itself; a host with a cache asks it for the whole and cuts.
    let part = Say::body("video/mp4", "234").status(206).with("content-range", "bytes 2-4/10");
    let whole = crate::stage::segment();
    let caches = stage.host == crate::host::Host::Ours;
    stage.origin.on(&format!("{}/720p/e1/s2.m4s", scene.path), if caches { whole } else { part });
    let target = format!("{}/720p/e1/s2.m4s", scene.session);
    let reply = stage.ask("GET", &target, &[("range", "bytes=2-4")]).await;
    assert_eq!((reply.status, reply.text().as_str()), (206, "234"));
    assert_eq!(reply.header("content-range"), "bytes 2-4/10");
    let asked = &stage.origin.seen(&scene.path)[0];
    assert_eq!(asked.header("range"), if caches { "" } else { "bytes=2-4" });
}

pub(super) async fn a_known_segment_is_not_sent_again(stage: Stage) {
    let scene = stage.show();
    let caches = stage.host == crate::host::Host::Ours;
    if !caches {
        let known = Say::body("video/mp4", "").status(304).with("etag", "\"s1\"");
        stage.origin.on(&format!("{}/720p/e1/s1.m4s", scene.path), known);
    }
    let target = format!("{}/720p/e1/s1.m4s", scene.session);
    let reply = stage.ask("GET", &target, &[("if-none-match", "\"s1\"")]).await;
    assert_eq!((reply.status, reply.body.len(), reply.header("etag")), (304, 0, "\"s1\""));
    let asked = &stage.origin.seen(&scene.path)[0];
    assert_eq!(asked.header("if-none-match"), if caches { "" } else { "\"s1\"" });
}

pub(super) async fn a_preflight_is_answered_at_the_edge(stage: Stage) {
    let scene = stage.show();
    let before = stage.origin.count();
    let headers = [
        ("origin", "https://player.test"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "range, cmcd-session"),
    ];
    for target in [format!("{}/720p/index.m3u8", scene.session), "/v1/shows/x".into(), "/".into()] {
        let reply = stage.ask("OPTIONS", &target, &headers).await;
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{target}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-allow-methods").contains("GET"));
        let allowed = reply.header("access-control-allow-headers").to_ascii_lowercase();
        assert!(allowed.contains("range") && allowed.contains("cmcd-session"), "{allowed}");
        assert_eq!(reply.header("access-control-allow-credentials"), "", "no credentials, ever");
    }
    assert_eq!(stage.origin.count(), before);
}

pub(super) async fn another_method_is_refused_and_told_which(stage: Stage) {
    let scene = stage.show();
    let playback = format!("/v1/shows/{}/playback", scene.claims.show);
    for (method, target, allow) in [
        ("POST", format!("{}/720p/index.m3u8", scene.session), "GET, HEAD, OPTIONS"),
        ("DELETE", format!("/live/{}/index.m3u8", scene.claims.show), "GET, HEAD, OPTIONS"),
        ("PUT", format!("/watch/{}", scene.claims.show), "GET, HEAD, OPTIONS"),
        ("GET", playback, "POST, OPTIONS"),
    ] {
        let reply = stage.ask(method, &target, &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (405, "method_not_allowed"), "{target}");
        assert_eq!(reply.header("allow"), allow);
    }
    assert_eq!(stage.get("/nothing").await.code(), "not_found");
    assert_eq!(scene.count(), 0);
}

pub(super) async fn a_ticket_is_swapped_through_the_edge(stage: Stage) {
    let scene = stage.show();
    let path = format!("/v1/shows/{}/playback", scene.claims.show);
    stage.origin.on(
        &path,
        Say::body("application/json", r#"{"token":"t"}"#).with("cache-control", "no-store"),
    );
    let reply =
        stage.post(&path, "application/json; charset=utf-8", br#"{"ticket":"s3cret"}"#).await;
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"token":"t"}"#));
    let seen = stage.origin.seen(&path);
    assert_eq!((seen.len(), seen[0].method.as_str()), (1, "POST"));
    assert_eq!(seen[0].body, br#"{"ticket":"s3cret"}"#);
    assert_eq!(
        (seen[0].header("content-type"), seen[0].header("cookie")),
        ("application/json", "")
    );
    stage.origin.on(&path, Say::problem(403, "ticket_revoked"));
    let reply = stage.post(&path, "application/json", b"{}").await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "ticket_revoked"), "the origin's word");
}

pub(super) async fn a_body_that_is_too_large_or_no_json_is_refused(stage: Stage) {
    let scene = stage.show();
    let path = format!("/v1/shows/{}/playback", scene.claims.show);
    let reply = stage.post(&path, "application/json", &[b' '; 20_000]).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
    let reply = stage.post(&path, "text/plain", b"{}").await;
    assert_eq!((reply.status, reply.code().as_str()), (415, "unsupported_media_type"));
    assert!(stage.origin.seen(&path).is_empty());
}

pub(super) async fn pages_pass_without_the_viewers_headers(stage: Stage) {
    let scene = stage.show();
    let show = scene.claims.show;
    for (path, content_type) in [
        (format!("/watch/{show}"), "text/html; charset=utf-8"),
        (format!("/assets/watch-{show}.js"), "text/javascript"),
        (format!("/v1/shows/{show}/state"), "application/json"),
    ] {
        stage.origin.on(
            &path,
            Say::body(content_type, "page").with("content-security-policy", "default-src 'self'"),
        );
        let target = format!("{path}?utm=SPY");
        let reply = stage.ask("GET", &target, &[("cookie", "SPY"), ("user-agent", "SPY")]).await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "page"), "{path}");
        assert_eq!(reply.header("content-type"), content_type);
        assert_eq!(reply.header("content-security-policy"), "default-src 'self'");
        let seen = stage.origin.seen(&path);
        assert!(!seen[0].all().contains("SPY"), "{}", seen[0].all());
    }
    let health = stage.get("/healthz").await;
    assert_eq!(health.status, 200);
}
