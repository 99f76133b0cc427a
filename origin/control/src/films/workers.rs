//! Workers: who makes films, what that took, and which films each may go on with.
//!
//! In: what a process says of itself now and then, what its jobs took. Out: rows; what is left to others, and why. Does
//! not know what an encoder is: it has a name, and what one has begun no other goes on with.

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait as _, Order};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait as _, EntityTrait, PaginatorTrait as _, QueryFilter,
    QueryOrder, QuerySelect,
};
use shared_wire::AssetId;
use shared_wire::api::{Asset, AssetState, Worker, WorkerList, WorkerState};

use super::job::{FilmJobKind, JobState};
use super::told::{node_of, told};
use super::{FilmLease, Films, held, is_due};
use crate::Error;
use crate::page::Page;
use crate::rows::{self, Change, Rows, assets, films, workers};

/// Who has said nothing for longer is gone, in milliseconds.
const GONE_MS: i64 = 30_000;
/// How long one that is gone, or has ended, is listed, in milliseconds.
const LISTED_MS: i64 = 7 * 24 * 3_600_000;

/// What a job took so far, and what it made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilmSpent {
    /// Of processors, in milliseconds.
    pub cpu_ms: i64,
    /// Of time, in milliseconds.
    pub wall_ms: i64,
    /// Bytes that it made, of a job that is done.
    pub bytes: i64,
    /// How long that is, in milliseconds as it plays.
    pub media_ms: i64,
}

/// Pieces that are left to others, since their films were begun by another encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmLeft {
    /// The asset.
    pub asset: AssetId,
    /// What it was begun by.
    pub encoder: String,
    /// How many of its pieces wait.
    pub jobs: u64,
}

