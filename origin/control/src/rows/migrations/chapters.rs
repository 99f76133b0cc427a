//! Chapters that are set, and which shows have any.
//!
//! In: a database in which chapters are those of files, and nobody is told. Out: one that has others as well, and whose
//! shows say whether there are any.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text_null};

/// Adds the columns.
pub(super) struct Chapters;

/// Films that are there already may have chapters in their files: a list of them that is not empty, as it is written.
const KNOWN: &str = "UPDATE shows SET has_chapters = 1 WHERE asset_id IN \
     (SELECT id FROM assets WHERE media LIKE '%\"chapters\":[{%')";

impl MigrationName for Chapters {
    fn name(&self) -> &'static str {
        "m20261127_000012_chapters"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Chapters {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [
            ("assets", text_null("chapters")),
            ("shows", big_integer("has_chapters").default(0).to_owned()),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        manager.get_connection().execute_unprepared(KNOWN).await.map(drop)
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
