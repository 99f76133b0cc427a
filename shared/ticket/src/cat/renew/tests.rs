//! Renewal: when it is due, how it reaches the viewer, who can make the new token.

use super::super::tests::{NOW, house, issuer, playlist, show};
use super::*;
use crate::{Algorithm, CatIssuer, PrivateKey, jwks};

/// `catr` with these members.
fn catr(members: &[(i64, Value<'static>)]) -> Value<'static> {
    Value::map(members.iter().cloned())
}

/// A token of the house that ends in 100 s, with this `catr`.
fn claims(catr: Value<'static>) -> ClaimSet<'static> {
    let claims = super::super::own::to_claims(&super::super::tests::claims()).unwrap();
    claims.with(label::CATR, catr)
}

fn renewal(catr: Value<'static>, now: i64, transport: Transport) -> Option<Renewal> {
    let token = issuer(Algorithm::Hs256).sign(&claims(catr)).unwrap();
    let path = playlist();
    let facts = Facts { transport, ..Facts::get(now, "a", &path) };
    house().admit(&token, &facts, &show()).unwrap().renewal
}

#[test]
fn it_is_due_between_the_deadline_and_the_end() {
    let relative = catr(&[(TYPE, 0.into()), (EXPADD, 300.into()), (DEADLINE, 60.into())]);
    let default = catr(&[(TYPE, 0.into()), (EXPADD, 300.into())]);
    let absolute = catr(&[(TYPE, 0.into()), (EXPADD, 300.into()), (DEADLINE, (NOW + 40).into())]);
    for catr in [relative, default, absolute] {
        let is_due = |now| renewal(catr.clone(), now, Transport::Query).is_some();
        assert!(!is_due(NOW) && !is_due(NOW + 39) && is_due(NOW + 40) && is_due(NOW + 99));
    }
}

#[test]
fn the_new_token_is_of_the_same_session_and_renews_itself_again() {
    let deadline = (NOW + 40).into();
    let catr = catr(&[(TYPE, 3.into()), (EXPADD, 300.into()), (DEADLINE, deadline)]);
    let renewal = renewal(catr, NOW + 50, Transport::Query).unwrap();
    let renewed = house().renew(&renewal).unwrap();
    assert_eq!((renewed.header(), &renewed.by), (None, &RenewalBy::Redirect { status: 302 }));
    let path = playlist();
    let at = |now| house().admit(&renewed.token, &Facts::get(now, "a", &path), &show());
    let admission = at(NOW + 349).unwrap();
    assert_eq!(admission.claims.session, super::super::tests::claims().session);
    assert_eq!(admission.claims.expires_at, NOW + 350);
    assert!(admission.renewal.is_some());
    assert_eq!(at(NOW + 289).unwrap().renewal, None);
    assert_eq!(at(NOW + 350).unwrap_err().error, TokenError::Expired);
}

#[test]
fn it_goes_back_as_it_came_or_as_it_says() {
    let members = |kind: i64| {
        let cookie = vec!["Secure".into(), "Domain=.tv.example".into()];
        catr(&[
            (TYPE, kind.into()),
            (EXPADD, 300.into()),
            (COOKIE_NAME, "pass".into()),
            (HEADER_NAME, "X-Pass".into()),
            (COOKIE_PARAMS, cookie.into()),
            (HEADER_PARAMS, "v=1".into()),
            (STATUS, 307.into()),
        ])
    };
    let by = |kind, transport| renewal(members(kind), NOW + 90, transport).unwrap();
    let header = |renewal: Renewal| {
        let renewed = house().renew(&renewal).unwrap();
        let (name, value) = renewed.header()?;
        Some((name, value.replace(&renewed.token, "…")))
    };
    let cookie = Some(("set-cookie".into(), "pass=…; Secure; Domain=.tv.example".into()));
    let in_header = Some(("x-pass".into(), "…; v=1".into()));
    for (kind, transport, expected) in [
        (0, Transport::Cookie, &cookie),
        (0, Transport::Header, &in_header),
        (0, Transport::Path, &None),
        (1, Transport::Query, &cookie),
        (2, Transport::Cookie, &in_header),
        (3, Transport::Header, &None),
    ] {
        assert_eq!(&header(by(kind, transport)), expected, "{kind} {transport:?}");
    }
    assert_eq!(by(3, Transport::Header).by, RenewalBy::Redirect { status: 307 });
}

#[test]
fn only_a_secret_of_the_same_issuer_renews() {
    let catr = catr(&[(TYPE, 0.into()), (EXPADD, 300.into())]);
    let signed = issuer(Algorithm::Es256).sign(&claims(catr)).unwrap();
    let es256 = PrivateKey::generate(Algorithm::Es256, "ES256", &[9; 32]).unwrap();
    let es256 = es256.for_cat().unwrap();
    let public = jwks([&es256]);
    let secret = "A".repeat(43);
    let partner = r#"{"kty":"oct","alg":"HS256","use":"cat","kid":"p","iss":"partner","k":""#;
    let partner = format!("{partner}{secret}\"}},");
    let with_partner = public.replace('[', &format!("[{partner}"));
    let path = playlist();
    for keys in [&public, &with_partner] {
        let edge = Verifier::from_json(keys).unwrap();
        let admission = edge.admit(&signed, &Facts::get(NOW + 90, "a", &path), &show()).unwrap();
        let renewal = admission.renewal.unwrap();
        assert_eq!(edge.renew(&renewal), Err(KeyError::NoSecret));
        let house = CatIssuer::new(PrivateKey::from_text(&es256.to_text()).unwrap()).unwrap();
        let renewed = house.renew(&renewal).unwrap();
        assert!(edge.admit(&renewed.token, &Facts::get(NOW + 200, "a", &path), &show()).is_ok());
    }
}

#[test]
fn a_redirect_that_never_ends_is_refused_and_a_cookie_each_time_is_not() {
    let always = |kind: i64| {
        let members = [(TYPE, kind.into()), (EXPADD, 60.into()), (DEADLINE, 105.into())];
        let token = issuer(Algorithm::Hs256).sign(&claims(catr(&members))).unwrap();
        let path = playlist();
        house().admit(&token, &Facts::get(NOW, "a", &path), &show())
    };
    assert!(always(1).unwrap().renewal.is_some());
    assert_eq!(always(3).unwrap_err().error, TokenError::BadClaim(label::CATR));
}

#[test]
fn a_renewal_that_is_none_or_forges_headers_is_refused() {
    let good = [(TYPE, Value::from(1)), (EXPADD, 300.into())];
    for (member, value) in [
        (TYPE, Value::from(4)),
        (EXPADD, 0.into()),
        (EXPADD, "300".into()),
        (DEADLINE, (-1).into()),
        (COOKIE_NAME, "a=b".into()),
        (HEADER_NAME, "a: b".into()),
        (HEADER_NAME, "Content-Length".into()),
        (COOKIE_PARAMS, "a\r\nb: c".into()),
        (COOKIE_PARAMS, 5.into()),
        (STATUS, 200.into()),
        (STATUS, 304.into()),
        (8, 1.into()),
    ] {
        let mut members: Vec<_> = good.iter().filter(|(key, _)| *key != member).cloned().collect();
        members.push((member, value.clone()));
        let token = issuer(Algorithm::Hs256).sign(&claims(catr(&members))).unwrap();
        let path = playlist();
        let denial = house().admit(&token, &Facts::get(NOW, "a", &path), &show()).unwrap_err();
        assert_eq!(denial.error, TokenError::BadClaim(label::CATR), "{member} {value:?}");
    }
}
