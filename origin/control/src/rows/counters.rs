//! Table `counters`: numbers that outlive a restart, and by which nodes learn that something has changed.
//!
//! In: a counter's name. Out: its number; whoever holds it is the only one to change what it counts. Does not know what
//! that is.

#![expect(unreachable_pub, reason = "the derive writes `pub` items")]

use sea_orm::ActiveValue::Set;
use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;

use super::Change;
use crate::Error;

/// The version of the deny list, which goes on growing after a restart.
pub(crate) const DENY_LIST: &str = "deny_list_version";
/// How often shows have changed.
pub(crate) const SHOWS: &str = "shows_version";

/// How often what uploads and assets take has changed: held by whoever adds to it.
pub(crate) const UPLOADS: &str = "uploads_version";

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "counters")]
pub struct Model {
    /// What it counts.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// How far it got.
    pub value: i64,
}

/// Foreign keys are the database's matter; no query here joins.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A counter's number, as it stands.
///
/// # Errors
/// Storage errors.
pub(crate) async fn value(on: &impl ConnectionTrait, name: &str) -> Result<i64, Error> {
    let row = Entity::find_by_id(name).one(on).await?;
    Ok(row.map_or(0, |row| row.value))
}

/// The same; nobody else changes it before `change` is made.
///
/// # Errors
/// Storage errors.
pub(crate) async fn hold(change: &Change, name: &str) -> Result<i64, Error> {
    let row = ActiveModel { name: Set(name.to_owned()), value: Set(0) };
    let unless_there = OnConflict::column(Column::Name).do_nothing().to_owned();
    // Only a row can be held.
    let begun = Entity::insert(row).on_conflict(unless_there);
    begun.exec_without_returning(change.on()).await?;
    let row = Entity::find_by_id(name).lock_exclusive().one(change.on()).await?;
    Ok(row.map_or(0, |row| row.value))
}

/// Raises a counter by one, and holds it; its number from then on.
///
/// # Errors
/// Storage errors.
pub(crate) async fn next(change: &Change, name: &str) -> Result<i64, Error> {
    let value = hold(change, name).await?.saturating_add(1);
    set(change, name, value).await
}

/// Raises a counter to `floor` if it is lower, and holds it; its number from then on.
///
/// # Errors
/// Storage errors.
pub(crate) async fn at_least(change: &Change, name: &str, floor: i64) -> Result<i64, Error> {
    let value = hold(change, name).await?;
    if value >= floor { Ok(value) } else { set(change, name, floor).await }
}

async fn set(change: &Change, name: &str, value: i64) -> Result<i64, Error> {
    let update = Entity::update_many().col_expr(Column::Value, Expr::value(value));
    update.filter(Column::Name.eq(name)).exec(change.on()).await?;
    Ok(value)
}
