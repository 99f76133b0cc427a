//! Admits a viewer by whatever token they bring.
//!
//! In: the keys, a token, the request's facts, the show. Out: an [`Admission`], or a [`Denial`]. Does not know where
//! in the request a token stands.
//!
//! A JWT has three parts with dots between; a CAT is base64url and has none.

use shared_wire::ShowId;

use crate::cat::{CatKey, label, open};
use crate::cat::{Checked, ClaimSet, Facts, Instead, Renewal, Replay};
use crate::config::TOKEN_BYTES_MAX;
use crate::{Claims, TokenError, Verifier};

/// What a token that admits comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    /// Who may watch what, and how long.
    pub claims: Claims,
    /// The claims of watermarking that the token carries (300–307), as they came.
    pub watermark: ClaimSet<'static>,
    /// The renewal that is due; [`Verifier::renew`] makes the token.
    pub renewal: Option<Renewal>,
    /// What a [`crate::cat::ReplayMemory`] is to be asked before the viewer is let in.
    pub replay: Replay,
    /// What the token asks to be answered if it turns out to have been used before (`catif`).
    pub replayed: Option<Box<Instead>>,
}

/// Why a token does not admit, and what it asks to be answered in that case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub error: TokenError,
    /// What to send in place of the refusal, if the token is genuine and says so (`catif`).
    pub instead: Option<Box<Instead>>,
}

impl From<TokenError> for Denial {
    fn from(error: TokenError) -> Self {
        Self { error, instead: None }
    }
}

impl Verifier {
    /// Admits the bearer of `token` to `show`, if the request is what the token is good for.
    ///
    /// # Errors
    /// In this order: its size, its form, its signature, its purpose, claims that cannot be enforced, its show, its
    /// times, and what it asks of the request.
    pub fn admit(
        &self,
        token: &str,
        facts: &Facts<'_>,
        show: &ShowId,
    ) -> Result<Admission, Denial> {
        if token.is_empty() {
            return Err(TokenError::Missing.into());
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLarge.into());
        }
        if token.contains('.') {
            return Ok(Admission {
                claims: self.verify(token, show, facts.now)?,
                watermark: ClaimSet::new(),
                renewal: None,
                replay: Replay::Free,
                replayed: None,
            });
        }
        self.with_cat(token, facts, Some(show), |claims, checked, key| {
            let Checked { own, bind, replay, due } = checked;
            let ours = match own {
                Some(own) => own.into_claims(claims)?,
                None => crate::cat::foreign(claims, show, bind, facts.now)?,
            };
            let renewal = due.map(|due| due.of(claims, &key.kid, facts.now));
            let once = replay.once();
            let replayed = once
                .and_then(|_| crate::cat::instead(self, claims, label::CATREPLAY, key, facts))
                .map(Box::new);
            Ok(Admission { claims: ours, watermark: watermark(claims), renewal, replay, replayed })
        })
    }

    /// Checks a CAT that need not be for a show, and answers all its claims: for tools, and for what is not playback.
    ///
    /// # Errors
    /// As [`Verifier::admit`].
    pub fn check_cat(&self, token: &str, facts: &Facts<'_>) -> Result<ClaimSet<'static>, Denial> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLarge.into());
        }
        self.with_cat(token, facts, None, |claims, _, _| Ok(claims.clone().into_owned()))
    }

    fn with_cat<T>(
        &self,
        token: &str,
        facts: &Facts<'_>,
        show: Option<&ShowId>,
        then: impl FnOnce(&ClaimSet<'_>, Checked, &CatKey) -> Result<T, TokenError>,
    ) -> Result<T, Denial> {
        open::open(&self.cat_keys, token, facts.now, |claims, key| {
            crate::cat::check(claims, key, facts, show)
                .and_then(|checked| then(claims, checked, key))
                .map_err(|error| {
                    let failing = crate::cat::failing(error);
                    let instead = failing.and_then(|failing| {
                        crate::cat::instead(self, claims, failing, key, facts).map(Box::new)
                    });
                    Denial { error, instead }
                })
        })
    }
}

/// What of the claims is about watermarking.
fn watermark(claims: &ClaimSet<'_>) -> ClaimSet<'static> {
    let is_watermark = |label: i64| (label::WM_FIRST..=label::WM_LAST).contains(&label);
    claims
        .iter()
        .filter(|(label, _)| is_watermark(*label))
        .fold(ClaimSet::new(), |carried, (label, value)| {
            carried.with(label, value.clone().into_owned())
        })
}
