//! Table `tiers`: what the tickets of a show admit to, by name.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One tier of one show.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tiers")]
pub struct Model {
    /// The show.
    #[sea_orm(primary_key, auto_increment = false)]
    pub show_id: String,
    /// Its name there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// What it admits to, as JSON.
    pub policy: String,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
