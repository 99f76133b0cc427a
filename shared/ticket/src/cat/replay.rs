//! Tokens for one use (`catreplay`).
//!
//! In: what a token asks, and what was seen before. Out: whether it may be used. Does not know where a memory lives.
//!
//! A [`ReplayMemory`] belongs to one instance of one edge. It knows nothing of the others: a token for one use can be
//! used once on each of them, and again wherever an instance was started anew. A host whose memory reaches further asks
//! that one instead, by [`Use::key`].

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{ClaimSet, Facts, label};
use crate::TokenError;
use crate::config::UNLIMITED_CAT_S;

/// What a token asks about being used again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Replay {
    /// Nothing (0, or no claim).
    #[default]
    Free,
    /// It is for one use (1): [`ReplayMemory::admit`] decides.
    Once(Use),
    /// It may be used again, and whoever cares may know (2): [`ReplayMemory::admit`] tells.
    Watched(Use),
}

impl Replay {
    /// The use that must be the only one, if the token is for one use.
    #[must_use]
    pub const fn once(&self) -> Option<&Use> {
        match self {
            Self::Once(one) => Some(one),
            Self::Free | Self::Watched(_) => None,
        }
    }
}

/// A token as a memory knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// Until when it is good, in seconds since the Unix epoch: no need to remember it longer.
    until: i64,
    /// A hash of issuer, id and end.
    key: [u8; 16],
}

impl Use {
    /// What a memory outside this process was told of.
    #[must_use]
    pub const fn new(key: [u8; 16], until: i64) -> Self {
        Self { until, key }
    }

    /// What names the token: a hash of its issuer, id and end, nothing of which can be told from it.
    #[must_use]
    pub const fn key(&self) -> &[u8; 16] {
        &self.key
    }

    /// Until when it is to be remembered, in seconds since the Unix epoch: the token's own end.
    #[must_use]
    pub const fn until(&self) -> i64 {
        self.until
    }
}

/// Whether a token was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Not here.
    First,
    /// Here.
    Again,
}

/// Remembers tokens until they end; at most so many.
#[derive(Debug)]
pub struct ReplayMemory {
    capacity: usize,
    known: BTreeMap<[u8; 16], i64>,
    by_end: BTreeSet<Use>,
}

impl ReplayMemory {
    /// An empty memory for that many tokens, some 100 bytes each.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, known: BTreeMap::new(), by_end: BTreeSet::new() }
    }

    /// Notes that a token is used at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// [`TokenError::Replayed`] if it was for one use and is known; [`TokenError::ReplayFull`] if it cannot be
    /// remembered: nothing is forgotten before its end to make room.
    pub fn admit(&mut self, replay: &Replay, now: i64) -> Result<Seen, TokenError> {
        let (one, is_once) = match replay {
            Replay::Free => return Ok(Seen::First),
            Replay::Once(one) => (one, true),
            Replay::Watched(one) => (one, false),
        };
        while self.by_end.first().is_some_and(|oldest| oldest.until <= now) {
            if let Some(oldest) = self.by_end.pop_first() {
                self.known.remove(&oldest.key);
            }
        }
        match (self.known.contains_key(&one.key), is_once) {
            (true, true) => return Err(TokenError::Replayed),
            (true, false) => return Ok(Seen::Again),
            (false, _) => {}
        }
        if self.known.len() >= self.capacity {
            return if is_once { Err(TokenError::ReplayFull) } else { Ok(Seen::First) };
        }
        self.known.insert(one.key, one.until);
        self.by_end.insert(*one);
        Ok(Seen::First)
    }
}

