//! Subtitles that are uploaded for assets, as rows; each is a job that makes a rendition of the film of them.
//!
//! In: cues, checked. Out: rows and jobs. Does not know how cues are read, nor what a rendition is.
//!
//! What takes the place of other subtitles is another row, with another number, and so another rendition: what caches
//! have of the old one is never taken for the new one. Whoever changes rows counts that with the asset: a lister that
//! looked before does so once more.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_wire::AssetId;
use shared_wire::api::{AssetState, SUBTITLES_MAX, Subtitles, SubtitlesState};

use super::progress::{asset, list_again};
use super::{FilmJobKind, FilmLease, Films, JobState, NewFilmJob, insert};
use crate::Error;
use crate::rows::{Change, assets, films, subtitles};
use crate::subtitles::SubtitleCue;

/// Subtitles for the film of an asset, checked.
#[derive(Debug, Clone)]
pub(crate) struct NewSubtitles {
    pub(crate) language: String,
    pub(crate) name: String,
    pub(crate) is_default: bool,
    pub(crate) is_forced: bool,
    pub(crate) cues: Vec<SubtitleCue>,
}

/// Subtitles, for whoever makes films.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmSubtitles {
    /// The number of the job that makes them, and of no other subtitles ever.
    pub number: u32,
    /// Their language (BCP 47).
    pub language: String,
    /// What a viewer chooses by.
    pub name: String,
    /// They are shown to whoever chose nothing.
    pub is_default: bool,
    /// They have only what everybody must read.
    pub is_forced: bool,
}

impl Films {
    /// Keeps subtitles, in the place of others of the same kind, and has them made.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotReady`], [`Error::SubtitlesFull`], storage errors; then nothing has
    /// changed.
    pub(crate) async fn put_subtitles(
        &self,
        id: AssetId,
        now: i64,
        new: NewSubtitles,
    ) -> Result<(), Error> {
        use subtitles::Column;
        let change = self.rows.write().await?;
        let known = begin(&change, id).await?;
        if known.state == AssetState::Refused.name() {
            return Err(Error::AssetNotReady);
        }
        remove(&change, id, &new.language, new.is_forced).await?;
        if of_asset(id).count(change.on()).await? >= SUBTITLES_MAX as u64 {
            return Err(Error::SubtitlesFull);
        }
        if new.is_default {
            subtitles::Entity::update_many()
                .filter(Column::AssetId.eq(id.to_string()))
                .col_expr(Column::IsDefault, Expr::value(0_i64))
                .exec(change.on())
                .await?;
        }
        let (language, is_forced) = (new.language.clone(), i64::from(new.is_forced));
        let row = row(id, now, new)?;
        subtitles::Entity::insert(row).exec_without_returning(change.on()).await?;
        let made = of_asset(id)
            .filter(Column::Language.eq(language))
            .filter(Column::IsForced.eq(is_forced))
            .one(change.on())
            .await?;
        if let Some(row) = made.filter(|_| known.made.is_some()) {
            let now_ms = change.now_ms().await?;
            insert(&change, id, number(row.position)?, job(&known)?, now_ms).await?;
        }
        change.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    /// Drops subtitles.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::SubtitlesUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn delete_subtitles(
        &self,
        id: AssetId,
        language: &str,
        is_forced: bool,
    ) -> Result<(), Error> {
        let change = self.rows.write().await?;
        begin(&change, id).await?;
        if !remove(&change, id, language, is_forced).await? {
            return Err(Error::SubtitlesUnknown);
        }
        change.commit().await?;
        self.changed.notify_one();
        Ok(())
    }

    /// The subtitles of an asset, in the order in which they came.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], storage errors.
    pub(crate) async fn list_subtitles(&self, id: AssetId) -> Result<Vec<Subtitles>, Error> {
        let on = self.rows.read();
        crate::assets::by_id(id).one(on).await?.ok_or(Error::AssetUnknown)?;
        let jobs = films::Entity::find()
            .filter(films::Column::AssetId.eq(id.to_string()))
            .filter(films::Column::Kind.eq(FilmJobKind::Texts.name()))
            .all(on)
            .await?;
        let jobs: BTreeMap<i64, &films::Model> = jobs.iter().map(|job| (job.number, job)).collect();
        let found = of_asset(id).all(on).await?;
        found.iter().map(|row| Ok(told(row, jobs.get(&i64::from(number(row.position)?))))).collect()
    }

    /// The same for whoever makes films; their cues are asked for one by one.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn subtitles(&self, id: AssetId) -> Result<Vec<FilmSubtitles>, Error> {
        let found = of_asset(id).all(self.rows.read()).await?;
        found.iter().map(of_row).collect()
    }

    /// Those that a job makes, with their cues; `None` if they are there no more.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn subtitles_of(
        &self,
        lease: &FilmLease,
    ) -> Result<Option<(FilmSubtitles, Vec<SubtitleCue>)>, Error> {
        let Some(position) = lease.number.checked_sub(FilmLease::TEXTS_FIRST) else {
            return Ok(None);
        };
        let row = of_asset(lease.asset)
            .filter(subtitles::Column::Position.eq(i64::from(position)))
            .one(self.rows.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let corrupt =
            |_| Error::Corrupt { what: format!("cues of {} cannot be read", lease.asset) };
        let cues = serde_json::from_str(&row.cues).map_err(corrupt)?;
        Ok(Some((of_row(&row)?, cues)))
    }
}

