//! Playback tokens: what the house signed opens its show; everything else has its own refusal.

use jwt_simple::prelude::{Audiences, EdDSAKeyPairLike, JWTClaims, NoCustomClaims};
use proptest::prelude::*;
use serde_json::json;
use shared_wire::{Policy, SessionId, TicketId};

use super::*;
use crate::claims::Own;
use crate::key::Pair;
use crate::{Issuer, PrivateKey, jwks};

const NOW: i64 = 1_700_000_000;

fn show() -> ShowId {
    ShowId::from_bytes([1; 10])
}

fn claims() -> Claims {
    Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: show(),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy::default(),
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW + 100,
    }
}

fn key(algorithm: Algorithm, random: u8) -> PrivateKey {
    PrivateKey::generate(algorithm, algorithm.name(), &[random; 32]).unwrap()
}

fn house() -> Verifier {
    let keys = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256].map(|one| key(one, 9));
    Verifier::from_json(&jwks(&keys)).unwrap()
}

fn token(algorithm: Algorithm) -> String {
    Issuer::new(key(algorithm, 9)).issue(&claims()).unwrap()
}

fn refusal(token: &str) -> TokenError {
    house().verify(token, &show(), NOW).unwrap_err()
}

/// A token with this header and these claims, signed by nobody.
fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), BASE64URL_NOPAD.encode(&[0; 64]))
}

#[test]
fn every_algorithm_opens_its_show() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256] {
        assert_eq!(house().verify(&token(algorithm), &show(), NOW), Ok(claims()));
        assert!(token(algorithm).len() < 1024);
    }
}

#[test]
fn a_preview_that_has_ended_says_so() {
    let policy = Policy { preview_s: Some(60), ..Policy::default() };
    let claims = Claims { policy, ..claims() };
    let token = Issuer::new(key(Algorithm::EdDsa, 9)).issue(&claims).unwrap();
    let at = |now| house().verify(&token, &show(), now);
    assert_eq!(at(NOW + 99), Ok(claims));
    assert_eq!(at(NOW + 100), Err(TokenError::PreviewOver));
}

#[test]
fn a_policy_travels_and_its_absence_is_everything() {
    let policy: Policy =
        serde_json::from_value(json!({ "height_max": 720, "bind": "network" })).unwrap();
    let claims = Claims { policy, ..claims() };
    let token = Issuer::new(key(Algorithm::EdDsa, 9)).issue(&claims).unwrap();
    assert_eq!(house().verify(&token, &show(), NOW), Ok(claims));
    let bare = serde_json::to_string(&self::claims().to_jwt().unwrap()).unwrap();
    assert!(!bare.contains("policy"), "{bare}");
}

#[test]
fn times_are_exact_but_for_a_clock_that_runs_ahead() {
    let token = token(Algorithm::EdDsa);
    let at = |now| house().verify(&token, &show(), now).map(|_| ());
    assert_eq!(at(NOW + 99), Ok(()));
    assert_eq!(at(NOW + 100), Err(TokenError::Expired));
    assert_eq!(at(NOW - 10), Ok(()));
    assert_eq!(at(NOW - 11), Err(TokenError::NotYetValid));
    assert_eq!(at(i64::MAX), Err(TokenError::Expired));
    assert_eq!(at(i64::MIN), Err(TokenError::NotYetValid));
}

#[test]
fn another_show_is_refused() {
    let other = ShowId::from_bytes([8; 10]);
    let answer = house().verify(&token(Algorithm::EdDsa), &other, NOW);
    assert_eq!(answer, Err(TokenError::WrongShow));
}

#[test]
fn size_and_form_come_first() {
    assert_eq!(refusal(""), TokenError::Missing);
    assert_eq!(refusal(&"a".repeat(10_000_000)), TokenError::TooLarge);
    for text in ["a", "a.b", "a.b.c", "....", "e30.e30.e30", "\0.\0.\0"] {
        assert_eq!(refusal(text), TokenError::Malformed, "{text}");
    }
}

