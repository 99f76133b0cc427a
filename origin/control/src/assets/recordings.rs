//! Recordings of shows, as assets beside those that were uploaded.
//!
//! In: recordings that somebody has found, or deleted. Out: their rows. Does not know files.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _};
use shared_wire::api::{AssetKind, AssetState, Priority, Visibility};
use shared_wire::{AssetId, ShowId};

use super::{Assets, found_by};
use crate::Error;
use crate::rows::assets;
use crate::secret::new_id;

/// A recording that is whole, as whoever has its objects finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundRecording {
    /// Its show, which is over.
    pub show: ShowId,
    /// Bytes of its objects.
    pub bytes: u64,
    /// When the show began, in seconds since the Unix epoch.
    pub started_at: Option<i64>,
    /// How long it plays, in milliseconds.
    pub duration_ms: u64,
}

impl Assets {
    /// The asset of a recording that was found, made if there is none; one that has grown since, as of a show that went
    /// on the air again, is brought up to date.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors.
    pub(crate) async fn recorded(&self, now: i64, found: FoundRecording) -> Result<(), Error> {
        use assets::Column;
        let known = self.shows.state(found.show).ok_or(Error::ShowUnknown)?;
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let (bytes, duration_ms) = (signed(found.bytes), signed(found.duration_ms));
        let change = self.rows.write().await?;
        let updated = assets::Entity::update_many()
            .filter(Column::ShowId.eq(found.show.to_string()))
            .filter(Column::Kind.eq(AssetKind::Recording.name()))
            .col_expr(Column::Bytes, Expr::value(bytes))
            .col_expr(Column::DurationMs, Expr::value(duration_ms))
            .col_expr(Column::StartedAt, Expr::value(found.started_at))
            .exec(change.on())
            .await?;
        if updated.rows_affected == 0 {
            let id: AssetId = new_id()?;
            let row = assets::ActiveModel {
                position: NotSet,
                id: Set(id.to_string()),
                found_by: Set(found_by(&known.title, "", &[])),
                title: Set(known.title),
                description: Set(String::new()),
                tags: Set("[]".to_owned()),
                visibility: Set(Visibility::Private.name().to_owned()),
                state: Set(AssetState::Ready.name().to_owned()),
                reason: Set(None),
                file_name: Set(None),
                bytes: Set(bytes),
                created_at: Set(now),
                media: Set(None),
                probed_until_ms: Set(0),
                show_id: Set(Some(found.show.to_string())),
                node: Set(None),
                made: Set(None),
                progress_percent: Set(100),
                is_playable: Set(1),
                subtitle_changes: Set(0),
                priority: Set(Priority::Normal.name().to_owned()),
                served_ms: Set(0),
                kind: Set(AssetKind::Recording.name().to_owned()),
                started_at: Set(found.started_at),
                duration_ms: Set(Some(duration_ms)),
                chapters: Set(None),
                keep_until: Set(None),
                is_kept: Set(0),
                keep_hdr: Set(None),
                encoder: Set(None),
                begun_ms: Set(0),
                ready_ms: Set(0),
                account: Set(None),
            };
            assets::Entity::insert(row).exec_without_returning(change.on()).await?;
        }
        change.commit().await
    }

    /// A recording is gone, and so is its asset, if it has one.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn recording_gone(&self, show: ShowId) -> Result<(), Error> {
        let of_show = Condition::all()
            .add(assets::Column::ShowId.eq(show.to_string()))
            .add(assets::Column::Kind.eq(AssetKind::Recording.name()));
        self.forget_where(of_show).await
    }
}
