//! Table `film_jobs`: what is to be done to make films of assets, and who does it.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "film_jobs")]
pub struct Model {
    /// The asset.
    #[sea_orm(primary_key, auto_increment = false)]
    pub asset_id: String,
    /// Its place among those of the asset.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// `index`, `list`, `sounds`, `chunk` or `texts`.
    pub kind: String,
    /// `waiting`, `running`, `done` or `dead`.
    pub state: String,
    /// How often it was begun and came to nothing.
    pub attempts: i64,
    /// Since when it waits, in milliseconds since the epoch by the database's clock, …
    pub since_ms: i64,
    /// … and until when nobody takes it.
    pub not_before_ms: i64,
    /// Until when it is somebody's.
    pub leased_until_ms: i64,
    /// The fencing token: greater at every grant.
    pub fence: i64,
    /// Whoever has it: a node's name, and that of its process.
    pub worker: Option<String>,
    /// What it came to the last time that it failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// When that was, in milliseconds since the epoch by the database's clock; 0: it did not.
    pub failed_ms: i64,
    /// Where its piece of the film begins, in milliseconds, …
    pub from_ms: i64,
    /// … how long that is, …
    pub length_ms: i64,
    /// … and how much of that whoever has it has made.
    pub done_ms: i64,
    /// When it was last taken.
    pub begun_ms: i64,
    /// How often it came to nothing.
    pub failures: i64,
    /// What it took in all, in milliseconds: of processors, …
    pub cpu_ms: i64,
    /// … and of time.
    pub wall_ms: i64,
    /// Bytes of what it made.
    pub bytes: i64,
    /// What it came to, as its runner wrote it; or how far it came, if it is not done.
    #[sea_orm(column_type = "Text", nullable)]
    pub result: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
