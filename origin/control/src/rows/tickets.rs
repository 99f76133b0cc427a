//! Table `tickets`: rights to watch.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    /// Its place in the order of issue; pages of lists go by it.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its id.
    #[sea_orm(unique)]
    pub id: String,
    /// SHA-256 of the ticket, in hexadecimal.
    #[sea_orm(unique)]
    pub hash: String,
    /// The show it is for.
    pub show_id: String,
    /// The creator's note.
    pub note: Option<String>,
    /// When it was issued, in seconds since the epoch.
    pub created_at: i64,
    /// When it ends, in seconds since the epoch.
    pub expires_at: i64,
    /// When it was revoked, in seconds since the epoch.
    pub revoked_at: Option<i64>,
    /// The name of what it admits to.
    pub tier: String,
    /// When it was first swapped for a session, in seconds since the epoch.
    pub first_used_at: Option<i64>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
