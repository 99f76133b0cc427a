//! The deny list: who may no longer watch, although the proof they carry is good.
//!
//! In: the list as the origin sends it, how old it is, the time. Out: why a viewer is refused, or nothing; when to
//! look again; whether the list is too old for somebody new. Does not know how it is fetched. If the origin cannot be
//! reached the last list holds: nobody comes back in, and nobody who is in is locked out.

use std::collections::HashMap;

use serde::Deserialize;
use shared_wire::api::DenyList;
use shared_wire::{SessionId, TicketId};
use thiserror::Error;

use crate::config::{
    Config, DENY_AGE_MS_MAX, DENY_BYTES_MAX, DENY_CLAIM_MS, DENY_DETAIL_CHARS_MAX, DENY_ENTRIES_MAX,
};
use crate::fetch::{DENIED, Then};
use crate::{Fetch, Method};

/// Longest reason that is passed on as a code, in characters.
const REASON_CHARS_MAX: usize = 32;

/// What an edge knows of the deny list. Times are milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub struct DenyState {
    version: u64,
    tickets: HashMap<TicketId, Denial>,
    sessions: HashMap<SessionId, Denial>,
    /// When it was last looked at, …
    looked_ms: Option<i64>,
    /// … and when what was found there was known to be current.
    confirmed_ms: Option<i64>,
    /// Before this, nobody looks again.
    rest_until_ms: Option<i64>,
}

/// Why a viewer is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// A code, such as `revoked`.
    pub reason: String,
    /// What else the viewer is told, such as which device took over.
    pub detail: Option<String>,
    /// When it is over, in seconds since the Unix epoch.
    until: i64,
}

/// Why a list is not taken: the origin's fault. The one before it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DenyError {
    /// It is longer than [`DENY_BYTES_MAX`].
    #[error("the deny list is too large")]
    TooLarge,
    /// It is not the JSON of a deny list.
    #[error("the deny list is malformed")]
    Malformed,
    /// It is older than the one at hand: some cache was slow.
    #[error("the deny list is older than the last one")]
    Older,
}

/// A list's version, read without making anything of its entries.
#[derive(Deserialize)]
struct Peek {
    version: u64,
}

/// The fetch of the deny list, on behalf of the request of this id. A shell may cache and collapse it for a second.
#[must_use]
pub fn deny_request(config: &Config, request_id: &str) -> Fetch {
    Fetch::new(config, Method::Get, DENIED.to_owned(), request_id, Then::Media)
}

impl DenyState {
    /// A state that knows nothing yet and is due at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the list is to be fetched now. A yes is a claim: until the fetch is done, or has taken
    /// suspiciously long, others are told no and use the list at hand. Before the first list there is none to
    /// use, so everyone is told yes.
    pub fn is_due(&mut self, now_ms: i64) -> bool {
        // A clock that was set back must not stop the looking.
        let fresh =
            |looked: i64| (looked..looked.saturating_add(DENY_AGE_MS_MAX)).contains(&now_ms);
        let resting = |until: i64| (until.saturating_sub(DENY_AGE_MS_MAX)..until).contains(&now_ms);
        if self.looked_ms.is_some_and(fresh) || self.rest_until_ms.is_some_and(resting) {
            return false;
        }
        if self.looked_ms.is_some() {
            self.rest_until_ms = Some(now_ms.saturating_add(DENY_CLAIM_MS));
        }
        true
    }

    /// Takes the list that was asked for at `now_ms` and whose `Age` was `age_s`: a cache below that cannot reach the
    /// origin says so with a growing one. A list of the version at hand is the list at hand.
    ///
    /// # Errors
    /// Why it is not taken. It counts as looked for all the same.
    pub fn accept(&mut self, now_ms: i64, age_s: u64, body: &[u8]) -> Result<(), DenyError> {
        let list = self.read(body).inspect_err(|_| self.rest_until_ms = rest(now_ms))?;
        let age_ms = i64::try_from(age_s).unwrap_or(i64::MAX).saturating_mul(1000);
        let confirmed_ms = now_ms.saturating_sub(age_ms);
        self.looked_ms = Some(now_ms);
        self.confirmed_ms = Some(self.confirmed_ms.map_or(confirmed_ms, |at| at.max(confirmed_ms)));
        self.rest_until_ms = None;
        let Some(list) = list else { return Ok(()) };
        self.version = list.version;
        self.tickets.clear();
        self.sessions.clear();
        let now = now_ms.div_euclid(1000);
        let living = list.entries.into_iter().rev().filter(|entry| entry.until > now);
        for entry in living.take(DENY_ENTRIES_MAX) {
            let detail =
                entry.detail.map(|text| text.chars().take(DENY_DETAIL_CHARS_MAX).collect());
            let denial = Denial { reason: reason(entry.reason), detail, until: entry.until };
            if let Some(session) = entry.session {
                self.sessions.insert(session, denial);
            } else if let Some(ticket) = entry.ticket {
                self.tickets.insert(ticket, denial);
            }
        }
        Ok(())
    }

    /// The list could not be fetched: the last one holds, and there is a rest.
    pub fn failed(&mut self, now_ms: i64) {
        self.rest_until_ms = rest(now_ms);
    }

    /// Why this viewer is refused; `None` lets them pass.
    #[must_use]
    pub fn denial(&self, ticket: &TicketId, session: &SessionId, now_ms: i64) -> Option<&Denial> {
        let now = now_ms.div_euclid(1000);
        let found = self.sessions.get(session).or_else(|| self.tickets.get(ticket));
        found.filter(|denial| denial.until > now)
    }

    /// For how long nobody has confirmed the list, in seconds; `None` if there never was one.
    #[must_use]
    pub fn age_s(&self, now_ms: i64) -> Option<u64> {
        let age_ms = now_ms.saturating_sub(self.confirmed_ms?).max(0);
        u64::try_from(age_ms.div_euclid(1000)).ok()
    }

    /// Whether the list is too old to let somebody new in: older than `isolated_s` seconds, or there never was one.
    /// 0 turns the rule off.
    #[must_use]
    pub fn is_isolated(&self, now_ms: i64, isolated_s: u32) -> bool {
        let is_old = self.age_s(now_ms).is_none_or(|age_s| age_s > u64::from(isolated_s));
        isolated_s != 0 && is_old
    }

    /// The version at hand; 0 before the first list.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The list, unless it is the one at hand.
    fn read(&self, body: &[u8]) -> Result<Option<DenyList>, DenyError> {
        if body.len() > DENY_BYTES_MAX {
            return Err(DenyError::TooLarge);
        }
        let malformed = |_| DenyError::Malformed;
        let Peek { version } = serde_json::from_slice(body).map_err(malformed)?;
        if version < self.version {
            return Err(DenyError::Older);
        }
        if self.looked_ms.is_some() && version == self.version {
            return Ok(None);
        }
        serde_json::from_slice(body).map(Some).map_err(malformed)
    }
}

const fn rest(now_ms: i64) -> Option<i64> {
    Some(now_ms.saturating_add(DENY_AGE_MS_MAX))
}

/// A reason becomes a code in an answer, so it must have the form of one.
fn reason(text: String) -> String {
    let form = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let good = (1..=REASON_CHARS_MAX).contains(&text.len()) && text.bytes().all(form);
    if good { text } else { "revoked".to_owned() }
}

#[cfg(test)]
mod tests;
