//! Checks the claims of a token that is genuine.
//!
//! In: the claims, the key that signed them, the request. Out: what was found on the way ([`Checked`]), or the claim
//! that fails. Does not know how the token was opened.
//!
//! First its purpose (issuer, audience), then whether every claim is known, then the show, the times, and what the
//! claims ask of the request.

use shared_wire::{Bind, ShowId};

use super::key::{CatKey, Dialect};
use super::matches::{Form, Matcher};
use super::own::Own;
use super::renew::{self, Due};
use super::{ClaimSet, Facts, Replay, Value, address, label, network, replay};
use crate::TokenError;
use crate::config::CLOCK_LEAD_S;

/// What checking a token's claims brings up.
pub(crate) struct Checked {
    /// Our own claim, in a token of the house.
    pub(crate) own: Option<Own>,
    /// What of the viewer's address `catnip` fixes.
    pub(crate) bind: Option<Bind>,
    pub(crate) replay: Replay,
    /// The renewal that is due.
    pub(crate) due: Option<Due>,
}

/// Checks every claim; `show` is the one the request is for, if it is known.
pub(crate) fn check(
    claims: &ClaimSet<'_>,
    key: &CatKey,
    facts: &Facts<'_>,
    show: Option<&ShowId>,
) -> Result<Checked, TokenError> {
    key.speaks_for(claims)?;
    claims.iter().try_for_each(|(label, _)| known(label, key))?;
    let own = claims.get(label::MATINEE).map(Own::read).transpose()?;
    if let (Some(own), Some(show)) = (&own, show)
        && own.show != *show
    {
        return Err(TokenError::WrongShow);
    }
    times(claims, facts.now).map_err(|error| match (error, &own) {
        (TokenError::Expired, Some(own)) if own.is_preview() => TokenError::PreviewOver,
        _ => error,
    })?;
    if claims.get(label::CATV).is_some_and(|version| version.as_int() != Some(1)) {
        return Err(TokenError::Unenforceable(label::CATV));
    }
    claims.text(label::SUB)?;
    claims.cti()?;
    let mut matcher = Matcher::new(key.dialect);
    request(claims, facts, &mut matcher)?;
    // The house's own rule about countries is the policy's: the edge checks it on every token alike.
    let own_rule = own
        .as_ref()
        .is_some_and(|own| claims.get(label::CATGEOISO3166) == own.countries().as_ref());
    if !own_rule {
        country(claims, facts)?;
    }
    let bind = match claims.get(label::CATNIP) {
        None => None,
        Some(claim) => {
            let found = network::holds(claim, facts);
            let found = found.map_err(|_| TokenError::BadClaim(label::CATNIP))?;
            Some(found.ok_or(TokenError::WrongNetwork)?)
        }
    };
    let replay = replay::asked(claims, facts)?;
    let due = renew::due(claims, key.dialect, facts)?;
    Ok(Checked { own, bind, replay, due })
}

/// Whether a claim is one that this crate enforces, carries or answers with.
fn known(label: i64, key: &CatKey) -> Result<(), TokenError> {
    match label {
        label::ISS..=label::CTI
        | label::WM_FIRST..=label::WM_LAST
        | label::CATREPLAY
        | label::CATV..=label::CATGEOISO3166
        | label::CATIFDATA
        | label::CATIF
        | label::CATR => Ok(()),
        label::MATINEE if key.is_ours() => Ok(()),
        _ => Err(TokenError::Unenforceable(label)),
    }
}

