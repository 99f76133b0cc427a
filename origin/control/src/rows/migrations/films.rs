//! Films: what assets become.
//!
//! In: a database with assets that nobody plays. Out: one that knows how far each is transcoded, and who does what.
//! Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, string_null, text_null};

/// Adds the table and the columns.
pub(super) struct Films;

impl MigrationName for Films {
    fn name(&self) -> &'static str {
        "m20261127_000007_films"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Films {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let number = |name: &'static str| big_integer(name).default(0).to_owned();
        for (table, column) in [
            ("shows", string_null("asset_id")),
            ("shows", number("is_growing")),
            ("assets", string_null("show_id")),
            ("assets", string_null("node")),
            ("assets", text_null("made")),
            ("assets", number("progress_percent")),
            ("assets", number("is_playable")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        let one = Index::create()
            .name("shows_by_asset_id")
            .table("shows")
            .col("asset_id")
            .unique()
            .to_owned();
        manager.create_index(one).await?;
        manager.create_table(jobs()).await?;
        let due =
            Index::create().name("film_jobs_by_state").table("film_jobs").col("state").to_owned();
        manager.create_index(due).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn jobs() -> TableCreateStatement {
    Table::create()
        .table("film_jobs")
        .col(string("asset_id"))
        .col(big_integer("number"))
        .col(string("kind"))
        .col(string("state"))
        .col(big_integer("attempts"))
        .col(big_integer("since_ms"))
        .col(big_integer("not_before_ms"))
        .col(big_integer("leased_until_ms"))
        .col(big_integer("fence"))
        .col(string_null("worker"))
        .col(text_null("reason"))
        .col(text_null("result"))
        .primary_key(Index::create().col("asset_id").col("number"))
        .to_owned()
}
