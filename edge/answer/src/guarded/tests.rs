//! Tokens for one use: who is asked about them, and what each answer comes to.

use shared_ticket::cat::{CatIssuer, Facts, Value};
use shared_ticket::{Algorithm, Claims, PrivateKey, SessionKeys, Verifier, jwks};
use shared_wire::{Policy, Problem, SessionId, ShowId, TicketId};

use super::*;
use crate::config::{EDGE_KEY, ORIGIN, SESSION_KEYS, TOKEN_KEYS};
use crate::{Client, Config, Decision, Request, decide};

const NOW: i64 = 1_700_000_000;
const END: i64 = NOW + 60;

fn key() -> PrivateKey {
    PrivateKey::generate(Algorithm::Hs256, "c", &[9; 32]).unwrap().for_cat().unwrap()
}

fn show() -> ShowId {
    ShowId::from_bytes([1; 10])
}

/// A CAT for the show with these claims besides.
fn token(more: &[(i64, Value<'static>)]) -> String {
    let claims = Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: show(),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: NOW,
        not_before: NOW,
        expires_at: END,
    };
    let issuer = CatIssuer::new(key()).unwrap();
    let keys = Verifier::from_json(&jwks([&key()])).unwrap();
    let path = format!("/live/{}/index.m3u8", show());
    let said = keys.check_cat(&issuer.issue(&claims).unwrap(), &Facts::get(NOW, "e", &path));
    let said =
        more.iter().fold(said.unwrap(), |said, (label, value)| said.with(*label, value.clone()));
    issuer.sign(&said).unwrap()
}

/// What is decided about a viewer who comes with this token.
fn guarded(token: &str) -> Guarded {
    let config = Config::from_lookup(|name| match name {
        ORIGIN => Some("http://origin".to_owned()),
        EDGE_KEY => Some("edge-secret".to_owned()),
        SESSION_KEYS => Some(SessionKeys::generate("s", &[5; 32])),
        TOKEN_KEYS => Some(jwks([&key()])),
        _ => None,
    });
    let (path, query) = (format!("/live/{}/index.m3u8", show()), format!("cat={token}"));
    let header = |name: &str| (name == "host").then_some("e");
    let client = Client { scheme: Some("https"), ..Client::default() };
    let request =
        Request { method: "GET", path: &path, query: Some(&query), header: &header, client };
    match decide(&config.unwrap(), &request, NOW * 1000, [0; 16]) {
        Decision::Guarded(guarded) => guarded,
        other => panic!("a fetch was due: {other:?}"),
    }
}

fn heard() -> Memory {
    let mut memory = Memory::new();
    memory.deny.accept(NOW * 1000, 0, br#"{"version":1,"entries":[]}"#).unwrap();
    memory
}

fn passed(token: &str) -> Passed {
    guarded(token).pass(&heard().deny, NOW * 1000).unwrap()
}

/// Status and code of a refusal.
fn refused(admitted: Result<Fetch, Answer>) -> (u16, String) {
    let answer = admitted.expect_err("a refusal");
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.head.get("cache-control"), Some("no-store"));
    (answer.head.status, problem.code)
}

fn once() -> (i64, Value<'static>) {
    (label::CATREPLAY, Value::Int(1))
}

#[test]
fn a_memory_of_the_edges_own_knows_a_token_again() {
    let (token, mut memory) = (token(&[once()]), heard());
    assert!(guarded(&token).admit(&mut memory, NOW * 1000).is_ok());
    let again = guarded(&token).admit(&mut memory, NOW * 1000);
    assert_eq!(refused(again), (401, "token_replayed".to_owned()));
}

#[test]
fn a_memory_of_the_hosts_is_asked_and_believed() {
    let token = token(&[once()]);
    let one = *passed(&token).once().expect("it is for one use");
    assert_eq!((one.until(), passed(&token).once()), (END, Some(&one)));
    assert!(passed(&token).admit(Sight::First).is_ok());
    for (sight, status, code) in [
        (Sight::Again, 401, "token_replayed"),
        (Sight::Unknown, 503, "token_replay_unknown"),
        (Sight::TooLong, 401, "token_claim_unenforceable"),
    ] {
        let admitted = passed(&token).admit(sight);
        assert_eq!(refused(admitted), (status, code.to_owned()), "{sight:?}");
    }
    let answer = passed(&token).admit(Sight::Unknown).unwrap_err();
    assert_eq!(answer.head.get("retry-after"), Some("1"));
}

#[test]
fn only_tokens_for_one_use_are_asked_about() {
    for more in [vec![], vec![(label::CATREPLAY, Value::Int(2))]] {
        assert_eq!(passed(&token(&more)).once(), None);
    }
}

#[test]
fn who_is_denied_has_not_used_their_token() {
    let (token, mut memory) = (token(&[once()]), heard());
    let list = format!(
        r#"{{"version":2,"entries":[{{"session":"{}","reason":"revoked","until":{END}}}]}}"#,
        SessionId::from_bytes([3; 10])
    );
    memory.deny.accept(NOW * 1000, 0, list.as_bytes()).unwrap();
    let denied = guarded(&token).pass(&memory.deny, NOW * 1000).map(|_| ());
    assert_eq!(denied.unwrap_err().head.status, 403);
    assert!(guarded(&token).admit(&mut memory, NOW * 1000).is_err());
    memory.deny.accept(NOW * 1000, 0, br#"{"version":3,"entries":[]}"#).unwrap();
    assert!(guarded(&token).admit(&mut memory, NOW * 1000).is_ok());
}

#[test]
fn a_used_token_may_say_what_to_answer() {
    let location = (Value::Text("Location".into()), Value::Text("https://shop.test/".into()));
    let answer = Value::Array(vec![Value::Int(302), Value::Map(vec![location])]);
    let instead = Value::map([(label::CATREPLAY, answer)]);
    let token = token(&[once(), (label::CATIF, instead)]);
    assert!(passed(&token).admit(Sight::First).is_ok());
    let answer = passed(&token).admit(Sight::Again).unwrap_err();
    let location = answer.head.get("location");
    assert_eq!((answer.head.status, location), (302, Some("https://shop.test/")));
    let unknown = passed(&token).admit(Sight::Unknown);
    assert_eq!(refused(unknown).0, 503, "that is the edge's trouble, not the token's");
}

#[test]
fn who_is_turned_away_gets_no_renewed_token() {
    // By cookie and by header; with a redirect nobody is sent on who is not let in.
    for (kind, name) in [(1, "set-cookie"), (2, "cta-common-access-token"), (3, "location")] {
        let renew =
            Value::map([(0, Value::Int(kind)), (1, Value::Int(1000)), (2, Value::Int(500))]);
        let token = token(&[once(), (label::CATR, renew)]);
        let header =
            |name: &str| (name == "content-type").then_some("application/vnd.apple.mpegurl");
        let renewed = match passed(&token).admit(Sight::First) {
            Ok(fetch) => match fetch.relay(200, &header) {
                crate::Relay::Edit(head) => head.get(name).is_some(),
                _ => panic!("an edit was due"),
            },
            Err(redirect) => redirect.head.get(name).is_some(),
        };
        assert!(renewed, "{name}");
        for sight in [Sight::Again, Sight::Unknown, Sight::Full] {
            let answer = passed(&token).admit(sight).unwrap_err();
            assert_eq!(answer.head.get(name), None, "{name} {sight:?}");
        }
        let mut memory = heard();
        assert!(guarded(&token).admit(&mut memory, NOW * 1000).is_ok() || kind == 3);
        let again = guarded(&token).admit(&mut memory, NOW * 1000).unwrap_err();
        assert_eq!((again.head.status, again.head.get(name)), (401, None), "{name}");
        let list = format!(
            r#"{{"version":2,"entries":[{{"session":"{}","reason":"revoked","until":{END}}}]}}"#,
            SessionId::from_bytes([3; 10])
        );
        memory.deny.accept(NOW * 1000, 0, list.as_bytes()).unwrap();
        let denied = guarded(&token).pass(&memory.deny, NOW * 1000).unwrap_err();
        assert_eq!((denied.head.status, denied.head.get(name)), (403, None), "{name}");
    }
}
