//! The decision, door by door: what is fetched, with what, and what is refused how.

use std::collections::HashMap;

use proptest::prelude::*;
use shared_ticket::{Algorithm, Claims, Issuer, PrivateKey, SessionKeys, jwks};
use shared_wire::{Policy, Problem, SessionId, TicketId};

use super::*;
use crate::config::{CACHE, EDGE_KEY, ORIGIN, SESSION_KEYS, TOKEN_KEYS};
use crate::{Client, Memory, Relay, deny_request};

const SHOW: &str = "0123456789abcdef";
const NOW: i64 = 1_700_000_000;
const NOW_MS: i64 = NOW * 1000 + 250;
const RANDOM: [u8; 16] = [0xab; 16];

fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::EdDsa, "k", &[9; 32]).unwrap()
}

fn config() -> Config {
    Config::from_lookup(|name| match name {
        ORIGIN => Some("http://origin:8081".to_owned()),
        EDGE_KEY => Some("edge-secret".to_owned()),
        SESSION_KEYS => Some(SessionKeys::generate("s", &[5; 32])),
        TOKEN_KEYS => Some(jwks([&key()])),
        CACHE => Some("host".to_owned()),
        _ => None,
    })
    .unwrap()
}

fn claims_for(show: &str) -> Claims {
    Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: show.parse().unwrap(),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW + 60,
    }
}

fn issue(claims: Claims) -> String {
    Issuer::new(key()).issue(&claims).unwrap()
}

fn token_for(show: &str) -> String {
    issue(claims_for(show))
}

fn sealed() -> String {
    let session = SealedSession {
        show: SHOW.parse().unwrap(),
        session: SessionId::from_bytes([3; 10]),
        ticket: TicketId::from_bytes([2; 10]),
        expires_at: u32::try_from(NOW).unwrap() + 60,
        admitted: Admitted::default(),
    };
    config().session_keys.seal(&session, None).unwrap()
}

