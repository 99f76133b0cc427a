//! The house's keys, and every good and bad token a viewer may bring.
//!
//! In: a show. Out: tokens, sessions, and the four settings of an edge. Does not know the edge.

use std::sync::atomic::{AtomicU8, Ordering};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value as Json, json};
use shared_ticket::{Algorithm, Claims, Issuer, PrivateKey, SessionKeys, jwks};
pub(crate) use tests::ticket::{cat, cat_with, claims, fresh_show, now, token};
use tests::ticket::{cat_key, first_key, key, session, session_keys, settings_with};

use crate::stage::HOME;

/// The house's keys, one per algorithm.
fn house_keys() -> [PrivateKey; 3] {
    [first_key(), key(Algorithm::Es256, "es", 2), key(Algorithm::Hs256, "hs", 3)]
}

/// The settings of an edge that knows all of them.
pub(crate) fn settings(origin: &str) -> Vec<(String, String)> {
    let [ed, es, hs] = house_keys();
    settings_with(origin, &[ed, es, hs, cat_key()])
}

/// The same claims, signed in each of the house's ways.
pub(crate) fn tokens(claims: &Claims) -> Vec<String> {
    house_keys().into_iter().map(|key| Issuer::new(key).issue(claims).expect("a token")).collect()
}

/// A token by somebody else's key, which calls itself `kid`.
pub(crate) fn foreign_token(claims: &Claims, kid: &str) -> String {
    let foreign = key(Algorithm::EdDsa, kid, 9);
    Issuer::new(foreign).issue(claims).expect("a token")
}

/// The payload of a good token, to be signed in bad ways.
fn payload(claims: &Claims) -> Json {
    let token = token(claims);
    let part = token.split('.').nth(1).expect("a payload");
    let bytes = BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn assemble(header: &Json, payload: &Json, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let encode = |value: &Json| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(header), encode(payload));
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&sign(signed.as_bytes())))
}

/// A token that asks not to be verified.
pub(crate) fn unsigned_token(claims: &Claims, alg: &str) -> String {
    assemble(&json!({"alg": alg, "kid": "ed", "typ": "JWT"}), &payload(claims), |_| Vec::new())
}

/// Tokens that pass a public key for a shared secret (RFC 8725, 2.1), in every form an attacker could guess.
pub(crate) fn confused_tokens(claims: &Claims) -> Vec<String> {
    let jwk: Json = serde_json::from_str(&jwks([&first_key()])).expect("JSON");
    let x = jwk["keys"][0]["x"].as_str().expect("a public key").to_owned();
    let raw = BASE64URL_NOPAD.decode(x.as_bytes()).expect("base64url");
    [raw, x.into_bytes(), jwk["keys"][0].to_string().into_bytes()]
        .into_iter()
        .map(|secret| {
            let header = json!({"alg": "HS256", "kid": "ed", "typ": "JWT"});
            assemble(&header, &payload(claims), |signed| {
                hmac_sha256::HMAC::mac(signed, &secret).to_vec()
            })
        })
        .collect()
}

/// A token the house signed, with one claim set to something else.
pub(crate) fn token_with(claims: &Claims, claim: &str, value: Json) -> String {
    let mut payload = payload(claims);
    payload[claim] = value;
    assemble(&json!({"alg": "HS256", "kid": "hs", "typ": "JWT"}), &payload, |signed| {
        hmac_sha256::HMAC::mac(signed, [3; 32]).to_vec()
    })
}

/// A sealed session as the edge makes them.
pub(crate) fn sealed(claims: &Claims) -> String {
    seal(&session_keys(), claims)
}

/// A session sealed by somebody else.
pub(crate) fn foreign_sealed(claims: &Claims) -> String {
    seal(&SessionKeys::generate("s1", &[8; 32]), claims)
}

fn seal(keys: &str, claims: &Claims) -> String {
    let keys = SessionKeys::parse(keys).expect("session keys");
    keys.seal(&session(claims), Some(HOME.ip.into())).expect("there is an address")
}

/// The text with one character changed, another one each time.
pub(crate) fn spoiled(text: &str) -> String {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    let at = usize::from(COUNT.fetch_add(7, Ordering::Relaxed)) % text.len();
    let mut bytes = text.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII")
}
