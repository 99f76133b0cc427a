//! Table `playback_sessions`: each time a ticket was swapped for a token.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "playback_sessions")]
pub struct Model {
    /// Its place in the order of making; pages of lists go by it.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its id.
    #[sea_orm(unique)]
    pub id: String,
    /// The ticket it came of.
    pub ticket_id: String,
    /// The show it plays.
    pub show_id: String,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
    /// When its token ends, in seconds since the epoch.
    pub expires_at: i64,
    /// The device it began on, in words; none for the one that came with its ticket.
    pub device: Option<String>,
    /// When its page was left, in seconds since the epoch.
    pub ended_at: Option<i64>,
    /// Why it may no longer play, as the deny list has it.
    pub denied_as: Option<String>,
    /// What else its viewer is told.
    pub denied_detail: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
