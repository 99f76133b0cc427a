//! CATs: what the house issues opens its show; everything else has its own refusal.

use shared_wire::{Policy, SessionId, ShowId, TicketId};

use super::*;
use crate::{Algorithm, Claims, PrivateKey, TokenError, Verifier, jwks};

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
