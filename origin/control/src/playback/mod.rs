//! Playback: a ticket is swapped for a session and its token.
//!
//! In: tickets that strangers present. Out: tokens that edges verify, and word to the deny list when one device takes
//! over from another. Does not know HTTP, edges or media.

mod attempts;
mod closing;
mod device;
mod grant;
mod known;
mod places;

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use shared_ticket::Claims;
use shared_wire::api::{Denied, Playback, ShowState, TokenFormat};
use shared_wire::{SessionId, ShowId, TicketId};

use crate::denied::Denials;
use crate::error::Closed;
use crate::keys::Keys;
use crate::rows::{self, Change, Rows, sessions, tickets};
use crate::secret::{Ticket, new_id};
use crate::{Config, Error};
use attempts::Attempts;
use known::Known;
use places::{Places, is_idle, places};

pub(crate) use device::name as device_name;
pub(crate) use grant::Grant;

/// Makes sessions.
pub(crate) struct Sessions {
    rows: Rows,
    config: Config,
    keys: Arc<Keys>,
    denied: Arc<Denials>,
    attempts: Mutex<Attempts>,
    known: Known,
}

/// What a viewer asks for.
pub(crate) struct Asked<'a> {
    /// The show, which exists.
    pub(crate) show: &'a ShowState,
    /// What they present as a ticket.
    pub(crate) ticket: &'a str,
    /// The session they would go on with.
    pub(crate) session: Option<SessionId>,
    /// The form their token is to have.
    pub(crate) format: TokenFormat,
    /// Their device, in words.
    pub(crate) device: String,
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
        denied: Arc<Denials>,
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
        Ok(Self { rows, config, keys, denied, attempts: Mutex::new(attempts), known })
    }

    /// Lets the holder of a ticket that was just issued in, however many guess.
    pub(crate) fn expect(&self, hash: &str) {
        self.known.add(hash);
    }

    /// Swaps a ticket for a session of a show.
    ///
    /// # Errors
    /// What is wrong with the ticket, [`Error::PreviewOver`], [`Error::DevicesFull`], [`Error::SessionClosed`],
    /// [`Error::TooManySessions`], [`Error::TooManyAttempts`], [`Error::NoRoomToDisplace`], storage errors.
    pub(crate) async fn exchange(&self, now: i64, asked: Asked<'_>) -> Result<Playback, Error> {
        let (change, ticket) = self.admit(now, asked.show.show, asked.ticket).await?;
        let id = check(&ticket, asked.show.show, now)?;
        let grant = Grant::of(change.on(), &ticket, id, asked.show.show, asked.format).await?;
        let until = grant.until(now, self.config.token_valid_s)?;
        let good = self.unexpired(&change, id, now).await?;
        let own = self.own(&change, id, asked.session).await?;
        let goes_on = own.as_ref().is_some_and(|own| good.iter().any(|one| one.id == own.id));
        let count = u64::try_from(good.len()).unwrap_or(u64::MAX);
        if !goes_on && count >= self.config.sessions_per_ticket_max {
            return Err(Error::TooManySessions);
        }
        let own_id = own.as_ref().map(|own| own.id.as_str());
        let mut others = good;
        others.retain(|one| one.denied_as.is_none() && Some(one.id.as_str()) != own_id);
        let denied = self.make_room(&change, &grant, &others, &asked).await?;
        if ticket.first_used_at.is_none() {
            tickets::Entity::update_many()
                .col_expr(tickets::Column::FirstUsedAt, Expr::value(now))
                .filter(tickets::Column::Id.eq(&ticket.id))
                .exec(change.on())
                .await?;
        }
        let playback = match own {
            Some(own) => self.go_on(&change, now, &grant, &own, asked.device, until).await?,
            None => self.begin(&change, now, &grant, Some(asked.device), until).await?,
        };
        self.denied.deny(change, denied).await?;
        metrics::counter!("matinee_sessions_issued_total", "for" => "exchange").increment(1);
        Ok(playback)
    }

    /// The ticket that a stranger presents, and the right to change what it has. Looked at twice: only a ticket that
    /// admits gets to wait for its turn to write, and what counts is what it says then.
    async fn admit(
        &self,
        now: i64,
        show: ShowId,
        presented: &str,
    ) -> Result<(Change, tickets::Model), Error> {
        let hash = Ticket::parse(presented).ok_or(Error::TicketUnknown)?.hash();
        if !self.known.holds(&hash) {
            let admitted = self.attempts().admit(now);
            admitted.map_err(|after| Error::TooManyAttempts { retry_after_s: after })?;
        }
        let Some(ticket) = by_hash(&hash).one(self.rows.read()).await? else {
            self.attempts().fail();
            return Err(Error::TicketUnknown);
        };
        check(&ticket, show, now)?;
        let change = self.rows.write().await?;
        // Whatever changes a ticket or what it has holds the ticket's row.
        let ticket = by_hash(&hash).lock_exclusive().one(change.on()).await?;
        Ok((change, ticket.ok_or(Error::TicketUnknown)?))
    }

    /// The sessions of a ticket whose time is not over, in the order they began. There are no more of them than
    /// `sessions_per_ticket_max` and the one that came with the ticket.
    async fn unexpired(
        &self,
        change: &Change,
        ticket: TicketId,
        now: i64,
    ) -> Result<Vec<sessions::Model>, Error> {
        let query = sessions::Entity::find()
            .filter(sessions::Column::TicketId.eq(ticket.to_string()))
            .filter(sessions::Column::ExpiresAt.gt(now))
            .order_by_asc(sessions::Column::Position);
        Ok(query.all(change.on()).await?)
    }

    /// The session of the ticket that a viewer would go on with; none if it is none of this ticket's, or was left and
    /// its place taken.
    async fn own(
        &self,
        change: &Change,
        ticket: TicketId,
        named: Option<SessionId>,
    ) -> Result<Option<sessions::Model>, Error> {
        let Some(named) = named else { return Ok(None) };
        let own = sessions::Entity::find()
            .filter(sessions::Column::Id.eq(named.to_string()))
            .filter(sessions::Column::TicketId.eq(ticket.to_string()))
            .one(change.on())
            .await?;
        let Some(own) = own else { return Ok(None) };
        match own.denied_as.as_deref().map(Closed::of_code) {
            None => Ok(Some(own)),
            Some(Some(Closed::Ended)) => Ok(None),
            Some(reason) => {
                let what = || Error::Corrupt { what: "a session is denied for no reason".into() };
                let reason = reason.ok_or_else(what)?;
                Err(Error::SessionClosed { reason, detail: own.denied_detail })
            }
        }
    }

    /// Closes what must go so that one more may play beside `others`, within `change`; who is to be denied with it.
    async fn make_room(
        &self,
        change: &Change,
        grant: &Grant,
        others: &[sessions::Model],
        asked: &Asked<'_>,
    ) -> Result<Vec<Denied>, Error> {
        let Some(devices_max) = grant.policy.devices_max else { return Ok(Vec::new()) };
        let gone = match places(others, devices_max.into(), asked.show.when_full) {
            Places::Given(gone) => gone,
            Places::Full(playing) => return Err(Error::DevicesFull(names(&playing))),
        };
        if !self.denied.has_room_for_sessions(gone.len()) {
            metrics::counter!("matinee_denied_full_total").increment(1);
            // Nobody is kept out for the sake of a session that most likely nobody has.
            let idle = gone.iter().all(|one| is_idle(one));
            return if idle { Ok(Vec::new()) } else { Err(Error::NoRoomToDisplace) };
        }
        let mut denied = Vec::with_capacity(gone.len());
        for session in gone {
            let (reason, detail) = match session.ended_at {
                Some(_) => (Closed::Ended, None),
                None => (Closed::Displaced, Some(asked.device.clone())),
            };
            denied.push(self.close(change, session, reason, detail).await?);
        }
        Ok(denied)
    }

    // A poisoned lock is used on: no holder can leave the two numbers half changed.
    fn attempts(&self) -> std::sync::MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a session within `change`, and signs its token. Nobody has checked the ticket here.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Sign`], storage errors.
    pub(crate) async fn begin(
        &self,
        change: &Change,
        now: i64,
        grant: &Grant,
        device: Option<String>,
        until: i64,
    ) -> Result<Playback, Error> {
        let session: SessionId = new_id()?;
        let row = sessions::ActiveModel {
            position: NotSet,
            id: Set(session.to_string()),
            ticket_id: Set(grant.ticket.to_string()),
            show_id: Set(grant.show.to_string()),
            created_at: Set(now),
            expires_at: Set(until),
            device: Set(device),
            ended_at: Set(None),
            denied_as: Set(None),
            denied_detail: Set(None),
        };
        sessions::Entity::insert(row).exec_without_returning(change.on()).await?;
        self.sign(now, grant, session, until)
    }

    /// Goes on with a session that this device had, within `change`, and signs another token for it.
    async fn go_on(
        &self,
        change: &Change,
        now: i64,
        grant: &Grant,
        own: &sessions::Model,
        device: String,
        until: i64,
    ) -> Result<Playback, Error> {
        sessions::Entity::update_many()
            .col_expr(sessions::Column::ExpiresAt, Expr::value(until))
            .col_expr(sessions::Column::EndedAt, Expr::value(Option::<i64>::None))
            .col_expr(sessions::Column::Device, Expr::value(device))
            .filter(sessions::Column::Id.eq(&own.id))
            .exec(change.on())
            .await?;
        self.sign(now, grant, rows::id(&own.id)?, until)
    }

    fn sign(
        &self,
        now: i64,
        grant: &Grant,
        session: SessionId,
        until: i64,
    ) -> Result<Playback, Error> {
        let claims = Claims {
            ticket: grant.ticket,
            show: grant.show,
            session,
            tier: grant.tier.clone(),
            policy: grant.policy.clone(),
            issued_at: now,
            not_before: now,
            expires_at: until,
        };
        let token = match grant.format {
            TokenFormat::Jwt => self.keys.issuer.issue(&claims),
            TokenFormat::Cat => self.keys.cats.issue(&claims),
        };
        let token = token.map_err(|_| Error::Sign)?;
        let url = |file| format!("/live/{}/{file}?token={token}", grant.show);
        let (playlist_url, mpd_url) = (url("index.m3u8"), url("manifest.mpd"));
        let Claims { tier, policy, .. } = claims;
        let expires_at = until;
        Ok(Playback { session, token, playlist_url, mpd_url, expires_at, tier, policy })
    }
}

fn by_hash(hash: &str) -> Select<tickets::Entity> {
    tickets::Entity::find().filter(tickets::Column::Hash.eq(hash))
}

/// Names of devices as people list them.
fn names(playing: &[&sessions::Model]) -> String {
    let names: Vec<&str> = playing.iter().filter_map(|one| one.device.as_deref()).collect();
    match names.as_slice() {
        [] => "other devices".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
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