/// Jobs for the subtitles that were there before it was known how the film is cut.
pub(super) async fn insert_jobs(change: &Change, id: AssetId, now_ms: i64) -> Result<(), Error> {
    let known = crate::assets::by_id(id).one(change.on()).await?.ok_or(Error::AssetUnknown)?;
    for row in of_asset(id).all(change.on()).await? {
        insert(change, id, number(row.position)?, job(&known)?, now_ms).await?;
    }
    Ok(())
}

/// A job that makes subtitles of a film, from its beginning to its end.
fn job(asset: &assets::Model) -> Result<NewFilmJob, Error> {
    let media = crate::assets::of_row(asset)?.media;
    let length_ms = media.map_or(0, |media| media.duration_ms);
    let length_ms = i64::try_from(length_ms).unwrap_or_default();
    Ok(NewFilmJob { kind: FilmJobKind::Texts, from_ms: 0, length_ms })
}

/// Holds the asset, and has its film listed anew.
async fn begin(change: &Change, id: AssetId) -> Result<assets::Model, Error> {
    // The lister's row first, in the order of every change that has both.
    list_again(change, id).await?;
    let row = crate::assets::by_id(id).lock_exclusive().one(change.on()).await?;
    let row = row.ok_or(Error::AssetUnknown)?;
    let changes = Expr::col(assets::Column::SubtitleChanges).add(1_i64);
    asset(id).col_expr(assets::Column::SubtitleChanges, changes).exec(change.on()).await?;
    Ok(row)
}

/// Removes subtitles and their job; whether there were any.
async fn remove(
    change: &Change,
    id: AssetId,
    language: &str,
    is_forced: bool,
) -> Result<bool, Error> {
    use subtitles::Column;
    let found = of_asset(id)
        .filter(Column::Language.eq(language))
        .filter(Column::IsForced.eq(i64::from(is_forced)))
        .one(change.on())
        .await?;
    let Some(row) = found else { return Ok(false) };
    subtitles::Entity::delete_by_id(row.position).exec(change.on()).await?;
    let job = (id.to_string(), i64::from(number(row.position)?));
    films::Entity::delete_by_id(job).exec(change.on()).await?;
    Ok(true)
}

fn of_asset(id: AssetId) -> sea_orm::Select<subtitles::Entity> {
    subtitles::Entity::find()
        .filter(subtitles::Column::AssetId.eq(id.to_string()))
        .order_by_asc(subtitles::Column::Position)
}

fn number(position: i64) -> Result<u32, Error> {
    let position = u32::try_from(position).ok();
    let number = position.and_then(|position| position.checked_add(FilmLease::TEXTS_FIRST));
    number.ok_or(Error::SubtitlesFull)
}

fn row(id: AssetId, now: i64, new: NewSubtitles) -> Result<subtitles::ActiveModel, Error> {
    let broken = |error| Error::Storage { reason: format!("cues cannot be written: {error}") };
    Ok(subtitles::ActiveModel {
        position: NotSet,
        asset_id: Set(id.to_string()),
        language: Set(new.language),
        is_forced: Set(i64::from(new.is_forced)),
        name: Set(new.name),
        is_default: Set(i64::from(new.is_default)),
        cues: Set(serde_json::to_string(&new.cues).map_err(broken)?),
        cue_count: Set(i64::try_from(new.cues.len()).unwrap_or(i64::MAX)),
        created_at: Set(now),
    })
}

fn of_row(row: &subtitles::Model) -> Result<FilmSubtitles, Error> {
    Ok(FilmSubtitles {
        number: number(row.position)?,
        language: row.language.clone(),
        name: row.name.clone(),
        is_default: row.is_default != 0,
        is_forced: row.is_forced != 0,
    })
}

/// Subtitles as they are told, with what became of their job.
fn told(row: &subtitles::Model, job: Option<&&films::Model>) -> Subtitles {
    let is = |state: JobState| job.is_some_and(|job| job.state == state.name());
    let state = match () {
        () if is(JobState::Done) => SubtitlesState::Ready,
        () if is(JobState::Dead) => SubtitlesState::Failed,
        () => SubtitlesState::Making,
    };
    let reason = job.filter(|_| state == SubtitlesState::Failed);
    Subtitles {
        language: row.language.clone(),
        name: row.name.clone(),
        default: row.is_default != 0,
        forced: row.is_forced != 0,
        cues: u64::try_from(row.cue_count).unwrap_or_default(),
        state,
        reason: reason.and_then(|job| job.reason.clone()),
        created_at: row.created_at,
    }
}

#[cfg(test)]
mod tests;