impl Films {
    /// Says that this process is there, and of how many hands; what it leaves to others.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn is_here(
        &self,
        hands: u32,
        is_draining: bool,
        own_only: bool,
    ) -> Result<Vec<FilmLeft>, Error> {
        use workers::Column;
        let left = self.left(own_only).await?;
        let jobs = left.iter().fold(0_u64, |jobs, one| jobs.saturating_add(one.jobs));
        let jobs = i64::try_from(jobs).unwrap_or(i64::MAX);
        let other = left.first().map(|one| one.encoder.clone());
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let is_known = workers::Entity::find()
            .filter(Column::Id.eq(self.worker.clone()))
            .count(change.on())
            .await?;
        if is_known == 0 {
            self.begin_work(&change, hands, now_ms).await?;
        }
        self.own()
            .col_expr(Column::SeenMs, Expr::value(now_ms))
            .col_expr(Column::IsDraining, Expr::value(i64::from(is_draining)))
            .col_expr(Column::OtherJobs, Expr::value(jobs))
            .col_expr(Column::OtherEncoder, Expr::value(other))
            .exec(change.on())
            .await?;
        change.commit().await?;
        Ok(left)
    }

    async fn begin_work(&self, change: &Change, hands: u32, now_ms: i64) -> Result<(), Error> {
        workers::Entity::delete_many()
            .filter(workers::Column::SeenMs.lt(now_ms.saturating_sub(LISTED_MS)))
            .exec(change.on())
            .await?;
        let row = workers::ActiveModel {
            position: NotSet,
            id: Set(self.worker.clone()),
            host: Set(self.host.clone()),
            is_worker: Set(i64::from(self.is_worker)),
            encoder: Set(self.encoder.clone()),
            hands: Set(i64::from(hands)),
            started_ms: Set(now_ms),
            seen_ms: Set(now_ms),
            is_draining: Set(0),
            is_over: Set(0),
            jobs_done: Set(0),
            jobs_failed: Set(0),
            cpu_ms: Set(0),
            wall_ms: Set(0),
            media_ms: Set(0),
            other_jobs: Set(0),
            other_encoder: Set(None),
        };
        workers::Entity::insert(row).exec_without_returning(change.on()).await?;
        Ok(())
    }

    /// Says that this process ends.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn is_over(&self) -> Result<(), Error> {
        let change = self.rows.write().await?;
        self.own().col_expr(workers::Column::IsOver, Expr::value(1_i64)).exec(change.on()).await?;
        change.commit().await
    }

    /// Adds what a job took, for as long as it is had; `false` if it is not any more, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn spent(&self, lease: &FilmLease, spent: FilmSpent) -> Result<bool, Error> {
        use films::Column;
        let change = self.rows.write().await?;
        let kept = held(lease)
            .col_expr(Column::CpuMs, Expr::col(Column::CpuMs).add(spent.cpu_ms))
            .col_expr(Column::WallMs, Expr::col(Column::WallMs).add(spent.wall_ms))
            .col_expr(Column::Bytes, Expr::value(spent.bytes))
            .exec(change.on())
            .await?;
        if kept.rows_affected == 0 {
            return Ok(false);
        }
        use workers::Column as Own;
        self.own()
            .col_expr(Own::CpuMs, Expr::col(Own::CpuMs).add(spent.cpu_ms))
            .col_expr(Own::WallMs, Expr::col(Own::WallMs).add(spent.wall_ms))
            .col_expr(Own::MediaMs, Expr::col(Own::MediaMs).add(spent.media_ms))
            .exec(change.on())
            .await?;
        change.commit().await?;
        Ok(true)
    }

    /// One more job of this process is over. It is the last that a change does: rows are had in one order.
    pub(super) async fn count(&self, change: &Change, is_done: bool) -> Result<(), Error> {
        use workers::Column;
        let column = if is_done { Column::JobsDone } else { Column::JobsFailed };
        self.own().col_expr(column, Expr::col(column).add(1_i64)).exec(change.on()).await?;
        Ok(())
    }

    fn own(&self) -> sea_orm::UpdateMany<workers::Entity> {
        workers::Entity::update_many().filter(workers::Column::Id.eq(self.worker.clone()))
    }

    /// Jobs that this process may do: those that encode nothing, and those of films that nobody, or an encoder like its
    /// own, has begun.
    pub(super) fn may(&self) -> Option<Condition> {
        let own = self.encoder.as_ref()?;
        let is_plain = films::Column::Kind.is_not_in(FilmJobKind::MEDIA.map(FilmJobKind::name));
        let is_free = assets::Column::Encoder.is_null();
        let is_own = assets::Column::Encoder.eq(own.clone());
        Some(Condition::any().add(is_plain).add(is_free).add(is_own))
    }

    /// Before a job is taken: whoever encodes the first piece of a film decides by what all of it is encoded.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) async fn adopt(&self, asset: AssetId, kind: FilmJobKind) -> Result<bool, Error> {
        let Some(own) = self.encoder.as_ref().filter(|_| FilmJobKind::MEDIA.contains(&kind)) else {
            return Ok(true);
        };
        let known = || async {
            let row = crate::assets::by_id(asset).one(self.rows.read()).await?;
            Ok::<_, Error>(row.and_then(|row| row.encoder))
        };
        if known().await?.is_none() {
            let change = self.rows.write().await?;
            super::progress::asset(asset)
                .filter(assets::Column::Encoder.is_null())
                .col_expr(assets::Column::Encoder, Expr::value(own.clone()))
                .exec(change.on())
                .await?;
            change.commit().await?;
        }
        Ok(known().await?.as_ref() == Some(own))
    }

    /// Pieces that wait for another encoder than this process has, by their films, the first to come first.
    async fn left(&self, own_only: bool) -> Result<Vec<FilmLeft>, Error> {
        let Some(own) = &self.encoder else { return Ok(Vec::new()) };
        let now_ms = self.rows.now_ms().await?;
        let others = Condition::all()
            .add(open_media(now_ms))
            .add(assets::Column::Encoder.is_not_null())
            .add(assets::Column::Encoder.ne(own.clone()));
        let first = Expr::col((assets::Entity, assets::Column::Position)).min();
        let mut query = self.jobs(own_only, others);
        query
            .column((assets::Entity, assets::Column::Id))
            .column((assets::Entity, assets::Column::Encoder))
            .expr(Expr::col((films::Entity, films::Column::Number)).count())
            .group_by_col((assets::Entity, assets::Column::Id))
            .group_by_col((assets::Entity, assets::Column::Encoder))
            .order_by_expr(first, Order::Asc);
        let mut left = Vec::new();
        for row in self.rows.read().query_all(&query).await? {
            let asset = rows::id(&row.try_get_by_index::<String>(0)?)?;
            let jobs = u64::try_from(row.try_get_by_index::<i64>(2)?).unwrap_or_default();
            left.push(FilmLeft { asset, encoder: row.try_get_by_index(1)?, jobs });
        }
        Ok(left)
    }

    /// A page of workers, the last to begin first, with what they have.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn workers(&self, page: Page) -> Result<WorkerList, Error> {
        let query = workers::Entity::find();
        let found = page.of(query, workers::Column::Position).all(self.rows.read()).await?;
        let (found, next) = page.cut(found, |row| row.position);
        let names: Vec<String> = found.iter().map(|row| row.id.clone()).collect();
        let jobs = films::Entity::find()
            .filter(films::Column::State.eq(JobState::Running.name()))
            .filter(films::Column::Worker.is_in(names))
            .order_by_asc(films::Column::BegunMs)
            .all(self.rows.read())
            .await?;
        let now_ms = self.rows.now_ms().await?;
        let one = |row: &workers::Model| {
            let own = jobs.iter().filter(|job| job.worker.as_ref() == Some(&row.id));
            let jobs = own.map(|job| told(job, now_ms)).collect::<Result<_, _>>()?;
            Ok(Worker { jobs, ..of_row(row, now_ms) })
        };
        let workers = found.iter().map(one).collect::<Result<_, Error>>()?;
        Ok(WorkerList { workers, next })
    }
}

