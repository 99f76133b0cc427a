//! Which node has which show.
//!
//! In: a database of one node. Out: one that nodes may share. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, string_null};

use super::names;

/// Adds the table.
pub(super) struct Leases;

impl MigrationName for Leases {
    fn name(&self) -> &'static str {
        "m20261126_000005_leases"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Leases {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let leases = Table::create()
            .table("leases")
            .col(string("show_id").primary_key())
            .col(string("node"))
            .col(big_integer("epoch"))
            .col(big_integer("expires_at_ms"))
            .col(string_null("wanted_by"))
            .foreign_key(&mut names("show_id", "shows"))
            .to_owned();
        manager.create_table(leases).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
