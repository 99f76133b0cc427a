//! Films as rows: what is to be done to transcode assets, who does it, and how far it is.
//!
//! In: what runners and listers ask. Out: jobs with a lease, results that are kept once. Does not know media, nor what
//! a result says.
//!
//! A job is had under a **fence**, greater than that of any grant before, for as long as its lease is renewed, by the
//! database's clock. What is written names the fence: a runner that was given up for gone changes nothing any more.

mod job;
mod progress;
pub(crate) mod share;
mod statistics;
mod subtitles;
mod told;
mod turn;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_wire::api::{AssetState, KeepHdr, MediaInfo};
use shared_wire::{AssetId, ShowId};
use tokio::sync::Notify;

use crate::rows::{self, Change, Rows, assets, films};
use crate::secret::new_id;
use crate::{Config, Error};

use job::JobState;
pub use job::{FilmJob, FilmJobKind, FilmLease, NewFilmJob};
use progress::held;
pub use subtitles::FilmSubtitles;
pub(crate) use subtitles::NewSubtitles;
pub(crate) use told::Fallen;
pub use turn::FilmsWaiting;
pub use workers::{FilmLeft, FilmSpent};

/// Assets that are begun at once.
const BEGUN_MAX: u64 = 16;

/// What is there to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmsDue {
    /// Jobs that somebody may take, the next one first.
    pub jobs: Vec<FilmJob>,
    /// The database's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// A film, for whoever works at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    /// The show under which it is played.
    pub show: ShowId,
    /// When its file came, in seconds since the Unix epoch.
    pub created_at: i64,
    /// What is in its file.
    pub media: MediaInfo,
    /// How the range of its HDR is kept, if it has any.
    pub keep_hdr: KeepHdr,
    /// How it is cut, as its runner wrote it; `None` until it was looked through.
    pub made: Option<String>,
    /// How often its uploaded subtitles have changed, or a job that goes on came further.
    pub subtitle_changes: i64,
}

/// How far a film is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilmListed {
    /// Results of jobs that are done that were looked at.
    pub results: usize,
    /// Whether its beginning can be played.
    pub is_playable: bool,
    /// Whether nothing more comes.
    pub is_complete: bool,
    /// Whether there is a cover.
    pub has_cover: bool,
    /// [`Film::subtitle_changes`], before anything was looked at.
    pub subtitle_changes: i64,
}

/// Which listing of a film was the last to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilmListing {
    /// Its fence: greater than that of any before.
    pub number: i64,
    /// Whether it is over, and nothing has come since.
    pub is_settled: bool,
}

/// All films.
pub(crate) struct Films {
    rows: Rows,
    lease_ms: i64,
    passed_over_ms_max: i64,
    node: String,
    worker: String,
    is_worker: bool,
    /// What this process encodes by.
    encoder: Option<String>,
    host: Option<String>,
    /// Told when there may be something to do.
    pub(crate) changed: Arc<Notify>,
}

