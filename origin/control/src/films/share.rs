//! How far a film is, and about how long the rest takes.
//!
//! In: rows of jobs, the database's clock. Out: what is said of their assets. Does not know who does the jobs.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use shared_wire::api::{Asset, AssetState};

use super::job::{FilmJobKind, JobState};
use crate::Error;
use crate::rows::{Rows, films};

/// Sounds take one part in so many of what pictures of the same length do.
const SOUNDS_PART: i64 = 20;
/// How long the rest takes is judged by what was begun within so long, in milliseconds.
const LATELY_MS: i64 = 600_000;

/// Jobs of an asset, of one kind and in one state.
#[derive(Debug, FromQueryResult)]
struct Group {
    asset_id: String,
    kind: String,
    state: String,
    jobs: i64,
    length_ms: i64,
    done_ms: i64,
    /// The same of those that were begun lately or are being done, and when the first of them was.
    late_jobs: i64,
    late_length_ms: i64,
    begun_ms: Option<i64>,
}

/// What there is to do for a film, what of it is done, and what of that lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    all: i64,
    done: i64,
    lately: i64,
    since_ms: Option<i64>,
}

/// Says of assets that are not whole how far they are.
///
/// # Errors
/// Storage errors.
pub(crate) async fn say(rows: &Rows, assets: &mut [Asset]) -> Result<(), Error> {
    let is_part = |asset: &&mut Asset| {
        let states = [AssetState::Transcoding, AssetState::Failed, AssetState::Cancelled];
        states.contains(&asset.state)
    };
    let mut part: Vec<&mut Asset> = assets.iter_mut().filter(is_part).collect();
    if part.is_empty() {
        return Ok(());
    }
    let now_ms = rows.now_ms().await?;
    let ids = part.iter().map(|asset| asset.asset.to_string()).collect();
    let shares = shares(rows, ids, now_ms).await?;
    super::workers::say(rows, &mut part, now_ms).await?;
    for asset in part {
        let share = shares.get(&asset.asset.to_string()).copied().unwrap_or_default();
        asset.progress_percent = share.percent();
        if asset.state == AssetState::Transcoding {
            asset.left_s = share.left_s(now_ms);
        }
    }
    Ok(())
}

async fn shares(
    rows: &Rows,
    ids: Vec<String>,
    now_ms: i64,
) -> Result<BTreeMap<String, Share>, Error> {
    use films::Column;
    let is_late =
        format!("begun_ms >= {} OR state = 'running'", now_ms.saturating_sub(LATELY_MS).max(1));
    let sum = |what: &str| Expr::cust(format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)"));
    let late = |what: &str| format!("CASE WHEN {is_late} THEN {what} END");
    let found = films::Entity::find()
        .select_only()
        .columns([Column::AssetId, Column::Kind, Column::State])
        .expr_as(sum("1"), "jobs")
        .expr_as(sum("length_ms"), "length_ms")
        .expr_as(sum("done_ms"), "done_ms")
        .expr_as(sum(&late("1")), "late_jobs")
        .expr_as(sum(&late("length_ms")), "late_length_ms")
        .expr_as(Expr::cust(format!("MIN({})", late("begun_ms"))), "begun_ms")
        .filter(Column::AssetId.is_in(ids))
        .filter(Column::Kind.is_in(FilmJobKind::MEDIA.map(FilmJobKind::name)))
        .group_by(Column::AssetId)
        .group_by(Column::Kind)
        .group_by(Column::State)
        .into_model::<Group>()
        .all(rows.read())
        .await?;
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    for group in found {
        shares.entry(group.asset_id.clone()).or_default().add(&group);
    }
    Ok(shares)
}

impl Share {
    fn add(&mut self, group: &Group) {
        let is_sounds = group.kind == FilmJobKind::Sounds.name();
        let part = if is_sounds { SOUNDS_PART } else { 1 };
        // One more for each: there are jobs whose length nobody wrote down.
        let whole = |ms: i64, jobs: i64| (ms / part).saturating_add(jobs);
        self.all = self.all.saturating_add(whole(group.length_ms, group.jobs));
        let (done, lately) = match group.state.as_str() {
            name if name == JobState::Done.name() => {
                (whole(group.length_ms, group.jobs), whole(group.late_length_ms, group.late_jobs))
            }
            name if name == JobState::Running.name() => {
                let done = group.done_ms.min(group.length_ms) / part;
                (done, done)
            }
            _ => return,
        };
        self.done = self.done.saturating_add(done);
        self.lately = self.lately.saturating_add(lately);
        self.since_ms = [self.since_ms, group.begun_ms].into_iter().flatten().min();
    }

    fn percent(self) -> u8 {
        let percent = i128::from(self.done) * 100 / i128::from(self.all.max(1));
        u8::try_from(percent.clamp(0, 100)).unwrap_or(100)
    }

    /// As long as it took lately, for as much as is left.
    fn left_s(self, now_ms: i64) -> Option<u64> {
        let took_ms = i128::from(now_ms.saturating_sub(self.since_ms?).max(1));
        let left = i128::from(self.all.saturating_sub(self.done).max(0));
        let left_ms = (left * took_ms).checked_div(i128::from(self.lately))?;
        u64::try_from(left_ms).ok().map(|ms| ms.div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(kind: FilmJobKind, state: JobState, jobs: i64, ms: i64) -> Group {
        Group {
            asset_id: String::new(),
            kind: kind.name().to_owned(),
            state: state.name().to_owned(),
            jobs,
            length_ms: ms,
            done_ms: ms / 2,
            late_jobs: jobs,
            late_length_ms: ms,
            begun_ms: Some(1_000),
        }
    }

    #[test]
    fn what_is_left_is_judged_by_what_was_done() {
        let mut share = Share::default();
        assert_eq!((share.percent(), share.left_s(9)), (0, None));
        share.add(&group(FilmJobKind::Chunk, JobState::Waiting, 1, 499_999));
        assert_eq!((share.percent(), share.left_s(9)), (0, None), "nothing was begun");
        share.add(&group(FilmJobKind::Sounds, JobState::Done, 1, 19_980));
        assert_eq!(share.percent(), 0, "sounds are a small part");
        share.add(&group(FilmJobKind::Chunk, JobState::Running, 1, 499_999));
        // A quarter of the pictures within 25 s.
        assert_eq!((share.percent(), share.left_s(26_000)), (25, Some(75)));
        // Whatever is written, it is a number.
        let mut share = Share::default();
        share.add(&group(FilmJobKind::Chunk, JobState::Done, i64::MAX, i64::MAX));
        share.add(&group(FilmJobKind::Chunk, JobState::Running, 1, -5));
        assert!(share.percent() <= 100 && share.left_s(i64::MIN).is_some());
    }
}
