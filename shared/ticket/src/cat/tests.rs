//! CATs: what the house issues opens its show; everything else has its own refusal.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use shared_wire::{Countries, Policy, SessionId, ShowId, TicketId};

use super::{CatIssuer, ClaimSet, Facts, Replay, own};
use crate::{Algorithm, Claims, Issuer, KeyError, PrivateKey, Purpose, TokenError, Verifier, jwks};

pub(super) const NOW: i64 = 1_700_000_000;

pub(super) fn show() -> ShowId {
    ShowId::from_bytes([1; 10])
}

pub(super) fn claims() -> Claims {
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

pub(super) fn key(algorithm: Algorithm, random: u8) -> PrivateKey {
    PrivateKey::generate(algorithm, algorithm.name(), &[random; 32]).unwrap().for_cat().unwrap()
}

pub(super) fn issuer(algorithm: Algorithm) -> CatIssuer {
    CatIssuer::new(key(algorithm, 9)).unwrap()
}

pub(super) fn house() -> Verifier {
    Verifier::from_json(&jwks(&[Algorithm::Es256, Algorithm::Hs256].map(|one| key(one, 9))))
        .unwrap()
}

pub(super) fn playlist() -> String {
    format!("/live/{}/index.m3u8", show())
}

#[test]
fn every_algorithm_opens_its_show() {
    let path = playlist();
    let facts = Facts::get(NOW, "tv.example", &path);
    for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
        let token = issuer(algorithm).issue(&claims()).unwrap();
        let admission = house().admit(&token, &facts, &show()).unwrap();
        assert_eq!(admission.claims, claims());
        assert_eq!((admission.renewal, admission.replay), (None, Replay::Free));
        assert!(token.len() < 400, "{}", token.len());
        let other = ShowId::from_bytes([8; 10]);
        assert_eq!(house().admit(&token, &facts, &other).unwrap_err().error, TokenError::WrongShow);
    }
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let id = any::<[u8; 10]>;
    let policy =
        (any::<Option<u16>>(), any::<Option<u32>>(), prop::collection::vec("[A-Z]{2}", 0..4));
    (id(), id(), id(), ".{0,32}", policy, 0..i64::from(i32::MAX)).prop_map(
        |(ticket, show, session, tier, (height_max, dvr_s_max, countries), from)| {
            let countries = countries.iter().map(|country| country.parse().unwrap()).collect();
            let countries = Countries::Allow(countries);
            Claims {
                ticket: TicketId::from_bytes(ticket),
                show: ShowId::from_bytes(show),
                session: SessionId::from_bytes(session),
                tier: tier.chars().take(32).collect(),
                policy: Policy { height_max, dvr_s_max, countries, ..Policy::default() },
                issued_at: from,
                not_before: from,
                expires_at: from + 1,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_the_house_issues_is_what_its_edges_read(claims in any_claims()) {
        let path = format!("/live/{}/index.m3u8", claims.show);
        let facts = Facts::get(claims.issued_at, "a", &path);
        for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
            let token = issuer(algorithm).issue(&claims).unwrap();
            prop_assert_eq!(&house().admit(&token, &facts, &claims.show).unwrap().claims, &claims);
        }
    }

    #[test]
    fn any_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let path = playlist();
        let facts = Facts::get(NOW, "a", &path);
        for algorithm in [Algorithm::Es256, Algorithm::Hs256] {
            let token = issuer(algorithm).issue(&claims()).unwrap();
            let mut bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let text = BASE64URL_NOPAD.encode(&bytes);
            prop_assert!(house().admit(&text, &facts, &show()).is_err(), "bit {} of {}", bit, at);
        }
    }

    #[test]
    fn no_text_panics_and_no_half_token_opens(
        text in "[A-Za-z0-9_-]{0,200}|.{0,100}",
        cut in any::<prop::sample::Index>(),
    ) {
        let path = playlist();
        let facts = Facts::get(NOW, "a", &path);
        prop_assert!(house().admit(&text, &facts, &show()).is_err());
        let token = issuer(Algorithm::Hs256).issue(&claims()).unwrap();
        prop_assert!(house().admit(&token[..cut.index(token.len())], &facts, &show()).is_err());
    }
}

#[test]
fn a_key_is_for_one_kind_of_token() {
    let cat = key(Algorithm::Hs256, 9);
    assert_eq!(PrivateKey::from_text(&cat.to_text()).unwrap().purpose(), Purpose::Cat);
    let refused = Err(KeyError::Purpose("HS256".into()));
    assert_eq!(Issuer::new(key(Algorithm::Hs256, 9)).issue(&claims()), refused);
    let jwt = || PrivateKey::generate(Algorithm::Hs256, "jwt", &[9; 32]).unwrap();
    assert_eq!(CatIssuer::new(jwt()).unwrap_err(), KeyError::Purpose("jwt".into()));
    let eddsa = PrivateKey::generate(Algorithm::EdDsa, "ed", &[9; 32]).unwrap();
    assert_eq!(eddsa.for_cat().unwrap_err(), KeyError::Purpose("ed".into()));
    // One secret under two names, for both kinds, in either order.
    for both in [jwks([&cat, &jwt()]), jwks([&jwt(), &cat])] {
        assert!(matches!(Verifier::from_json(&both), Err(KeyError::Shared(_))));
    }
    // Either kind of token, opened with the other's key of that name.
    let path = playlist();
    let facts = Facts::get(NOW, "a", &path);
    let refusal = |keys: &PrivateKey, token: &str| {
        let verifier = Verifier::from_json(&jwks([keys])).unwrap();
        verifier.admit(token, &facts, &show()).unwrap_err().error
    };
    let named = || PrivateKey::generate(Algorithm::Hs256, "HS256", &[9; 32]).unwrap();
    let (cat_token, jwt_token) = (
        issuer(Algorithm::Hs256).issue(&claims()).unwrap(),
        Issuer::new(named()).issue(&claims()).unwrap(),
    );
    assert_eq!(refusal(&named(), &cat_token), TokenError::Forged);
    assert_eq!(refusal(&cat, &jwt_token), TokenError::Forged);
}

#[test]
fn one_entry_takes_both_kinds() {
    let jwt = PrivateKey::generate(Algorithm::EdDsa, "ed", &[7; 32]).unwrap();
    let cat = key(Algorithm::Hs256, 9);
    let edge = Verifier::from_json(&jwks([&jwt, &cat])).unwrap();
    let path = playlist();
    let facts = Facts::get(NOW, "a", &path);
    for token in [
        Issuer::new(jwt).issue(&claims()).unwrap(),
        issuer(Algorithm::Hs256).issue(&claims()).unwrap(),
    ] {
        assert_eq!(edge.admit(&token, &facts, &show()).unwrap().claims, claims());
    }
    let refusal = |token: &str| edge.admit(token, &facts, &show()).unwrap_err().error;
    assert_eq!(refusal(""), TokenError::Missing);
    assert_eq!(refusal("a.b.c"), TokenError::Malformed);
    assert_eq!(refusal("abc"), TokenError::Malformed);
    assert_eq!(refusal(&"a".repeat(10_000_000)), TokenError::TooLarge);
    assert_eq!(format!("{edge:?}"), r#"[("ed", EdDsa), ("HS256", Hs256)]"#);
}

#[test]
fn watermarks_are_carried() {
    let claims = own::to_claims(&claims()).unwrap().with(304, "pattern").with(307, 2);
    let token = issuer(Algorithm::Hs256).sign(&claims).unwrap();
    let path = playlist();
    let admission = house().admit(&token, &Facts::get(NOW, "a", &path), &show()).unwrap();
    assert_eq!(admission.watermark, ClaimSet::new().with(304, "pattern").with(307, 2));
}
