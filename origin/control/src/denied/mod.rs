//! The deny list: in memory for edges, in the database for the next start.
//!
//! In: tickets that were revoked. Out: the list as edges fetch it. Does not know why a ticket was revoked, nor edges.

use std::sync::{Arc, PoisonError, RwLock};

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use shared_wire::TicketId;
use shared_wire::api::{Denied, DenyList};
use tokio::sync::Mutex;

use crate::rows::{self, Change, Rows, counters, denials};
use crate::{Config, Error};

/// Where the list's version is counted, so that it goes on growing after a restart.
const VERSION: &str = "deny_list_version";

/// Who may no longer watch.
pub(crate) struct Denials {
    rows: Rows,
    entries_max: usize,
    leeway_s: i64,
    list: RwLock<Arc<DenyList>>,
    /// Held from before a commit until the list in memory says the same.
    changing: Mutex<()>,
}

impl Denials {
    /// Reads the list as the house last left it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], storage errors.
    pub(crate) async fn open(rows: Rows, config: &Config) -> Result<Self, Error> {
        let stored = denials::Entity::find()
            .order_by_asc(denials::Column::Position)
            .all(rows.read())
            .await?;
        let entries = stored.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let counter = counters::Entity::find_by_id(VERSION).one(rows.read()).await?;
        let version = counter.map_or(0, |row| u64::try_from(row.value).unwrap_or_default());
        let this = Self {
            rows,
            entries_max: config.denied_max,
            leeway_s: i64::from(config.denied_leeway_s),
            list: RwLock::default(),
            changing: Mutex::default(),
        };
        this.show(DenyList { version, entries });
        Ok(this)
    }

    /// The list, from memory.
    pub(crate) fn list(&self) -> Arc<DenyList> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn show(&self, list: DenyList) {
        metrics::gauge!("matinee_denied_entries").set(list.entries.len() as f64);
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }

    /// Commits `change` and, with it, denies every session of `ticket`, the last of which ends at `until`.
    ///
    /// # Errors
    /// [`Error::DeniedFull`] (the change itself is made), storage errors (nothing has changed).
    pub(crate) async fn deny(
        &self,
        change: Change,
        ticket: TicketId,
        until: i64,
    ) -> Result<(), Error> {
        let _order = self.changing.lock().await;
        let list = self.list();
        if list.entries.iter().any(|entry| entry.ticket == Some(ticket)) {
            return change.commit().await;
        }
        if list.entries.len() >= self.entries_max {
            change.commit().await?;
            metrics::counter!("matinee_denied_full_total").increment(1);
            return Err(Error::DeniedFull);
        }
        let until = until.saturating_add(self.leeway_s);
        let row = denials::ActiveModel {
            position: NotSet,
            ticket_id: Set(ticket.to_string()),
            reason: Set("revoked".to_owned()),
            until: Set(until),
        };
        denials::Entity::insert(row).exec_without_returning(change.on()).await?;
        let version = next_version(&change, &list).await?;
        change.commit().await?;
        let mut entries = list.entries.clone();
        let reason = "revoked".to_owned();
        entries.push(Denied { ticket: Some(ticket), session: None, reason, until });
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
        let list = self.list();
        let expired = denials::Column::Until.lte(now);
        denials::Entity::delete_many().filter(expired).exec(change.on()).await?;
        let version = next_version(&change, &list).await?;
        change.commit().await?;
        let entries = list.entries.iter().filter(|entry| entry.until > now).cloned().collect();
        self.show(DenyList { version, entries });
        Ok(())
    }
}

/// The version after `list`'s, written down.
async fn next_version(change: &Change, list: &DenyList) -> Result<u64, Error> {
    let version = list.version.saturating_add(1);
    let value = i64::try_from(version).unwrap_or(i64::MAX);
    let row = counters::ActiveModel { name: Set(VERSION.to_owned()), value: Set(value) };
    let or_replace = OnConflict::column(counters::Column::Name)
        .update_column(counters::Column::Value)
        .to_owned();
    counters::Entity::insert(row)
        .on_conflict(or_replace)
        .exec_without_returning(change.on())
        .await?;
    Ok(version)
}

/// The entry in a row.
fn entry(row: denials::Model) -> Result<Denied, Error> {
    let ticket = Some(rows::id(&row.ticket_id)?);
    Ok(Denied { ticket, session: None, reason: row.reason, until: row.until })
}
