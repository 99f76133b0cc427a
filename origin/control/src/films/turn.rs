//! Whose turn it is: of all jobs that can be done, the next one.
//!
//! In: rows, the database's clock. Out: jobs, the next one first; how many wait. Does not know what they do.
//!
//! Priorities go one after another. Within one, the film at which the fewest work is next, of these the one that was
//! served longest ago: so a short film that comes after a long one does not wait for all of that. Within a film, in
//! order: its beginning can be played first. A priority that was passed over for too long has one job before all
//! others; if that is so of several, the one that was served longest ago.

use std::collections::BTreeMap;

use sea_orm::sea_query::{
    Expr, ExprTrait as _, Func, JoinType, Order, Query, SelectStatement, SimpleExpr,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter,
    QuerySelect,
};
use shared_wire::api::{AssetState, Priority};

use super::job::{JobState, of_row};
use super::{FilmJobKind, Films, FilmsDue, is_due};
use crate::Error;
use crate::rows::{Change, assets, films};

/// Jobs that are looked at to find the next one.
const DUE_MAX: u64 = 64;
/// Where assets stand of which there may be something to do: what is ready may be given subtitles.
const GOING: [AssetState; 2] = [AssetState::Transcoding, AssetState::Ready];
/// What is done for each film right now, as the query names it, …
const RUNNING: &str = "running";
/// … and how many jobs that are.
const JOBS: &str = "jobs";

/// Jobs that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmsWaiting {
    /// What they do.
    pub kind: FilmJobKind,
    /// Of films of this priority.
    pub priority: Priority,
    /// How many there are.
    pub jobs: u64,
    /// For how long the oldest of them has waited, in milliseconds.
    pub oldest_ms: i64,
}

impl Films {
    /// Jobs of these kinds that can be done now by this process; of films that this node began alone, if it is said so.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn due(
        &self,
        kinds: &[FilmJobKind],
        own_only: bool,
    ) -> Result<FilmsDue, Error> {
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let is_one = films::Column::Kind.is_in(kinds.iter().map(|kind| kind.name()));
        let due = Condition::all().add(is_due(now_ms)).add(is_one.clone()).add_option(self.may());
        let due = self.jobs(own_only, due);
        let turns = self.turns(&change, &due, own_only, now_ms).await?;
        let found = change.on().query_all(&in_order(due, is_one, &turns)).await?;
        change.commit().await?;
        let job = |row| of_row(&films::Model::from_query_result(row, "")?);
        Ok(FilmsDue { jobs: found.iter().map(job).collect::<Result<_, Error>>()?, now_ms })
    }

    /// How many jobs wait, of each kind and priority.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn waiting(&self) -> Result<Vec<FilmsWaiting>, Error> {
        let waits = films::Column::State.eq(JobState::Waiting.name());
        let mut waiting = self.jobs(false, Condition::all().add(waits));
        waiting
            .column((films::Entity, films::Column::Kind))
            .column((assets::Entity, assets::Column::Priority))
            .expr(Expr::col((films::Entity, films::Column::Number)).count())
            .expr(Expr::col((films::Entity, films::Column::SinceMs)).min())
            .group_by_col((films::Entity, films::Column::Kind))
            .group_by_col((assets::Entity, assets::Column::Priority));
        let now_ms = self.rows.now_ms().await?;
        let mut all = Vec::new();
        for row in self.rows.read().query_all(&waiting).await? {
            let kind = FilmJobKind::named(&row.try_get_by_index::<String>(0)?);
            let priority = Priority::named(&row.try_get_by_index::<String>(1)?);
            let (Some(kind), Some(priority)) = (kind, priority) else { continue };
            let jobs = u64::try_from(row.try_get_by_index::<i64>(2)?).unwrap_or_default();
            let oldest_ms = now_ms.saturating_sub(row.try_get_by_index(3)?);
            all.push(FilmsWaiting { kind, priority, jobs, oldest_ms });
        }
        Ok(all)
    }

    /// Jobs of films that are being made, or are.
    pub(super) fn jobs(&self, own_only: bool, which: Condition) -> SelectStatement {
        let of_job = (films::Entity, films::Column::AssetId);
        let is_its = Expr::col((assets::Entity, assets::Column::Id)).equals(of_job);
        let goes = assets::Column::State.is_in(GOING.map(AssetState::name));
        let own = own_only.then(|| assets::Column::Node.eq(self.node.clone()));
        Query::select()
            .from(films::Entity)
            .inner_join(assets::Entity, is_its)
            .cond_where(Condition::all().add(goes).add(which).add_option(own))
            .to_owned()
    }

    /// Priorities in the order in which they are served next.
    async fn turns(
        &self,
        change: &Change,
        due: &SelectStatement,
        own_only: bool,
        now_ms: i64,
    ) -> Result<Vec<Priority>, Error> {
        let mut since = due.clone();
        since
            .column((assets::Entity, assets::Column::Priority))
            .expr(Expr::col((films::Entity, films::Column::SinceMs)).min())
            .group_by_col((assets::Entity, assets::Column::Priority));
        let mut waiting = BTreeMap::new();
        for row in change.on().query_all(&since).await? {
            if let Some(priority) = Priority::named(&row.try_get_by_index::<String>(0)?) {
                waiting.insert(priority, row.try_get_by_index::<i64>(1)?);
            }
        }
        if waiting.len() < 2 {
            return Ok(waiting.into_keys().collect());
        }
        let mut served = assets::Entity::find()
            .select_only()
            .column(assets::Column::Priority)
            .column_as(assets::Column::ServedMs.max(), "served_ms")
            .group_by(assets::Column::Priority);
        if own_only {
            served = served.filter(assets::Column::Node.eq(self.node.clone()));
        }
        let served: Vec<(String, i64)> = served.into_tuple().all(change.on()).await?;
        let known = |(name, ms): (String, i64)| Some((Priority::named(&name)?, ms));
        let served = served.into_iter().filter_map(known).collect();
        Ok(turns(&waiting, &served, now_ms.saturating_sub(self.passed_over_ms_max)))
    }
}

