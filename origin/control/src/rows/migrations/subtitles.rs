//! Subtitles that are uploaded for assets.
//!
//! In: a database in which films have the subtitles of their files. Out: one that has others as well. Does not know
//! what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, text};

use super::{names, position};

/// Adds the table, and a column that says when it changed.
pub(super) struct Subtitles;

impl MigrationName for Subtitles {
    fn name(&self) -> &'static str {
        "m20261127_000009_subtitles"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Subtitles {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let subtitles = Table::create()
            .table("subtitles")
            .col(position())
            .col(string("asset_id"))
            .col(string("language"))
            .col(big_integer("is_forced"))
            .col(string("name"))
            .col(big_integer("is_default"))
            .col(text("cues"))
            .col(big_integer("cue_count"))
            .col(big_integer("created_at"))
            .foreign_key(&mut names("asset_id", "assets"))
            .to_owned();
        manager.create_table(subtitles).await?;
        let one = Index::create()
            .name("subtitles_by_asset_id")
            .table("subtitles")
            .col("asset_id")
            .col("language")
            .col("is_forced")
            .unique()
            .to_owned();
        manager.create_index(one).await?;
        let changes = big_integer("subtitle_changes").default(0).to_owned();
        let add = Table::alter().table("assets").add_column(changes).to_owned();
        manager.alter_table(add).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
