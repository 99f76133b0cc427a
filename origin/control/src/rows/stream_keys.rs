//! Table `stream_keys`: the one key of each show by which its publisher is known.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One stream key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stream_keys")]
pub struct Model {
    /// The show it publishes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub show_id: String,
    /// SHA-256 of the key, in hexadecimal.
    #[sea_orm(unique)]
    pub hash: String,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
