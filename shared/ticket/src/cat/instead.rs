//! What to answer when a claim fails (`catif`).
//!
//! In: a token whose claim failed, and the keys. Out: [`Instead`]: a status and headers, in which a new token may
//! stand. Does not know the answer it replaces.
//!
//! A claim that asks for something else than a refusal or a redirect, or for a token of a key that is not here, changes
//! nothing: the plain refusal is sent.

use super::key::CatKey;
use super::renew::{is_header_value, is_token};
use super::{ClaimSet, Facts, Value, label};
use crate::Verifier;
use crate::config::CATIF_HEADERS_MAX;

/// An answer that a token asks for in place of the refusal.
#[derive(Clone, PartialEq, Eq)]
pub struct Instead {
    /// 300 to 599.
    pub status: u16,
    /// Headers, their names in lower case.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Instead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.headers.iter().map(|(name, _)| name);
        f.debug_struct("Instead")
            .field("status", &self.status)
            .field("headers", &names.collect::<Vec<_>>())
            .finish()
    }
}

/// Headers that frame an answer: they are the host's.
pub(crate) fn is_framing(name: &str) -> bool {
    ["connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]
        .contains(&name)
}

/// What the token asks for when `failing` fails. `signed_by` is the key that signed it.
pub(crate) fn asked(
    keys: &Verifier,
    claims: &ClaimSet<'_>,
    failing: i64,
    signed_by: &CatKey,
    facts: &Facts<'_>,
) -> Option<Instead> {
    let parts = claims.get(label::CATIF)?.get(failing)?.as_array()?;
    let [status, headers, kid @ ..] = parts else { return None };
    let status = u16::try_from(status.as_int()?).ok().filter(|one| (300..600).contains(one))?;
    let key = match kid {
        [] | [Value::Null] => Some(signed_by),
        [kid] => {
            let kid = kid.as_bytes()?;
            keys.cat_keys.iter().find(|key| key.kid.as_bytes() == kid)
        }
        _ => return None,
    };
    let asked = headers.as_map().filter(|headers| headers.len() <= CATIF_HEADERS_MAX)?;
    let mut headers = Vec::with_capacity(asked.len());
    for (name, value) in asked {
        let name = name.as_text().filter(|name| is_token(name))?.to_ascii_lowercase();
        if is_framing(&name) {
            return None;
        }
        let value = match value {
            Value::Text(text) => text.clone().into_owned(),
            Value::Array(parts) => {
                let [prefix, new] = parts.as_slice() else { return None };
                format!("{}{}", prefix.as_text()?, token(claims, new, signed_by, key?, facts)?)
            }
            _ => return None,
        };
        if !is_header_value(&value) {
            return None;
        }
        headers.push((name, value));
    }
    Some(Instead { status, headers })
}

/// The new token: what the claim says, of the same issuer unless it says which, issued now. A key makes it that is good
/// for the same issuers as the one which signed the old token, so that nobody makes tokens of another house.
fn token(
    old: &ClaimSet<'_>,
    new: &Value<'_>,
    signed_by: &CatKey,
    key: &CatKey,
    facts: &Facts<'_>,
) -> Option<String> {
    if !key.is_kin_of(signed_by) || !key.validity.holds_at(facts.now) {
        return None;
    }
    let mut claims = ClaimSet::of(new.clone()).ok()?;
    // Null asks for what only the one who answers knows.
    let is_open = |label: i64| claims.get(label).is_none_or(|value| *value == Value::Null);
    let (issuer, issued) = (is_open(label::ISS), is_open(label::IAT));
    if issuer {
        claims.set(label::ISS, old.get(label::ISS)?.clone());
    }
    if issued {
        claims.set(label::IAT, Value::Int(facts.now));
    }
    let is_whole = claims.iter().all(|(_, value)| *value != Value::Null);
    is_whole.then(|| key.seal(&claims).ok()).flatten()
}

#[cfg(test)]
mod tests;
