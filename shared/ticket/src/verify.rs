//! Verifies playback tokens.
//!
//! In: a JWK set once; then a token, the show it is to open, the time. Out: [`Claims`] or why not. The algorithm
//! is the key's, never the header's, and whatever is unknown fails closed (RFC 8725, 3.1 and 3.2).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use jwt_simple::JWTError;
use jwt_simple::claims::Audiences;
use jwt_simple::prelude::{
    ECDSAP256PublicKeyLike, ES256PublicKey, Ed25519PublicKey, EdDSAPublicKeyLike, HS256Key,
    JWTClaims, MACLike, UnixTimeStamp, VerificationOptions,
};
use serde::Deserialize;
use serde_json::Value;
use shared_wire::ShowId;

use crate::cat::CatKey;
use crate::claims::{AUDIENCE, Claims, ISSUER, Own};
use crate::config::{KEYS_BYTES_MAX, KEYS_MAX, TOKEN_BYTES_MAX};
use crate::key::{Algorithm, Purpose, Validity, bare, names, purpose, secret};
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
    Hs256(HS256Key),
}

/// What of a token's header is read before its signature is checked.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
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
        let header = Header::read(token)?;
        if header.crit.is_some() {
            return Err(TokenError::Forged);
        }
        let key = self.keys.iter().find(|key| key.kid == header.kid).ok_or(TokenError::Forged)?;
        if key.algorithm.name() != header.alg || !key.validity.holds_at(now) {
            return Err(TokenError::Forged);
        }
        let claims = Claims::from_jwt(key.open(token)?)?;
        claims.admit(show, now)?;
        Ok(claims)
    }
}

impl Header {
    fn read(token: &str) -> Result<Self, TokenError> {
        if token.split('.').count() != 3 {
            return Err(TokenError::Malformed);
        }
        let text = token.split('.').next().unwrap_or_default();
        let json = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
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
            Algorithm::Hs256 => Material::Hs256(secret(jwk).ok_or_else(material)?),
        };
        let validity = Validity::read(jwk, &kid)?;
        Ok(Self { kid, algorithm, material, validity })
    }

    /// Checks signature, issuer and audience. The times are [`Claims::admit`]'s: the library is given a clock at
    /// which nothing is late or early, since its own rules are lenient by a quarter of an hour. Names are compared
    /// here, because the library would have sets of them made for each token.
    fn open(&self, token: &str) -> Result<JWTClaims<Own>, TokenError> {
        let options = Some(VerificationOptions {
            accept_future: true,
            artificial_time: Some(UnixTimeStamp::from_secs(0)),
            time_tolerance: None,
            max_token_length: Some(TOKEN_BYTES_MAX),
            ..Default::default()
        });
        let claims = match &self.material {
            Material::EdDsa(key) => key.verify_token::<Own>(token, options),
            Material::Es256(key) => key.verify_token(token, options),
            Material::Hs256(key) => key.verify_token(token, options),
        }
        .map_err(|error| match error.downcast_ref::<JWTError>() {
            Some(JWTError::CompactEncodingError | JWTError::NotJWT) => TokenError::Malformed,
            Some(_) => TokenError::Forged,
            // A signature or claims that do not even decode.
            None => TokenError::Malformed,
        })?;
        if claims.issuer.as_deref() != Some(ISSUER) {
            return Err(TokenError::Forged);
        }
        let is_ours = match &claims.audiences {
            Some(Audiences::AsString(named)) => named == AUDIENCE,
            Some(Audiences::AsSet(named)) => named.contains(AUDIENCE),
            None => false,
        };
        if is_ours { Ok(claims) } else { Err(TokenError::WrongAudience) }
    }
}

#[cfg(test)]
mod tests;
