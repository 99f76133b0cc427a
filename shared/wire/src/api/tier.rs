//! Tiers: what tickets admit to, by name; and what happens when a ticket has as many devices as it may.
//!
//! In: nothing. Out: serde types. Does not know how they are kept.

use serde::{Deserialize, Serialize};

use super::Broadcast;
use crate::Policy;

/// The tier of every ticket that names none: everything. It is always there and cannot be changed.
pub const TIER_ALL: &str = "all";

/// `PUT /v1/shows/{show}/tiers/{tier}`, whose body is the policy alone, answers this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Its name in its show.
    pub name: String,
    /// What it admits to.
    pub policy: Policy,
}

/// `GET /v1/shows/{show}/tiers`: all of them, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierList {
    /// The tiers, `all` among them.
    pub tiers: Vec<Tier>,
}

/// What happens to a device too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenFull {
    /// It plays, and the device that has played longest stops.
    #[default]
    Displace,
    /// It is refused.
    Refuse,
}

impl WhenFull {
    /// Whether it is what happens when nothing is said.
    #[must_use]
    pub const fn is_displace(&self) -> bool {
        matches!(self, Self::Displace)
    }
}

/// `PATCH /v1/shows/{show}`: what to change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeShow {
    /// What happens to a device too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_full: Option<WhenFull>,
    /// How it goes out: this stands in place of all that was chosen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<Broadcast>,
}
