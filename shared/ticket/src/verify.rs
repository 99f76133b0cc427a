//! Verifies playback tokens.
//!
//! In: a JWK set once; then a token, the show it is to open, the time. Out: [`Claims`] or why not. The algorithm
//! is the key's, never the header's, and whatever is unknown fails closed (RFC 8725, 3.1 and 3.2).

use std::borrow::Cow;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use jwt_simple::JWTError;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike, NoCustomClaims,
    UnixTimeStamp, VerificationOptions,
};
use serde::Deserialize;
use serde_json::Value;
use shared_wire::ShowId;

use crate::cat::CatKey;
use crate::claims::{Claims, Said};
use crate::config::{KEYS_BYTES_MAX, KEYS_MAX, TOKEN_BYTES_MAX};
use crate::key::{Algorithm, Purpose, Validity, bare, names, purpose, secret_bytes};
use crate::mac::{self, Mac, equal};
use crate::{KeyError, TokenError};

/// Holds the house's verification keys. `Debug` shows their ids only.
pub struct Verifier {
    keys: Vec<VerifyKey>,
    pub(crate) cat_keys: Vec<CatKey>,
}

struct VerifyKey {
    kid: String,
    algorithm: Algorithm,
    material: Material,
    validity: Validity,
}

enum Material {
    EdDsa(Ed25519PublicKey),
    Es256(ES256PublicKey),
    Hs256(Mac),
}

/// What of a token's header is read before its signature is checked.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    typ: Option<Cow<'a, str>>,
    crit: Option<Value>,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|key| (&key.kid, key.algorithm));
        let cat_names = self.cat_keys.iter().map(|key| (&key.kid, key.algorithm()));
        f.debug_list().entries(names).entries(cat_names).finish()
    }
}

impl Verifier {
    /// Reads a JWK set (RFC 7517, 5): `{"keys":[…]}`, each key with `kid` and `alg` and, if it is good for a time
    /// only, `nbf` and `exp` in seconds since the Unix epoch.
    ///
    /// A key whose `use` is `cat` verifies CATs and nothing else, any other verifies JWTs and nothing else. A CAT key
    /// may say whose tokens it signs: `iss`, one name or several (absent: `matinee`), and for whom, `aud` (absent:
    /// `playback`). `"labels":"aws"` makes it speak the claim numbers of AWS's solution (401–404).
    ///
    /// # Errors
    /// The first thing wrong with the document; there must be at least one key.
    pub fn from_json(text: &str) -> Result<Self, KeyError> {
        let wrong = |what: &str| KeyError::Document(what.to_owned());
        if text.len() > KEYS_BYTES_MAX {
            return Err(wrong("too long"));
        }
        let document: Value = serde_json::from_str(text).map_err(|_| wrong("not JSON"))?;
        let list = document.get("keys").and_then(Value::as_array);
        let list = list.ok_or_else(|| wrong("no array `keys`"))?;
        if list.is_empty() {
            return Err(wrong("no key"));
        }
        let mut all = Self { keys: Vec::new(), cat_keys: Vec::new() };
        for jwk in list {
            let (kid, _) = names(jwk)?;
            if all.holds(&kid) {
                return Err(KeyError::Twice(kid));
            }
            match purpose(jwk)? {
                Purpose::Jwt => all.keys.push(VerifyKey::read(jwk)?),
                Purpose::Cat => all.cat_keys.push(CatKey::read(jwk)?),
            }
            if all.keys.len().max(all.cat_keys.len()) > KEYS_MAX {
                return Err(wrong("more than 16 keys of a kind"));
            }
            let is_same = |other: &&Value| {
                purpose(other) != purpose(jwk)
                    && ["k", "x"].iter().any(|m| jwk.get(m).is_some() && jwk.get(m) == other.get(m))
            };
            if list.iter().any(|other| is_same(&other)) {
                return Err(KeyError::Shared(kid));
            }
        }
        Ok(all)
    }

