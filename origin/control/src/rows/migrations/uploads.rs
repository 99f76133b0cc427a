//! Uploads and what they become.
//!
//! In: a database without them. Out: one that has both. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, string, string_null, string_uniq, text, text_null,
};

use super::position;

/// Adds the tables.
pub(super) struct Uploads;

impl MigrationName for Uploads {
    fn name(&self) -> &'static str {
        "m20261126_000006_uploads"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Uploads {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uploads = Table::create()
            .table("uploads")
            .col(string("id").primary_key())
            .col(big_integer_null("length"))
            .col(text("pieces"))
            .col(text_null("metadata"))
            .col(text_null("concat"))
            .col(string("stage"))
            .col(big_integer("reserved"))
            .col(big_integer("expires_at"))
            .col(big_integer("fence"))
            .col(string_null("holder"))
            .col(big_integer("held_until_ms"))
            .col(big_integer("is_wanted"))
            .to_owned();
        manager.create_table(uploads).await?;
        let due = Index::create()
            .name("uploads_by_expires_at")
            .table("uploads")
            .col("expires_at")
            .to_owned();
        manager.create_index(due).await?;
        let assets = Table::create()
            .table("assets")
            .col(position())
            .col(string_uniq("id"))
            .col(string("title"))
            .col(text("description"))
            .col(text("tags"))
            .col(text("found_by"))
            .col(string("visibility"))
            .col(string("state"))
            .col(text_null("reason"))
            .col(string_null("file_name"))
            .col(big_integer("bytes"))
            .col(big_integer("created_at"))
            .col(text_null("media"))
            .col(big_integer("probed_until_ms"))
            .to_owned();
        manager.create_table(assets).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
