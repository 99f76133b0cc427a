//! The deny list: in memory for edges, in the database for the next start.
//!
//! In: tickets and sessions that may play no more. Out: the list as edges fetch it, and word whenever it changes. Does
//! not know why somebody is denied, nor edges.

mod listing;

use std::sync::Arc;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use shared_wire::api::{Denied, DenyList};
use tokio::sync::{Mutex, watch};

use crate::rows::{self, Change, Rows, counters, denials};
use crate::{Config, Error};

pub use listing::Listing;

/// Who may no longer watch.
pub(crate) struct Denials {
    rows: Rows,
    entries_max: usize,
    sessions_max: usize,
    leeway_s: i64,
    list: watch::Sender<Arc<Listing>>,
    /// Held from before a commit until the list in memory says the same.
    changing: Mutex<()>,
}

impl Denials {
    /// Reads the list as the house last left it.
    ///
    /// Its version is at least the time, in milliseconds since the Unix epoch, so that it is later than any that edges
    /// have of a house which was restored from a backup or begun anew: they take no earlier one.
    ///
    /// # Errors
    /// [`Error::Corrupt`], storage errors.
    pub(crate) async fn open(rows: Rows, config: &Config) -> Result<Self, Error> {
        let now_ms = (config.clock)().saturating_mul(1000);
        let change = rows.write().await?;
        let stored = counters::at_least(&change, counters::DENY_LIST, now_ms).await?;
        let list = read(&change, stored).await?;
        change.commit().await?;
        let list = Arc::new(Listing::new(list));
        Ok(Self {
            rows,
            entries_max: config.denied_max,
            sessions_max: config.denied_sessions_max,
            leeway_s: i64::from(config.denied_leeway_s),
            list: watch::Sender::new(list),
            changing: Mutex::default(),
        })
    }

    /// The list, from memory.
    pub(crate) fn list(&self) -> Arc<Listing> {
        self.list.borrow().clone()
    }

    /// The list and all that come after it.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<Listing>> {
        self.list.subscribe()
    }

    /// The list as it stands, which nobody else changes before `change` is made.
    async fn held(&self, change: &Change) -> Result<Arc<Listing>, Error> {
        let stored = counters::hold(change, counters::DENY_LIST).await?;
        let list = self.list();
        if list.version == stored.cast_unsigned() {
            return Ok(list);
        }
        // Another node has changed it.
        Ok(Arc::new(Listing::new(read(change, stored).await?)))
    }

    /// Takes over what other nodes have changed.
    ///
    /// # Errors
    /// [`Error::Corrupt`], storage errors.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let stored = counters::value(self.rows.read(), counters::DENY_LIST).await?;
        if self.list().version == stored.cast_unsigned() {
            return Ok(());
        }
        let change = self.rows.write().await?;
        let _order = self.changing.lock().await;
        let list = self.held(&change).await?;
        drop(change);
        self.tell(list);
        Ok(())
    }

    fn show(&self, list: DenyList) {
        self.tell(Arc::new(Listing::new(list)));
    }

    fn tell(&self, list: Arc<Listing>) {
        metrics::gauge!("matinee_denied_entries").set(list.entries.len() as f64);
        self.list.send_replace(list);
    }

    /// Whether so many more sessions have room. Sessions may fill a part of the list only: however many devices take
    /// turns, there is room for the tickets that are revoked.
    pub(crate) fn has_room_for_sessions(&self, more: usize) -> bool {
        let list = self.list();
        let of_sessions = list.entries.iter().filter(|entry| entry.session.is_some()).count();
        of_sessions.saturating_add(more) <= self.sessions_max
            && list.entries.len().saturating_add(more) <= self.entries_max
    }

    /// Commits `change` and, with it, denies whom `denied` names, each until so long after its `until` as clocks may
    /// differ. Who is denied already stays so for the first reason.
    ///
    /// # Errors
    /// [`Error::DeniedFull`] (the change itself is made), storage errors (nothing has changed).
    pub(crate) async fn deny(&self, change: Change, denied: Vec<Denied>) -> Result<(), Error> {
        let _order = self.changing.lock().await;
        let list = self.held(&change).await?;
        let named = |one: &Denied, other: &Denied| {
            (one.session, one.ticket) == (other.session, other.ticket)
        };
        let mut new: Vec<Denied> = denied;
        new.retain(|one| !list.entries.iter().any(|entry| named(entry, one)));
        if new.is_empty() {
            return change.commit().await;
        }
        if list.entries.len().saturating_add(new.len()) > self.entries_max {
            change.commit().await?;
            metrics::counter!("matinee_denied_full_total").increment(1);
            return Err(Error::DeniedFull);
        }
        for one in &mut new {
            one.until = one.until.saturating_add(self.leeway_s);
        }
        let rows = new.iter().map(row);
        denials::Entity::insert_many(rows).exec_without_returning(change.on()).await?;
        let version = counters::next(&change, counters::DENY_LIST).await?.cast_unsigned();
        change.commit().await?;
        let entries = list.entries.iter().cloned().chain(new).collect();
        self.show(DenyList { version, entries });
        Ok(())
    }

    /// Drops the entries that are of no more use.
    ///
    /// # Errors
    /// Storage errors; then nothing has changed.
    pub(crate) async fn sweep(&self, now: i64) -> Result<(), Error> {
        if self.list().entries.iter().all(|entry| entry.until > now) {
            return Ok(());
        }
        let change = self.rows.write().await?;
        let _order = self.changing.lock().await;
        let list = self.held(&change).await?;
        let expired = denials::Column::Until.lte(now);
        denials::Entity::delete_many().filter(expired).exec(change.on()).await?;
        let version = counters::next(&change, counters::DENY_LIST).await?.cast_unsigned();
        change.commit().await?;
        let entries = list.entries.iter().filter(|entry| entry.until > now).cloned().collect();
        self.show(DenyList { version, entries });
        Ok(())
    }
}

/// The list of this version, as it stands in the database.
async fn read(change: &Change, version: i64) -> Result<DenyList, Error> {
    let all = denials::Entity::find().order_by_asc(denials::Column::Position);
    let entries = all.all(change.on()).await?.into_iter().map(entry);
    Ok(DenyList { version: version.cast_unsigned(), entries: entries.collect::<Result<_, _>>()? })
}

fn row(denied: &Denied) -> denials::ActiveModel {
    denials::ActiveModel {
        position: NotSet,
        ticket_id: Set(denied.ticket.map(|id| id.to_string())),
        session_id: Set(denied.session.map(|id| id.to_string())),
        reason: Set(denied.reason.clone()),
        detail: Set(denied.detail.clone()),
        until: Set(denied.until),
    }
}

/// The entry in a row.
fn entry(row: denials::Model) -> Result<Denied, Error> {
    Ok(Denied {
        ticket: row.ticket_id.as_deref().map(rows::id).transpose()?,
        session: row.session_id.as_deref().map(rows::id).transpose()?,
        reason: row.reason,
        detail: row.detail,
        until: row.until,
    })
}
