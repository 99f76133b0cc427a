//! Other libraries' tokens are read here, and ours by them: `coset` for the envelope, `common-access-token`
//! (Fastly's) for the claims.

use common_access_token as theirs;
use coset::cbor::Value as Cbor;
use coset::{CborSerializable, CoseMac0, CoseSign1, TaggedCborSerializable, iana};
use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::HMAC;
use p256::ecdsa::signature::{Signer, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use proptest::prelude::*;
use shared_ticket::cat::{ClaimSet, Facts, Value, label};
use shared_ticket::{Algorithm, CatIssuer, Claims, PrivateKey, Verifier, jwks};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

const SECRET: [u8; 32] = [9; 32];
const NOW: i64 = 1_900_000_000;

fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::generate(algorithm, algorithm.name(), &SECRET).unwrap().for_cat().unwrap()
}

fn edge() -> Verifier {
    Verifier::from_json(&jwks(&[key(Algorithm::Es256), key(Algorithm::Hs256)])).unwrap()
}

fn issuer(algorithm: Algorithm) -> CatIssuer {
    CatIssuer::new(key(algorithm)).unwrap()
}

fn claims() -> Claims {
    Claims {
        ticket: TicketId::from_bytes([2; 10]),
        show: ShowId::from_bytes([1; 10]),
        session: SessionId::from_bytes([3; 10]),
        tier: "all".to_owned(),
        policy: Policy { height_max: Some(720), ..Policy::default() },
        issued_at: NOW,
        not_before: NOW,
        expires_at: NOW + 100,
    }
}

/// The message of a token without its CWT tag, which `coset` leaves to its callers.
fn message(token: &str) -> Vec<u8> {
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    bytes.strip_prefix(&[0xd8, 61]).unwrap().to_vec()
}

#[test]
fn coset_reads_our_tokens() {
    let token = issuer(Algorithm::Hs256).issue(&claims()).unwrap();
    let mac = CoseMac0::from_tagged_slice(&message(&token)).unwrap();
    assert_eq!(mac.protected.header.key_id, b"HS256");
    let verify =
        |tag: &[u8], data: &[u8]| (HMAC::mac(data, SECRET) == tag).then_some(()).ok_or("MAC");
    mac.verify_payload_tag(b"", || "payload", verify).unwrap();

    let token = issuer(Algorithm::Es256).issue(&claims()).unwrap();
    let signed = CoseSign1::from_tagged_slice(&message(&token)).unwrap();
    let public = VerifyingKey::from(SigningKey::from_slice(&SECRET).unwrap());
    signed
        .verify_signature(b"", |proof, data| {
            public.verify(data, &Signature::from_slice(proof).unwrap())
        })
        .unwrap();
    let payload = Cbor::from_slice(&signed.payload.unwrap()).unwrap();
    let exp = payload.as_map().unwrap().iter().find(|(key, _)| *key == Cbor::from(label::EXP));
    assert_eq!(exp.unwrap().1, Cbor::from(NOW + 100));
}

#[test]
fn fastlys_library_reads_our_tokens() {
    let token = issuer(Algorithm::Hs256).issue(&claims()).unwrap();
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
    let read = theirs::Token::from_bytes(&bytes).unwrap();
    read.verify(&SECRET).unwrap();
    let path = format!("https://tv.example/live/{}/index.m3u8", claims().show);
    let options = theirs::VerificationOptions::new()
        // Their clock is the machine's.
        .verify_exp(false)
        .verify_nbf(false)
        .expected_issuer("matinee")
        .expected_audience("playback")
        .verify_catu(true)
        .uri(path);
    read.verify_claims(&options).unwrap();
    let elsewhere = options.uri("https://tv.example/live/other/index.m3u8");
    assert!(read.verify_claims(&elsewhere).is_err());
    assert_eq!(read.claims.registered.sub, Some(claims().ticket.to_string()));
    assert_eq!(read.claims.registered.cti.as_deref(), Some(&[3; 10][..]));
}

#[test]
fn fastlys_tokens_are_read_here() {
    let registered = theirs::RegisteredClaims::new()
        .with_issuer("matinee")
        .with_expiration(u64::try_from(NOW).unwrap() + 100)
        .with_cti(vec![1, 2]);
    let prefix = theirs::CborValue::Map(
        [(1, theirs::CborValue::Text("/live/".into()))].into_iter().collect(),
    );
    let catu = theirs::CborValue::Map([(3, prefix)].into_iter().collect());
    for (protected, path, opens) in
        [(true, "/live/x", true), (false, "/live/x", true), (true, "/vod/x", false)]
    {
        let kid = theirs::KeyId::string("HS256");
        let builder = theirs::TokenBuilder::new()
            .algorithm(theirs::Algorithm::HmacSha256)
            .registered_claims(registered.clone())
            .custom_cbor(312, catu.clone())
            .custom_array(313, vec![theirs::CborValue::Text("GET".into())]);
        let builder =
            if protected { builder.protected_key_id(kid) } else { builder.unprotected_key_id(kid) };
        let token = BASE64URL_NOPAD.encode(&builder.sign(&SECRET).unwrap().to_bytes().unwrap());
        let answer = edge().check_cat(&token, &Facts::get(NOW, "a", path));
        assert_eq!(answer.is_ok(), opens, "{answer:?}");
    }
}

/// A token of `coset` with this payload.
fn by_coset(algorithm: Algorithm, payload: Vec<u8>) -> String {
    let header = |name| coset::HeaderBuilder::new().algorithm(name);
    let kid = |builder: coset::HeaderBuilder| {
        builder.key_id(algorithm.name().as_bytes().to_vec()).build()
    };
    let bytes = if algorithm == Algorithm::Hs256 {
        let mac = coset::CoseMac0Builder::new()
            .protected(header(iana::Algorithm::HMAC_256_256).build())
            .unprotected(kid(coset::HeaderBuilder::new()))
            .payload(payload)
            .create_tag(b"", |data| HMAC::mac(data, SECRET).to_vec());
        mac.build().to_tagged_vec()
    } else {
        let key = SigningKey::from_slice(&SECRET).unwrap();
        let sign = |data: &[u8]| {
            let proof: Signature = key.sign(data);
            proof.to_bytes().to_vec()
        };
        let signed = coset::CoseSign1Builder::new()
            .protected(kid(header(iana::Algorithm::ES256)))
            .payload(payload)
            .create_signature(b"", sign);
        signed.build().to_tagged_vec()
    };
    BASE64URL_NOPAD.encode(&bytes.unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cosets_tokens_of_any_size_are_read_here(
        watermark in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        let claims = Cbor::Map(vec![
            (Cbor::from(label::EXP), Cbor::from(NOW + 1)),
            (Cbor::from(304), Cbor::from(watermark.clone())),
        ]);
        let expected = ClaimSet::new()
            .with(label::EXP, NOW + 1)
            .with(304, Value::Bytes(watermark.into()));
        for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
            let token = by_coset(algorithm, claims.clone().to_vec().unwrap());
            let read = edge().check_cat(&token, &Facts::get(NOW, "a", "/"));
            prop_assert_eq!(read.as_ref(), Ok(&expected));
        }
    }
}
