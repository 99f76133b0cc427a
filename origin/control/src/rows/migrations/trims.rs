//! What of recordings and films is shown.
//!
//! In: a database whose recordings and films are shown in whole. Out: one in which a part of each may be. Does not know
//! what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds the column.
pub(super) struct Trims;

impl MigrationName for Trims {
    fn name(&self) -> &'static str {
        "m20261127_000011_trims"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Trims {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter().table("shows").add_column(text_null("trim")).to_owned();
        manager.alter_table(add).await
    }
}
