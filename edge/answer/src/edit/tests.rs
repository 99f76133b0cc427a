//! What becomes of a playlist for a session, and what the session may ask for afterwards.

use shared_ticket::{Admitted, Algorithm, PrivateKey, SessionKeys, jwks};
use shared_wire::{SessionId, ShowId, TicketId, Watermark};

use super::*;
use crate::config::{EDGE_KEY, MEDIA_BASE, MEDIA_SIGN, ORIGIN, SESSION_KEYS, TOKEN_KEYS};

const ALL: &str = "#EXTM3U\n\
    #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Main\",URI=\"audio/index.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=3,RESOLUTION=1280x720,AUDIO=\"a\"\nsource/index.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=854x480,AUDIO=\"a\"\n480p/index.m3u8\n";

fn config() -> Config {
    config_with(|_| None)
}

fn config_with(more: impl Fn(&str) -> Option<String>) -> Config {
    Config::from_lookup(|name| match name {
        ORIGIN => Some("http://origin".to_owned()),
        EDGE_KEY => Some("edge-secret".to_owned()),
        SESSION_KEYS => Some(SessionKeys::generate("s", &[5; 32])),
        TOKEN_KEYS => Some(jwks([&PrivateKey::generate(Algorithm::EdDsa, "k", &[9; 32]).unwrap()])),
        name => more(name),
    })
    .unwrap()
}

fn session(admitted: Admitted) -> SealedSession {
    SealedSession {
        show: ShowId::from_bytes([1; 10]),
        session: SessionId::from_bytes([2; 10]),
        ticket: TicketId::from_bytes([3; 10]),
        expires_at: 2_000_000_000,
        admitted,
    }
}

