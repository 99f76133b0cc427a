//! `catif`: the answer a failing claim asks for, and what it may not ask for.

use super::super::tests::{NOW, house, issuer, playlist, show};
use super::super::{Facts, label};
use super::*;
use crate::{Algorithm, TokenError};

/// The denial of a token that has expired, whose `catif` says `answer` to that.
fn expired(answer: Value<'static>) -> crate::Denial {
    denied(label::EXP, answer, label::EXP, NOW.into())
}

fn denied(on: i64, answer: Value<'static>, claim: i64, value: Value<'static>) -> crate::Denial {
    let claims = super::super::own::to_claims(&super::super::tests::claims()).unwrap();
    let claims = claims.with(claim, value).with(label::CATIF, Value::map([(on, answer)]));
    let token = issuer(Algorithm::Hs256).sign(&claims).unwrap();
    let path = playlist();
    house().admit(&token, &Facts::get(NOW, "a", &path), &show()).unwrap_err()
}

fn headers(pairs: Vec<(&'static str, Value<'static>)>) -> Value<'static> {
    Value::Map(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

#[test]
fn the_failing_claim_has_its_answer() {
    let location = headers(vec![("Location", "https://auth.example/".into()), ("X-A", "b".into())]);
    let answer = Value::Array(vec![307.into(), location.clone()]);
    let instead = *expired(answer.clone()).instead.unwrap();
    assert_eq!(instead.status, 307);
    let name = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [name("location", "https://auth.example/"), name("x-a", "b")];
    assert_eq!(instead.headers, expected);
    let another = denied(label::CATM, answer.clone(), label::EXP, NOW.into());
    assert_eq!((another.error, another.instead), (TokenError::Expired, None));
    let method = denied(label::CATM, answer, label::CATM, Value::Array(vec!["PUT".into()]));
    assert_eq!(method.error, TokenError::WrongMethod);
    assert!(method.instead.is_some());
}

#[test]
fn a_new_token_stands_in_it() {
    let new = Value::map([
        (label::ISS, Value::Null),
        (label::IAT, Value::Null),
        (label::CATU, Value::map([(0, Value::map([(0, "https".into())]))])),
    ]);
    let location =
        |new: Value<'static>| Value::Array(vec!["https://auth.example/?CAT=".into(), new]);
    let answer = |new, kid: Value<'static>| {
        let headers = headers(vec![("Location", location(new))]);
        Value::Array(vec![302.into(), headers, kid])
    };
    for kid in [Value::Null, "HS256".into(), Value::Bytes(b"HS256".to_vec().into())] {
        let instead = *expired(answer(new.clone(), kid)).instead.unwrap();
        let (name, value) = instead.headers.first().unwrap().clone();
        let token = value.strip_prefix("https://auth.example/?CAT=").unwrap();
        let claims = house().check_cat(token, &Facts::get(NOW, "a", "/")).unwrap();
        assert_eq!(name, "location");
        assert_eq!(claims.get(label::ISS), Some(&"matinee".into()));
        assert_eq!(claims.get(label::IAT), Some(&NOW.into()));
        assert!(claims.get(label::CATU).is_some());
    }
    // Of a key that is not here, or only its public half is; and a null nobody can fill.
    for kid in ["nobody", "ES256"] {
        assert_eq!(expired(answer(new.clone(), kid.into())).instead, None);
    }
    assert_eq!(
        expired(answer(Value::map([(label::CATU, Value::Null)]), Value::Null)).instead,
        None
    );
}

#[test]
fn a_partner_gets_no_token_of_the_house() {
    let secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let partner = format!(r#"{{"kty":"oct","alg":"HS256","kid":"p","use":"cat","k":"{secret}"}}"#);
    let signer = crate::CatIssuer::new(crate::PrivateKey::from_text(&partner).unwrap()).unwrap();
    let partner = partner.replace(r#""use""#, r#""iss":"partner","use""#);
    let house = crate::jwks([issuer(Algorithm::Hs256).key()]);
    let keys = Verifier::from_json(&house.replace('[', &format!("[{partner},"))).unwrap();
    let forged = super::super::own::to_claims(&super::super::tests::claims()).unwrap();
    let forged = Value::map(forged.iter().map(|(label, value)| (label, value.clone())));
    let headers = headers(vec![("x", Value::Array(vec!["".into(), forged]))]);
    let catif = |kid: &'static str| {
        let answer = Value::Array(vec![401.into(), headers.clone(), kid.into()]);
        let claims = ClaimSet::new()
            .with(label::ISS, "partner")
            .with(label::EXP, NOW)
            .with(label::CATIF, Value::map([(label::EXP, answer)]));
        let token = signer.sign(&claims).unwrap();
        keys.check_cat(&token, &Facts::get(NOW, "a", "/")).unwrap_err()
    };
    assert_eq!(catif("HS256").instead, None, "the house's key");
    // With its own key it makes a token, which is then worth what a partner's is.
    let instead = catif("p").instead.unwrap();
    let (_, token) = instead.headers.first().unwrap();
    let denial = keys.check_cat(token, &Facts::get(NOW, "a", "/")).unwrap_err();
    assert_eq!(denial.error, TokenError::Forged);
}

#[test]
fn what_is_no_refusal_or_breaks_the_answer_is_not_asked_for() {
    let location = |name: &'static str, value: &'static str| headers(vec![(name, value.into())]);
    let many = (0..9).map(|n| (format!("x-{n}").into(), "a".into())).collect();
    for (status, headers) in [
        (200, location("a", "b")),
        (299, location("a", "b")),
        (600, location("a", "b")),
        (-1, location("a", "b")),
        (302, location("a b", "c")),
        (302, location("a", "b\r\nc: d")),
        (302, location("Content-Length", "0")),
        (302, location("Transfer-Encoding", "chunked")),
        (302, Value::Map(many)),
        (302, Value::Null),
        (302, Value::map([(1, "a".into())])),
    ] {
        let denial = expired(Value::Array(vec![status.into(), headers]));
        assert_eq!((denial.error, denial.instead), (TokenError::Expired, None), "{status}");
    }
    assert_eq!(expired(Value::Array(vec![302.into()])).instead, None);
}
