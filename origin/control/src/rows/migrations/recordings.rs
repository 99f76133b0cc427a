//! Recordings as assets.
//!
//! In: a database whose assets are uploads. Out: one whose assets may be recordings of shows as well. Does not know
//! what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, string};

/// Adds the columns.
pub(super) struct Recordings;

impl MigrationName for Recordings {
    fn name(&self) -> &'static str {
        "m20261127_000010_recordings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Recordings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            string("kind").default("upload").to_owned(),
            big_integer_null("started_at"),
            big_integer_null("duration_ms"),
        ] {
            let add = Table::alter().table("assets").add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        // Whoever finds a recording first, makes its asset: there is one for each show.
        let one = Index::create()
            .name("assets_by_show_id")
            .table("assets")
            .col("show_id")
            .unique()
            .to_owned();
        manager.create_index(one).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
