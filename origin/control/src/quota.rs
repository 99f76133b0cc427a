//! What uploads and assets may take: the house's quota, and each account's.
//!
//! In: rows. Out: what is taken, and whether there is room for more. Does not know who uploads.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use shared_wire::api::AssetKind;
use shared_wire::upload::Quota;

use crate::rows::{Change, accounts, assets, uploads};
use crate::{Config, Error};

/// Whether there is room for `more` bytes of `account`, or of the house, beside all but the upload `but`. Whoever asks
/// holds `counters::UPLOADS`, so that it stays true until the change is made, whatever other nodes do.
///
/// # Errors
/// [`Error::QuotaExceeded`], [`Error::AccountUnknown`], storage errors.
pub(crate) async fn check(
    change: &Change,
    config: &Config,
    account: Option<&str>,
    but: Option<&str>,
    more: u64,
) -> Result<(), Error> {
    // Its own first: that is what whoever uploads can do something about.
    if let Some(name) = account {
        let row = of(name).one(change.on()).await?.ok_or(Error::AccountUnknown)?;
        if let Some(max) = row.quota_bytes.map(unsigned) {
            let left = max.saturating_sub(taken(change.on(), account, but).await?);
            if more > left {
                return Err(Error::QuotaExceeded(Quota::Account { max, left }));
            }
        }
    }
    let Some(max) = config.uploads_bytes_max else { return Ok(()) };
    let left = max.saturating_sub(taken(change.on(), None, but).await?);
    if more <= left {
        return Ok(());
    }
    Err(Error::QuotaExceeded(match account {
        None => Quota::House { max, left },
        Some(_) => Quota::HouseOfOthers,
    }))
}

/// Bytes that uploads and assets take, but for the upload `but`: those of an account, or all.
///
/// # Errors
/// Storage errors.
pub(crate) async fn taken(
    on: &impl ConnectionTrait,
    account: Option<&str>,
    but: Option<&str>,
) -> Result<u64, Error> {
    let mut reserved = uploads::Entity::find().select_only().expr_as(sum("reserved"), "sum");
    // Recordings have a quota of their own.
    let mut kept = assets::Entity::find()
        .filter(assets::Column::Kind.eq(AssetKind::Upload.name()))
        .select_only()
        .expr_as(sum("bytes"), "sum");
    if let Some(name) = account {
        reserved = reserved.filter(uploads::Column::Account.eq(name));
        kept = kept.filter(assets::Column::Account.eq(name));
    }
    if let Some(id) = but {
        reserved = reserved.filter(uploads::Column::Id.ne(id));
    }
    let reserved: Option<i64> = reserved.into_tuple().one(on).await?;
    let kept: Option<i64> = kept.into_tuple().one(on).await?;
    Ok(unsigned(reserved.unwrap_or_default().saturating_add(kept.unwrap_or_default())))
}

/// The row of an account.
pub(crate) fn of(name: &str) -> sea_orm::Select<accounts::Entity> {
    accounts::Entity::find().filter(accounts::Column::Name.eq(name))
}

/// A number of bytes of the database, which has none below zero.
pub(crate) fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or_default()
}

fn sum(column: &str) -> sea_orm::sea_query::SimpleExpr {
    Expr::cust(format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)"))
}
