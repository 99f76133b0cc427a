//! What passes from the origin to the viewer, and what stops.

use shared_ticket::{Algorithm, PrivateKey, SessionKeys, jwks};
use shared_wire::header::TYPE_PLAYLIST;

use super::*;
use crate::config::{Config, EDGE_KEY, ORIGIN, SESSION_KEYS, TOKEN_KEYS};
use crate::edit::Edit;
use crate::fetch::Own;

fn fetch(method: Method, then: Then) -> Fetch {
    let config = Config::from_lookup(|name| match name {
        ORIGIN => Some("http://origin".to_owned()),
        EDGE_KEY => Some("edge-secret".to_owned()),
        SESSION_KEYS => Some(SessionKeys::generate("s", &[5; 32])),
        TOKEN_KEYS => Some(jwks([&PrivateKey::generate(Algorithm::EdDsa, "k", &[9; 32]).unwrap()])),
        _ => None,
    });
    Fetch::new(&config.unwrap(), method, "/x".to_owned(), "r1", then)
}

fn edited() -> Then {
    Then::Edit(Box::new(Edit::Filter { height_max: 480 }))
}

const ORIGINS: [(&str, &str); 14] = [
    ("content-type", TYPE_PLAYLIST),
    ("content-length", "9"),
    ("cache-control", "public, max-age=6"),
    ("etag", "\"e\""),
    ("vary", "accept-encoding"),
    ("age", "2"),
    ("date", "now"),
    ("x-cache", "HIT"),
    ("surrogate-control", "max-age=9"),
    ("surrogate-key", "a b"),
    ("set-cookie", "a=b"),
    ("x-request-id", "another"),
    ("content-security-policy", "default-src 'self'"),
    ("server", "x"),
];

fn origin(name: &str) -> Option<&'static str> {
    ORIGINS.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
}

