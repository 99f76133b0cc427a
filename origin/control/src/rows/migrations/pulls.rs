//! Shows that are fetched from elsewhere, also after a restart.
//!
//! In: a database of the second form. Out: one that has them as well. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string;

use super::names;

/// Adds the table.
pub(super) struct Pulls;

impl MigrationName for Pulls {
    fn name(&self) -> &'static str {
        "m20261126_000003_pulls"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Pulls {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let pulls = Table::create()
            .table("pulls")
            .col(string("show_id").primary_key())
            .col(string("url"))
            .foreign_key(&mut names("show_id", "shows"))
            .to_owned();
        manager.create_table(pulls).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
