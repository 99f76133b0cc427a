//! Playlists: media playlists are viewer-neutral bytes, asked for in one spelling; what is edited is compressed here.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::origin::Say;
use crate::stage::{MEDIA, PLAYLIST, Stage};
use crate::ticket;

pub(super) async fn a_media_playlist_passes_byte_for_byte(stage: Stage) {
    let scene = stage.show();
    let reply = scene.watch("720p/index.m3u8").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, PLAYLIST));
    assert_eq!(reply.text(), MEDIA);
    let reply = scene.watch("720p/e1/s1.m4s").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "video/mp4"));
    assert_eq!(reply.text(), "0123456789");
    assert_eq!(reply.header("cache-control"), "max-age=60", "the origin's word on caching");
}

pub(super) async fn nothing_of_the_viewer_reaches_the_origin(stage: Stage) {
    let scene = stage.show();
    let session = scene.session.trim_start_matches("/p/").to_owned();
    let target = format!(
        "{}/720p/index.m3u8?utm=SPY1&CMCD=sid%3D%22SPY2%22&_HLS_msn=7&token=SPY3&sid=SPY4",
        scene.session
    );
    let spies = [
        ("cookie", "session=SPY5"),
        ("authorization", "Bearer SPY6"),
        ("cmcd-session", "sid=\"SPY7\""),
        ("user-agent", "SPY8"),
        ("referer", "https://SPY9.test/"),
        ("origin", "https://SPY10.test"),
        ("x-forwarded-for", "SPY11"),
        ("accept-language", "SPY12"),
        ("matinee-edge-key", "SPY13"),
    ];
    assert_eq!(stage.ask("GET", &target, &spies).await.status, 200);
    let seen = stage.origin.seen(&scene.path);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].query.as_deref(), Some("_HLS_msn=7"));
    let all = seen[0].all();
    assert!(!all.contains("SPY") && !all.contains(&session), "{all}");
}

pub(super) async fn directives_are_kept_in_one_spelling(stage: Stage) {
    let scene = stage.show();
    for (sent, kept) in [
        ("_HLS_msn=7&_HLS_part=2", Some("_HLS_msn=7&_HLS_part=2")),
        ("_HLS_part=2&_HLS_msn=007", Some("_HLS_msn=7&_HLS_part=2")),
        ("a=b&_HLS_skip=YES", Some("_HLS_skip=YES")),
        (
            "_HLS_skip=v2&_HLS_part=0&_HLS_msn=1&_HLS_push=1",
            Some("_HLS_msn=1&_HLS_part=0&_HLS_skip=v2"),
        ),
        ("a=b", None),
        ("", None),
    ] {
        let before = scene.count();
        let reply = scene.watch(&format!("720p/index.m3u8?{sent}")).await;
        assert_eq!(reply.status, 200, "{sent}");
        let seen = stage.origin.seen(&scene.path);
        // A host with a cache may know the answer already: then the spelling was one it knows.
        if let Some(seen) = seen.get(before) {
            assert_eq!(seen.query.as_deref(), kept, "{sent}");
        }
    }
    let segment = scene.watch("720p/e1/s1.m4s?_HLS_msn=7&a=b").await;
    assert_eq!(segment.status, 200);
    assert_eq!(stage.origin.seen(&scene.path).last().expect("asked").query, None);
}

pub(super) async fn malformed_directives_are_refused(stage: Stage) {
    let scene = stage.show();
    for query in [
        "_HLS_msn=",
        "_HLS_msn=x",
        "_HLS_msn=-1",
        "_HLS_msn=1.5",
        "_HLS_msn=99999999999999999999999",
        "_HLS_part=1",
        "_HLS_msn=1&_HLS_msn=2",
        "_HLS_msn=%31",
    ] {
        let reply = scene.watch(&format!("720p/index.m3u8?{query}")).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "bad_directive"), "{query}");
    }
    assert_eq!(scene.count(), 0);
}

