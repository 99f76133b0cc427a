//! A viewer whose proof is good: the deny list may hold them, and their token may have been used.
//!
//! In: what is remembered, by an edge or by its host. Out: the fetch, or the answer to send instead. Does not know how
//! either is asked.
//!
//! The deny list comes first: whoever is refused has not used their token.

use shared_ticket::cat::{Instead, Replay, Use, label};
use shared_ticket::{SealedSession, TokenError};

use crate::{Answer, DenyState, Fetch, Memory, Refusal};

/// A fetch for a viewer whose proof is good, and who may yet stand on the deny list.
#[derive(Debug)]
pub struct Guarded {
    pub(crate) session: SealedSession,
    /// If a session begins here.
    pub(crate) begins: Option<Begins>,
    pub(crate) fetch: Fetch,
}

/// What is asked where a session begins.
#[derive(Debug)]
pub(crate) struct Begins {
    /// [`crate::config::ISOLATED_S`].
    pub(crate) isolated_s: u32,
    /// Whether its token may be used again.
    pub(crate) replay: Replay,
    /// What the token asks to be answered if it may not.
    pub(crate) replayed: Option<Box<Instead>>,
    /// Where the viewer is sent for a renewed token.
    pub(crate) redirect: Option<Answer>,
}

/// A fetch for a viewer whom the deny list lets pass, and whose token may have been used.
#[derive(Debug)]
pub struct Passed {
    begins: Option<Begins>,
    fetch: Fetch,
}

/// What a host's memory says of a token for one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It was not used before, and from now on it was.
    First,
    /// It was used before.
    Again,
    /// It was not, and there is no room to remember it.
    Full,
    /// The memory could not be asked.
    Unknown,
    /// It is good for longer than the memory keeps anything.
    TooLong,
}

impl Guarded {
    /// The fetch, or the answer for a viewer on the deny list, for a new one while the list is too old, or for one
    /// whose token was used before. What this `memory` has not seen is new to it: a shell with several of them, one
    /// for each instance, may ask a memory that they share between [`Guarded::pass`] and [`Passed::admit`].
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn admit(self, memory: &mut Memory, now_ms: i64) -> Result<Fetch, Answer> {
        let passed = self.pass(&memory.deny, now_ms)?;
        let now = now_ms.div_euclid(1000);
        let seen = passed.begins.as_ref().map(|begins| memory.replays.admit(&begins.replay, now));
        match seen {
            None | Some(Ok(_)) => passed.admit(Sight::First),
            Some(Err(TokenError::Replayed)) => passed.admit(Sight::Again),
            Some(Err(error)) => Err(turned_away(passed.fetch, &error.into())),
        }
    }

    /// The first half of [`Guarded::admit`]: what the deny list says.
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn pass(self, deny: &DenyState, now_ms: i64) -> Result<Passed, Answer> {
        if let Some(denial) = deny.denial(&self.session.ticket, &self.session.session, now_ms) {
            return Err(turned_away(self.fetch, &Refusal::Denied(denial.clone())));
        }
        let isolated_s = self.begins.as_ref().map_or(0, |begins| begins.isolated_s);
        if deny.is_isolated(now_ms, isolated_s) {
            return Err(turned_away(self.fetch, &Refusal::Isolated));
        }
        Ok(Passed { begins: self.begins, fetch: self.fetch })
    }

    /// The id of the request, for [`crate::deny_request`].
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.fetch.request_id
    }
}

impl Passed {
    /// The use that must be the first one, if the token is for one use. Without it the sight is [`Sight::First`].
    #[must_use]
    pub fn once(&self) -> Option<&Use> {
        self.begins.as_ref()?.replay.once()
    }

    /// The second half of [`Guarded::admit`]: the fetch, or the answer for whoever comes with a token that is used up,
    /// or of which nobody can tell.
    ///
    /// # Errors
    /// The answer to send instead.
    pub fn admit(self, sight: Sight) -> Result<Fetch, Answer> {
        let Self { begins, fetch } = self;
        let Some(begins) = begins else { return Ok(fetch) };
        let refusal = match (sight, begins.replayed) {
            (Sight::First, _) => return begins.redirect.map_or(Ok(fetch), Err),
            (Sight::Again, Some(instead)) => Refusal::Instead(TokenError::Replayed, instead),
            (Sight::Again, None) => TokenError::Replayed.into(),
            (Sight::Full, _) => TokenError::ReplayFull.into(),
            (Sight::Unknown, _) => Refusal::ReplayUnknown,
            (Sight::TooLong, _) => TokenError::Unenforceable(label::CATREPLAY).into(),
        };
        Err(turned_away(fetch, &refusal))
    }
}

/// The answer to somebody who is not let in. They get no new token for theirs: it would be a way round.
fn turned_away(mut fetch: Fetch, refusal: &Refusal) -> Answer {
    fetch.own.renewed = None;
    fetch.refuse(refusal)
}

#[cfg(test)]
mod tests;
