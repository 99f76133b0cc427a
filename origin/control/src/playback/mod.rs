//! Playback: a ticket is swapped for a session and its token.
//!
//! In: tickets that strangers present. Out: tokens that edges verify. Does not know HTTP, edges or media.

mod attempts;
mod known;

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_ticket::Claims;
use shared_wire::api::{Playback, SessionList, SessionState};
use shared_wire::{Policy, SessionId, ShowId, TicketId};

use crate::keys::Keys;
use crate::page::Page;
use crate::rows::{self, Change, Rows, sessions, tickets};
use crate::secret::{Ticket, new_id};
use crate::{Config, Error};
use attempts::Attempts;
use known::Known;

/// What every ticket admits to, until there are tickets for less.
const TIER: &str = "all";

/// Makes sessions.
pub(crate) struct Sessions {
    rows: Rows,
    config: Config,
    keys: Arc<Keys>,
    attempts: Mutex<Attempts>,
    known: Known,
}

impl Sessions {
    /// Remembers the tickets that still admit to something, newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn open(
        rows: Rows,
        config: Config,
        keys: Arc<Keys>,
        now: i64,
    ) -> Result<Self, Error> {
        let attempts = Attempts::new(config.failed_attempts_max, config.failed_attempts_window_s);
        let known = Known::new(config.known_tickets_max);
        let good: Vec<String> = tickets::Entity::find()
            .select_only()
            .column(tickets::Column::Hash)
            .filter(tickets::Column::ExpiresAt.gt(now))
            .filter(tickets::Column::RevokedAt.is_null())
            .order_by_desc(tickets::Column::Position)
            .limit(u64::try_from(config.known_tickets_max).ok())
            .into_tuple()
            .all(rows.read())
            .await?;
        good.iter().for_each(|hash| known.add(hash));
        Ok(Self { rows, config, keys, attempts: Mutex::new(attempts), known })
    }

    /// Lets the holder of a ticket that was just issued in, however many guess.
    pub(crate) fn expect(&self, hash: &str) {
        self.known.add(hash);
    }

    /// Swaps a ticket for a session of `show`.
    ///
    /// # Errors
    /// What is wrong with the ticket, [`Error::TooManySessions`], [`Error::TooManyAttempts`], storage errors.
    pub(crate) async fn exchange(
        &self,
        now: i64,
        show: ShowId,
        presented: &str,
    ) -> Result<Playback, Error> {
        let hash = Ticket::parse(presented).ok_or(Error::TicketUnknown)?.hash();
        if !self.known.holds(&hash) {
            let admitted = self.attempts().admit(now);
            admitted.map_err(|after| Error::TooManyAttempts { retry_after_s: after })?;
        }
        // Looked at twice: only a ticket that admits gets to wait for its turn to write, and what counts is what it
        // says then.
        let Some(ticket) = self.find(self.rows.read(), &hash).await? else {
            self.attempts().fail();
            return Err(Error::TicketUnknown);
        };
        check(&ticket, show, now)?;
        let change = self.rows.write().await?;
        let ticket = self.find(change.on(), &hash).await?.ok_or(Error::TicketUnknown)?;
        let id = check(&ticket, show, now)?;
        let live = sessions::Entity::find()
            .filter(sessions::Column::TicketId.eq(&ticket.id))
            .filter(sessions::Column::ExpiresAt.gt(now))
            .count(change.on())
            .await?;
        if live >= self.config.sessions_per_ticket_max {
            return Err(Error::TooManySessions);
        }
        let lifetime = i64::from(self.config.token_valid_s);
        let until = ticket.expires_at.min(now.saturating_add(lifetime));
        let playback = self.begin(&change, now, id, show, until).await?;
        change.commit().await?;
        metrics::counter!("matinee_sessions_issued_total", "for" => "exchange").increment(1);
        Ok(playback)
    }

    // A poisoned lock is used on: no holder can leave the two numbers half changed.
    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(
        &self,
        on: &impl sea_orm::ConnectionTrait,
        hash: &str,
    ) -> Result<Option<tickets::Model>, Error> {
        Ok(tickets::Entity::find().filter(tickets::Column::Hash.eq(hash)).one(on).await?)
    }

    /// Makes a session of `ticket` within `change`, and signs its token. Nobody has checked the ticket here.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Sign`], storage errors.
    pub(crate) async fn begin(
        &self,
        change: &Change,
        now: i64,
        ticket: TicketId,
        show: ShowId,
        until: i64,
    ) -> Result<Playback, Error> {
        let session: SessionId = new_id()?;
        let row = sessions::ActiveModel {
            position: NotSet,
            id: Set(session.to_string()),
            ticket_id: Set(ticket.to_string()),
            show_id: Set(show.to_string()),
            created_at: Set(now),
            expires_at: Set(until),
            device: Set(None),
            ended_at: Set(None),
            denied_as: Set(None),
            denied_detail: Set(None),
        };
        sessions::Entity::insert(row).exec_without_returning(change.on()).await?;
        let claims = Claims {
            ticket,
            show,
            session,
            tier: TIER.to_owned(),
            policy: Policy::default(),
            issued_at: now,
            not_before: now,
            expires_at: until,
        };
        let token = self.keys.issuer.issue(&claims).map_err(|_| Error::Sign)?;
        let playlist_url = format!("/live/{show}/index.m3u8?token={token}");
        Ok(Playback { session, token, playlist_url, expires_at: until })
    }

    /// A page of a show's sessions, newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn list(&self, show: ShowId, page: Page) -> Result<SessionList, Error> {
        let query = sessions::Entity::find().filter(sessions::Column::ShowId.eq(show.to_string()));
        let rows = page.of(query, sessions::Column::Position).all(self.rows.read()).await?;
        let (rows, next) = page.cut(rows, |row| row.position);
        let sessions = rows.iter().map(of_row).collect::<Result<_, _>>()?;
        Ok(SessionList { sessions, next })
    }

    /// Forgets sessions that ended long ago.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn sweep(&self, now: i64) -> Result<(), Error> {
        let before = now.saturating_sub(i64::from(self.config.session_kept_s));
        let old = sessions::Column::ExpiresAt.lt(before);
        let change = self.rows.write().await?;
        sessions::Entity::delete_many().filter(old).exec(change.on()).await?;
        change.commit().await
    }
}

/// Whether a ticket admits to `show` at `now`; its id if so.
fn check(ticket: &tickets::Model, show: ShowId, now: i64) -> Result<TicketId, Error> {
    let admits_to: ShowId = rows::id(&ticket.show_id)?;
    if admits_to != show {
        return Err(Error::TicketWrongShow);
    }
    if ticket.revoked_at.is_some() {
        return Err(Error::TicketRevoked);
    }
    if ticket.expires_at <= now {
        return Err(Error::TicketExpired);
    }
    rows::id(&ticket.id)
}

fn of_row(row: &sessions::Model) -> Result<SessionState, Error> {
    Ok(SessionState {
        session: rows::id(&row.id)?,
        ticket: rows::id(&row.ticket_id)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}
