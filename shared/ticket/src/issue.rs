//! Signs playback tokens.
//!
//! In: a private key and claims. Out: a token. Does not know tickets or the time. Native code only has a use for
//! it: the signing library asks its host for random bytes to blind the signature with.

use jwt_simple::prelude::{ECDSAP256KeyPairLike, EdDSAKeyPairLike, MACLike};

use crate::key::{Pair, Purpose};
use crate::{Claims, KeyError, PrivateKey};

/// Signs with one key, which its tokens name in `kid`.
#[derive(Debug)]
pub struct Issuer {
    key: PrivateKey,
}

impl Issuer {
    /// An issuer that signs with `key`.
    #[must_use]
    pub const fn new(key: PrivateKey) -> Self {
        Self { key }
    }

    /// The key, to show its verifying half to edges with [`crate::jwks`].
    #[must_use]
    pub const fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The token that says `claims`: about 400 characters, all of them safe in a URL.
    ///
    /// # Errors
    /// If a time lies before 1970 or after 2106, the tier's name is too long, or the key is for CATs.
    pub fn issue(&self, claims: &Claims) -> Result<String, KeyError> {
        if self.key.purpose != Purpose::Jwt {
            return Err(KeyError::Purpose(self.key.kid.clone()));
        }
        let jwt = claims.to_jwt()?;
        match &self.key.pair {
            Pair::EdDsa(pair) => pair.sign(jwt),
            Pair::Es256(pair) => pair.sign(jwt),
            Pair::Hs256(key) => key.authenticate(jwt),
        }
        .map_err(|_| KeyError::Material(self.key.kid.clone()))
    }
}
