//! How long assets are kept.
//!
//! In: a database whose assets are kept until somebody deletes them. Out: one in which they may say for how long. Does
//! not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null};

/// Adds the columns.
pub(super) struct Retention;

impl MigrationName for Retention {
    fn name(&self) -> &'static str {
        "m20261127_000013_retention"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Retention {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let forever = big_integer("is_kept").default(0).to_owned();
        for column in [big_integer_null("keep_until"), forever] {
            let add = Table::alter().table("assets").add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        Ok(())
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
