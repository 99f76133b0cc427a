//! A key that verifies CATs.
//!
//! In: a JWK whose `use` is `cat`. Out: [`CatKey`], which opens envelopes and, if it is a secret, seals new ones.
//! Does not know which key a token names.

use jwt_simple::prelude::{ECDSAP256PublicKeyLike, ES256PublicKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value as Json;

use super::cose::{self, Envelope};
use super::{ClaimSet, label};
use crate::claims::{AUDIENCE, ISSUER};
use crate::key::{Algorithm, Validity, bare, names, secret_bytes};
use crate::mac::Mac;
use crate::{KeyError, TokenError};

/// Verifies CATs of some issuers.
pub(crate) struct CatKey {
    pub(crate) kid: String,
    material: Material,
    pub(crate) validity: Validity,
    issuers: Vec<String>,
    audiences: Vec<String>,
    pub(crate) dialect: Dialect,
}

enum Material {
    Es256(Box<VerifyingKey>),
    Hs256(Mac),
}

/// Whose numbers an issuer writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// IANA's.
    Standard,
    /// Those of AWS's "Secure Media Delivery at the Edge": 401 to 404, and other parts and matches of addresses.
    Aws,
}

impl CatKey {
    pub(crate) fn read(jwk: &Json) -> Result<Self, KeyError> {
        let (kid, algorithm) = names(jwk)?;
        let wrong = || KeyError::Material(kid.clone());
        let material = match algorithm {
            Algorithm::EdDsa => return Err(KeyError::Purpose(kid)),
            Algorithm::Es256 => {
                let key = ES256PublicKey::from_jwk(&bare(jwk)).map_err(|_| wrong())?;
                Material::Es256(Box::new(*key.public_key().as_ref()))
            }
            Algorithm::Hs256 => Material::Hs256(Mac::new(&secret_bytes(jwk).ok_or_else(wrong)?)),
        };
        let document = |what: &str| KeyError::Document(format!("key `{kid}`: {what}"));
        let list = |name: &str, default: &str| match jwk.get(name) {
            None => Ok(vec![default.to_owned()]),
            Some(Json::String(one)) => Ok(vec![one.clone()]),
            Some(Json::Array(some)) => some
                .iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| document("`iss` and `aud` are a text or a list of texts")),
            Some(_) => Err(document("`iss` and `aud` are a text or a list of texts")),
        };
        let dialect = match jwk.get("labels").map(Json::as_str) {
            None => Dialect::Standard,
            Some(Some("aws")) => Dialect::Aws,
            Some(_) => return Err(document("`labels` is `aws` or nothing")),
        };
        let (issuers, audiences) = (list("iss", ISSUER)?, list("aud", AUDIENCE)?);
        let validity = Validity::read(jwk, &kid)?;
        Ok(Self { kid, material, validity, issuers, audiences, dialect })
    }

    /// Its algorithm.
    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Es256(_) => Algorithm::Es256,
            Material::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// Whether it is the house's own: its tokens may speak for our tickets and sessions.
    pub(crate) fn is_ours(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer == ISSUER)
    }

    /// Whether it signed this. Which algorithm to use is the key's to say, not the token's.
    pub(crate) fn signed(&self, envelope: &Envelope<'_>) -> bool {
        if envelope.algorithm != self.algorithm() {
            return false;
        }
        match &self.material {
            Material::Hs256(secret) => envelope.is_mac_of(secret),
            Material::Es256(key) => Signature::from_slice(&envelope.tag)
                .is_ok_and(|proof| key.verify_prehash(&envelope.digest(), &proof).is_ok()),
        }
    }

    /// Whether a token's issuer and audience are among its own. A token without them is taken to be of this key's
    /// issuer, for this key's audience: whoever has the key could have said so.
    pub(crate) fn speaks_for(&self, claims: &ClaimSet<'_>) -> Result<(), TokenError> {
        if let Some(issuer) = claims.get(label::ISS) {
            let issuer = issuer.as_text().ok_or(TokenError::BadClaim(label::ISS))?;
            if !self.issuers.iter().any(|ours| ours == issuer) {
                return Err(TokenError::Forged);
            }
        }
        let Some(audience) = claims.get(label::AUD) else { return Ok(()) };
        let ours = |name: &str| self.audiences.iter().any(|ours| ours == name);
        let is_for_us = match (audience.as_text(), audience.as_array()) {
            (Some(name), _) => ours(name),
            (_, Some(names)) => names.iter().any(|name| name.as_text().is_some_and(ours)),
            _ => return Err(TokenError::BadClaim(label::AUD)),
        };
        if is_for_us { Ok(()) } else { Err(TokenError::WrongAudience) }
    }

    /// Whether both speak for the same issuers, in the same numbers: only then may one make what the other asks for.
    pub(crate) fn is_kin_of(&self, other: &Self) -> bool {
        self.issuers == other.issuers && self.dialect == other.dialect
    }

    /// A token of it.
    ///
    /// # Errors
    /// [`KeyError::NoSecret`] if it only verifies.
    pub(crate) fn seal(&self, claims: &ClaimSet<'_>) -> Result<String, KeyError> {
        let Material::Hs256(secret) = &self.material else { return Err(KeyError::NoSecret) };
        let prove = |envelope: &Envelope<'_>| Some(cose::mac(envelope, secret).to_vec());
        cose::seal(Algorithm::Hs256, &self.kid, claims.to_bytes(), prove).ok_or(KeyError::NoSecret)
    }
}
