//! What a playback token says.
//!
//! In: ids and times. Out: [`Claims`], and its form on the wire. Does not know keys.
//!
//! | claim | value |
//! |---|---|
//! | `iss` `aud` | `matinee`, `playback` |
//! | `sub` | the ticket's id |
//! | `show` `sid` | the show's id, the playback session's id |
//! | `tier` | the name of what the ticket admits to |
//! | `policy` | what that is, [`shared_wire::Policy`]; absent: everything |
//! | `iat` `nbf` `exp` | seconds since the Unix epoch |

use std::borrow::Cow;

use jwt_simple::prelude::{Audiences, JWTClaims, UnixTimeStamp};
use serde::{Deserialize, Serialize};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

use crate::config::{CLOCK_LEAD_S, TIER_CHARS_MAX};
use crate::{KeyError, TokenError};

/// The `iss` of every token.
pub const ISSUER: &str = "matinee";
/// The `aud` of a playback token.
pub const AUDIENCE: &str = "playback";

/// Who may watch what, and how long. Times are seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The ticket this came from (`sub`).
    pub ticket: TicketId,
    /// The one show it is good for.
    pub show: ShowId,
    /// The viewer's playback session (`sid`).
    pub session: SessionId,
    /// The name of what the ticket admits to.
    pub tier: String,
    /// What that is (`policy`).
    pub policy: Policy,
    /// When it was issued (`iat`).
    pub issued_at: i64,
    /// From when it is good (`nbf`).
    pub not_before: i64,
    /// Until when, exclusive (`exp`).
    pub expires_at: i64,
}

/// The claims that are ours alone.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Own {
    show: ShowId,
    sid: SessionId,
    tier: String,
    #[serde(skip_serializing_if = "Policy::is_everything")]
    policy: Policy,
}

impl Claims {
    /// Whether they hold for `show` at `now`.
    ///
    /// # Errors
    /// The show first, then the times.
    pub(crate) fn admit(&self, show: &ShowId, now: i64) -> Result<(), TokenError> {
        if self.show != *show {
            return Err(TokenError::WrongShow);
        }
        if now >= self.expires_at {
            let is_preview = self.policy.preview_s.is_some();
            return Err(if is_preview { TokenError::PreviewOver } else { TokenError::Expired });
        }
        if now.saturating_add(CLOCK_LEAD_S) < self.not_before {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    pub(crate) fn to_jwt(&self) -> Result<JWTClaims<Own>, KeyError> {
        if self.tier.chars().count() > TIER_CHARS_MAX {
            return Err(KeyError::Claims);
        }
        Ok(JWTClaims {
            issued_at: Some(stamp(self.issued_at)?),
            expires_at: Some(stamp(self.expires_at)?),
            invalid_before: Some(stamp(self.not_before)?),
            issuer: Some(ISSUER.to_owned()),
            subject: Some(self.ticket.to_string()),
            audiences: Some(Audiences::AsString(AUDIENCE.to_owned())),
            jwt_id: None,
            nonce: None,
            custom: Own {
                show: self.show,
                sid: self.session,
                tier: self.tier.clone(),
                policy: self.policy.clone(),
            },
        })
    }
}

/// The claims of a token as they came.
#[derive(Deserialize)]
pub(crate) struct Said<'a> {
    #[serde(borrow)]
    iss: Option<Cow<'a, str>>,
    #[serde(borrow)]
    aud: Option<Audience<'a>>,
    #[serde(borrow)]
    sub: Option<Cow<'a, str>>,
    iat: Option<f64>,
    nbf: Option<f64>,
    exp: Option<f64>,
    show: ShowId,
    sid: SessionId,
    #[serde(borrow)]
    tier: Cow<'a, str>,
    #[serde(default)]
    policy: Policy,
}

/// One name or several (RFC 7519, 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Some(#[serde(borrow)] Vec<Cow<'a, str>>),
}

impl<'a> Said<'a> {
    /// Reads the payload of a token.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, TokenError> {
        serde_json::from_slice(json).map_err(|_| TokenError::Malformed)
    }

    /// The claims, if the house made them for playback.
    pub(crate) fn by_the_house(self) -> Result<Claims, TokenError> {
        if self.iss.as_deref() != Some(ISSUER) {
            return Err(TokenError::Forged);
        }
        let is_ours = match &self.aud {
            Some(Audience::One(name)) => name == AUDIENCE,
            Some(Audience::Some(names)) => names.iter().any(|name| name == AUDIENCE),
            None => false,
        };
        if !is_ours {
            return Err(TokenError::WrongAudience);
        }
        let ticket = self.sub.and_then(|text| text.parse().ok());
        if self.tier.chars().count() > TIER_CHARS_MAX {
            return Err(TokenError::Malformed);
        }
        Ok(Claims {
            ticket: ticket.ok_or(TokenError::Malformed)?,
            show: self.show,
            session: self.sid,
            tier: self.tier.into_owned(),
            policy: self.policy,
            issued_at: seconds(self.iat)?,
            not_before: seconds(self.nbf)?,
            expires_at: seconds(self.exp)?,
        })
    }
}

/// A NumericDate (RFC 7519, 2) in whole seconds; it may have a fraction.
#[expect(clippy::cast_possible_truncation, reason = "a cast stops at the ends of what fits")]
fn seconds(date: Option<f64>) -> Result<i64, TokenError> {
    let date = date.filter(|date| *date >= 0.0).ok_or(TokenError::Malformed)?;
    Ok(date as i64)
}

/// Seconds as the token library has them: 32 bits of them, until 2106.
fn stamp(seconds: i64) -> Result<UnixTimeStamp, KeyError> {
    let seconds = u32::try_from(seconds).map_err(|_| KeyError::Claims)?;
    Ok(UnixTimeStamp::from_secs(u64::from(seconds)))
}
