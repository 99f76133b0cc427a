//! How long assets are kept: what each says, or what the house has for those that do not.
//!
//! In: what an administrator says, the clock. Out: rows; which assets are due. Deletes nothing itself.

use std::collections::HashSet;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use shared_wire::api::{Asset, AssetKind, AssetState, Retention};
use shared_wire::{AssetId, ShowId};

use super::{Assets, by_id, of_row};
use crate::Error;
use crate::rows::{self, assets};

/// Assets that are looked at in one round.
const DUE_MAX: u64 = 256;
/// Latest second a time may name: the end of the year 9999.
const TIME_S_MAX: i64 = 253_402_300_799;

/// An asset that is kept no longer.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) asset: Asset,
    /// The node that has its film made, where nodes have no objects in common.
    pub(crate) node: Option<String>,
}

impl Assets {
    /// Says how long an asset is kept; as long as the house has it, if nothing is said.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::Invalid`], storage errors.
    pub(crate) async fn keep(&self, id: AssetId, keep: Option<Retention>) -> Result<Asset, Error> {
        use assets::Column;
        let keep = keep.map(check).transpose()?.unwrap_or_default();
        let change = self.rows.write().await?;
        let kept = assets::Entity::update_many()
            .filter(Column::Id.eq(id.to_string()))
            .col_expr(Column::KeepUntil, Expr::value(keep.keep_until))
            .col_expr(Column::IsKept, Expr::value(i64::from(keep.forever)))
            .exec(change.on())
            .await?;
        if kept.rows_affected == 0 {
            return Err(Error::AssetUnknown);
        }
        change.commit().await?;
        self.get(id).await
    }

    /// Assets that are kept no longer, the oldest first. What is still being made of them is waited for.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn due(&self, now: i64) -> Result<Vec<Due>, Error> {
        use assets::Column;
        let mut due = Condition::any().add(Column::KeepUntil.lte(now));
        if let Some(keep_s) = self.config.assets_keep_s {
            let old = Condition::all()
                .add(Column::KeepUntil.is_null())
                .add(Column::CreatedAt.lte(now.saturating_sub(keep_s)));
            due = due.add(old);
        }
        let making = [AssetState::Probing, AssetState::Uploaded, AssetState::Transcoding];
        let found = assets::Entity::find()
            .filter(Column::IsKept.eq(0_i64))
            .filter(due)
            .filter(Column::State.is_not_in(making.map(AssetState::name)))
            .order_by_asc(Column::Position)
            .limit(DUE_MAX)
            .all(self.rows.read())
            .await?;
        let due = |row: &assets::Model| Ok(Due { asset: of_row(row)?, node: row.node.clone() });
        found.iter().map(due).collect()
    }

    /// Shows whose recordings are not to be deleted to make room.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn kept_shows(&self) -> Result<HashSet<ShowId>, Error> {
        use assets::Column;
        let shows: Vec<Option<String>> = assets::Entity::find()
            .select_only()
            .column(Column::ShowId)
            .filter(Column::Kind.eq(AssetKind::Recording.name()))
            .filter(Column::IsKept.ne(0_i64))
            .into_tuple()
            .all(self.rows.read())
            .await?;
        shows.iter().flatten().map(|show| rows::id(show)).collect()
    }

    /// Whether an asset is still due: somebody may have said otherwise since.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn is_due(&self, now: i64, id: AssetId) -> Result<bool, Error> {
        match by_id(id).one(self.rows.read()).await? {
            Some(row) => Ok(self.deleted_at(&of_row(&row)?).is_some_and(|at| at <= now)),
            None => Ok(false),
        }
    }

    /// When an asset is deleted by itself, if it ever is.
    pub(super) fn deleted_at(&self, asset: &Asset) -> Option<i64> {
        let own = asset.retention.unwrap_or_default();
        let by_house = || Some(asset.created_at.saturating_add(self.config.assets_keep_s?));
        own.keep_until.or_else(by_house).filter(|_| !own.forever)
    }
}

/// What a row says of it itself.
pub(super) fn own(row: &assets::Model) -> Option<Retention> {
    let own = Retention { keep_until: row.keep_until, forever: row.is_kept != 0 };
    (own != Retention::default()).then_some(own)
}

fn check(keep: Retention) -> Result<Retention, Error> {
    let invalid = |reason: String| Err(Error::Invalid { field: "keep_until", reason });
    match (keep.keep_until, keep.forever) {
        (Some(_), true) => invalid("must not be there beside `forever`".to_owned()),
        (None, false) => {
            invalid("must be there, or `forever`: delete the retention instead".to_owned())
        }
        (Some(at), false) if !(0..=TIME_S_MAX).contains(&at) => {
            invalid(format!("must be seconds since 1970, 0 to {TIME_S_MAX}"))
        }
        _ => Ok(keep),
    }
}