/// Reads the claim. A token without an id is known by all its claims.
pub(crate) fn asked(claims: &ClaimSet<'_>, facts: &Facts<'_>) -> Result<Replay, TokenError> {
    let Some(claim) = claims.get(label::CATREPLAY) else { return Ok(Replay::Free) };
    let kind = claim.as_int().ok_or(TokenError::BadClaim(label::CATREPLAY))?;
    if kind == 0 {
        return Ok(Replay::Free);
    }
    let end = claims.time(label::EXP)?;
    let mut hash = Sha256::new();
    hash.update(claims.text(label::ISS)?.unwrap_or_default());
    hash.update([0]);
    match claims.cti()? {
        Some(cti) => hash.update(cti),
        None => hash.update(claims.to_bytes()),
    }
    hash.update(end.unwrap_or_default().to_be_bytes());
    let mut key = [0; 16];
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    let until = end.unwrap_or(facts.now.saturating_add(UNLIMITED_CAT_S));
    match kind {
        // A token without an end would have to be remembered for ever.
        1 if !facts.remembers || end.is_none() => Err(TokenError::Unenforceable(label::CATREPLAY)),
        1 => Ok(Replay::Once(Use { until, key })),
        2 => Ok(Replay::Watched(Use { until, key })),
        _ => Err(TokenError::BadClaim(label::CATREPLAY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: u8, exp: i64, kind: i64) -> Replay {
        let claims = ClaimSet::new()
            .with(label::CTI, super::super::Value::Bytes(vec![id].into()))
            .with(label::EXP, exp)
            .with(label::CATREPLAY, kind);
        asked(&claims, &Facts::get(0, "a", "/")).unwrap()
    }

    #[test]
    fn a_token_for_one_use_is_used_once() {
        let mut memory = ReplayMemory::new(2);
        assert_eq!(memory.admit(&of(1, 100, 1), 0), Ok(Seen::First));
        assert_eq!(memory.admit(&of(1, 100, 1), 99), Err(TokenError::Replayed));
        // A renewed token has another end.
        assert_eq!(memory.admit(&of(1, 200, 1), 99), Ok(Seen::First));
        assert_eq!(memory.admit(&of(2, 200, 1), 99), Err(TokenError::ReplayFull));
        assert_eq!(memory.admit(&of(2, 200, 2), 99), Ok(Seen::First));
        assert_eq!(memory.admit(&of(2, 200, 1), 100), Ok(Seen::First), "the first one has ended");
        assert_eq!((memory.known.len(), memory.by_end.len()), (2, 2));
    }

    #[test]
    fn reuse_is_told_where_it_is_allowed() {
        let mut memory = ReplayMemory::new(2);
        assert_eq!(memory.admit(&of(1, 100, 2), 0), Ok(Seen::First));
        assert_eq!(memory.admit(&of(1, 100, 2), 0), Ok(Seen::Again));
        assert_eq!(memory.admit(&of(1, 100, 0), 0), Ok(Seen::First));
        assert_eq!(memory.admit(&Replay::Free, 0), Ok(Seen::First));
    }

    #[test]
    fn a_memory_of_the_hosts_own_is_told_what_to_keep() {
        let (first, again) = (of(1, 100, 1), of(1, 100, 1));
        let one = first.once().unwrap();
        assert_eq!((Some(one), one.until()), (again.once(), 100));
        assert_ne!(one.key(), of(1, 200, 1).once().unwrap().key(), "a renewed one");
        assert_ne!(one.key(), of(2, 100, 1).once().unwrap().key());
        assert_eq!((of(1, 100, 0).once(), of(1, 100, 2).once()), (None, None));
    }

    #[test]
    fn an_edge_without_memory_refuses_what_it_cannot_keep() {
        let facts = Facts { remembers: false, ..Facts::get(0, "a", "/") };
        let claims = |kind: i64| ClaimSet::new().with(label::CATREPLAY, kind);
        let refusal = Err(TokenError::Unenforceable(label::CATREPLAY));
        assert_eq!(asked(&claims(1).with(label::EXP, 9), &facts), refusal);
        let endless = asked(&claims(1), &Facts::get(0, "a", "/"));
        assert_eq!(endless, refusal, "nobody remembers for ever");
        assert!(asked(&claims(2), &facts).is_ok());
        assert_eq!(asked(&claims(3), &facts), Err(TokenError::BadClaim(label::CATREPLAY)));
    }
}