fn entered(height_max: Option<u16>) -> Result<String, Refusal> {
    let session = session(Admitted { height_max, ..Admitted::default() });
    let door = Door::Multivariant;
    let edit = Edit::Enter { session, ip: None, root: "/o/s/".to_owned(), door };
    edit.apply(&config(), 0, ALL.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

const MANIFEST: &str = "<?xml version=\"1.0\"?>\n<MPD type=\"dynamic\">\n\
    <Location>manifest.8.mpd</Location>\n<Period id=\"0\" start=\"PT0S\">\n\
    <AdaptationSet id=\"1\" contentType=\"video\">\n\
    <Representation id=\"source\" width=\"1280\" height=\"720\">\n</Representation>\n\
    <Representation id=\"480p\" width=\"854\" height=\"480\">\n</Representation>\n\
    </AdaptationSet>\n</Period>\n</MPD>\n";

fn entered_by_manifest(height_max: Option<u16>) -> Result<String, Refusal> {
    let session = session(Admitted { height_max, ..Admitted::default() });
    let edit = Edit::Enter { session, ip: None, root: "/o/s/".to_owned(), door: Door::Manifest };
    edit.apply(&config(), 0, MANIFEST.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn an_mpd_moves_below_a_session_and_what_follows_is_everybodys() {
    let text = entered_by_manifest(None).unwrap();
    let sealed = text.split("<BaseURL>/p/").nth(1).unwrap().split('/').next().unwrap();
    let location = format!("<Location>/p/{sealed}/manifest.8.mpd</Location>\n");
    assert!(text.contains(&location) && text.contains("<BaseURL>"), "{text}");
    assert_eq!(admitted(&text), Admitted::default());
    let base = format!("<BaseURL>/p/{sealed}/</BaseURL>\n");
    let own = text.replace(&base, "").replace(&location, "<Location>manifest.8.mpd</Location>\n");
    assert_eq!(own, MANIFEST);

    let text = entered_by_manifest(Some(480)).unwrap();
    assert!(!text.contains("source") && text.contains("id=\"480p\""), "{text}");
    assert!(!admitted(&text).has_source);
    assert!(admitted(&entered_by_manifest(Some(720)).unwrap()).has_source);
    assert_eq!(entered_by_manifest(Some(240)), Err(Refusal::TierTooLow));

    let edit = |height_max| {
        let tier = session(Admitted { height_max, ..Admitted::default() });
        let object = KeyObject::parse("manifest.8.mpd").unwrap();
        Edit::of(&config(), "sealed", &tier, &object, Directives::default())
    };
    assert!(edit(None).is_none(), "it passes untouched");
    let filtered = edit(Some(480)).unwrap().apply(&config(), 0, MANIFEST.as_bytes()).unwrap();
    let filtered = String::from_utf8(filtered).unwrap();
    assert!(!filtered.contains("source") && !filtered.contains("/p/"), "{filtered}");
    let other = edit(Some(480)).unwrap().apply(&config(), 0, b"<html>");
    assert_eq!(other, Err(Refusal::OriginFailed("it sent no MPD")));
}

#[test]
fn an_mpd_is_cut_to_the_depth_of_a_ticket() {
    let object = KeyObject::parse("manifest.8.mpd").unwrap();
    let deep = session(Admitted { dvr_s_max: Some(20), ..Admitted::default() });
    let sealed = config().session_keys.seal(&deep, None).unwrap();
    let edit = Edit::of(&config(), &sealed, &deep, &object, Directives::default()).unwrap();
    let recording = MANIFEST.replace("dynamic", "static");
    assert_eq!(edit.apply(&config(), 0, recording.as_bytes()), Err(Refusal::DvrTooFar));
    let none = edit.apply(&config(), 0, MANIFEST.as_bytes());
    assert_eq!(none, Err(Refusal::OriginFailed("it sent no MPD")), "nothing is listed");
    // The whole of it on every host: tests/hosts/cases/manifests.rs.
}

/// What the session in a playlist admits to.
fn admitted(text: &str) -> Admitted {
    let sealed = text.split("/p/").nth(1).unwrap().split('/').next().unwrap();
    config().session_keys.open(sealed, None, 0).unwrap().admitted
}

#[test]
fn who_enters_gets_what_their_tier_may_see() {
    let text = entered(None).unwrap();
    assert!(text.contains("/source/index.m3u8") && text.contains("/480p/index.m3u8"), "{text}");
    assert_eq!(admitted(&text), Admitted::default());

    let text = entered(Some(480)).unwrap();
    assert!(!text.contains("source") && text.contains("/480p/index.m3u8"), "{text}");
    assert!(text.contains("/audio/index.m3u8"), "{text}");
    assert!(!admitted(&text).has_source);

    let text = entered(Some(720)).unwrap();
    assert!(text.contains("/source/index.m3u8"), "{text}");
    assert!(admitted(&text).has_source, "the source is 720p, which only the playlist says");

    assert_eq!(entered(Some(144)), Err(Refusal::TierTooLow));
}

#[test]
fn the_multivariant_playlist_of_somebody_inside_is_filtered_too() {
    let text = Edit::Filter { height_max: 480 }.apply(&config(), 0, ALL.as_bytes()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("source") && text.contains("\n480p/index.m3u8"), "{text}");
    let none = Edit::Filter { height_max: 480 }.apply(&config(), 0, b"#EXTM3U\n");
    assert!(matches!(none, Err(Refusal::OriginFailed(_))));
}

/// A live window of 2 s segments, the last one 2 s before its end of parts.
fn live(segments: u64) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI=\"e/i0.mp4\"\n"
        .to_owned();
    for msn in 0..segments {
        text.push_str(&format!("#EXTINF:2.0,\ne/s{msn}.m4s\n"));
    }
    text.push_str(&format!("#EXT-X-PART:DURATION=1.0,URI=\"e/p{segments}.0.m4s\"\n"));
    text.push_str(&format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"e/p{segments}.1.m4s\"\n"));
    text
}

#[test]
fn what_a_depth_lists_is_marked_and_what_it_does_not_list_cannot_be_had() {
    let config = config();
    let session = session(Admitted { dvr_s_max: Some(0), ..Admitted::default() });
    let sealed = config.session_keys.seal(&session, None).unwrap();
    let edit = |skip: Option<&str>| {
        let object = KeyObject::parse("720p/index.m3u8").unwrap();
        let asked = Directives::parse(skip.unwrap_or_default()).unwrap();
        Edit::of(&config, &sealed, &session, &object, asked).unwrap()
    };
    let text = edit(None).apply(&config, 0, live(100).as_bytes()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(!text.contains("e/s0.m4s") && text.contains("e/s99.m4s?s="), "{text}");
    assert!(text.contains("URI=\"e/p100.0.m4s?s=") && text.contains("URI=\"e/p100.1.m4s?s="));
    assert!(text.contains("URI=\"e/i0.mp4\""), "{text}");
    let again = edit(None).apply(&config, 99, live(100).as_bytes()).unwrap();
    assert_eq!(text.as_bytes(), again, "the same each time");
    let marker = config.session_keys.marker(&sealed).unwrap();
    let (_, mark) = text.split_once("e/s99.m4s?s=").unwrap();
    let mark = mark.lines().next().unwrap();
    assert!(marker.knows("720p/e/s99.m4s", mark) && !marker.knows("720p/e/s9.m4s", mark));

    let vod = live(3).replace("#EXT-X-VERSION:9", "#EXT-X-PLAYLIST-TYPE:VOD") + "#EXT-X-ENDLIST\n";
    assert_eq!(edit(None).apply(&config, 0, vod.as_bytes()), Err(Refusal::DvrTooFar));
    let broken = edit(None).apply(&config, 0, b"nothing");
    assert!(matches!(broken, Err(Refusal::OriginFailed(_))), "{broken:?}");
}

#[test]
fn closed_segments_come_from_elsewhere_and_the_newest_from_here() {
    for (base, sign, opens) in [
        ("https://media.test/live", format!("hmac:k1:{}", "A".repeat(43)), "?exp="),
        ("https://s3.test/live", "s3:eu-1:AKIA:secret".to_owned(), "?X-Amz-Algorithm="),
    ] {
        let config = config_with(|name| match name {
            MEDIA_BASE => Some(base.to_owned()),
            MEDIA_SIGN => Some(sign.clone()),
            _ => None,
        });
        let edited = |admitted: Admitted, playlist: &str| {
            let session = session(admitted);
            let sealed = config.session_keys.seal(&session, None).unwrap();
            let object = KeyObject::parse("720p/index.m3u8").unwrap();
            let edit = Edit::of(&config, &sealed, &session, &object, Directives::default());
            let text = edit.map(|edit| edit.apply(&config, 1_700_000_000_000, playlist.as_bytes()));
            text.map(|text| String::from_utf8(text.unwrap()).unwrap())
        };
        let show = session(Admitted::default()).show;
        let there = |file: &str| format!("{base}/{show}/720p/e/{file}{opens}");
        let text = edited(Admitted::default(), &live(10)).unwrap();
        for file in ["i0.mp4", "s0.m4s", "s6.m4s"] {
            assert!(text.contains(&there(file)), "{file}: {text}");
        }
        for uri in ["\ne/s7.m4s\n", "\ne/s9.m4s\n", "URI=\"e/p10.0.m4s\"", "URI=\"e/p10.1.m4s\""] {
            assert!(text.contains(uri), "{uri}: {text}");
        }
        let ended = live(10) + "#EXT-X-ENDLIST\n";
        let text = edited(Admitted::default(), &ended).unwrap();
        assert!(text.contains(&there("s9.m4s")), "a recording is in the store: {text}");

        let depth = Admitted { dvr_s_max: Some(0), ..Admitted::default() };
        let text = edited(depth, &live(100)).unwrap();
        assert!(text.contains(&there("s96.m4s")) && text.contains("\ne/s98.m4s?s="), "{text}");
        let marked = Admitted { watermark: Some(Watermark::A), ..Admitted::default() };
        assert_eq!(edited(marked, &live(10)), None, "a store has no watermarked form");
    }
}

#[test]
fn most_playlists_pass_as_they_are() {
    let (config, session) = (config(), session(Admitted::default()));
    for rest in ["index.m3u8", "720p/index.m3u8", "720p/iframes.m3u8", "720p/e/s1.m4s"] {
        let object = KeyObject::parse(rest).unwrap();
        let asked = Directives::default();
        assert!(Edit::of(&config, "", &session, &object, asked).is_none(), "{rest}");
    }
}
