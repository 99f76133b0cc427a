//! Tickets: the right to watch a show until a time.
//!
//! In: what creators ask. Out: tickets (their secret once), and word to the deny list. Does not know HTTP or tokens.

use std::sync::Arc;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_wire::api::{Denied, IssuedTicket, NewTicket, TIER_ALL, TicketList, TicketState};
use shared_wire::{ShowId, TicketId};

use crate::denied::Denials;
use crate::page::{self, Page};
use crate::playback::{Grant, Sessions};
use crate::rows::{self, Rows, sessions, tickets};
use crate::secret::{Ticket, new_id};
use crate::{Config, Error, tiers};

/// All tickets of the house.
pub(crate) struct Tickets {
    rows: Rows,
    config: Config,
    sessions: Arc<Sessions>,
    denied: Arc<Denials>,
}

impl Tickets {
    pub(crate) const fn new(
        rows: Rows,
        config: Config,
        sessions: Arc<Sessions>,
        denied: Arc<Denials>,
    ) -> Self {
        Self { rows, config, sessions, denied }
    }

    /// Issues a ticket for a show that exists, with a first session for players that can only be given an address.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Random`], [`Error::Sign`], storage errors.
    pub(crate) async fn issue(
        &self,
        now: i64,
        show: ShowId,
        new: NewTicket,
    ) -> Result<IssuedTicket, Error> {
        let expires_at = now.saturating_add(i64::from(self.check(&new)?));
        let tier = new.tier.unwrap_or_else(|| TIER_ALL.to_owned());
        let id: TicketId = new_id()?;
        let ticket = Ticket::random()?;
        let hash = ticket.hash();
        let row = tickets::ActiveModel {
            position: NotSet,
            id: Set(id.to_string()),
            hash: Set(hash.clone()),
            show_id: Set(show.to_string()),
            note: Set(new.note),
            created_at: Set(now),
            expires_at: Set(expires_at),
            revoked_at: Set(None),
            tier: Set(tier.clone()),
            first_used_at: Set(None),
        };
        let change = self.rows.write().await?;
        let policy = tiers::policy_held(&change, show, &tier).await;
        let policy = policy.map_err(|error| match error {
            Error::TierUnknown => {
                Error::Invalid { field: "tier", reason: "names no tier of this show".to_owned() }
            }
            other => other,
        })?;
        tickets::Entity::insert(row).exec_without_returning(change.on()).await?;
        let grant = Grant {
            ticket: id,
            show,
            tier,
            policy,
            ends_at: expires_at,
            first_used_at: None,
            format: new.format.unwrap_or_default(),
        };
        let until = grant.link_until(now, self.config.token_valid_s);
        let playback = self.sessions.begin(&change, now, &grant, None, until).await?;
        change.commit().await?;
        self.sessions.expect(&hash);
        metrics::counter!("matinee_tickets_issued_total").increment(1);
        metrics::counter!("matinee_sessions_issued_total", "for" => "ticket").increment(1);
        let edge = &self.config.edge_url;
        let ticket = ticket.expose();
        Ok(IssuedTicket {
            // The fragment never leaves the browser, so the ticket stays out of every log.
            watch_url: format!("{edge}/watch/{show}#ticket={ticket}"),
            playlist_url: format!("{edge}{}", playback.playlist_url),
            mpd_url: format!("{edge}{}", playback.mpd_url),
            ticket,
            id,
            tier: playback.tier,
            expires_at,
        })
    }

    /// How long the new ticket is good for, in seconds.
    fn check(&self, new: &NewTicket) -> Result<u32, Error> {
        if let Some(note) = &new.note {
            page::check_text("note", note, self.config.note_chars_max)?;
        }
        let valid_s = new.valid_s.unwrap_or(self.config.ticket_valid_s);
        if (1..=self.config.ticket_valid_s_max).contains(&valid_s) {
            return Ok(valid_s);
        }
        let reason = format!("must be 1 to {} seconds", self.config.ticket_valid_s_max);
        Err(Error::Invalid { field: "valid_s", reason })
    }

    /// A page of a show's tickets, newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn list(&self, show: ShowId, page: Page) -> Result<TicketList, Error> {
        let query = tickets::Entity::find().filter(tickets::Column::ShowId.eq(show.to_string()));
        let rows = page.of(query, tickets::Column::Position).all(self.rows.read()).await?;
        let (rows, next) = page.cut(rows, |row| row.position);
        let tickets = rows.iter().map(of_row).collect::<Result<_, _>>()?;
        Ok(TicketList { tickets, next })
    }

    /// The show of a ticket, named by its secret or its id.
    ///
    /// # Errors
    /// [`Error::TicketUnknown`], storage errors.
    pub(crate) async fn show_of(&self, named: &str) -> Result<ShowId, Error> {
        let found = by_name(named)?.one(self.rows.read()).await?;
        rows::id(&found.ok_or(Error::TicketUnknown)?.show_id)
    }

    /// Revokes a ticket, named by its secret or its id, and denies its sessions. Doing it again changes nothing, but
    /// denies them if the deny list was full the first time.
    ///
    /// # Errors
    /// [`Error::TicketUnknown`], [`Error::DeniedFull`] (the ticket is revoked all the same), storage errors.
    pub(crate) async fn revoke(&self, now: i64, named: &str) -> Result<TicketState, Error> {
        let found = by_name(named)?;
        let change = self.rows.write().await?;
        let found = found.lock_exclusive().one(change.on()).await?;
        let mut ticket = of_row(&found.ok_or(Error::TicketUnknown)?)?;
        if ticket.revoked_at.is_none() {
            ticket.revoked_at = Some(now);
            tickets::Entity::update_many()
                .col_expr(tickets::Column::RevokedAt, Expr::value(now))
                .filter(tickets::Column::Id.eq(ticket.id.to_string()))
                .exec(change.on())
                .await?;
            metrics::counter!("matinee_tickets_revoked_total").increment(1);
        }
        let last = sessions::Entity::find()
            .filter(sessions::Column::TicketId.eq(ticket.id.to_string()))
            .order_by_desc(sessions::Column::ExpiresAt)
            .one(change.on())
            .await?;
        match last.map(|session| session.expires_at).filter(|until| *until > now) {
            Some(until) => {
                let reason = "revoked".to_owned();
                let (ticket, session, detail) = (Some(ticket.id), None, None);
                let denied = Denied { ticket, session, reason, detail, until };
                self.denied.deny(change, vec![denied]).await?;
            }
            None => change.commit().await?,
        }
        Ok(ticket)
    }
}

/// The row of a ticket, named by its secret or its id.
fn by_name(named: &str) -> Result<sea_orm::Select<tickets::Entity>, Error> {
    let is = match Ticket::parse(named) {
        Some(ticket) => tickets::Column::Hash.eq(ticket.hash()),
        None => {
            let id: TicketId = named.parse().map_err(|_| Error::TicketUnknown)?;
            tickets::Column::Id.eq(id.to_string())
        }
    };
    Ok(tickets::Entity::find().filter(is))
}

fn of_row(row: &tickets::Model) -> Result<TicketState, Error> {
    Ok(TicketState {
        id: rows::id(&row.id)?,
        show: rows::id(&row.show_id)?,
        note: row.note.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        tier: row.tier.clone(),
    })
}
