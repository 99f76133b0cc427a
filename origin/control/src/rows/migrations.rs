//! How the tables came to be: one migration per change of form, never edited once released.
//!
//! In: a database of any earlier form. Out: one of the newest. Does not know what the rows mean.

mod accounts;
mod broadcast;
mod chapters;
mod films;
mod hdr;
mod leases;
mod pulls;
mod queue;
mod recordings;
mod retention;
mod second;
mod subtitles;
mod trims;
mod uploads;
mod workers;

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string, string_null, string_uniq};

/// All of them, oldest first.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(First),
            Box::new(second::Second),
            Box::new(pulls::Pulls),
            Box::new(broadcast::Broadcast),
            Box::new(leases::Leases),
            Box::new(uploads::Uploads),
            Box::new(films::Films),
            Box::new(queue::Queue),
            Box::new(subtitles::Subtitles),
            Box::new(workers::Workers),
            Box::new(accounts::Accounts),
            Box::new(recordings::Recordings),
            Box::new(trims::Trims),
            Box::new(chapters::Chapters),
            Box::new(retention::Retention),
            Box::new(hdr::Hdr),
        ]
    }
}

/// The first form.
struct First;

impl MigrationName for First {
    fn name(&self) -> &'static str {
        "m20261121_000001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for First {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [shows(), stream_keys(), tickets(), playback_sessions(), denied(), counters()]
        {
            manager.create_table(table).await?;
        }
        for (table, column) in [
            ("tickets", "show_id"),
            ("playback_sessions", "ticket_id"),
            ("playback_sessions", "show_id"),
            ("playback_sessions", "expires_at"),
        ] {
            let name = format!("{table}_by_{column}");
            let index = Index::create().name(name).table(table).col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// A number that grows with every row and is never used twice.
fn position() -> ColumnDef {
    big_integer("position").auto_increment().primary_key().to_owned()
}

/// `column` names a row of `table`, and goes with it.
fn names(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from_col(column)
        .to_tbl(table)
        .to_col("id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

fn shows() -> TableCreateStatement {
    Table::create()
        .table("shows")
        .col(position())
        .col(string_uniq("id"))
        .col(string("title"))
        .col(string("state"))
        .col(big_integer_null("starts_at"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn stream_keys() -> TableCreateStatement {
    Table::create()
        .table("stream_keys")
        .col(string("show_id").primary_key())
        .col(string_uniq("hash"))
        .col(big_integer("created_at"))
        .foreign_key(&mut names("show_id", "shows"))
        .to_owned()
}

fn tickets() -> TableCreateStatement {
    Table::create()
        .table("tickets")
        .col(position())
        .col(string_uniq("id"))
        .col(string_uniq("hash"))
        .col(string("show_id"))
        .col(string_null("note"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("revoked_at"))
        .foreign_key(&mut names("show_id", "shows"))
        .to_owned()
}

fn playback_sessions() -> TableCreateStatement {
    Table::create()
        .table("playback_sessions")
        .col(position())
        .col(string_uniq("id"))
        .col(string("ticket_id"))
        .col(string("show_id"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut names("ticket_id", "tickets"))
        .foreign_key(&mut names("show_id", "shows"))
        .to_owned()
}

fn denied() -> TableCreateStatement {
    Table::create()
        .table("denied")
        .col(position())
        .col(string_uniq("ticket_id"))
        .col(string("reason"))
        .col(big_integer("until"))
        .foreign_key(&mut names("ticket_id", "tickets"))
        .to_owned()
}

fn counters() -> TableCreateStatement {
    Table::create()
        .table("counters")
        .col(string("name").primary_key())
        .col(big_integer("value"))
        .to_owned()
}