/// Those that have waited since before `long_ago`, and were not served since then either, before the others.
fn turns(
    waiting: &BTreeMap<Priority, i64>,
    served: &BTreeMap<Priority, i64>,
    long_ago: i64,
) -> Vec<Priority> {
    let served = |priority: &Priority| served.get(priority).copied().unwrap_or_default();
    let mut turns: Vec<Priority> = waiting.keys().copied().collect();
    turns.sort_by_key(|priority| {
        let is_due = waiting.get(priority).is_some_and(|since| *since <= long_ago);
        let is_passed_over = is_due && served(priority) <= long_ago;
        // `None` stands before all others.
        let rank = (!is_passed_over).then_some(*priority);
        (rank, if is_passed_over { served(priority) } else { 0 })
    });
    turns
}

/// These jobs, the next one first. Those that have hands of their own do not count where it is not about them.
fn in_order(mut due: SelectStatement, is_such: SimpleExpr, turns: &[Priority]) -> SelectStatement {
    let state = films::Column::State.eq(JobState::Running.name());
    let running = Query::select()
        .column(films::Column::AssetId)
        .expr_as(Expr::col(films::Column::Number).count(), JOBS)
        .from(films::Entity)
        .and_where(state)
        .and_where(is_such)
        .group_by_col(films::Column::AssetId)
        .to_owned();
    let of_job = (films::Entity, films::Column::AssetId);
    let is_its = Expr::col((RUNNING, films::Column::AssetId)).equals(of_job);
    let jobs = Func::coalesce([Expr::col((RUNNING, JOBS)), Expr::val(0_i64)]);
    due.columns(films::Column::iter().map(|column| (films::Entity, column))).join_subquery(
        JoinType::LeftJoin,
        running,
        RUNNING,
        is_its,
    );
    for priority in turns {
        let is_other = Expr::case(assets::Column::Priority.eq(priority.name()), 0).finally(1);
        due.order_by_expr(is_other.into(), Order::Asc);
    }
    due.order_by_expr(jobs.into(), Order::Asc)
        .order_by((assets::Entity, assets::Column::ServedMs), Order::Asc)
        .order_by((assets::Entity, assets::Column::Position), Order::Asc)
        .order_by((films::Entity, films::Column::Number), Order::Asc)
        .limit(DUE_MAX)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URGENT: Priority = Priority::Urgent;
    const NORMAL: Priority = Priority::Normal;
    const BULK: Priority = Priority::Bulk;

    #[test]
    fn who_was_passed_over_for_long_is_next_once() {
        let all = [(URGENT, 50), (NORMAL, 50), (BULK, 50)];
        let served_lately = [(URGENT, 200), (NORMAL, 90), (BULK, 10)];
        for (waiting, served, expected) in [
            // Nobody has waited for so long.
            (&[(NORMAL, 150), (BULK, 120)][..], &[][..], &[NORMAL, BULK][..]),
            (&all, &served_lately, &[BULK, NORMAL, URGENT]),
            // It was served: its turn is over.
            (&all, &[(URGENT, 200), (NORMAL, 90), (BULK, 201)], &[NORMAL, URGENT, BULK]),
            // It has waited for a moment only, although it was served long ago.
            (&[(URGENT, 50), (BULK, 150)], &[(URGENT, 200), (BULK, 1)], &[URGENT, BULK]),
            // Jobs take longer than one may be passed over: each in turn.
            (&all, &[(URGENT, 40), (NORMAL, 30), (BULK, 35)], &[NORMAL, BULK, URGENT]),
        ] {
            let waiting = waiting.iter().copied().collect();
            assert_eq!(turns(&waiting, &served.iter().copied().collect(), 100), expected);
        }
    }
}
