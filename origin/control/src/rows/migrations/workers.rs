//! Workers, what jobs took, and which encoder each film was begun by.
//!
//! In: a database that knows jobs, and of whoever has them a name. Out: one that says what they did, and which of them
//! may go on with a film. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string_null, string_uniq, text_null};

use super::position;

/// Adds the table and the columns.
pub(super) struct Workers;

impl MigrationName for Workers {
    fn name(&self) -> &'static str {
        "m20261127_000010_workers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Workers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let number = |name: &'static str| big_integer(name).default(0).to_owned();
        for (table, column) in [
            ("assets", text_null("encoder")),
            ("assets", number("begun_ms")),
            ("assets", number("ready_ms")),
            ("film_jobs", number("failures")),
            ("film_jobs", number("cpu_ms")),
            ("film_jobs", number("wall_ms")),
            ("film_jobs", number("bytes")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        let mut workers = Table::create()
            .table("workers")
            .col(position())
            .col(string_uniq("id"))
            .col(string_null("host"))
            .col(text_null("encoder"))
            .col(text_null("other_encoder"))
            .to_owned();
        for name in [
            "is_worker",
            "hands",
            "started_ms",
            "seen_ms",
            "is_draining",
            "is_over",
            "jobs_done",
            "jobs_failed",
            "cpu_ms",
            "wall_ms",
            "media_ms",
            "other_jobs",
        ] {
            workers.col(number(name));
        }
        manager.create_table(workers).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
