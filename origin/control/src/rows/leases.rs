//! Table `leases`: which node has which show.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// The lease of one show.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "leases")]
pub struct Model {
    /// The show.
    #[sea_orm(primary_key, auto_increment = false)]
    pub show_id: String,
    /// The node that has it, or had it last.
    pub node: String,
    /// The fencing token: greater at every grant.
    pub epoch: i64,
    /// Until when, in milliseconds since the epoch by the database's clock; 0: it was given back.
    pub expires_at_ms: i64,
    /// The node that wants to take over.
    pub wanted_by: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
