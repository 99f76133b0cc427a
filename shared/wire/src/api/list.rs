//! The shapes of lists: newest first, a page at a time. No secret is ever listed.
//!
//! In: nothing. Out: serde types. Does not know how pages are found.

use serde::{Deserialize, Serialize};

use super::ShowState;
use crate::{SessionId, ShowId, TicketId};

/// `GET /v1/shows`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowList {
    /// The shows of this page.
    pub shows: Vec<ShowState>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A ticket without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketState {
    /// Its id.
    pub id: TicketId,
    /// The show it is for.
    pub show: ShowId,
    /// The creator's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was issued.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
    /// The tier it admits to.
    pub tier: String,
}

/// `GET /v1/shows/{show}/tickets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketList {
    /// The tickets of this page.
    pub tickets: Vec<TicketState>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A playback session without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionState {
    /// Its id.
    pub session: SessionId,
    /// The ticket it came of.
    pub ticket: TicketId,
    /// When it was made.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// The device it began on, in words; absent for the one that came with its ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When its page was left, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Why it may play no more before its end, as the deny list has it: `revoked`, `displaced`, `ended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
}

/// `GET /v1/shows/{show}/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionList {
    /// The sessions of this page.
    pub sessions: Vec<SessionState>,
    /// The `cursor` of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