fn times(claims: &ClaimSet<'_>, now: i64) -> Result<(), TokenError> {
    let (from, until) = (claims.time(label::NBF)?, claims.time(label::EXP)?);
    let issued = claims.time(label::IAT)?;
    if until.is_some_and(|until| now >= until) {
        return Err(TokenError::Expired);
    }
    let latest = now.saturating_add(CLOCK_LEAD_S);
    if from.is_some_and(|from| latest < from) || issued.is_some_and(|issued| latest < issued) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

/// What the claims ask of the request itself.
fn request(
    claims: &ClaimSet<'_>,
    facts: &Facts<'_>,
    matcher: &mut Matcher,
) -> Result<(), TokenError> {
    if let Some(claim) = claims.get(label::CATU) {
        let holds = address::holds(claim, facts, matcher);
        if !holds.map_err(|_| TokenError::BadClaim(label::CATU))? {
            return Err(TokenError::WrongAddress);
        }
    }
    if let Some(claim) = claims.get(label::CATM)
        && !list(claim, label::CATM)?.contains(&facts.method.as_bytes())
    {
        return Err(TokenError::WrongMethod);
    }
    if let Some(claim) = claims.get(label::CATH) {
        headers(claim, facts, matcher)?;
    }
    if let Some(claim) = claims.get(label::CATALPN) {
        let allowed = list(claim, label::CATALPN)?;
        if !facts.alpn.is_some_and(|alpn| allowed.contains(&alpn.as_bytes())) {
            return Err(TokenError::WrongProtocol);
        }
    }
    Ok(())
}

/// `cath`: each header is there and matches.
fn headers(claim: &Value<'_>, facts: &Facts<'_>, matcher: &mut Matcher) -> Result<(), TokenError> {
    let bad = TokenError::BadClaim(label::CATH);
    let mut all = true;
    for (name, matches) in claim.as_map().filter(|headers| !headers.is_empty()).ok_or(bad)? {
        let name = name.as_text().ok_or(bad)?.to_ascii_lowercase();
        let text = (facts.header)(&name);
        let holds = matcher.all_hold(matches, text.unwrap_or_default(), Form::Plain);
        all &= holds.map_err(|_| bad)? && text.is_some();
    }
    if all { Ok(()) } else { Err(TokenError::WrongHeader) }
}

/// `catgeoiso3166`: countries. A part of a country, `US-CA`, is more than an edge knows of a viewer, and matches
/// nobody.
fn country(claims: &ClaimSet<'_>, facts: &Facts<'_>) -> Result<(), TokenError> {
    let Some(claim) = claims.get(label::CATGEOISO3166) else { return Ok(()) };
    let viewer = facts.country.map(|country| country.to_string());
    let is_viewer = |code: &&[u8]| {
        viewer.as_ref().is_some_and(|viewer| code.eq_ignore_ascii_case(viewer.as_bytes()))
    };
    if list(claim, label::CATGEOISO3166)?.iter().any(is_viewer) {
        Ok(())
    } else {
        Err(TokenError::WrongCountry)
    }
}

/// A claim that is a list of texts (or byte strings), or one of them.
fn list<'v>(claim: &'v Value<'_>, label: i64) -> Result<Vec<&'v [u8]>, TokenError> {
    let bad = TokenError::BadClaim(label);
    match claim {
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(Value::as_bytes).collect::<Option<Vec<_>>>().ok_or(bad)
        }
        one => one.as_bytes().map(|one| vec![one]).ok_or(bad),
    }
}

/// The claim that an error is about, for `catif`.
pub(crate) const fn failing(error: TokenError) -> Option<i64> {
    Some(match error {
        TokenError::Expired | TokenError::PreviewOver => label::EXP,
        TokenError::NotYetValid => label::NBF,
        TokenError::WrongAudience => label::AUD,
        TokenError::WrongShow | TokenError::WrongAddress => label::CATU,
        TokenError::WrongMethod => label::CATM,
        TokenError::WrongHeader => label::CATH,
        TokenError::WrongProtocol => label::CATALPN,
        TokenError::WrongNetwork => label::CATNIP,
        TokenError::WrongCountry => label::CATGEOISO3166,
        TokenError::Replayed => label::CATREPLAY,
        _ => return None,
    })
}

/// The numbers of a token of AWS's solution, as everybody else writes them.
pub(crate) fn translated(
    claims: ClaimSet<'_>,
    dialect: Dialect,
) -> Result<ClaimSet<'_>, TokenError> {
    if dialect == Dialect::Standard {
        return Ok(claims);
    }
    claims.renamed(|label| match label {
        401 => label::CATU,
        402 => label::CATNIP,
        403 => label::CATM,
        404 => label::CATR,
        label => label,
    })
}
