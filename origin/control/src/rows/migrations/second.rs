//! The second form: tiers, devices, and a deny list that can name one session.
//!
//! In: a database of the first form. Out: one of the second. Does not know what the rows mean.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, string, string_null};

use super::{names, position};

/// Adds what tickets for less than everything need.
pub(super) struct Second;

impl MigrationName for Second {
    fn name(&self) -> &'static str {
        "m20261121_000002_tiers"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Second {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(tiers()).await?;
        for (table, column) in [
            ("shows", string("when_full").default("displace").to_owned()),
            ("tickets", string("tier").default("all").to_owned()),
            ("tickets", big_integer_null("first_used_at")),
            ("playback_sessions", string_null("device")),
            ("playback_sessions", big_integer_null("ended_at")),
            ("playback_sessions", string_null("denied_as")),
            ("playback_sessions", string_null("denied_detail")),
        ] {
            let add = Table::alter().table(table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        // SQLite cannot make a column of a table optional, so the table is made again.
        let away = Table::rename().table("denied", "denied_first").to_owned();
        manager.rename_table(away).await?;
        manager.create_table(denied()).await?;
        let kept = "position, ticket_id, reason, until";
        let copy = format!("INSERT INTO denied ({kept}) SELECT {kept} FROM denied_first");
        manager.get_connection().execute_unprepared(&copy).await?;
        manager.drop_table(Table::drop().table("denied_first").to_owned()).await
    }

    /// All or nothing: a full disk must not leave half a form behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn tiers() -> TableCreateStatement {
    Table::create()
        .table("tiers")
        .col(string("show_id"))
        .col(string("name"))
        .col(string("policy"))
        .primary_key(Index::create().col("show_id").col("name"))
        .foreign_key(&mut names("show_id", "shows"))
        .to_owned()
}

fn denied() -> TableCreateStatement {
    Table::create()
        .table("denied")
        .col(position())
        .col(string_null("ticket_id").unique_key())
        .col(string_null("session_id").unique_key())
        .col(string("reason"))
        .col(string_null("detail"))
        .col(big_integer("until"))
        .foreign_key(&mut names("ticket_id", "tickets"))
        .foreign_key(&mut names("session_id", "playback_sessions"))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database, EntityTrait};

    use super::super::Migrator;
    use super::*;
    use crate::rows::{denials, sessions, shows, tickets};

    #[tokio::test]
    async fn rows_of_the_first_form_are_kept() {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&database, Some(1)).await.unwrap();
        for row in [
            "INSERT INTO shows VALUES (1, 's', 't', 'live', NULL, 1)",
            "INSERT INTO tickets VALUES (1, 'k', 'h', 's', NULL, 1, 9, 2)",
            "INSERT INTO playback_sessions VALUES (1, 'p', 'k', 's', 1, 9)",
            "INSERT INTO denied VALUES (7, 'k', 'revoked', 9)",
        ] {
            database.execute_unprepared(row).await.unwrap();
        }
        Migrator::up(&database, None).await.unwrap();
        let show = shows::Entity::find().one(&database).await.unwrap().unwrap();
        assert_eq!(show.when_full, "displace");
        let ticket = tickets::Entity::find().one(&database).await.unwrap().unwrap();
        assert_eq!((ticket.tier.as_str(), ticket.first_used_at), ("all", None));
        let session = sessions::Entity::find().one(&database).await.unwrap().unwrap();
        assert_eq!((session.device, session.denied_as), (None, None));
        let denied = denials::Entity::find().one(&database).await.unwrap().unwrap();
        assert_eq!((denied.position, denied.ticket_id.as_deref()), (7, Some("k")));
        assert_eq!((denied.session_id, denied.until), (None, 9));
    }
}
