//! Table `assets`: files that are there.
//!
//! In: nothing. Out: the entity. Does not know who reads or writes it.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::entity::prelude::*;

/// One asset.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assets")]
pub struct Model {
    /// Grows with every row.
    #[sea_orm(primary_key)]
    pub position: i64,
    /// Its name.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What is said about it.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Tags, as JSON.
    #[sea_orm(column_type = "Text")]
    pub tags: String,
    /// Title, description and tags in lower case: what searches look into.
    #[sea_orm(column_type = "Text")]
    pub found_by: String,
    /// `private`, `unlisted` or `public`.
    pub visibility: String,
    /// `probing`, `uploaded`, `refused`, `transcoding`, `ready`, `failed` or `cancelled`.
    pub state: String,
    /// Why it was refused, or failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// Name of the file that was uploaded.
    pub file_name: Option<String>,
    /// Bytes of it.
    pub bytes: i64,
    /// When its last byte came.
    pub created_at: i64,
    /// What is in it, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub media: Option<String>,
    /// Until when somebody looks into it, in milliseconds since the epoch by the database's clock.
    pub probed_until_ms: i64,
    /// The show under which it is played.
    pub show_id: Option<String>,
    /// The node that has it transcoded, where nodes have no objects in common.
    pub node: Option<String>,
    /// How it is cut, as its runner wrote it.
    #[sea_orm(column_type = "Text", nullable)]
    pub made: Option<String>,
    /// 100 once all of it is transcoded; until then its jobs say how much is.
    pub progress_percent: i64,
    /// Whether its beginning can be played.
    pub is_playable: i64,
    /// `urgent`, `normal` or `bulk`.
    pub priority: String,
    /// When a job that makes a piece of it was last taken, in milliseconds since the epoch by the database's clock.
    pub served_ms: i64,
    /// Grows whenever its subtitles change, or a job that goes on has come further.
    pub subtitle_changes: i64,
    /// What its pieces are encoded by; none until the first is begun.
    #[sea_orm(column_type = "Text", nullable)]
    pub encoder: Option<String>,
    /// When its first job was there, in milliseconds since the epoch by the database's clock, …
    pub begun_ms: i64,
    /// … and when all of it was made; 0: not yet.
    pub ready_ms: i64,
    /// The account that owns it; none: the house does.
    pub account: Option<String>,
    /// `upload` or `recording`.
    pub kind: String,
    /// Of a recording: when its show began, in seconds since the epoch, …
    pub started_at: Option<i64>,
    /// … and how long it plays.
    pub duration_ms: Option<i64>,
    /// Chapters that somebody has set, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub chapters: Option<String>,
    /// Until when it is kept, in seconds since the epoch; as long as the house has it, if nothing stands there.
    pub keep_until: Option<i64>,
    /// Whether it is not deleted by itself.
    pub is_kept: i64,
    /// How the range of its HDR is kept: `hevc` or `av1`; `none`, or nothing: it is not.
    pub keep_hdr: Option<String>,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
