//! Table `accounts`: who may upload without the administrator's credential.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    /// Its place in the order of creation; pages of lists go by it.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its name, which what it owns is marked with.
    #[sea_orm(unique)]
    pub name: String,
    /// SHA-256 of its token, in hexadecimal.
    #[sea_orm(unique)]
    pub hash: String,
    /// Bytes that it may take, if it has a quota of its own.
    pub quota_bytes: Option<i64>,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
