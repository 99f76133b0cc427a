//! The verifiers of playback tokens, on any text and on any claims.
//!
//! In: `r` and the text of a token, or `s` and claims, which are then signed with the house's secret: only so are the
//! checks behind the signature reached. Out: a panic if a promise is broken. Does not know what a claim means: the
//! vectors of
//! `shared/ticket` do.

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::HMAC;
use shared_ticket::cat::{ClaimSet, Facts, ReplayMemory, Transport, Value, label};
use shared_ticket::{Admission, Denial, TokenError, Verifier};
use shared_wire::ShowId;

const NOW: i64 = 1_800_000_000;
const PATH: &str = "/live/040g2081040g2081/index.m3u8";
const CAT_SECRET: [u8; 32] = [1; 32];
const JWT_SECRET: [u8; 32] = [2; 32];

static KEYS: LazyLock<Verifier> = LazyLock::new(|| {
    let key = |kid: &str, more: &str, secret: &[u8]| {
        let secret = BASE64URL_NOPAD.encode(secret);
        format!(r#"{{"kty":"oct","alg":"HS256","kid":"{kid}","k":"{secret}"{more}}}"#)
    };
    // The keys of `vectors/matinee.json`, under which the seeds are signed.
    let vectors: Vec<u8> = (0..32).collect();
    let keys = [
        key("c", r#","use":"cat""#, &CAT_SECRET),
        key("h1", r#","use":"cat""#, &vectors),
        key("j", "", &JWT_SECRET),
    ];
    Verifier::from_json(&format!(r#"{{"keys":[{}]}}"#, keys.join(","))).expect("they are keys")
});

fn show() -> ShowId {
    ShowId::from_bytes([1; 10])
}

/// A request of which all is known.
fn admitted(token: &str, now: i64) -> Result<Admission, Denial> {
    let header = |name: &str| (name == "user-agent").then_some("Player/2 (fuzz)");
    let facts = Facts {
        query: "b=2&a=1",
        header: &header,
        ip: "192.0.2.1".parse().ok(),
        asn: Some(64_496),
        country: "DE".parse().ok(),
        alpn: Some("h2"),
        transport: Transport::Cookie,
        ..Facts::get(now, "tv.example", PATH)
    };
    let admission = KEYS.admit(token, &facts, &show());
    let again = KEYS.admit(token, &facts, &show());
    assert_eq!(admission, again, "the same question has the same answer");
    admission
}

/// Runs the target for CATs.
pub fn cat(data: &[u8]) {
    match data.split_first() {
        Some((b'r', text)) => {
            let text = String::from_utf8_lossy(text);
            // Nobody has the secrets: what opens was made with one, whatever became of it on the way.
            if let Ok(admission) = admitted(&text, NOW) {
                promises(&admission, NOW);
            }
        }
        Some((_, claims)) => {
            if let Ok(admission) = admitted(&mac0(claims), NOW) {
                promises(&admission, NOW);
            }
        }
        None => {}
    }
}

/// The claims in a COSE_Mac0 (RFC 9052, 6.2).
fn mac0(claims: &[u8]) -> String {
    let protected = Value::map([(1, 5.into()), (4, "c".into())]).to_bytes();
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec().into());
    let input = vec!["MAC0".into(), bytes(&protected), bytes(&[]), bytes(claims)];
    let tag = HMAC::mac(Value::Array(input).to_bytes(), CAT_SECRET);
    let empty = Value::Map(Vec::new());
    let parts = Value::Array(vec![bytes(&protected), empty, bytes(claims), bytes(&tag)]);
    BASE64URL_NOPAD.encode(&Value::Tag(17, Box::new(parts)).to_bytes())
}

/// Runs the target for JWTs.
pub fn jwt(data: &[u8]) {
    let token = match data.split_first() {
        Some((b'r', text)) => String::from_utf8_lossy(text).into_owned(),
        Some((_, claims)) => {
            let header = BASE64URL_NOPAD.encode(br#"{"alg":"HS256","kid":"j"}"#);
            let input = format!("{header}.{}", BASE64URL_NOPAD.encode(claims));
            let tag = HMAC::mac(&input, JWT_SECRET);
            format!("{input}.{}", BASE64URL_NOPAD.encode(&tag))
        }
        None => return,
    };
    if let Ok(admission) = admitted(&token, NOW) {
        promises(&admission, NOW);
        assert_eq!((admission.renewal, admission.watermark), (None, ClaimSet::new()));
    }
}

/// Runs the target for the documents of keys, which an operator writes.
pub fn keys(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(keys) = Verifier::from_json(&text) {
        assert!(!format!("{keys:?}").is_empty());
        assert!(keys.admit("e30.e30.e30", &Facts::get(NOW, "a", PATH), &show()).is_err());
    }
}

/// What holds of whoever is let in.
fn promises(admission: &Admission, now: i64) {
    let claims = &admission.claims;
    assert_eq!(claims.show, show());
    assert!(now < claims.expires_at, "an ended token");
    assert!(claims.not_before <= now + 10, "a token of tomorrow");
    let mut memory = ReplayMemory::new(1);
    assert!(memory.admit(&admission.replay, now).is_ok());
    let again = memory.admit(&admission.replay, now);
    assert!(matches!(again, Ok(_) | Err(TokenError::Replayed)));
    let Some(renewal) = &admission.renewal else { return };
    let renewed = KEYS.renew(renewal).expect("there is a secret");
    if let Some((name, value)) = renewed.header() {
        let is_line = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        assert!(is_line(&name) && is_line(&value), "{name}");
    }
    let exp = renewal.claims.get(label::EXP).and_then(Value::as_int);
    assert!(exp.is_some_and(|exp| exp > now));
    // It opens as the old one did, but for its size.
    match admitted(&renewed.token, now) {
        Ok(again) => assert_eq!(again.claims.session, claims.session),
        Err(denial) => assert_eq!(denial.error, TokenError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_go_all_the_way() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/cat");
        let seeds: Vec<Vec<u8>> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
            .collect();
        let answers = seeds.iter().filter_map(|seed| seed.strip_prefix(b"s")).map(|claims| {
            let answer = admitted(&mac0(claims), NOW);
            (answer.is_ok(), answer.is_err_and(|denial| denial.instead.is_some()))
        });
        let (opened, diverted): (Vec<bool>, Vec<bool>) = answers.unzip();
        let count = |all: Vec<bool>| all.into_iter().filter(|one| *one).count();
        assert_eq!(diverted.iter().filter(|one| **one).count(), 1, "catif");
        // The parts of other addresses fail, as they should: the request of this target is a playlist's.
        assert!(count(opened) >= 20);
    }
}
