//! The deny list: who may no longer watch, although the proof they carry is good.
//!
//! In: the list as the origin sends it, the time. Out: a reason to refuse, or none; and when to look again. Does
//! not know how it is fetched. If the origin cannot be reached the last list holds: nobody comes back in, and
//! nobody else is locked out.

use std::collections::HashMap;

use shared_wire::api::DenyList;
use shared_wire::{SessionId, TicketId};
use thiserror::Error;

use crate::config::{Config, DENY_AGE_MS_MAX, DENY_BYTES_MAX, DENY_CLAIM_MS, DENY_ENTRIES_MAX};
use crate::fetch::{DENIED, Then};
use crate::{Fetch, Method};

/// Longest reason that is passed on as a code, in characters.
const REASON_CHARS_MAX: usize = 32;

/// What an edge knows of the deny list. Times are milliseconds since the Unix epoch.
#[derive(Debug, Default)]
pub struct DenyState {
    version: u64,
    tickets: HashMap<TicketId, String>,
    sessions: HashMap<SessionId, String>,
    /// When the list was last heard to be current.
    confirmed_ms: Option<i64>,
    /// Before this, nobody looks again.
    rest_until_ms: Option<i64>,
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
        let fresh = |confirmed: i64| {
            (confirmed..confirmed.saturating_add(DENY_AGE_MS_MAX)).contains(&now_ms)
        };
        let resting = |until: i64| (until.saturating_sub(DENY_AGE_MS_MAX)..until).contains(&now_ms);
        if self.confirmed_ms.is_some_and(fresh) || self.rest_until_ms.is_some_and(resting) {
            return false;
        }
        if self.confirmed_ms.is_some() {
            self.rest_until_ms = Some(now_ms.saturating_add(DENY_CLAIM_MS));
        }
        true
    }

    /// Takes the list that was asked for at `now_ms`. Entries whose time is over are left out.
    ///
    /// # Errors
    /// Why it is not taken. It counts as looked for all the same.
    pub fn accept(&mut self, now_ms: i64, body: &[u8]) -> Result<(), DenyError> {
        let list = self.read(body).inspect_err(|_| self.rest_until_ms = rest(now_ms))?;
        self.version = list.version;
        self.confirmed_ms = Some(now_ms);
        self.rest_until_ms = None;
        self.tickets.clear();
        self.sessions.clear();
        let now = now_ms.div_euclid(1000);
        let living = list.entries.into_iter().rev().filter(|entry| entry.until > now);
        for entry in living.take(DENY_ENTRIES_MAX) {
            let reason = reason(entry.reason);
            if let Some(session) = entry.session {
                self.sessions.insert(session, reason.clone());
            } else if let Some(ticket) = entry.ticket {
                self.tickets.insert(ticket, reason);
            }
        }
        Ok(())
    }

    /// The list could not be fetched: the last one holds, and there is a second's rest.
    pub fn failed(&mut self, now_ms: i64) {
        self.rest_until_ms = rest(now_ms);
    }

    /// Why this viewer is refused; `None` lets them pass.
    #[must_use]
    pub fn reason(&self, ticket: &TicketId, session: &SessionId) -> Option<&str> {
        self.sessions.get(session).or_else(|| self.tickets.get(ticket)).map(String::as_str)
    }

    /// The version at hand; 0 before the first list.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    fn read(&self, body: &[u8]) -> Result<DenyList, DenyError> {
        if body.len() > DENY_BYTES_MAX {
            return Err(DenyError::TooLarge);
        }
        let list: DenyList = serde_json::from_slice(body).map_err(|_| DenyError::Malformed)?;
        if list.version < self.version { Err(DenyError::Older) } else { Ok(list) }
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
