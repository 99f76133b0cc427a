//! Paths that try to leave their place.

use crate::client;
use crate::host::Host;
use crate::stage::Stage;

pub(super) async fn no_way_round_the_key_scheme_reaches_the_origin(stage: Stage) {
    let (mine, other) = (stage.show(), stage.show());
    let show = other.claims.show;
    let before = stage.origin.count();
    let session = mine.session.as_bytes();
    let mut targets: Vec<Vec<u8>> = [
        &b"/../edge/denied"[..],
        b"/..",
        b"/./720p/index.m3u8",
        b"/720p/../480p/index.m3u8",
        b"/%2e%2e/%2e%2e/edge/denied",
        b"/%2E%2E/index.m3u8",
        b"/..%2fedge%2fdenied",
        b"/720p%2findex.m3u8",
        b"/720p%5cindex.m3u8",
        b"/720p\\index.m3u8",
        b"/..\\..\\edge\\denied",
        b"//720p/index.m3u8",
        b"/720p//index.m3u8",
        b"/720p/index.m3u8/",
        b"/720p/index.m3u8%00",
        b"/720p/\0/index.m3u8",
        b"/720p/e1/s01.m4s",
        b"/720p/e1/s1.m4s%3f",
        b"/720p/e1/s1.M4S",
        b"/etc/passwd",
        b"/720P/index.m3u8",
        b"/72\xc3\xa4p/index.m3u8",
        b"/",
        b"",
    ]
    .iter()
    .map(|rest| [session, rest].concat())
    .collect();
    targets.extend(
        [
            format!("/o/{show}/720p/index.m3u8"),
            format!("/live/../o/{show}/720p/index.m3u8"),
            format!("//o/{show}/720p/index.m3u8"),
            format!("/watch/../../o/{show}/720p/index.m3u8"),
            format!("/assets/../o/{show}/720p/index.m3u8"),
            format!("/assets/%2e%2e/o/{show}/720p/index.m3u8"),
            format!("/v1/shows/{show}"),
            "/v1/tickets/revoke".to_owned(),
            "/v1/shows".to_owned(),
            "/edge/denied".to_owned(),
            "/metrics".to_owned(),
            "/openapi.json".to_owned(),
            "*".to_owned(),
        ]
        .map(String::into_bytes),
    );
    // Viceroy resolves dots and backslashes before the program sees the path: what is left may be an object of the
    // viewer's own show, and is nothing else.
    let resolves = stage.host == Host::Viceroy;
    for target in targets {
        let reply = client::send(stage.address(), "GET", &target, &[], b"").await;
        let named = String::from_utf8_lossy(&target).replace(&mine.session, "/p/S");
        // A server that cannot read a request line may close the connection instead.
        let refused = matches!(reply.status, 0 | 400 | 404 | 405 | 414);
        assert!(refused || resolves, "{named}: {}", reply.status);
    }
    let own = if resolves { mine.count() } else { 0 };
    assert_eq!(stage.origin.count(), before + own, "the origin was asked");
    assert_eq!(other.count(), 0, "another show was opened");
    assert_eq!(mine.watch("720p/index.m3u8").await.status, 200, "the straight way is open");
}
