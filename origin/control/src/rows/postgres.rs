//! A PostgreSQL that several nodes share.
//!
//! In: its address. Out: a pool of connections to tables of the newest form. Does not know what the rows mean.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, IsolationLevel, SqlxPostgresConnector, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgPoolOptions;

use super::{check_known, migrations};
use crate::{Config, Error, Postgres};

/// Held by whoever changes the form of the tables: the name in letters.
const MIGRATING: i64 = i64::from_be_bytes(*b"matinee\0");
/// How long a node waits for another one that changes the form of the tables.
const MIGRATING_WAIT: &str = "60s";
/// How long a caller waits for a connection. Shorter than publishers wait for their admission.
const CONNECTION_WAIT: Duration = Duration::from_secs(3);
/// Connections that are needed at least: one holds the lock while another one migrates.
const CONNECTIONS_MIN: u32 = 2;

/// Connects, and brings the tables to the newest form. Nodes may start at once: one does it, the others wait.
///
/// # Errors
/// [`Error::Unreachable`], [`Error::NewerSchema`], [`Error::Storage`].
pub(super) async fn open(shared: &Postgres, config: &Config) -> Result<DatabaseConnection, Error> {
    let wait = format!("{}ms", config.database_wait.as_millis());
    // Whatever waits for longer gives its connection back, also where this process is stopped amid a transaction.
    let options = shared.options()?.disable_statement_logging().options([
        ("statement_timeout", wait.as_str()),
        ("lock_timeout", wait.as_str()),
        ("idle_in_transaction_session_timeout", wait.as_str()),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(config.database_connections_max.max(CONNECTIONS_MIN))
        .acquire_timeout(CONNECTION_WAIT.min(config.database_wait))
        // A connection that a restart of the database broke is noticed before it is used.
        .test_before_acquire(true)
        .connect_with(options)
        .await
        .map_err(|error| Error::of_sqlx(&error))?;
    let database = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    migrate(&database).await?;
    Ok(database)
}

async fn migrate(database: &DatabaseConnection) -> Result<(), Error> {
    let lock = database.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
    for setting in ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"] {
        let sql = format!("SET LOCAL {setting} = '{MIGRATING_WAIT}'");
        lock.execute_unprepared(&sql).await?;
    }
    lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATING})")).await?;
    check_known(database).await?;
    migrations::Migrator::up(database, None).await?;
    Ok(lock.commit().await?)
}
