//! The database: its tables, and the way they came to be. It is one SQLite file, or a PostgreSQL that nodes share.
//!
//! In: a path, or an address. Out: [`Rows`], a pool of connections to tables of the newest form. Does not know what the
//! rows mean.

pub(crate) mod accounts;
pub(crate) mod assets;
pub(crate) mod counters;
pub(crate) mod denials;
pub(crate) mod films;
pub(crate) mod leases;
mod migrations;
mod postgres;
pub(crate) mod pulls;
pub(crate) mod sessions;
pub(crate) mod shows;
pub(crate) mod stream_keys;
pub(crate) mod subtitles;
pub(crate) mod tickets;
pub(crate) mod tiers;
pub(crate) mod uploads;
pub(crate) mod workers;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    EntityTrait, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};
use sea_orm_migration::{MigratorTrait, seaql_migrations};
use shared_wire::Id;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{Config, Error};

/// The database's name in the data directory.
const FILE: &str = "matinee.db";

/// The tables, open.
#[derive(Clone)]
pub(crate) struct Rows {
    database: DatabaseConnection,
    /// SQLite has one writer at a time and lets the others poll; taking turns here is fair and wakes at once. Nobody
    /// takes turns at a PostgreSQL: nodes could not.
    turn: Option<Arc<Mutex<()>>>,
    wait: Duration,
}

/// A transaction. In SQLite it owns the right to write from its first statement on, so that what it reads stays true
/// until it commits. In PostgreSQL each statement sees what was committed before it (READ COMMITTED), so whatever must
/// stay true is read with a lock on its row. It is undone when dropped without a commit.
pub(crate) struct Change {
    transaction: DatabaseTransaction,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Rows {
    /// Opens the database of this house, makes it if there is none, and brings its tables to the newest form.
    ///
    /// # Errors
    /// [`Error::DataDir`], [`Error::StorageFull`], [`Error::Corrupt`], [`Error::NewerSchema`], [`Error::Storage`].
    pub(crate) async fn open(config: &Config) -> Result<Self, Error> {
        let Some(shared) = &config.database else { return Self::of_file(config).await };
        let database = postgres::open(shared, config).await?;
        Ok(Self { database, turn: None, wait: config.database_wait })
    }

    async fn of_file(config: &Config) -> Result<Self, Error> {
        let path = config.data_dir.join(FILE);
        make_private(&path)?;
        let wait = config.database_wait;
        let mut options = ConnectOptions::new("sqlite:");
        options
            .max_connections(config.database_connections_max)
            .acquire_timeout(wait)
            .sqlx_logging(false)
            .record_stmt_in_spans(false)
            .map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .filename(&path)
                    .in_memory(false)
                    .shared_cache(false)
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // In WAL mode a power cut may lose the last commits, never the database; a revocation that was
                    // answered must hold, so every commit goes to the disk.
                    .synchronous(SqliteSynchronous::Full)
                    .busy_timeout(wait)
            });
        let database = Database::connect(options).await?;
        check_known(&database).await?;
        migrations::Migrator::up(&database, None).await?;
        Ok(Self { database, turn: Some(Arc::default()), wait })
    }

    /// Whether other nodes may have this database too.
    pub(crate) const fn is_shared(&self) -> bool {
        self.turn.is_none()
    }

    /// For reading outside a transaction.
    pub(crate) const fn read(&self) -> &DatabaseConnection {
        &self.database
    }

    /// The database's clock, as [`Change::now_ms`].
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn now_ms(&self) -> Result<i64, Error> {
        now_ms(&self.database).await
    }

    /// Begins a change.
    ///
    /// # Errors
    /// [`Error::Busy`] when others write longer than `database_wait`; storage errors.
    pub(crate) async fn write(&self) -> Result<Change, Error> {
        let mut options = TransactionOptions::default();
        let turn = match &self.turn {
            Some(turn) => {
                options.sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate);
                let turn = tokio::time::timeout(self.wait, turn.clone().lock_owned());
                Some(turn.await.map_err(|_| Error::Busy)?)
            }
            None => {
                options.isolation_level = Some(IsolationLevel::ReadCommitted);
                None
            }
        };
        let transaction = self.database.begin_with_options(options).await?;
        Ok(Change { transaction, _turn: turn })
    }
}

impl Change {
    /// For the change's statements.
    pub(crate) const fn on(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// The database's clock, in milliseconds since the Unix epoch: the one clock that all nodes have in common.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn now_ms(&self) -> Result<i64, Error> {
        now_ms(&self.transaction).await
    }

    /// Makes the change true, on the disk.
    ///
    /// # Errors
    /// Storage errors; then nothing has changed.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        Ok(self.transaction.commit().await?)
    }
}

async fn now_ms(on: &impl ConnectionTrait) -> Result<i64, Error> {
    let engine = on.get_database_backend();
    // Not that of a transaction's beginning: what was waited for since counts.
    let sql = match engine {
        DbBackend::Postgres => "SELECT (extract(epoch from clock_timestamp()) * 1000)::bigint",
        _ => "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    };
    let row = on.query_one_raw(Statement::from_string(engine, sql)).await?;
    let none = || Error::Storage { reason: "the database has no clock".to_owned() };
    Ok(row.ok_or_else(none)?.try_get_by_index(0)?)
}

/// The id in a row.
///
/// # Errors
/// [`Error::Corrupt`] if it is none.
pub(crate) fn id<K>(stored: &str) -> Result<Id<K>, Error> {
    stored.parse().map_err(|_| Error::Corrupt { what: format!("`{stored}` is no id") })
}

/// Makes the file, readable by its owner only, before SQLite would make it readable by all. SQLite gives its journals
/// the same mode.
fn make_private(path: &Path) -> Result<(), Error> {
    // Opened for writing also when it is there: a file we may not write is refused here, in plain words.
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    opened.map(drop).map_err(|error| Error::file(path, &error))
}

/// Refuses a database that a newer version has changed.
async fn check_known(database: &DatabaseConnection) -> Result<(), Error> {
    migrations::Migrator::install(database).await?;
    let known = migrations::Migrator::migrations();
    let applied = seaql_migrations::Entity::find().all(database).await?;
    let newer = applied.into_iter().find(|row| known.iter().all(|own| own.name() != row.version));
    newer.map_or(Ok(()), |row| Err(Error::NewerSchema { version: row.version }))
}