#[test]
fn the_key_says_the_algorithm_and_not_the_header() {
    let body = json!({});
    for header in [
        json!({ "alg": "none", "kid": "EdDSA" }),
        json!({ "alg": "HS256", "kid": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": "ES256" }),
        json!({ "alg": "Ed25519", "kid": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": "unknown" }),
        json!({ "alg": "EdDSA", "kid": "EdDSA" }),
        json!({ "alg": "EdDSA", "kid": "EdDSA", "crit": [] }),
        json!({ "alg": "EdDSA", "kid": "EdDSA", "crit": ["b64"], "b64": false }),
    ] {
        assert_eq!(refusal(&unsigned(&header, &body)), TokenError::Forged, "{header}");
    }
    assert_eq!(refusal(&unsigned(&json!({ "alg": "EdDSA" }), &body)), TokenError::Malformed);
}

#[test]
fn another_houses_key_of_the_same_name_is_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256] {
        let stranger = Issuer::new(key(algorithm, 8));
        assert_eq!(refusal(&stranger.issue(&claims()).unwrap()), TokenError::Forged);
    }
}

#[test]
fn a_token_of_ours_for_another_purpose_is_refused() {
    let PrivateKey { pair: Pair::EdDsa(pair), .. } = key(Algorithm::EdDsa, 9) else {
        unreachable!("the key is EdDSA")
    };
    let sign = |change: fn(&mut JWTClaims<Own>)| {
        let mut jwt = claims().to_jwt().unwrap();
        change(&mut jwt);
        pair.sign(jwt).unwrap()
    };
    let audience = sign(|jwt| jwt.audiences = Some(Audiences::AsString("studio".into())));
    assert_eq!(refusal(&audience), TokenError::WrongAudience);
    assert_eq!(refusal(&sign(|jwt| jwt.audiences = None)), TokenError::WrongAudience);
    assert_eq!(refusal(&sign(|jwt| jwt.issuer = None)), TokenError::Forged);
    assert_eq!(refusal(&sign(|jwt| jwt.expires_at = None)), TokenError::Malformed);
    assert_eq!(refusal(&sign(|jwt| jwt.subject = Some("x".into()))), TokenError::Malformed);
    let bare = claims().to_jwt().unwrap();
    let bare = JWTClaims {
        issued_at: bare.issued_at,
        expires_at: bare.expires_at,
        invalid_before: bare.invalid_before,
        issuer: bare.issuer,
        subject: bare.subject,
        audiences: bare.audiences,
        jwt_id: None,
        nonce: None,
        custom: NoCustomClaims {},
    };
    assert_eq!(refusal(&pair.sign(bare).unwrap()), TokenError::Malformed);
}

/// What a token with a MAC may look like, by its header and claims.
#[test]
fn a_mac_is_checked_as_a_signature_is() {
    let sealed = |header: &Value, claims: &Value| {
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mac = Mac::new(&[9; 32]).of(signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac))
    };
    let header = |typ: Option<&str>| match typ {
        Some(typ) => json!({ "alg": "HS256", "kid": "HS256", "typ": typ }),
        None => json!({ "alg": "HS256", "kid": "HS256" }),
    };
    let said = serde_json::to_value(claims().to_jwt().unwrap()).unwrap();
    for typ in [None, Some("JWT"), Some("jwt"), Some("at+JWT")] {
        let token = sealed(&header(typ), &said);
        assert_eq!(house().verify(&token, &show(), NOW), Ok(claims()), "{typ:?}");
    }
    for typ in ["JOSE", "", "JWT+x", "JWTs"] {
        assert_eq!(refusal(&sealed(&header(Some(typ)), &said)), TokenError::Malformed, "{typ}");
    }
    let with = |name: &str, value: Value| {
        let mut said = said.clone();
        said[name] = value;
        sealed(&header(None), &said)
    };
    // RFC 7519, 2 and 4.1.3: a date may have a fraction, an audience may be one of several.
    for good in [with("exp", json!(NOW as f64 + 100.5)), with("aud", json!(["x", "playback"]))] {
        assert_eq!(house().verify(&good, &show(), NOW), Ok(claims()));
    }
    for (name, value, error) in [
        ("iss", json!("x"), TokenError::Forged),
        ("aud", json!(["x"]), TokenError::WrongAudience),
        ("exp", json!("soon"), TokenError::Malformed),
        ("nbf", json!(-1), TokenError::Malformed),
        ("iat", json!(null), TokenError::Malformed),
        ("sid", json!(7), TokenError::Malformed),
    ] {
        assert_eq!(refusal(&with(name, value)), error, "{name}");
    }
    let whole = sealed(&header(None), &said);
    for cut in [whole.len() - 43, whole.len() - 2, whole.len() - 22] {
        let error = refusal(&whole[..cut]);
        assert!(matches!(error, TokenError::Forged | TokenError::Malformed), "{error:?}");
    }
}

#[test]
fn a_key_outside_its_time_verifies_nothing() {
    let mut set: Value = serde_json::from_str(&jwks([&key(Algorithm::EdDsa, 9)])).unwrap();
    set["keys"][0]["nbf"] = json!(NOW);
    set["keys"][0]["exp"] = json!(NOW + 50);
    let verifier = Verifier::from_json(&set.to_string()).unwrap();
    let at = |now| verifier.verify(&token(Algorithm::EdDsa), &show(), now).map(|_| ());
    assert_eq!(at(NOW), Ok(()));
    assert_eq!(at(NOW + 50), Err(TokenError::Forged));
    assert_eq!(at(NOW - 1), Err(TokenError::Forged));
}

#[test]
fn key_sets_that_are_none_are_refused() {
    let twice = jwks([&key(Algorithm::EdDsa, 1), &key(Algorithm::EdDsa, 2)]);
    assert_eq!(Verifier::from_json(&twice).unwrap_err(), KeyError::Twice("EdDSA".into()));
    for text in ["", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{}]}"#] {
        assert!(Verifier::from_json(text).is_err(), "{text}");
    }
    assert_eq!(
        format!("{:?}", house()),
        r#"[("EdDSA", EdDsa), ("ES256", Es256), ("HS256", Hs256)]"#
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256] {
            let mut bytes = token(algorithm).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert!(house().verify(&text, &show(), NOW).is_err());
        }
    }

    #[test]
    fn no_text_panics(text in "[A-Za-z0-9_.-]{0,200}|.{0,200}", now in any::<i64>()) {
        prop_assert!(house().verify(&text, &show(), now).is_err());
        let _ = Verifier::from_json(&text);
        let _ = PrivateKey::from_text(&text);
    }
}
