//! Issues CATs.
//!
//! In: a private key for CATs; our claims, or any. Out: a token. Does not know tickets or the time. An ES256
//! signature is the same each time (RFC 6979), so this asks its host for nothing.

use jwt_simple::prelude::ECDSAP256KeyPairLike;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::hazmat::PrehashSigner;

use super::cose::{self, Envelope};
use super::{ClaimSet, Renewal, Renewed, own};
use crate::key::{Pair, Purpose};
use crate::mac::Mac;
use crate::{Claims, KeyError, PrivateKey};

/// Signs CATs with one key, which they name.
#[derive(Debug)]
pub struct CatIssuer {
    key: PrivateKey,
}

impl CatIssuer {
    /// An issuer that signs with `key`, which is [`PrivateKey::for_cat`].
    ///
    /// # Errors
    /// [`KeyError::Purpose`] if it is a key for JWTs.
    pub fn new(key: PrivateKey) -> Result<Self, KeyError> {
        if key.purpose != Purpose::Cat {
            return Err(KeyError::Purpose(key.kid));
        }
        Ok(Self { key })
    }

    /// The key, to show its verifying half to edges with [`crate::jwks`].
    #[must_use]
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The token that says `claims`: some 240 characters with HS256, 280 with ES256, all of them safe in a URL.
    ///
    /// # Errors
    /// [`KeyError::Claims`] if it was issued before 1970, or the tier's name is too long.
    pub fn issue(&self, claims: &Claims) -> Result<String, KeyError> {
        self.sign(&own::to_claims(claims)?)
    }

    /// The token that says any claims.
    ///
    /// # Errors
    /// [`KeyError::Material`] if the key cannot sign.
    pub fn sign(&self, claims: &ClaimSet<'_>) -> Result<String, KeyError> {
        let prove = |envelope: &Envelope<'_>| match &self.key.pair {
            Pair::EdDsa(_) => None,
            Pair::Hs256(key) => Some(cose::mac(envelope, &Mac::new(&key.to_bytes())).to_vec()),
            Pair::Es256(pair) => {
                let key = pair.key_pair().as_ref();
                let proof: Signature = key.sign_prehash(&envelope.digest()).ok()?;
                Some(proof.to_bytes().to_vec())
            }
        };
        cose::seal(self.key.algorithm(), &self.key.kid, claims.to_bytes(), prove)
            .ok_or_else(|| KeyError::Material(self.key.kid.clone()))
    }

    /// Makes the new token of a renewal: for houses whose edges have no secret.
    ///
    /// # Errors
    /// As [`CatIssuer::sign`].
    pub fn renew(&self, renewal: &Renewal) -> Result<Renewed, KeyError> {
        Ok(Renewed { token: self.sign(&renewal.claims)?, by: renewal.by.clone() })
    }
}