    fn holds(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid) || self.cat_keys.iter().any(|key| key.kid == kid)
    }

    /// The claims of the JWT `token`, if it admits to `show` at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// In this order: its size, its form, its signature, its purpose, its show, its times.
    pub fn verify(&self, token: &str, show: &ShowId, now: i64) -> Result<Claims, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Missing);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLarge);
        }
        let [header, payload, proof] = parts(token).ok_or(TokenError::Malformed)?;
        let header = decoded(header)?;
        let header: Header<'_> =
            serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
        if header.crit.is_some() {
            return Err(TokenError::Forged);
        }
        if !header.is_of_a_jwt() {
            return Err(TokenError::Malformed);
        }
        let key = self.keys.iter().find(|key| key.kid == header.kid).ok_or(TokenError::Forged)?;
        if key.algorithm.name() != header.alg || !key.validity.holds_at(now) {
            return Err(TokenError::Forged);
        }
        key.check(token, proof)?;
        let claims = Said::read(&decoded(payload)?)?.by_the_house()?;
        claims.admit(show, now)?;
        Ok(claims)
    }
}

/// Header, payload and signature of a token (RFC 7515, 7.1).
fn parts(token: &str) -> Option<[&str; 3]> {
    let mut parts = token.split('.');
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| TokenError::Malformed)
}

impl Header<'_> {
    /// Whether its type is none, `JWT` or `…+jwt`, in whichever case (RFC 7519, 5.1; RFC 8725, 3.11).
    fn is_of_a_jwt(&self) -> bool {
        self.typ.as_ref().is_none_or(|typ| {
            let tail = typ.rsplit('+').next().unwrap_or_default();
            tail.eq_ignore_ascii_case("JWT")
        })
    }
}

impl VerifyKey {
    fn read(jwk: &Value) -> Result<Self, KeyError> {
        let (kid, algorithm) = names(jwk)?;
        let material = || KeyError::Material(kid.clone());
        let bare = bare(jwk);
        let material = match algorithm {
            Algorithm::EdDsa => {
                Material::EdDsa(Ed25519PublicKey::from_jwk(&bare).map_err(|_| material())?)
            }
            Algorithm::Es256 => {
                Material::Es256(ES256PublicKey::from_jwk(&bare).map_err(|_| material())?)
            }
            Algorithm::Hs256 => Material::Hs256(Mac::new(&secret_bytes(jwk).ok_or_else(material)?)),
        };
        let validity = Validity::read(jwk, &kid)?;
        Ok(Self { kid, algorithm, material, validity })
    }

    /// Whether the last part of the token proves the others (RFC 7515, 5.2).
    ///
    /// A MAC is worked out here: it is what a house's own edges check for each viewer who enters, and the library makes
    /// it without the processor's help. Signatures are the library's, which is given a clock at which nothing is late
    /// or early: the times are [`Claims::admit`]'s, since its own rules are lenient by a quarter of an hour.
    fn check(&self, token: &str, proof: &str) -> Result<(), TokenError> {
        let options = Some(VerificationOptions {
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: None,
            max_token_length: Some(TOKEN_BYTES_MAX),
            ..Default::default()
        });
        let outcome = match &self.material {
            Material::EdDsa(key) => key.verify_token::<NoCustomClaims>(token, options),
            Material::Es256(key) => key.verify_token(token, options),
            Material::Hs256(key) => {
                let signed = token.len().saturating_sub(proof.len() + 1);
                let ours = key.of(token.as_bytes().get(..signed).unwrap_or_default());
                let sent: [u8; mac::BYTES] =
                    decoded(proof)?.try_into().map_err(|_| TokenError::Forged)?;
                return if equal(&ours, &sent) { Ok(()) } else { Err(TokenError::Forged) };
            }
        };
        outcome.map(|_| ()).map_err(|error| match error.downcast_ref::<JWTError>() {
            Some(JWTError::CompactEncodingError | JWTError::NotJWT) => TokenError::Malformed,
            Some(_) => TokenError::Forged,
            // A signature or claims that do not even decode.
            None => TokenError::Malformed,
        })
    }
}

#[cfg(test)]
mod tests;
