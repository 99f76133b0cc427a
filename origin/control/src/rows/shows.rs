//! Table `shows`: what is or was or will be on.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One show.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "shows")]
pub struct Model {
    /// Its place in the order of creation; pages of lists go by it.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its id.
    #[sea_orm(unique)]
    pub id: String,
    /// Its title.
    pub title: String,
    /// `scheduled`, `live`, `interrupted` or `ended`.
    pub state: String,
    /// When it is to start, in seconds since the epoch.
    pub starts_at: Option<i64>,
    /// When it was made, in seconds since the epoch.
    pub created_at: i64,
    /// What happens when a ticket has as many devices as it may: `displace` or `refuse`.
    pub when_full: String,
    /// How it goes out, as JSON.
    pub broadcast: String,
    /// Where a picture of it is, relative to what a playback session opens.
    pub cover: Option<String>,
    /// The asset whose film it is.
    #[sea_orm(unique)]
    pub asset_id: Option<String>,
    /// Whether more of that film is still being made.
    pub is_growing: i64,
    /// What of its recording or film is shown, as JSON; all, if nothing stands there.
    #[sea_orm(column_type = "Text", nullable)]
    pub trim: Option<String>,
    /// Whether that has chapters.
    pub has_chapters: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
