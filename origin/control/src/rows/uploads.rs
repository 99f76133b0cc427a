//! Table `uploads`: files on their way in, and who holds which.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One upload.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "uploads")]
pub struct Model {
    /// Its name, and that of the asset it becomes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Bytes it is to have.
    pub length: Option<i64>,
    /// Its bytes, as `shared_wire::upload` writes them.
    #[sea_orm(column_type = "Text")]
    pub pieces: String,
    /// What was said of it.
    #[sea_orm(column_type = "Text", nullable)]
    pub metadata: Option<String>,
    /// What it is to others.
    #[sea_orm(column_type = "Text", nullable)]
    pub concat: Option<String>,
    /// `open`, `done` or `gone`.
    pub stage: String,
    /// Bytes of the quota it takes.
    pub reserved: i64,
    /// When it is removed.
    pub expires_at: i64,
    /// The fencing token: greater at every grant.
    pub fence: i64,
    /// Whoever holds it: a node's name, and that of its process.
    pub holder: Option<String>,
    /// Until when, in milliseconds since the epoch by the database's clock.
    pub held_until_ms: i64,
    /// Whether somebody else wants it.
    pub is_wanted: i64,
    /// The account that owns it; none: the house does.
    pub account: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