/// The memory of an edge that has just heard that nobody is denied.
fn heard() -> Memory {
    let mut memory = Memory::new();
    memory.deny.accept(i64::MAX, 0, br#"{"version":1,"entries":[]}"#).unwrap();
    memory
}

/// A fetch as one text: method, target, headers but for the two on every one.
fn shown(fetch: &Fetch) -> String {
    assert!(fetch.headers.contains(&("matinee-edge-key", "edge-secret".into())));
    let rest = fetch
        .headers
        .iter()
        .filter(|(name, _)| !matches!(*name, "matinee-edge-key" | "x-request-id"));
    let rest: Vec<String> = rest.map(|(name, value)| format!(" {name}: {value}")).collect();
    format!("{} {}{}", fetch.method.name(), fetch.path_and_query, rest.concat())
}

fn ask_at(
    now_ms: i64,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<Fetch, Answer> {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    let headers: HashMap<&str, &str> = headers.iter().copied().collect();
    let header = |name: &str| headers.get(name).copied();
    let request = Request { method, path, query, header: &header, client: Client::default() };
    match decide(&config(), &request, now_ms, RANDOM) {
        Decision::Answer(answer) => Err(answer),
        Decision::Open(fetch) => Ok(fetch),
        Decision::Guarded(guarded) => guarded.admit(&mut heard(), now_ms),
        Decision::Purge(purge) => Ok(purge.fetch(&config()).unwrap()),
    }
}

fn ask(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<Fetch, Answer> {
    ask_at(NOW_MS, method, target, headers)
}

/// What is fetched for a `GET`.
fn fetched(target: &str, headers: &[(&str, &str)]) -> String {
    shown(&ask("GET", target, headers).unwrap_or_else(|answer| panic!("{target}: {answer:?}")))
}

/// Status and code of what is refused.
fn refused(method: &str, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let answer = ask(method, target, headers).err().unwrap_or_else(|| panic!("{target} passes"));
    assert_eq!(answer.head.get("access-control-allow-origin"), Some("*"), "{target}");
    assert_eq!(answer.head.get("content-type"), Some("application/problem+json"), "{target}");
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem.status, answer.head.status);
    assert_eq!(Some(problem.request_id.as_str()), answer.head.get("x-request-id"));
    (problem.status, problem.code)
}

#[test]
fn a_token_opens_its_show_and_is_gone_from_the_fetch() {
    let token = token_for(SHOW);
    let query = format!("/live/{SHOW}/index.m3u8?CMCD=x&token={token}&_HLS_msn=1");
    assert_eq!(fetched(&query, &[("cookie", "a=b")]), format!("GET /o/{SHOW}/index.m3u8"));
    let bearer = format!("bearer {token}");
    let plain = format!("/live/{SHOW}/index.m3u8");
    let fetch = ask("HEAD", &plain, &[("authorization", &bearer)]).unwrap();
    assert_eq!(shown(&fetch), format!("HEAD /o/{SHOW}/index.m3u8"));
}

#[test]
fn the_playlist_moves_below_a_session_that_opens() {
    let target = format!("/live/{SHOW}/index.m3u8?token={}", token_for(SHOW));
    let fetch = ask("GET", &target, &[]).unwrap();
    let header = |name: &str| (name == "content-type").then_some("application/vnd.apple.mpegurl");
    let Relay::Edit(head) = fetch.relay(200, &header) else { panic!("an edit was due") };
    assert_eq!(head.get("cache-control"), Some("private, no-store"));
    let answer = fetch.edit(&config(), NOW_MS, head, b"#EXTM3U\n720p/index.m3u8\n");
    let text = String::from_utf8(answer.body).unwrap();
    let uri = text.lines().nth(1).unwrap();
    assert_eq!(fetched(uri, &[]), format!("GET /o/{SHOW}/720p/index.m3u8"));
}

#[test]
fn a_playlist_of_ones_own_is_compressed_for_whoever_takes_gzip() {
    let target = format!("/live/{SHOW}/index.m3u8?token={}", token_for(SHOW));
    let header = |name: &str| (name == "content-type").then_some("application/vnd.apple.mpegurl");
    let encoding = |sent: &[(&str, &str)], playlist: &str| {
        let fetch = ask("GET", &target, sent).unwrap();
        assert_eq!(shown(&fetch), format!("GET /o/{SHOW}/index.m3u8"), "to be edited: plain");
        let Relay::Edit(head) = fetch.relay(200, &header) else { panic!("an edit was due") };
        let answer = fetch.edit(&config(), NOW_MS, head, playlist.as_bytes());
        assert_eq!(
            answer.body.starts_with(&[0x1f, 0x8b]),
            answer.head.get("content-encoding").is_some()
        );
        answer.head.get("content-encoding").map(str::to_owned)
    };
    let long = "#EXTM3U\n".to_owned() + &"720p/index.m3u8\n".repeat(20);
    let gzip = Some("gzip".to_owned());
    assert_eq!(encoding(&[("accept-encoding", "br, gzip")], &long), gzip);
    assert_eq!(encoding(&[("accept-encoding", "gzip;q=0")], &long), None);
    assert_eq!(encoding(&[], &long), None);
    assert_eq!(encoding(&[("accept-encoding", "gzip")], "#EXTM3U\na.m3u8\n"), None, "too short");
    assert_eq!(encoding(&[("accept-encoding", "gzip")], "x".repeat(32_768).as_str()), None);
}

#[test]
fn tokens_that_do_not_open() {
    let live = format!("/live/{SHOW}/index.m3u8");
    let with = |token: &str| refused("GET", &format!("{live}?token={token}"), &[]);
    let is = |status, code: &str| (status, code.to_owned());
    assert_eq!(refused("GET", &live, &[]), is(401, "token_missing"));
    assert_eq!(with(""), is(401, "token_missing"));
    assert_eq!(with("x"), is(401, "token_malformed"));
    assert_eq!(with(&"x".repeat(10_000_000)), is(400, "token_too_large"));
    assert_eq!(with(&token_for("fedcba9876543210")), is(403, "token_wrong_show"));
    let token = token_for(SHOW);
    assert_eq!(with(&format!("{token}&token={token}")), is(401, "token_malformed"));
    let late = ask_at(NOW_MS + 60_000, "GET", &format!("{live}?token={token}"), &[]).unwrap_err();
    assert!(String::from_utf8(late.body).unwrap().contains("token_expired"));
    assert_eq!(late.head.get("www-authenticate"), Some("Bearer realm=\"matinee\""));
}

#[test]
fn below_a_session_nothing_of_the_viewer_remains() {
    let session = sealed();
    let get = |rest: &str, headers: &[(&str, &str)]| {
        fetched(&format!("/p/{session}/{rest}"), headers).replace(SHOW, "SHOW")
    };
    let viewer = [
        ("cookie", "a=b"),
        ("user-agent", "x"),
        ("range", "bytes=0-9"),
        ("if-none-match", "\"e\""),
        ("accept-encoding", "br, gzip;q=0.5"),
    ];
    assert_eq!(
        get("720p/index.m3u8?x=1&_HLS_part=02&_HLS_msn=7&_HLS_skip=YES", &viewer),
        "GET /o/SHOW/720p/index.m3u8?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES \
         accept-encoding: gzip if-none-match: \"e\""
    );
    assert_eq!(
        get("720p/e/s1.m4s?_HLS_msn=x&CMCD=y", &viewer),
        "GET /o/SHOW/720p/e/s1.m4s range: bytes=0-9 if-none-match: \"e\""
    );
    assert_eq!(
        get("720p/index.m3u8", &[("accept-encoding", "gzip;q=0, *")]),
        "GET /o/SHOW/720p/index.m3u8"
    );
    assert_eq!(get("index.m3u8", &[]), "GET /o/SHOW/index.m3u8");
    let long = "x".repeat(300);
    assert_eq!(get("720p/e/i0.mp4", &[("range", &long)]), "GET /o/SHOW/720p/e/i0.mp4");
}

#[test]
fn sessions_and_paths_that_do_not_open() {
    let session = sealed();
    let is = |status, code: &str| (status, code.to_owned());
    let get = |rest: &str| refused("GET", &format!("/p/{session}{rest}"), &[]);
    for rest in ["/../x", "/%2e%2e/x", "/720p//index.m3u8", "/720p/./index.m3u8", "/a\\b", "/"] {
        assert_eq!(get(rest), is(400, "bad_path"), "{rest}");
    }
    for rest in ["", "/x", "/720p/e/s01.m4s", "/720p/e/f/s1.m4s", "/..a/index.m3u8"] {
        assert_eq!(get(rest), is(404, "not_found"), "{rest}");
    }
    for query in ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=1&_HLS_msn=1", "_HLS_skip=no"] {
        assert_eq!(get(&format!("/720p/index.m3u8?{query}")), is(400, "bad_directive"), "{query}");
    }
    let mut forged = session.clone().into_bytes();
    forged[20] ^= 1;
    let forged = String::from_utf8(forged).unwrap();
    assert_eq!(refused("GET", "/p/x/index.m3u8", &[]), is(403, "session_malformed"));
    assert_eq!(refused("GET", &format!("/p/{forged}/index.m3u8"), &[]), is(403, "session_forged"));
    let late = ask_at(NOW_MS + 60_000, "GET", &format!("/p/{session}/index.m3u8"), &[]);
    let late = String::from_utf8(late.unwrap_err().body).unwrap();
    assert!(late.contains("session_expired"), "{late}");
}

#[test]
fn a_viewer_on_the_deny_list_is_refused() {
    let mut memory = Memory::new();
    let list = format!(
        r#"{{"version":1,"entries":[{{"ticket":"{}","reason":"revoked","until":{}}}]}}"#,
        TicketId::from_bytes([2; 10]),
        NOW + 60
    );
    memory.deny.accept(NOW_MS, 0, list.as_bytes()).unwrap();
    let live = format!("/live/{SHOW}/index.m3u8");
    let token = format!("token={}", token_for(SHOW));
    let below = format!("/p/{}/720p/e/s1.m4s", sealed());
    for (method, path, query) in
        [("GET", &live, Some(token.as_str())), ("GET", &below, None), ("HEAD", &below, None)]
    {
        let request = Request { method, path, query, header: &|_| None, client: Client::default() };
        let Decision::Guarded(guarded) = decide(&config(), &request, NOW_MS, RANDOM) else {
            panic!("{path} is guarded")
        };
        assert_eq!(guarded.request_id(), "ab".repeat(16));
        let answer = guarded.admit(&mut memory, NOW_MS).unwrap_err();
        assert_eq!(answer.head.status, 403);
        let body = String::from_utf8(answer.body).unwrap();
        assert_eq!(body.contains("\"revoked\""), method == "GET");
    }
}

#[test]
fn nobody_new_enters_while_the_list_is_old_and_nobody_is_cut() {
    let live = format!("/live/{SHOW}/index.m3u8");
    let token = format!("token={}", token_for(SHOW));
    let below = format!("/p/{}/720p/e/s1.m4s", sealed());
    let admit = |path: &str, query: Option<&str>, mut memory: Memory| {
        let request =
            Request { method: "GET", path, query, header: &|_| None, client: Client::default() };
        let Decision::Guarded(guarded) = decide(&config(), &request, NOW_MS, RANDOM) else {
            panic!("{path} is guarded")
        };
        guarded.admit(&mut memory, NOW_MS)
    };
    let old = || {
        let mut memory = Memory::new();
        memory.deny.accept(NOW_MS, 301, br#"{"version":1,"entries":[]}"#).unwrap();
        memory
    };
    for memory in [Memory::new(), old()] {
        let answer = admit(&live, Some(&token), memory).unwrap_err();
        assert_eq!((answer.head.status, answer.head.get("retry-after")), (503, Some("5")));
        let body = String::from_utf8(answer.body).unwrap();
        assert!(body.contains("edge_isolated") && body.contains("heard"), "{body}");
    }
    assert!(admit(&live, Some(&token), heard()).is_ok());
    assert!(admit(&below, None, old()).is_ok(), "who is in stays in");
    assert!(admit(&below, None, Memory::new()).is_ok());
}

#[test]
fn a_viewer_with_a_cookie_is_answered_to_the_site_that_asked() {
    let live = format!("/live/{SHOW}/index.m3u8");
    let good = format!("x=y; CTA-Common-Access-Token={}", token_for(SHOW));
    let site = ("origin", "https://player.test");
    let fetch = ask("GET", &live, &[("cookie", &good), site]).unwrap();
    let header = |name: &str| (name == "content-type").then_some("application/vnd.apple.mpegurl");
    let Relay::Edit(head) = fetch.relay(200, &header) else { panic!("an edit was due") };
    let bad = ask("GET", &live, &[("cookie", "CTA-Common-Access-Token=x"), site]).unwrap_err();
    let preflight = ask("OPTIONS", &live, &[site]).unwrap_err();
    for head in [&head, &bad.head, &preflight.head, &fetch.unreachable().head] {
        assert_eq!(head.get("access-control-allow-origin"), Some("https://player.test"));
        assert_eq!(head.get("access-control-allow-credentials"), Some("true"));
        assert!(head.get("vary").is_some_and(|vary| vary.ends_with("Origin")), "{head:?}");
    }
    // Without our cookie nothing depends on the site, and any may read it.
    let other = ask("GET", &live, &[("cookie", "x=y"), site]).unwrap_err();
    assert_eq!(other.head.get("access-control-allow-origin"), Some("*"));
    assert_eq!(other.head.get("access-control-allow-credentials"), None);
}

#[test]
fn a_cookie_helps_out_where_the_link_has_expired() {
    let expired = issue(Claims { expires_at: NOW - 1, ..claims_for(SHOW) });
    let cookie = |token: &str| format!("CTA-Common-Access-Token={token}");
    let live = format!("/live/{SHOW}/index.m3u8?token={expired}");
    let good = cookie(&token_for(SHOW));
    assert!(ask("GET", &live, &[("cookie", &good)]).is_ok());
    for bad in [cookie("x"), cookie(&expired), cookie(&token_for("fedcba9876543210"))] {
        let (status, code) = refused("GET", &live, &[("cookie", &bad)]);
        assert_eq!((status, code.as_str()), (401, "token_expired"));
    }
    // What was sent on purpose and is wrong stays wrong.
    let live = format!("/live/{SHOW}/index.m3u8?token=x");
    assert_eq!(refused("GET", &live, &[("cookie", &good)]).1, "token_malformed");
}

#[test]
fn a_purge_needs_the_edge_key_and_says_what() {
    let key = ("matinee-edge-key", "edge-secret");
    let keys = ("surrogate-key", " a  a/720p denied ");
    assert_eq!(
        ask("POST", "/purge", &[key, keys]).map(|fetch| shown(&fetch)).unwrap(),
        "PURGE / surrogate-key: a a/720p denied"
    );
    let is = |status, code: &str| (status, code.to_owned());
    for wrong in ["", "edge-secre", "edge-secret "] {
        let answer = refused("POST", "/purge", &[("matinee-edge-key", wrong), keys]);
        assert_eq!(answer, is(401, "edge_key_wrong"));
    }
    assert_eq!(refused("POST", "/purge", &[keys]), is(401, "edge_key_wrong"));
    let many = "k ".repeat(65);
    for wrong in ["", " ", &many, &"k".repeat(257), "ä"] {
        let answer = refused("POST", "/purge", &[key, ("surrogate-key", wrong)]);
        assert_eq!(answer, is(400, "field_invalid"), "{wrong}");
    }
    assert_eq!(refused("GET", "/purge", &[key, keys]), is(405, "method_not_allowed"));
}

#[test]
fn public_pages_pass_without_their_viewer() {
    let headers = [("cookie", "a=b"), ("authorization", "x"), ("accept-encoding", "gzip")];
    for path in [
        format!("/watch/{SHOW}"),
        "/assets/a/b-C_1.js".to_owned(),
        format!("/v1/shows/{SHOW}/state"),
    ] {
        let asked = fetched(&format!("{path}?x=1"), &headers);
        assert_eq!(asked, format!("GET {path} accept-encoding: gzip"));
    }
}

#[test]
fn a_ticket_is_posted_as_json_of_a_bounded_size() {
    let path = format!("/v1/shows/{SHOW}/playback");
    let json = ("content-type", "Application/JSON; charset=utf-8");
    let fetch = ask("POST", &path, &[json, ("content-length", "16384"), ("cookie", "x")]).unwrap();
    assert_eq!(shown(&fetch), format!("POST {path} content-type: application/json"));
    let is = |status, code: &str| (status, code.to_owned());
    for length in ["16385", "-1", "99999999999999999999999"] {
        let answer = refused("POST", &path, &[json, ("content-length", length)]);
        assert_eq!(answer, is(413, "body_too_large"), "{length}");
    }
    for form in [[("content-type", "text/plain")].as_slice(), &[]] {
        assert_eq!(refused("POST", &path, form), is(415, "unsupported_media_type"));
    }
    assert_eq!(refused("GET", &path, &[]), is(405, "method_not_allowed"));
}

#[test]
fn other_methods_are_told_which_are_taken() {
    for (method, path, allow) in [
        ("POST", format!("/live/{SHOW}/index.m3u8"), "GET, HEAD, OPTIONS"),
        ("DELETE", "/healthz".to_owned(), "GET, HEAD, OPTIONS"),
        ("get", "/healthz".to_owned(), "GET, HEAD, OPTIONS"),
        ("PUT", format!("/v1/shows/{SHOW}/playback"), "POST, OPTIONS"),
    ] {
        let answer = ask(method, &path, &[]).unwrap_err();
        assert_eq!((answer.head.status, answer.head.get("allow")), (405, Some(allow)), "{path}");
    }
}

#[test]
fn preflights_are_answered_for_any_path() {
    let answer = ask("OPTIONS", "/p/x/../y", &[("origin", "https://a")]).unwrap_err();
    assert_eq!(answer.head.status, 204);
    assert_eq!(answer.head.get("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.head.get("access-control-allow-credentials"), None);
    assert!(answer.head.get("access-control-allow-headers").unwrap().contains("Range"));
    assert!(answer.body.is_empty());
}

#[test]
fn a_head_has_no_body_and_an_id_is_taken_over() {
    let answer = ask("HEAD", "/nothing", &[("x-request-id", "mine")]).unwrap_err();
    assert_eq!((answer.head.status, answer.body.len()), (404, 0));
    assert_eq!(answer.head.get("x-request-id"), Some("mine"));
    assert_eq!(ask("HEAD", "/healthz", &[]).unwrap_err().head.status, 200);
}

#[test]
fn what_collapses_has_a_key_without_a_viewer() {
    let session = sealed();
    let key = |rest: &str, headers: &[(&str, &str)]| {
        ask("GET", &format!("/p/{session}/{rest}"), headers).unwrap().collapse_key()
    };
    let playlist = format!("/o/{SHOW}/720p/index.m3u8?_HLS_msn=2");
    let gzip = [("accept-encoding", "gzip"), ("if-none-match", "x")];
    assert_eq!(key("720p/index.m3u8?_HLS_msn=2", &[]), Some(format!("identity {playlist}")));
    assert_eq!(key("720p/index.m3u8?a=b&_HLS_msn=02", &gzip), Some(format!("gzip {playlist}")));
    assert_eq!(key("720p/e/s1.m4s", &[]), None);
    let denied = deny_request(&config(), "r");
    assert_eq!(denied.collapse_key().as_deref(), Some("identity /edge/denied"));
}

proptest! {
    #[test]
    fn nothing_a_viewer_sends_panics_or_passes(
        method in "GET|HEAD|POST|OPTIONS|.{0,5}",
        path in "/(p|live|watch|assets|v1)/[a-z0-9./%_-]{0,40}|.{0,80}",
        query in prop::option::of("(token|_HLS_msn|_HLS_part|_HLS_skip)=.{0,20}|.{0,40}"),
        value in prop::option::of(".{0,300}"),
        now_ms in any::<i64>(),
    ) {
        let header = |_: &str| value.as_deref();
        let query = query.as_deref();
        let client = Client::default();
        let request = Request { method: &method, path: &path, query, header: &header, client };
        let decision = decide(&config(), &request, now_ms, RANDOM);
        prop_assert!(!matches!(decision, Decision::Guarded(_)));
        if let Decision::Open(fetch) = decision {
            prop_assert!(fetch.path_and_query.bytes().all(|b| b.is_ascii_graphic()));
            for inner in ["/o/", "/edge/", ".."] {
                prop_assert!(!fetch.path_and_query.contains(inner), "{fetch:?}");
            }
        }
        prop_assert!(request.described().bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
    }
}
