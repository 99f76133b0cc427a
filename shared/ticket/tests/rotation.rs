//! Keys rotate with overlap, and no viewer is refused.
//!
//! A virtual day, in minutes. The house changes its key every two hours: edges learn of the new one half an hour
//! before it signs, and forget the old one when the last of its tokens has ended. Documents take five minutes to
//! reach an edge.

use serde_json::{Value, json};
use shared_ticket::cat::{ClaimSet, Value as Cbor, label};
use shared_ticket::cat::{Facts, RenewalBy};
use shared_ticket::{Algorithm, CatIssuer, Claims, Issuer, PrivateKey, Verifier, jwks};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

const MINUTE: i64 = 60;
const START: i64 = 1_800_000_000;
/// How long a key signs, is known before, and a token lasts.
const SIGNS: i64 = 120 * MINUTE;
const KNOWN_BEFORE: i64 = 30 * MINUTE;
const TOKEN: i64 = 45 * MINUTE;
/// How late an edge learns of a new document.
const LATE: i64 = 5 * MINUTE;

/// The key that begins to sign in the `n`th period. `None` for a CAT key that EdDSA cannot be.
fn key(algorithm: Algorithm, cat: bool, n: i64) -> PrivateKey {
    let random = [u8::try_from(n + 1).unwrap(); 32];
    let kid = format!("{}{}-{n}", algorithm.name(), if cat { "c" } else { "j" });
    let mut random = random;
    // JWTs and CATs never share material.
    random[0] ^= u8::from(cat);
    let key = PrivateKey::generate(algorithm, &kid, &random).unwrap();
    if cat { key.for_cat().unwrap() } else { key }
}

const KINDS: [(Algorithm, bool); 5] = [
    (Algorithm::EdDsa, false),
    (Algorithm::Es256, false),
    (Algorithm::Hs256, false),
    (Algorithm::Es256, true),
    (Algorithm::Hs256, true),
];

/// The document the house publishes at `now`: each key from half an hour before it signs until its last token has
/// ended.
fn published(now: i64) -> String {
    let period = (now - START).div_euclid(SIGNS);
    let mut all = Vec::new();
    for n in (period - 1..=period + 1).filter(|n| *n >= 0) {
        let begins = START + n * SIGNS;
        let (from, until) = (begins - KNOWN_BEFORE, begins + SIGNS + TOKEN);
        if (from..until).contains(&now) {
            let keys = KINDS.map(|(algorithm, cat)| key(algorithm, cat, n));
            let mut set: Value = serde_json::from_str(&jwks(&keys)).unwrap();
            for one in set["keys"].as_array_mut().unwrap() {
                one["nbf"] = json!(from);
                one["exp"] = json!(until);
                all.push(one.clone());
            }
        }
    }
    // The newest first: it is the one that renews.
    all.reverse();
    json!({ "keys": all }).to_string()
}

/// What an edge knows at `now`.
fn edge(now: i64) -> Verifier {
    Verifier::from_json(&published((now - LATE).max(START))).unwrap()
}

fn show() -> ShowId {
    ShowId::from_bytes([1; 10])
}

/// The token the house issues at `now`, by its kind.
fn issued(kind: (Algorithm, bool), now: i64) -> String {
    let key = key(kind.0, kind.1, (now - START).div_euclid(SIGNS));
    let claims = Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: show(),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: now,
        not_before: now,
        expires_at: now + TOKEN,
    };
    if kind.1 {
        CatIssuer::new(key).unwrap().issue(&claims).unwrap()
    } else {
        Issuer::new(key).issue(&claims).unwrap()
    }
}

#[test]
fn no_viewer_is_refused_while_keys_rotate() {
    let path = format!("/live/{}/index.m3u8", show());
    let mut checked = 0;
    for minute in (0..24 * 60).step_by(30) {
        let at = START + minute * MINUTE;
        for kind in KINDS {
            let token = issued(kind, at);
            for age in [0, TOKEN / 2, TOKEN - 1] {
                let now = at + age;
                let answer = edge(now).admit(&token, &Facts::get(now, "a", &path), &show());
                assert!(
                    answer.is_ok(),
                    "{kind:?} issued at minute {minute}, {age} s old: {answer:?}"
                );
                checked += 1;
            }
            let now = at + TOKEN;
            assert!(edge(now).admit(&token, &Facts::get(now, "a", &path), &show()).is_err());
        }
    }
    assert_eq!(checked, 48 * 5 * 3);
}

#[test]
fn a_key_that_is_gone_opens_nothing() {
    // Taken from the house after it was retired: the attacker can sign, edges no longer listen.
    let path = format!("/live/{}/index.m3u8", show());
    let now = START + 2 * SIGNS + TOKEN;
    for kind in KINDS {
        let forged = issued(kind, START).len();
        assert!(forged > 0);
        let key = key(kind.0, kind.1, 0);
        let claims = Claims {
            ticket: TicketId::from_bytes([2; 10]),
            show: show(),
            session: SessionId::from_bytes([3; 10]),
            tier: "all".to_owned(),
            policy: Policy::default(),
            issued_at: now,
            not_before: now,
            expires_at: now + TOKEN,
        };
        let token = if kind.1 {
            CatIssuer::new(key).unwrap().issue(&claims).unwrap()
        } else {
            Issuer::new(key).issue(&claims).unwrap()
        };
        let denial = edge(now).admit(&token, &Facts::get(now, "a", &path), &show()).unwrap_err();
        assert_eq!(denial.error.code(), "token_forged", "{kind:?}");
    }
}

#[test]
fn a_token_that_renews_itself_lives_through_every_rotation() {
    let path = format!("/live/{}/index.m3u8", show());
    let catr = Cbor::map([(0, 1.into()), (1, TOKEN.into()), (2, (10 * MINUTE).into())]);
    let catu = Cbor::map([(3, Cbor::map([(1, "/live/".into())]))]);
    let claims = ClaimSet::new()
        .with(label::ISS, "matinee")
        .with(label::EXP, START + TOKEN)
        .with(label::CTI, "one session")
        .with(label::CATU, catu)
        .with(label::CATR, catr);
    let mut token = CatIssuer::new(key(Algorithm::Hs256, true, 0)).unwrap().sign(&claims).unwrap();
    let mut sessions = std::collections::BTreeSet::new();
    let mut renewals = 0;
    for minute in (0..24 * 60).step_by(5) {
        let now = START + minute * MINUTE;
        let edge = edge(now);
        let admission = edge.admit(&token, &Facts::get(now, "a", &path), &show()).unwrap();
        sessions.insert(admission.claims.session.to_string());
        if let Some(renewal) = admission.renewal {
            assert!(matches!(renewal.by, RenewalBy::Cookie { .. }));
            token = edge.renew(&renewal).unwrap().token;
            renewals += 1;
        }
    }
    assert_eq!(sessions.len(), 1, "a renewed token is the same session");
    assert!(renewals >= 24 * 60 / 45, "{renewals}");
}
