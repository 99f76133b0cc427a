//! Table `denied`: who may no longer watch, for as long as a token could still say otherwise.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One entry of the deny list.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "denied")]
pub struct Model {
    /// Its place in the list.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// The ticket whose sessions are denied, …
    #[sea_orm(unique)]
    pub ticket_id: Option<String>,
    /// … or the one session that is.
    #[sea_orm(unique)]
    pub session_id: Option<String>,
    /// Why.
    pub reason: String,
    /// What else the viewer is told.
    pub detail: Option<String>,
    /// When the entry is of no more use, in seconds since the epoch.
    pub until: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