#[test]
fn media_passes_with_the_origins_policy() {
    let Relay::Pass(head) = fetch(Method::Get, Then::Media).relay(206, &origin) else {
        panic!("it passes")
    };
    assert_eq!(head.status, 206);
    for (name, value) in [
        ("cache-control", "public, max-age=6"),
        ("content-length", "9"),
        ("etag", "\"e\""),
        ("age", "2"),
        ("x-cache", "hit"),
        ("x-request-id", "r1"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(head.get(name), Some(value), "{name}");
    }
    for name in
        ["surrogate-control", "surrogate-key", "set-cookie", "server", "content-security-policy"]
    {
        assert_eq!(head.get(name), None, "{name}");
    }
}

#[test]
fn what_has_no_body_has_no_length() {
    let Relay::Pass(head) = fetch(Method::Get, Then::Media).relay(304, &origin) else {
        panic!("it passes")
    };
    assert_eq!((head.get("content-length"), head.get("etag")), (None, Some("\"e\"")));
}

#[test]
fn a_page_keeps_its_security_policy() {
    let Relay::Pass(head) = fetch(Method::Get, Then::Public).relay(200, &origin) else {
        panic!("it passes")
    };
    assert_eq!(head.get("content-security-policy"), Some("default-src 'self'"));
    assert_eq!(head.get("set-cookie"), None);
}

#[test]
fn an_edited_playlist_is_its_viewers_own() {
    let Relay::Edit(head) = fetch(Method::Get, edited()).relay(200, &origin) else {
        panic!("it is edited")
    };
    assert_eq!(head.get("cache-control"), Some("private, no-store"));
    assert_eq!(head.get("vary"), Some("Accept-Encoding"));
    for name in ["content-length", "content-encoding", "etag", "age"] {
        assert_eq!(head.get(name), None, "{name}");
    }
    let Relay::Pass(head) = fetch(Method::Head, edited()).relay(200, &origin) else {
        panic!("there is nothing to edit")
    };
    let told = (head.get("vary"), head.get("content-encoding"), head.get("content-length"));
    assert_eq!(told, (Some("Accept-Encoding"), None, None));
    let mut fetch = fetch(Method::Get, edited());
    fetch.own.site = Some("https://player.test".to_owned());
    let Relay::Edit(head) = fetch.relay(200, &origin) else { panic!("it is edited") };
    assert_eq!(head.get("vary"), Some("Accept-Encoding, Origin"));
}

/// The code of an answer that replaces the origin's; `None` if the origin's passes.
fn replaced(then: Then, status: u16, content_type: &'static str) -> Option<u16> {
    let header = |name: &str| (name == "content-type").then_some(content_type);
    match fetch(Method::Get, then).relay(status, &header) {
        Relay::Replace(answer) => {
            assert!(String::from_utf8(answer.body).unwrap().contains("origin_failed"));
            Some(answer.head.status)
        }
        Relay::Pass(_) | Relay::Edit(_) => None,
    }
}

#[test]
fn the_origins_own_trouble_is_not_the_viewers() {
    let problem = "application/problem+json; charset=utf-8";
    assert_eq!(replaced(Then::Media, 401, problem), Some(502));
    assert_eq!(replaced(Then::Media, 403, problem), Some(502));
    assert_eq!(replaced(Then::Public, 401, problem), Some(502));
    assert_eq!(replaced(Then::Media, 404, problem), None);
    assert_eq!(replaced(Then::Media, 503, problem), None);
    assert_eq!(replaced(Then::Media, 404, "text/html"), Some(502));
    assert_eq!(replaced(Then::Public, 302, "text/html"), Some(502));
    assert_eq!(replaced(Then::Media, 304, ""), None);
    assert_eq!(replaced(edited(), 200, "text/html"), Some(502));
    assert_eq!(replaced(edited(), 404, problem), None);
    let post = fetch(Method::Post, Then::Public);
    let refused = post.relay(403, &|name| (name == "content-type").then_some(problem));
    assert!(matches!(refused, Relay::Pass(_)), "a ticket that is refused");
    let gzipped = |name: &str| match name {
        "content-type" => Some(TYPE_PLAYLIST),
        "content-encoding" => Some("gzip"),
        _ => None,
    };
    let relay = fetch(Method::Get, edited()).relay(200, &gzipped);
    assert!(matches!(relay, Relay::Replace(_)));
}

#[test]
fn no_answer_is_a_problem_of_its_own() {
    let fetch = fetch(Method::Get, Then::Media);
    for (answer, status, code) in [
        (fetch.unreachable(), 502, "origin_unreachable"),
        (fetch.timed_out(), 504, "origin_unreachable"),
        (fetch.body_too_large(), 413, "body_too_large"),
        (fetch.not_editable(), 502, "origin_failed"),
    ] {
        assert_eq!(answer.head.status, status);
        assert!(String::from_utf8(answer.body).unwrap().contains(code));
    }
}

#[test]
fn a_plain_fetch_is_relayed_for_whoever_asked_alike() {
    let text = |relay: Relay| match relay {
        Relay::Pass(head) => format!("pass {head:?}"),
        Relay::Edit(head) => format!("edit {head:?}"),
        Relay::Replace(answer) => format!("replace {answer:?}"),
    };
    let plain = fetch(Method::Get, Then::Media);
    assert!(plain.is_plain());
    for status in [200, 206, 304, 403, 404, 500] {
        let stand_in = Fetch::plain("r1".to_owned(), "/x".to_owned());
        assert_eq!(text(stand_in.relay(status, &origin)), text(plain.relay(status, &origin)));
    }
    let site = Own { site: Some("https://site.test".to_owned()), renewed: None };
    let renewed = Own { site: None, renewed: Some(("set-cookie".to_owned(), "t".to_owned())) };
    for own in [site, renewed] {
        assert!(!Fetch { own, ..fetch(Method::Get, Then::Media) }.is_plain());
    }
    for (method, then) in [
        (Method::Head, Then::Media),
        (Method::Post, Then::Media),
        (Method::Get, edited()),
        (Method::Get, Then::Public),
        (Method::Get, Then::Purge),
    ] {
        assert!(!fetch(method, then).is_plain());
    }
}
