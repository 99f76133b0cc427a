//! Accounts, and what they own.
//!
//! In: a database whose uploads and assets are the house's. Out: one in which they may be an account's; those that are
//! there stay the house's. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string_null, string_uniq};

use super::position;

/// Adds the table, and the columns that say whose something is.
pub(super) struct Accounts;

impl MigrationName for Accounts {
    fn name(&self) -> &'static str {
        "m20261127_000010_accounts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Accounts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let accounts = Table::create()
            .table("accounts")
            .col(position())
            .col(string_uniq("name"))
            .col(string_uniq("hash"))
            .col(big_integer_null("quota_bytes"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(accounts).await?;
        for table in ["assets", "uploads"] {
            let account = string_null("account");
            let add = Table::alter().table(table).add_column(account).to_owned();
            manager.alter_table(add).await?;
            let name = format!("{table}_by_account");
            let index = Index::create().name(name).table(table).col("account").to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
