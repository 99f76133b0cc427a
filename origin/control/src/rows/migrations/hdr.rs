//! How the range of a film's HDR is kept.
//!
//! In: a database in which no film keeps it. Out: one whose assets say whether theirs does.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string_null;

/// Adds the column.
pub(super) struct Hdr;

impl MigrationName for Hdr {
    fn name(&self) -> &'static str {
        "m20261128_000014_hdr"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Hdr {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = string_null("keep_hdr").to_owned();
        let add = Table::alter().table("assets").add_column(column).to_owned();
        manager.alter_table(add).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
