//! Tokens that renew themselves (`catr`).
//!
//! In: a token near its end, and how it came. Out: the [`Renewal`] that is due, and from a secret the new token and the
//! header that brings it to the viewer. Does not know HTTP beyond that header.

use super::key::Dialect;
use super::{ClaimSet, Facts, Transport, Value, label};
use crate::config::{HEADER_BYTES_MAX, RENEWAL_DEADLINE_S, RENEWAL_S_MAX};
use crate::{KeyError, TokenError, Verifier};

/// Members of the claim.
const TYPE: i64 = 0;
const EXPADD: i64 = 1;
const DEADLINE: i64 = 2;
const COOKIE_NAME: i64 = 3;
const HEADER_NAME: i64 = 4;
const COOKIE_PARAMS: i64 = 5;
const HEADER_PARAMS: i64 = 6;
const STATUS: i64 = 7;

/// The header and the cookie in which tokens travel; of a cookie's name the case counts.
const HEADER: &str = "cta-common-access-token";
const COOKIE: &str = "CTA-Common-Access-Token";
/// Deadlines beyond this are points in time, not seconds before the end: one writer has them so.
const ABSOLUTE: i64 = 1_000_000_000;

/// A token is to be renewed.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// How the new token is to reach the viewer.
    pub by: RenewalBy,
    /// The claims of the new token.
    pub claims: ClaimSet<'static>,
    /// When it is renewed, in seconds since the Unix epoch.
    pub now: i64,
    /// The key of the token it renews.
    pub(crate) signed_by: String,
}

/// How a new token reaches the viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewalBy {
    /// `set-cookie: <name>=<token><params>`.
    Cookie {
        /// The cookie's name.
        name: String,
        /// Its attributes, each after `; `.
        params: String,
    },
    /// `<name>: <token><params>`.
    Header {
        /// The header's name, in lower case.
        name: String,
        /// Its parameters, each after `; `.
        params: String,
    },
    /// The same address with the new token in it, by this status.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
    },
}

/// A renewed token.
#[derive(Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The token.
    pub token: String,
    /// How it is to reach the viewer.
    pub by: RenewalBy,
}

impl std::fmt::Debug for Renewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Renewed").field("by", &self.by).finish_non_exhaustive()
    }
}

impl Renewed {
    /// The header of the answer that brings it; none for a redirect, whose address the caller makes.
    #[must_use]
    pub fn header(&self) -> Option<(String, String)> {
        match &self.by {
            RenewalBy::Cookie { name, params } => {
                Some(("set-cookie".to_owned(), format!("{name}={}{params}", self.token)))
            }
            RenewalBy::Header { name, params } => {
                Some((name.clone(), format!("{}{params}", self.token)))
            }
            RenewalBy::Redirect { .. } => None,
        }
    }
}

impl Verifier {
    /// Makes the new token: with the first HS256 key for CATs that is good now and speaks for the same issuers as the
    /// key of the old one. So tokens move to a new key while the old one rotates out.
    ///
    /// # Errors
    /// [`KeyError::NoSecret`] if there is none: of an ES256 key an edge has the public half only.
    /// [`super::CatIssuer::renew`] renews with a private key.
    pub fn renew(&self, renewal: &Renewal) -> Result<Renewed, KeyError> {
        let old = self.cat_keys.iter().find(|key| key.kid == renewal.signed_by);
        let mut keys = self.cat_keys.iter().filter(|key| {
            key.validity.holds_at(renewal.now) && old.is_some_and(|old| key.is_kin_of(old))
        });
        let token = keys.find_map(|key| key.seal(&renewal.claims).ok());
        Ok(Renewed { token: token.ok_or(KeyError::NoSecret)?, by: renewal.by.clone() })
    }
}

/// A renewal that is due, but for the claims, which are the token's.
pub(crate) struct Due {
    by: RenewalBy,
    /// By how much the token's end moves.
    end: i64,
    catr: Value<'static>,
}

impl Due {
    /// The renewal of a token with these claims. It keeps its id: to the house it is the same session.
    pub(crate) fn of(self, claims: &ClaimSet<'_>, signed_by: &str, now: i64) -> Renewal {
        let mut claims = claims.clone().into_owned();
        claims.set(label::EXP, Value::Int(self.end));
        claims.set(label::IAT, Value::Int(now));
        claims.set(label::CATR, self.catr);
        Renewal { by: self.by, claims, now, signed_by: signed_by.to_owned() }
    }
}