impl Films {
    /// `node` is this node's name, the same at every start.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub(crate) fn new(
        rows: Rows,
        config: &Config,
        node: &str,
        changed: Arc<Notify>,
    ) -> Result<Self, Error> {
        let process: AssetId = new_id()?;
        // What a process that only works has, is not that of an earlier process of the node beside it.
        let role = if config.is_worker { ":worker" } else { "" };
        let worker = format!("{node}{role}/{process}");
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let (lease_ms, passed_over_ms_max) = (ms(config.lease), ms(config.films_passed_over_max));
        let (is_worker, node) = (config.is_worker, node.to_owned());
        let (encoder, host) = (config.encoder.clone(), config.host.clone());
        Ok(Self {
            rows,
            lease_ms,
            passed_over_ms_max,
            node,
            worker,
            is_worker,
            encoder,
            host,
            changed,
        })
    }

    /// Assets that nothing is made of yet, and could be.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn uploaded(&self) -> Result<Vec<AssetId>, Error> {
        let found = assets::Entity::find()
            .filter(assets::Column::State.eq(AssetState::Uploaded.name()))
            .order_by_asc(assets::Column::Position)
            .limit(BEGUN_MAX)
            .all(self.rows.read())
            .await?;
        found.iter().map(|row| rows::id(&row.id)).collect()
    }

    /// Begins to make the film of an asset that is uploaded, which is played under this show.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn begin(&self, asset: AssetId, show: ShowId) -> Result<(), Error> {
        use assets::Column;
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let begun = assets::Entity::update_many()
            .filter(Column::Id.eq(asset.to_string()))
            .filter(Column::State.eq(AssetState::Uploaded.name()))
            .col_expr(Column::State, Expr::value(AssetState::Transcoding.name()))
            .col_expr(Column::ShowId, Expr::value(show.to_string()))
            .col_expr(Column::Node, Expr::value(self.node.clone()))
            .col_expr(Column::BegunMs, Expr::value(now_ms))
            .exec(change.on())
            .await?;
        if begun.rows_affected == 0 {
            return Ok(());
        }
        insert(&change, asset, 0, NewFilmJob::plain(FilmJobKind::Index), now_ms).await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    /// What an earlier process of this node had, is free: only one has the data directory, so that one is dead.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn free_own(&self) -> Result<(), Error> {
        use films::Column;
        let change = self.rows.write().await?;
        films::Entity::update_many()
            .filter(Column::State.eq(JobState::Running.name()))
            .filter(Column::Worker.starts_with(format!("{}/", self.node)))
            .filter(Column::Worker.ne(self.worker.clone()))
            .col_expr(Column::LeasedUntilMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        change.commit().await
    }

    /// Takes a job as it was seen; `None` if somebody else was faster, or its film is another encoder's by now.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn claim(&self, job: &FilmJob) -> Result<Option<FilmLease>, Error> {
        use films::Column;
        if !self.adopt(job.asset, job.kind).await? {
            return Ok(None);
        }
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let fence = job.fence.saturating_add(1);
        // Whose lease ran out did not say what became of it: that counts as an attempt.
        let claimed = of(job.asset, job.number)
            .filter(Column::Fence.eq(job.fence))
            .filter(is_due(now_ms))
            .col_expr(Column::State, Expr::value(JobState::Running.name()))
            .col_expr(Column::Fence, Expr::value(fence))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1_i64))
            .col_expr(Column::Worker, Expr::value(self.worker.clone()))
            .col_expr(Column::LeasedUntilMs, Expr::value(now_ms.saturating_add(self.lease_ms)))
            .col_expr(Column::BegunMs, Expr::value(now_ms))
            .col_expr(Column::DoneMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        if claimed.rows_affected > 0 && FilmJobKind::MEDIA.contains(&job.kind) {
            assets::Entity::update_many()
                .filter(assets::Column::Id.eq(job.asset.to_string()))
                .col_expr(assets::Column::ServedMs, Expr::value(now_ms))
                .exec(change.on())
                .await?;
        }
        change.commit().await?;
        let attempts = job.attempts.saturating_add(1);
        let FilmJob { asset, number, kind, .. } = *job;
        let lease = FilmLease { asset, number, kind, attempts, fence };
        Ok((claimed.rows_affected > 0).then_some(lease))
    }

    /// Says that a job is still being done, and how much of its piece is made; `false` if it is somebody else's, or
    /// nobody wants it any more.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn keep(&self, lease: &FilmLease, done_ms: i64) -> Result<bool, Error> {
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let until = Expr::value(now_ms.saturating_add(self.lease_ms));
        // One may have been taken while its film was cancelled.
        let cancelled = Query::select()
            .column(assets::Column::Id)
            .from(assets::Entity)
            .and_where(assets::Column::Id.eq(lease.asset.to_string()))
            .and_where(assets::Column::State.eq(AssetState::Cancelled.name()))
            .to_owned();
        let kept = held(lease)
            .filter(films::Column::AssetId.not_in_subquery(cancelled))
            .col_expr(films::Column::LeasedUntilMs, until)
            .col_expr(films::Column::DoneMs, Expr::value(done_ms))
            .exec(change.on())
            .await?;
        change.commit().await?;
        Ok(kept.rows_affected > 0)
    }

    /// Gives a job back that was not done to its end, through no fault of its own.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn give_back(&self, lease: &FilmLease) -> Result<(), Error> {
        use films::Column;
        let change = self.rows.write().await?;
        held(lease)
            .col_expr(Column::State, Expr::value(JobState::Waiting.name()))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1_i64))
            .col_expr(Column::LeasedUntilMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    /// A film; what its jobs came to is asked for by [`Self::results`].
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotReady`], storage errors.
    pub(crate) async fn get(&self, id: AssetId) -> Result<Film, Error> {
        let row = crate::assets::by_id(id).one(self.rows.read()).await?;
        let row = row.ok_or(Error::AssetUnknown)?;
        let asset = crate::assets::of_row(&row)?;
        Ok(Film {
            show: asset.show.ok_or(Error::AssetNotReady)?,
            created_at: asset.created_at,
            media: asset.media.ok_or(Error::AssetNotReady)?,
            keep_hdr: asset.keep_hdr.unwrap_or_default(),
            made: row.made,
            subtitle_changes: row.subtitle_changes,
        })
    }

    /// What the jobs of a film came to that are done, in order.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn results(&self, id: AssetId) -> Result<Vec<(u32, String)>, Error> {
        let is_done = films::Column::State.eq(JobState::Done.name());
        self.results_that(id, Condition::all().add(is_done)).await
    }

    /// How far jobs of a film came that are not done, in order.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn so_far(&self, id: AssetId) -> Result<Vec<(u32, String)>, Error> {
        let goes_on = films::Column::State.ne(JobState::Done.name());
        self.results_that(id, Condition::all().add(goes_on)).await
    }

    async fn results_that(
        &self,
        id: AssetId,
        which: Condition,
    ) -> Result<Vec<(u32, String)>, Error> {
        let found: Vec<(i64, Option<String>)> = films::Entity::find()
            .select_only()
            .columns([films::Column::Number, films::Column::Result])
            .filter(films::Column::AssetId.eq(id.to_string()))
            .filter(which)
            .filter(films::Column::Kind.is_in(FilmJobKind::LISTED.map(FilmJobKind::name)))
            .filter(films::Column::Result.is_not_null())
            .order_by_asc(films::Column::Number)
            .into_tuple()
            .all(self.rows.read())
            .await?;
        let known =
            |(number, result): (i64, Option<String>)| Some((u32::try_from(number).ok()?, result?));
        Ok(found.into_iter().filter_map(known).collect())
    }
}

/// One job, to be changed.
fn of(asset: AssetId, number: u32) -> sea_orm::UpdateMany<films::Entity> {
    films::Entity::update_many()
        .filter(films::Column::AssetId.eq(asset.to_string()))
        .filter(films::Column::Number.eq(i64::from(number)))
}

/// Nobody has it, and it need not wait any longer.
fn is_due(now_ms: i64) -> Condition {
    use films::Column;
    let waits = Condition::all()
        .add(Column::State.eq(JobState::Waiting.name()))
        .add(Column::NotBeforeMs.lte(now_ms));
    let is_left = Condition::all()
        .add(Column::State.eq(JobState::Running.name()))
        .add(Column::LeasedUntilMs.lte(now_ms));
    Condition::any().add(waits).add(is_left)
}

/// Adds a job that waits.
async fn insert(
    change: &Change,
    asset: AssetId,
    number: u32,
    new: NewFilmJob,
    now_ms: i64,
) -> Result<(), Error> {
    let row = films::ActiveModel {
        asset_id: Set(asset.to_string()),
        number: Set(i64::from(number)),
        kind: Set(new.kind.name().to_owned()),
        state: Set(JobState::Waiting.name().to_owned()),
        attempts: Set(0),
        since_ms: Set(now_ms),
        not_before_ms: Set(0),
        leased_until_ms: Set(0),
        fence: Set(0),
        worker: Set(None),
        reason: Set(None),
        failed_ms: Set(0),
        from_ms: Set(new.from_ms),
        length_ms: Set(new.length_ms),
        done_ms: Set(0),
        begun_ms: Set(0),
        failures: Set(0),
        cpu_ms: Set(0),
        wall_ms: Set(0),
        bytes: Set(0),
        result: Set(None),
    };
    films::Entity::insert(row).exec_without_returning(change.on()).await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
