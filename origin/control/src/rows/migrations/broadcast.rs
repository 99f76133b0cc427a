//! How shows go out, each show's own settings; and where its cover is.
//!
//! In: a database whose shows have none. Out: one whose shows are as the house has it. Does not know what the rows
//! mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string, string_null};

/// Adds the settings.
pub(super) struct Broadcast;

impl MigrationName for Broadcast {
    fn name(&self) -> &'static str {
        "m20261126_000004_broadcast"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Broadcast {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [string("broadcast").default("{}").to_owned(), string_null("cover")] {
            let add = Table::alter().table("shows").add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        Ok(())
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
