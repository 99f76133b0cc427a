//! Sessions after they began: listed, left, revoked, forgotten.
//!
//! In: their ids. Out: what became of them. Does not know how they begin.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use shared_wire::api::{Denied, EndPlayback, SessionList, SessionState};
use shared_wire::{SessionId, ShowId};

use super::Sessions;
use crate::Error;
use crate::error::Closed;
use crate::page::Page;
use crate::rows::{self, Change, sessions, tickets};

impl Sessions {
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

    /// Notes that a viewer has left. Their session could still play, so it keeps its place until another device wants
    /// it; from then on it is denied.
    ///
    /// # Errors
    /// What is wrong with the ticket, [`Error::SessionUnknown`], [`Error::TooManyAttempts`], storage errors.
    pub(crate) async fn end(
        &self,
        now: i64,
        show: ShowId,
        left: &EndPlayback,
    ) -> Result<SessionState, Error> {
        let (change, ticket) = self.admit(now, show, &left.ticket).await?;
        let session = find(&change, left.session).await?;
        let mut session = session.filter(|one| one.ticket_id == ticket.id);
        let row = session.as_mut().ok_or(Error::SessionUnknown)?;
        if row.ended_at.is_none() {
            row.ended_at = Some(now);
            sessions::Entity::update_many()
                .col_expr(sessions::Column::EndedAt, Expr::value(now))
                .filter(sessions::Column::Id.eq(&row.id))
                .exec(change.on())
                .await?;
        }
        change.commit().await?;
        of_row(row)
    }

    /// Revokes one session; its ticket still gives others. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::SessionUnknown`], [`Error::DeniedFull`], storage errors.
    pub(crate) async fn revoke(&self, now: i64, named: &str) -> Result<SessionState, Error> {
        let id: SessionId = named.parse().map_err(|_| Error::SessionUnknown)?;
        let change = self.rows.write().await?;
        let of = find(&change, id).await?.ok_or(Error::SessionUnknown)?.ticket_id;
        // It may be displaced meanwhile by whoever holds the ticket's row.
        let ticket = tickets::Entity::find().filter(tickets::Column::Id.eq(of));
        ticket.lock_exclusive().one(change.on()).await?;
        let mut row = find(&change, id).await?.ok_or(Error::SessionUnknown)?;
        if row.denied_as.is_some() || row.expires_at <= now {
            return of_row(&row);
        }
        let denied = self.close(&change, &row, Closed::Revoked, None).await?;
        row.denied_as = Some(denied.reason.clone());
        self.denied.deny(change, vec![denied]).await?;
        of_row(&row)
    }

    /// Notes, within `change`, that a session may play no more; its entry for the deny list.
    pub(super) async fn close(
        &self,
        change: &Change,
        session: &sessions::Model,
        reason: Closed,
        detail: Option<String>,
    ) -> Result<Denied, Error> {
        sessions::Entity::update_many()
            .col_expr(sessions::Column::DeniedAs, Expr::value(reason.code()))
            .col_expr(sessions::Column::DeniedDetail, Expr::value(detail.clone()))
            .filter(sessions::Column::Id.eq(&session.id))
            .exec(change.on())
            .await?;
        metrics::counter!("matinee_sessions_closed_total", "reason" => reason.code()).increment(1);
        Ok(Denied {
            ticket: None,
            session: Some(rows::id(&session.id)?),
            reason: reason.code().to_owned(),
            detail,
            until: session.expires_at,
        })
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

async fn find(change: &Change, id: SessionId) -> Result<Option<sessions::Model>, Error> {
    let by_id = sessions::Entity::find().filter(sessions::Column::Id.eq(id.to_string()));
    Ok(by_id.one(change.on()).await?)
}

fn of_row(row: &sessions::Model) -> Result<SessionState, Error> {
    Ok(SessionState {
        session: rows::id(&row.id)?,
        ticket: rows::id(&row.ticket_id)?,
        created_at: row.created_at,
        expires_at: row.expires_at,
        device: row.device.clone(),
        ended_at: row.ended_at,
        denied: row.denied_as.clone(),
    })
}