pub(super) async fn gzip_passes_through(stage: Stage) {
    let scene = stage.show();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(MEDIA.as_bytes()).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let say = Say::body(PLAYLIST, gzip.clone())
        .with("content-encoding", "gzip")
        .with("vary", "Accept-Encoding");
    stage.origin.on(&format!("{}/720p/index.m3u8", scene.path), say);
    let target = format!("{}/720p/index.m3u8", scene.session);
    let reply = stage.ask("GET", &target, &[("accept-encoding", "br, gzip;q=0.8, zstd")]).await;
    assert_eq!((reply.status, reply.header("content-encoding")), (200, "gzip"));
    assert_eq!(reply.body, gzip, "the same bytes");
    assert_eq!(stage.origin.seen(&scene.path)[0].header("accept-encoding"), "gzip");
}

/// Asks for a playlist that is edited as viewers do who take gzip, and as others do: it is the same.
async fn is_compressed_for_whoever_takes_it(stage: &Stage, target: &str) {
    let plain = stage.get(target).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{}", plain.text());
    for (accepted, is_gzip) in [
        ("gzip", true),
        ("br, gzip;q=0.8, zstd", true),
        ("*", true),
        ("gzip;q=0, *", false),
        ("br, zstd", false),
    ] {
        let headers = [("accept-encoding", accepted), ("origin", "https://player.test")];
        let reply = stage.ask("GET", target, &headers).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, PLAYLIST), "{accepted}");
        let vary = reply.headers("vary").join(", ").to_ascii_lowercase();
        assert!(vary.split(", ").any(|name| name == "accept-encoding"), "{accepted}: {vary}");
        let coding = if is_gzip { "gzip" } else { "" };
        assert_eq!(reply.header("content-encoding"), coding, "{accepted}");
        if !is_gzip {
            assert_eq!(reply.body, plain.body, "{accepted}");
            continue;
        }
        assert!(reply.body.len() < plain.body.len(), "{accepted}");
        let mut text = Vec::new();
        GzDecoder::new(&*reply.body).read_to_end(&mut text).expect("it is whole");
        assert_eq!(text, plain.body, "{accepted}");
    }
    let head = stage.ask("HEAD", target, &[("accept-encoding", "gzip")]).await;
    assert_eq!((head.status, head.body.len()), (200, 0), "{head:?}");
}

pub(super) async fn what_is_edited_is_compressed_for_whoever_takes_it(stage: Stage) {
    let scene = stage.show();
    let entered = scene.live(&ticket::token(&scene.claims));
    is_compressed_for_whoever_takes_it(&stage, &entered).await;
    let low = scene.clone().with_policy(r#"{"height_max":480}"#);
    let filtered = format!("{}/index.m3u8", low.session);
    is_compressed_for_whoever_takes_it(&stage, &filtered).await;
    let near = scene.clone().with_policy(r#"{"dvr_s_max":60}"#);
    let window: String = (0..60).map(|msn| format!("#EXTINF:2.0,\ne1/s{msn}.m4s\n")).collect();
    let window = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n{window}");
    stage.origin.on(&format!("{}/720p/index.m3u8", scene.path), Say::body(PLAYLIST, window));
    let cut = format!("{}/720p/index.m3u8", near.session);
    is_compressed_for_whoever_takes_it(&stage, &cut).await;
    // The origin is asked for what can be edited, and what is small stays as it is.
    let seen = stage.origin.seen(&scene.path);
    assert!(seen.iter().all(|one| one.header("accept-encoding").is_empty()), "{seen:?}");
    let small = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n480p/index.m3u8\n";
    stage.origin.on(&format!("{}/index.m3u8", scene.path), Say::body(PLAYLIST, small));
    let reply = stage.ask("GET", &filtered, &[("accept-encoding", "gzip")]).await;
    assert_eq!((reply.status, reply.header("content-encoding")), (200, ""), "{reply:?}");
}
