//! The queue of films: which goes first, and how far each job is.
//!
//! In: a database whose jobs are taken in the order in which they came. Out: one that knows classes, and pieces by
//! their length. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string};

/// Adds the columns.
pub(super) struct Queue;

impl MigrationName for Queue {
    fn name(&self) -> &'static str {
        "m20261127_000008_queue"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Queue {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let number = |name: &'static str| big_integer(name).default(0).to_owned();
        for (table, column) in [
            ("assets", string("priority").default("normal").to_owned()),
            ("assets", number("served_ms")),
            ("film_jobs", number("from_ms")),
            ("film_jobs", number("length_ms")),
            ("film_jobs", number("done_ms")),
            ("film_jobs", number("begun_ms")),
            ("film_jobs", number("failed_ms")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        let by_service = Index::create()
            .name("assets_by_priority")
            .table("assets")
            .col("priority")
            .col("served_ms")
            .to_owned();
        manager.create_index(by_service).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
