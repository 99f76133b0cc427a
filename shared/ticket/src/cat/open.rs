//! Opens a CAT: finds its key, checks its MAC or signature, reads its claims.
//!
//! In: the keys, a token, the time. Out: claims somebody has vouched for, and which key did. Does not know what they
//! mean.

use super::check::translated;
use super::cose::{self, Envelope};
use super::{CatKey, ClaimSet};
use crate::TokenError;
use crate::config::UNNAMED_KEYS_MAX;

/// Gives the claims and the key to `then`, if a key that is good at `now` signed them. A token that names no key is
/// tried with the first few of its algorithm.
///
/// # Errors
/// [`TokenError::Malformed`], [`TokenError::Forged`], and those of `then`.
pub(crate) fn open<T, E: From<TokenError>>(
    keys: &[CatKey],
    token: &str,
    now: i64,
    then: impl FnOnce(&ClaimSet<'_>, &CatKey) -> Result<T, E>,
) -> Result<T, E> {
    let bytes = cose::decode(token)?;
    let envelope = Envelope::read(&bytes)?;
    let is_named = |key: &&CatKey| match &envelope.kid {
        Some(kid) => key.kid.as_bytes() == kid.as_ref(),
        None => key.algorithm() == envelope.algorithm,
    };
    let mut tried = keys.iter().filter(|key| key.validity.holds_at(now)).filter(is_named);
    let key = tried.by_ref().take(UNNAMED_KEYS_MAX).find(|key| key.signed(&envelope));
    let key = key.ok_or(TokenError::Forged)?;
    let payload = envelope.claims()?;
    let claims = translated(ClaimSet::read(&payload)?, key.dialect)?;
    then(&claims, key)
}