/// Whether a renewal is due: `end - deadline <= now`. The claim must be well formed in any case.
pub(crate) fn due(
    claims: &ClaimSet<'_>,
    dialect: Dialect,
    facts: &Facts<'_>,
) -> Result<Option<Due>, TokenError> {
    let Some(claim) = claims.get(label::CATR) else { return Ok(None) };
    if dialect != Dialect::Standard {
        return Err(TokenError::Unenforceable(label::CATR));
    }
    let bad = TokenError::BadClaim(label::CATR);
    let is_known = |(key, _): &(Value<'_>, Value<'_>)| {
        key.as_int().is_some_and(|key| (TYPE..=STATUS).contains(&key))
    };
    if !claim.as_map().ok_or(bad)?.iter().all(is_known) {
        return Err(bad);
    }
    let by = by(claim, facts.transport).ok_or(bad)?;
    let add = claim.get(EXPADD).and_then(Value::as_int).filter(|add| *add > 0).ok_or(bad)?;
    let add = add.min(RENEWAL_S_MAX);
    let deadline = match claim.get(DEADLINE) {
        None => RENEWAL_DEADLINE_S.min(add.saturating_sub(1)),
        Some(deadline) => deadline.as_int().filter(|deadline| *deadline >= 0).ok_or(bad)?,
    };
    let Some(end) = claims.time(label::EXP)? else { return Err(bad) };
    let absolute = deadline > ABSOLUTE;
    let before = if absolute { end.saturating_sub(deadline).max(0) } else { deadline };
    // It would be due again at once, and never end.
    if before >= add && matches!(by, RenewalBy::Redirect { .. }) {
        return Err(bad);
    }
    if facts.now < end.saturating_sub(before) {
        return Ok(None);
    }
    let new_end = facts.now.saturating_add(add);
    let mut catr = claim.clone().into_owned();
    if let (true, Value::Map(pairs)) = (absolute, &mut catr) {
        for (key, value) in pairs {
            if key.as_int() == Some(DEADLINE) {
                *value = Value::Int(new_end.saturating_sub(before));
            }
        }
    }
    Ok(Some(Due { by, end: new_end, catr }))
}

fn by(claim: &Value<'_>, transport: Transport) -> Option<RenewalBy> {
    let name = |member: i64, default: &str| match claim.get(member) {
        None => Some(default.to_owned()),
        Some(name) => name.as_text().filter(|name| is_token(name)).map(str::to_owned),
    };
    let (cookie, header) =
        (name(COOKIE_NAME, COOKIE)?, name(HEADER_NAME, HEADER)?.to_ascii_lowercase());
    let cookie_params = params(claim.get(COOKIE_PARAMS))?;
    let header_params = params(claim.get(HEADER_PARAMS))?;
    let status = match claim.get(STATUS) {
        None => 302,
        Some(status) => u16::try_from(status.as_int()?).ok()?,
    };
    if !matches!(status, 301 | 302 | 303 | 307 | 308) || super::instead::is_framing(&header) {
        return None;
    }
    let by_cookie = RenewalBy::Cookie { name: cookie, params: cookie_params };
    let by_header = RenewalBy::Header { name: header, params: header_params };
    let by_redirect = RenewalBy::Redirect { status };
    match (claim.get(TYPE)?.as_int()?, transport) {
        (0, Transport::Cookie) | (1, _) => Some(by_cookie),
        (0, Transport::Header) | (2, _) => Some(by_header),
        (0, Transport::Query | Transport::Path) | (3, _) => Some(by_redirect),
        _ => None,
    }
}

/// Parameters of a cookie or a header, joined.
fn params(value: Option<&Value<'_>>) -> Option<String> {
    let mut joined = String::new();
    let mut push = |text: &str| {
        joined.push_str("; ");
        joined.push_str(text);
    };
    match value {
        None | Some(Value::Null) => {}
        Some(Value::Text(text)) => push(text),
        Some(Value::Array(texts)) => {
            for text in texts {
                push(text.as_text()?);
            }
        }
        Some(_) => return None,
    }
    is_header_value(&joined).then_some(joined)
}

/// Whether a text may name a header or a cookie (RFC 9110, 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    let form = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(form)
}

/// Whether a text may be a header's value: visible ASCII and spaces, so that no line ends in it.
pub(crate) fn is_header_value(text: &str) -> bool {
    text.len() <= HEADER_BYTES_MAX && text.bytes().all(|byte| matches!(byte, 0x20..0x7f))
}

#[cfg(test)]
mod tests;
