//! What jobs came to, written under their fence; and how far that brings the asset.
//!
//! In: leases, and what became of them. Out: rows; `false` for whoever was given up for gone. Does not know who decides
//! whether a job is tried again.

use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect as _, UpdateMany,
};
use shared_wire::AssetId;
use shared_wire::api::AssetState;

use super::subtitles::insert_jobs;
use super::{
    FilmJobKind, FilmLease, FilmListed, FilmListing, Films, JobState, NewFilmJob, insert, of,
};
use crate::Error;
use crate::rows::{Change, assets, films};

/// The number of the job that lists.
pub(super) const LIST: u32 = 1;

impl Films {
    /// A film was looked through: how it is cut is kept, and that many jobs are to be done for it: one for its sounds
    /// if there are any, and the chunks of its pictures.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn planned(
        &self,
        lease: &FilmLease,
        made: &str,
        jobs: &[NewFilmJob],
    ) -> Result<bool, Error> {
        let change = self.rows.write().await?;
        if !end(&change, lease, Some("")).await? {
            return Ok(false);
        }
        let now_ms = change.now_ms().await?;
        let list = NewFilmJob::plain(FilmJobKind::List);
        for (number, job) in (LIST..).zip(std::iter::once(&list).chain(jobs)) {
            insert(&change, lease.asset, number, *job, now_ms).await?;
        }
        asset(lease.asset)
            .col_expr(assets::Column::Made, Expr::value(made))
            .exec(change.on())
            .await?;
        insert_jobs(&change, lease.asset, now_ms).await?;
        self.count(&change, true).await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(true)
    }

    /// A job is done: what it came to is kept, and the lister looks at it.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn done(&self, lease: &FilmLease, result: &str) -> Result<bool, Error> {
        let change = self.rows.write().await?;
        list_again(&change, lease.asset).await?;
        if !end(&change, lease, Some(result)).await? {
            return Ok(false);
        }
        self.count(&change, true).await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(true)
    }

    /// A job that goes on has come so far: what there is of its piece can be listed. It takes the place of what an
    /// earlier attempt said, and whoever says it sees to it that it is no less.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn came(&self, lease: &FilmLease, so_far: &str) -> Result<bool, Error> {
        use assets::Column;
        let change = self.rows.write().await?;
        list_again(&change, lease.asset).await?;
        let came = held(lease).col_expr(films::Column::Result, Expr::value(so_far));
        if came.exec(change.on()).await?.rows_affected == 0 {
            return Ok(false);
        }
        // One that lists right now may have looked before.
        asset(lease.asset)
            .col_expr(Column::SubtitleChanges, Expr::col(Column::SubtitleChanges).add(1_i64))
            .exec(change.on())
            .await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(true)
    }

    /// A film was listed as far as it is made: the change that says so, for whoever makes it true together with what is
    /// said of the show. `None`: the lease is lost.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn listed(
        &self,
        lease: &FilmLease,
        listed: FilmListed,
    ) -> Result<Option<Change>, Error> {
        let change = self.rows.write().await?;
        if !end(&change, lease, None).await? {
            return Ok(None);
        }
        let done = count_done(&change, lease.asset, &FilmJobKind::LISTED).await?;
        let row = crate::assets::by_id(lease.asset).lock_exclusive().one(change.on()).await?;
        let changes = row.map_or(listed.subtitle_changes, |row| row.subtitle_changes);
        let is_old = changes != listed.subtitle_changes;
        if is_old || done > u64::try_from(listed.results).unwrap_or(u64::MAX) {
            let waits = Expr::value(JobState::Waiting.name());
            of(lease.asset, lease.number)
                .col_expr(films::Column::State, waits)
                .exec(change.on())
                .await?;
        }
        let now_ms = change.now_ms().await?;
        let is_first = Expr::col(assets::Column::ReadyMs).eq(0_i64);
        let ready_ms = Expr::case(is_first, now_ms).finally(Expr::col(assets::Column::ReadyMs));
        let is_playable = Expr::value(i64::from(listed.is_playable));
        let update = asset(lease.asset).col_expr(assets::Column::IsPlayable, is_playable);
        let update = match listed.is_complete {
            true => update
                .col_expr(assets::Column::State, Expr::value(AssetState::Ready.name()))
                .col_expr(assets::Column::ProgressPercent, Expr::value(100_i64))
                .col_expr(assets::Column::ReadyMs, ready_ms.into()),
            false => update,
        };
        update.exec(change.on()).await?;
        Ok(Some(change))
    }

    /// Which listing of a film is the last.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn listing(&self, id: AssetId) -> Result<Option<FilmListing>, Error> {
        let key = (id.to_string(), i64::from(LIST));
        let row = films::Entity::find_by_id(key).one(self.rows.read()).await?;
        let is_settled = |row: &films::Model| row.state == JobState::Done.name();
        Ok(row.map(|row| FilmListing { number: row.fence, is_settled: is_settled(&row) }))
    }

    /// Whether there are jobs of an asset, done or not: who deletes it, removes them first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn is_wanted(&self, id: AssetId) -> Result<bool, Error> {
        let jobs = films::Entity::find().filter(films::Column::AssetId.eq(id.to_string()));
        Ok(jobs.count(self.rows.read()).await? > 0)
    }

    /// What some jobs came to is nowhere any more: they are done again. `lease` is the lister's.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn redo(&self, lease: &FilmLease, numbers: &[u32]) -> Result<bool, Error> {
        let change = self.rows.write().await?;
        let is_held = held(lease).col_expr(films::Column::Attempts, Expr::value(1_i64));
        if is_held.exec(change.on()).await?.rows_affected == 0 {
            return Ok(false);
        }
        for number in numbers {
            let lost = || of(lease.asset, *number);
            lost()
                .col_expr(films::Column::Result, Expr::value(None::<String>))
                .exec(change.on())
                .await?;
            lost()
                .filter(films::Column::State.eq(JobState::Done.name()))
                .col_expr(films::Column::State, Expr::value(JobState::Waiting.name()))
                .col_expr(films::Column::Attempts, Expr::value(0_i64))
                .exec(change.on())
                .await?;
        }
        change.commit().await?;
        self.changed.notify_one();
        Ok(true)
    }

    /// A job came to nothing. It is tried again after so long; or never, and the asset has failed.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn failed(
        &self,
        lease: &FilmLease,
        reason: &str,
        again_after_ms: Option<i64>,
    ) -> Result<bool, Error> {
        use films::Column;
        let change = self.rows.write().await?;
        let now_ms = change.now_ms().await?;
        let state = if again_after_ms.is_some() { JobState::Waiting } else { JobState::Dead };
        let not_before_ms = now_ms.saturating_add(again_after_ms.unwrap_or_default());
        let failed = held(lease)
            .col_expr(Column::State, Expr::value(state.name()))
            .col_expr(Column::Reason, Expr::value(reason))
            .col_expr(Column::FailedMs, Expr::value(now_ms))
            .col_expr(Column::Failures, Expr::col(Column::Failures).add(1_i64))
            .col_expr(Column::NotBeforeMs, Expr::value(not_before_ms))
            .col_expr(Column::LeasedUntilMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        if failed.rows_affected == 0 {
            return Ok(false);
        }
        // A film is none the worse for subtitles that cannot be made.
        if state == JobState::Dead && lease.kind != FilmJobKind::Texts {
            asset(lease.asset)
                .filter(assets::Column::State.eq(AssetState::Transcoding.name()))
                .col_expr(assets::Column::State, Expr::value(AssetState::Failed.name()))
                .col_expr(assets::Column::Reason, Expr::value(reason))
                .exec(change.on())
                .await?;
        }
        self.count(&change, false).await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(true)
    }

    /// An asset that failed or was cancelled is tried again: what was done of it is kept. Nothing was, if it was not
    /// begun.
    ///
    /// # Errors
    /// [`Error::AssetNotFailed`], storage errors.
    pub(crate) async fn again(&self, id: AssetId, is_begun: bool) -> Result<(), Error> {
        use films::Column;
        let from = [AssetState::Failed, AssetState::Cancelled].map(AssetState::name);
        let to = if is_begun { AssetState::Transcoding } else { AssetState::Uploaded };
        let change = self.rows.write().await?;
        hold_lister(&change, id).await?;
        let again = asset(id)
            .filter(assets::Column::State.is_in(from))
            .col_expr(assets::Column::State, Expr::value(to.name()))
            .col_expr(assets::Column::Reason, Expr::value(None::<String>))
            .col_expr(assets::Column::Node, Expr::value(self.node.clone()))
            // Whoever takes it up goes on with it, also if it was begun by an encoder that is there no more.
            .col_expr(assets::Column::Encoder, Expr::value(None::<String>))
            .exec(change.on())
            .await?;
        if again.rows_affected == 0 {
            return Err(Error::AssetNotFailed);
        }
        let now_ms = change.now_ms().await?;
        films::Entity::update_many()
            .filter(Column::AssetId.eq(id.to_string()))
            .filter(Column::State.ne(JobState::Done.name()))
            .col_expr(Column::State, Expr::value(JobState::Waiting.name()))
            .col_expr(Column::Attempts, Expr::value(0_i64))
            .col_expr(Column::SinceMs, Expr::value(now_ms))
            .col_expr(Column::NotBeforeMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        change.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    /// An asset is not made any further: whoever does something for it learns so when it says that it still does.
    ///
    /// # Errors
    /// [`Error::AssetNotTranscoding`], storage errors; then nothing has changed.
    pub(crate) async fn stop(&self, id: AssetId) -> Result<(), Error> {
        use films::Column;
        let from = [AssetState::Uploaded, AssetState::Transcoding].map(AssetState::name);
        let change = self.rows.write().await?;
        hold_lister(&change, id).await?;
        // With another fence: what is kept from now on is that of whoever begins again.
        films::Entity::update_many()
            .filter(Column::AssetId.eq(id.to_string()))
            .filter(Column::State.eq(JobState::Running.name()))
            .col_expr(Column::State, Expr::value(JobState::Waiting.name()))
            .col_expr(Column::Fence, Expr::col(Column::Fence).add(1_i64))
            .col_expr(Column::LeasedUntilMs, Expr::value(0_i64))
            .exec(change.on())
            .await?;
        let stopped = asset(id)
            .filter(assets::Column::State.is_in(from))
            .col_expr(assets::Column::State, Expr::value(AssetState::Cancelled.name()))
            .exec(change.on())
            .await?;
        if stopped.rows_affected == 0 {
            return Err(Error::AssetNotTranscoding);
        }
        change.commit().await
    }

    /// Nothing more is done for an asset: whoever does something learns so when it says that it still does.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn cancel(&self, id: AssetId) -> Result<(), Error> {
        let change = self.rows.write().await?;
        films::Entity::delete_many()
            .filter(films::Column::AssetId.eq(id.to_string()))
            .exec(change.on())
            .await?;
        change.commit().await
    }
}

/// The job of a lease, for as long as nobody else was granted it and somebody wants it done.
pub(super) fn held(lease: &FilmLease) -> UpdateMany<films::Entity> {
    of(lease.asset, lease.number)
        .filter(films::Column::Fence.eq(lease.fence))
        .filter(films::Column::State.eq(JobState::Running.name()))
}

/// Ends a job that is held; what it came to is kept, if it came to anything that is.
async fn end(change: &Change, lease: &FilmLease, result: Option<&str>) -> Result<bool, Error> {
    use films::Column;
    let ended = held(lease)
        .col_expr(Column::State, Expr::value(JobState::Done.name()))
        .col_expr(Column::LeasedUntilMs, Expr::value(0_i64))
        .col_expr(Column::Attempts, Expr::value(0_i64))
        .col_expr(Column::Reason, Expr::value(None::<String>))
        .col_expr(Column::Result, Expr::value(result))
        .exec(change.on())
        .await?;
    Ok(ended.rows_affected > 0)
}

/// The lister looks once more. Its row is held first, in the order of every change that has it and others: an update
/// alone would neither see nor wait for one that ends right now and has not been committed.
pub(super) async fn list_again(change: &Change, id: AssetId) -> Result<(), Error> {
    hold_lister(change, id).await?;
    let now_ms = change.now_ms().await?;
    of(id, LIST)
        .filter(films::Column::State.eq(JobState::Done.name()))
        .col_expr(films::Column::State, Expr::value(JobState::Waiting.name()))
        .col_expr(films::Column::SinceMs, Expr::value(now_ms))
        .exec(change.on())
        .await?;
    Ok(())
}

/// The row of the lister, held: it does not end while something is added that it has not seen.
async fn hold_lister(change: &Change, id: AssetId) -> Result<(), Error> {
    let key = (id.to_string(), i64::from(LIST));
    films::Entity::find_by_id(key).lock_exclusive().one(change.on()).await?;
    Ok(())
}

/// The jobs of an asset of these kinds.
fn of_kinds(id: AssetId, kinds: &[FilmJobKind]) -> sea_orm::Select<films::Entity> {
    films::Entity::find()
        .filter(films::Column::AssetId.eq(id.to_string()))
        .filter(films::Column::Kind.is_in(kinds.iter().map(|kind| kind.name())))
}

async fn count_done(change: &Change, id: AssetId, kinds: &[FilmJobKind]) -> Result<u64, Error> {
    let done = of_kinds(id, kinds).filter(films::Column::State.eq(JobState::Done.name()));
    Ok(done.count(change.on()).await?)
}

pub(super) fn asset(id: AssetId) -> UpdateMany<assets::Entity> {
    assets::Entity::update_many().filter(assets::Column::Id.eq(id.to_string()))
}
