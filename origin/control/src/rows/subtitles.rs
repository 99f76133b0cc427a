//! Table `subtitles`: what was uploaded for an asset to be read.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// Subtitles of one language.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subtitles")]
pub struct Model {
    /// Grows with every row.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// The asset.
    pub asset_id: String,
    /// Their language.
    pub language: String,
    /// Whether they have only what everybody must read.
    pub is_forced: i64,
    /// What a viewer chooses by.
    pub name: String,
    /// Whether they are shown to whoever chose nothing.
    pub is_default: i64,
    /// Their cues, as JSON.
    #[sea_orm(column_type = "Text")]
    pub cues: String,
    /// How many these are.
    pub cue_count: i64,
    /// When they came.
    pub created_at: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
