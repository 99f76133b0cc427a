//! Table `workers`: processes that make films, and what they have done.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workers")]
pub struct Model {
    /// Grows with every row.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its node's name and its own, as `film_jobs` has it.
    pub id: String,
    /// The machine, as that calls itself.
    pub host: Option<String>,
    /// Whether it does nothing else.
    pub is_worker: i64,
    /// What encodes there.
    #[sea_orm(column_type = "Text", nullable)]
    pub encoder: Option<String>,
    /// Jobs that take the processor which it does at a time.
    pub hands: i64,
    /// When it said something first, in milliseconds since the epoch by the database's clock, …
    pub started_ms: i64,
    /// … and last.
    pub seen_ms: i64,
    /// Whether it takes no more jobs.
    pub is_draining: i64,
    /// Whether it said that it ends.
    pub is_over: i64,
    /// Jobs that it brought to their end, those that list not counted, …
    pub jobs_done: i64,
    /// … and how often one came to nothing.
    pub jobs_failed: i64,
    /// What its jobs took, in milliseconds: of processors, …
    pub cpu_ms: i64,
    /// … of time, …
    pub wall_ms: i64,
    /// … and what it made, as it plays.
    pub media_ms: i64,
    /// Jobs that it leaves to others, since their films were begun by another encoder.
    pub other_jobs: i64,
    /// Which that is, of the first of them.
    #[sea_orm(column_type = "Text", nullable)]
    pub other_encoder: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
