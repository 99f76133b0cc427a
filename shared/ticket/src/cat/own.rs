//! Our claims in a CAT: a [`Claims`] becomes standard claims and one of our own, and is read back.
//!
//! In: [`Claims`], or the claims of a token. Out: the other. Does not know signatures.
//!
//! | ours | CAT |
//! |---|---|
//! | ticket | `sub`, its text |
//! | session | `cti`, its 10 bytes |
//! | show | `catu`: the path begins with `/live/<show>/` |
//! | countries, if some are allowed | `catgeoiso3166` |
//! | times | `exp` `nbf` `iat` |
//! | show, tier, policy | -70001: `{0: bytes, 1: text, 2: map}`; the map, [`policy`], only if there is one |
//!
//! A token without -70001 is another issuer's. Its session and ticket are then hashes of its own names for them.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};
use shared_wire::{Bind, Countries, ID_BYTES, Policy, SessionId, ShowId, TicketId};

use super::{ClaimSet, Value, label, policy};
use crate::claims::{AUDIENCE, Claims, ISSUER};
use crate::config::{TIER_CHARS_MAX, UNLIMITED_CAT_S};
use crate::{KeyError, TokenError};

/// The tier of a session that began with another issuer's token.
pub(crate) const FOREIGN_TIER: &str = "cat";
/// `catu`'s part and match for our paths.
const PATH: i64 = 3;
const PREFIX: i64 = 1;
/// Members of our claim.
const SHOW: i64 = 0;
const TIER: i64 = 1;
const POLICY: i64 = 2;

/// The claim that is ours alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) show: ShowId,
    tier: String,
    policy: Policy,
}

impl Own {
    pub(crate) fn read(claim: &Value<'_>) -> Result<Self, TokenError> {
        let bad = TokenError::BadClaim(label::MATINEE);
        let is_known = |(key, _): &(Value<'_>, Value<'_>)| {
            key.as_int().is_some_and(|key| (SHOW..=POLICY).contains(&key))
        };
        if !claim.as_map().ok_or(bad)?.iter().all(is_known) {
            return Err(bad);
        }
        let show = claim.get(SHOW).and_then(Value::as_bytes).ok_or(bad)?;
        let tier = claim.get(TIER).and_then(Value::as_text).ok_or(bad)?;
        if tier.chars().count() > TIER_CHARS_MAX {
            return Err(bad);
        }
        let policy = claim.get(POLICY).map(|policy| policy::read(policy).ok_or(bad)).transpose()?;
        let policy = policy.unwrap_or_default();
        let show = ShowId::from_bytes(show.try_into().map_err(|_| bad)?);
        Ok(Self { show, tier: tier.to_owned(), policy })
    }

    /// Whether it ends at a wall rather than at a ticket's end.
    pub(crate) const fn is_preview(&self) -> bool {
        self.policy.preview_s.is_some()
    }

    /// The policy's countries as the standard's claim.
    pub(crate) fn countries(&self) -> Option<Value<'static>> {
        countries(&self.policy)
    }

    /// Our claims in a token of the house.
    pub(crate) fn into_claims(self, claims: &ClaimSet<'_>) -> Result<Claims, TokenError> {
        let time = |label: i64| claims.time(label)?.ok_or(TokenError::Malformed);
        let ticket = claims.text(label::SUB)?.and_then(|text| text.parse().ok());
        let session = claims.cti()?.and_then(|bytes| bytes.try_into().ok());
        Ok(Claims {
            ticket: ticket.ok_or(TokenError::Malformed)?,
            show: self.show,
            session: SessionId::from_bytes(session.ok_or(TokenError::Malformed)?),
            tier: self.tier,
            policy: self.policy,
            issued_at: time(label::IAT)?,
            not_before: time(label::NBF)?,
            expires_at: time(label::EXP)?,
        })
    }
}

/// What another issuer's token comes to for `show`. It must name addresses: it would open every show otherwise.
pub(crate) fn foreign(
    claims: &ClaimSet<'_>,
    show: &ShowId,
    bind: Option<Bind>,
    now: i64,
) -> Result<Claims, TokenError> {
    if claims.get(label::CATU).is_none() {
        return Err(TokenError::Unbound);
    }
    let issuer = claims.text(label::ISS)?.unwrap_or_default();
    let all = claims.to_bytes();
    let id = claims.cti()?.unwrap_or(&all);
    let subject = claims.text(label::SUB)?.map_or(id, str::as_bytes);
    let latest = now.saturating_add(UNLIMITED_CAT_S);
    Ok(Claims {
        ticket: TicketId::from_bytes(name("ticket", issuer, subject)),
        show: *show,
        session: SessionId::from_bytes(name("session", issuer, id)),
        tier: FOREIGN_TIER.to_owned(),
        policy: Policy { bind: bind.unwrap_or_default(), ..Policy::default() },
        issued_at: claims.time(label::IAT)?.unwrap_or(now),
        not_before: claims.time(label::NBF)?.unwrap_or(now),
        expires_at: claims.time(label::EXP)?.unwrap_or(latest),
    })
}

/// Our id for what an issuer calls so.
fn name(kind: &str, issuer: &str, theirs: &[u8]) -> [u8; ID_BYTES] {
    let mut hash = Sha256::new();
    for part in [kind.as_bytes(), issuer.as_bytes(), theirs] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut id = [0; ID_BYTES];
    id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    id
}

/// The claims of a token of the house.
pub(crate) fn to_claims(claims: &Claims) -> Result<ClaimSet<'static>, KeyError> {
    if claims.tier.chars().count() > TIER_CHARS_MAX || claims.issued_at < 0 {
        return Err(KeyError::Claims);
    }
    let path = format!("/live/{}/", claims.show);
    let bytes = |id: &[u8; ID_BYTES]| Value::Bytes(Cow::Owned(id.to_vec()));
    let own = [
        (SHOW, Some(bytes(claims.show.as_bytes()))),
        (TIER, Some(Value::from(claims.tier.clone()))),
        (POLICY, policy::write(&claims.policy)),
    ];
    let own = own.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    let mut set = ClaimSet::new()
        .with(label::ISS, ISSUER)
        .with(label::SUB, claims.ticket.to_string())
        .with(label::AUD, AUDIENCE)
        .with(label::EXP, claims.expires_at)
        .with(label::NBF, claims.not_before)
        .with(label::IAT, claims.issued_at)
        .with(label::CTI, bytes(claims.session.as_bytes()))
        .with(label::CATV, 1)
        .with(label::CATU, Value::map([(PATH, Value::map([(PREFIX, path.into())]))]));
    if let Some(countries) = countries(&claims.policy) {
        set.set(label::CATGEOISO3166, countries);
    }
    set.set(label::MATINEE, Value::map(own));
    Ok(set)
}

/// `catgeoiso3166` for a policy: it can say who is allowed, not who is not.
fn countries(policy: &Policy) -> Option<Value<'static>> {
    let Countries::Allow(allowed) = &policy.countries else { return None };
    Some(Value::Array(allowed.iter().map(|country| country.to_string().into()).collect()))
}
