//! What a session is made from: what a ticket admits to, and until when.
//!
//! In: a ticket that was checked, or was just issued. Out: [`Grant`]. Does not know who presents the ticket.

use sea_orm::ConnectionTrait;
use shared_wire::api::TokenFormat;
use shared_wire::{Policy, ShowId, TicketId};

use crate::rows::tickets;
use crate::{Error, tiers};

/// The right to a session.
pub(crate) struct Grant {
    pub(crate) ticket: TicketId,
    pub(crate) show: ShowId,
    pub(crate) tier: String,
    pub(crate) policy: Policy,
    /// When the ticket ends.
    pub(crate) ends_at: i64,
    /// When it was first swapped for a session, if it was.
    pub(crate) first_used_at: Option<i64>,
    /// The form its tokens have.
    pub(crate) format: TokenFormat,
}

impl Grant {
    /// What a ticket grants.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its tier is gone, storage errors.
    pub(super) async fn of(
        on: &impl ConnectionTrait,
        ticket: &tickets::Model,
        id: TicketId,
        show: ShowId,
        format: TokenFormat,
    ) -> Result<Self, Error> {
        let policy = tiers::policy(on, show, &ticket.tier).await.map_err(|error| match error {
            Error::TierUnknown => Error::Corrupt { what: format!("no tier `{}`", ticket.tier) },
            other => other,
        })?;
        Ok(Self {
            ticket: id,
            show,
            tier: ticket.tier.clone(),
            policy,
            ends_at: ticket.expires_at,
            first_used_at: ticket.first_used_at,
            format,
        })
    }

    /// When a session that begins or goes on at `now` ends: after `valid_s`, but not after the ticket, and not after
    /// the preview, which runs from the ticket's first use however often it is used again.
    ///
    /// # Errors
    /// [`Error::PreviewOver`].
    pub(super) fn until(&self, now: i64, valid_s: u32) -> Result<i64, Error> {
        let until = self.ends_at.min(now.saturating_add(i64::from(valid_s)));
        let Some(preview_s) = self.policy.preview_s else { return Ok(until) };
        let first = self.first_used_at.unwrap_or(now);
        let wall = first.saturating_add(i64::from(preview_s));
        if now >= wall { Err(Error::PreviewOver) } else { Ok(until.min(wall)) }
    }

    /// When the session ends that comes with a ticket issued at `now`. Nobody can tell when a player begins to use it;
    /// so where it counts, as a device or against a preview, it does not last as long as the ticket.
    pub(crate) fn link_until(&self, now: i64, valid_s: u32) -> i64 {
        if let Some(preview_s) = self.policy.preview_s {
            return self.ends_at.min(now.saturating_add(i64::from(preview_s)));
        }
        match self.policy.devices_max {
            Some(_) => self.ends_at.min(now.saturating_add(i64::from(valid_s))),
            None => self.ends_at,
        }
    }
}