fn of_row(row: &workers::Model, now_ms: i64) -> Worker {
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    let state = match row {
        _ if row.is_over != 0 => WorkerState::Ended,
        _ if row.seen_ms < now_ms.saturating_sub(GONE_MS) => WorkerState::Gone,
        _ if row.is_draining != 0 => WorkerState::Draining,
        _ => WorkerState::Working,
    };
    Worker {
        worker: row.id.clone(),
        node: node_of(&row.id).unwrap_or_default(),
        host: row.host.clone(),
        is_worker: row.is_worker != 0,
        state,
        encoder: row.encoder.clone(),
        hands: positive(row.hands),
        started_at: row.started_ms / 1000,
        seen_at: row.seen_ms / 1000,
        jobs_done: positive(row.jobs_done),
        jobs_failed: positive(row.jobs_failed),
        cpu_ms: positive(row.cpu_ms),
        wall_ms: positive(row.wall_ms),
        media_ms: positive(row.media_ms),
        jobs: Vec::new(),
        other_jobs: positive(row.other_jobs),
        other_encoder: row.other_encoder.clone(),
    }
}

/// Pieces that nobody makes.
fn open_media(now_ms: i64) -> Condition {
    let waits = films::Column::State.eq(JobState::Waiting.name());
    Condition::all()
        .add(films::Column::Kind.is_in(FilmJobKind::MEDIA.map(FilmJobKind::name)))
        .add(Condition::any().add(waits).add(is_due(now_ms)))
}

/// Says of films that nobody who is at work may go on with, what they wait for.
///
/// # Errors
/// Storage errors.
pub(super) async fn say(rows: &Rows, all: &mut [&mut Asset], now_ms: i64) -> Result<(), Error> {
    let going = all.iter().filter(|one| one.state == AssetState::Transcoding);
    let ids: Vec<String> = going.map(|one| one.asset.to_string()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let open: Vec<String> = films::Entity::find()
        .select_only()
        .column(films::Column::AssetId)
        .distinct()
        .filter(films::Column::AssetId.is_in(ids))
        .filter(open_media(now_ms))
        .into_tuple()
        .all(rows.read())
        .await?;
    let wanted: Vec<(String, Option<String>)> = assets::Entity::find()
        .select_only()
        .columns([assets::Column::Id, assets::Column::Encoder])
        .filter(assets::Column::Id.is_in(open))
        .filter(assets::Column::Encoder.is_not_null())
        .into_tuple()
        .all(rows.read())
        .await?;
    if wanted.is_empty() {
        return Ok(());
    }
    let there: Vec<Option<String>> = workers::Entity::find()
        .select_only()
        .column(workers::Column::Encoder)
        .distinct()
        .filter(workers::Column::SeenMs.gte(now_ms.saturating_sub(GONE_MS)))
        .filter(workers::Column::IsOver.eq(0_i64))
        .filter(workers::Column::IsDraining.eq(0_i64))
        .into_tuple()
        .all(rows.read())
        .await?;
    for (id, encoder) in wanted.into_iter().filter(|(_, encoder)| !there.contains(encoder)) {
        let Some(asset) = all.iter_mut().find(|one| one.asset.to_string() == id) else { continue };
        let encoder = encoder.unwrap_or_default();
        asset.reason = Some(format!(
            "it was begun with {encoder}, and no worker that is at work has that: start one, or \
             cancel and transcode it, so that others go on with it"
        ));
    }
    Ok(())
}
