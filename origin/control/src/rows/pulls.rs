//! Table `pulls`: shows that are fetched from elsewhere.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// Where one show is fetched from. Not `Debug` of its own making: the address may hold a secret.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "pulls")]
pub struct Model {
    /// The show.
    #[sea_orm(primary_key, auto_increment = false)]
    pub show_id: String,
    /// The source's address.
    pub url: String,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("show_id", &self.show_id).finish_non_exhaustive()
    }
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
