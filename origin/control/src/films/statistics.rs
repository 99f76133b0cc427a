//! What an asset takes, took and gave.
//!
//! In: rows. Out: numbers. Does not know who counts; nothing that a viewer asks for is counted here.

use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect,
};
use shared_wire::api::AssetStatistics;
use shared_wire::{AssetId, ShowId};

use super::Films;
use super::job::{FilmJobKind, JobState};
use crate::Error;
use crate::rows::{films, sessions};

/// Jobs of one kind and in one state.
#[derive(Debug, FromQueryResult)]
struct Group {
    kind: String,
    state: String,
    jobs: i64,
    failures: i64,
    cpu_ms: i64,
    wall_ms: i64,
    bytes: i64,
    length_ms: i64,
}

impl Films {
    /// Statistics of an asset; `now` is the house's clock, which sessions go by.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], storage errors.
    pub(crate) async fn statistics(&self, id: AssetId, now: i64) -> Result<AssetStatistics, Error> {
        let row = crate::assets::by_id(id).one(self.rows.read()).await?;
        let row = row.ok_or(Error::AssetUnknown)?;
        let asset = crate::assets::of_row(&row)?;
        let groups = self.groups(id).await?;
        let positive = |number: i64| u64::try_from(number).unwrap_or_default();
        let sum = |is: &dyn Fn(&Group) -> bool, of: fn(&Group) -> i64| {
            let sum = groups.iter().filter(|group| is(group)).map(of);
            positive(sum.fold(0, i64::saturating_add))
        };
        let is = |state: JobState| move |group: &Group| group.state == state.name();
        let made = |kind: FilmJobKind| {
            let is =
                |group: &Group| group.kind == kind.name() && group.state == JobState::Done.name();
            sum(&is, |group| group.length_ms)
        };
        let has_chunks = groups.iter().any(|group| group.kind == FilmJobKind::Chunk.name());
        let took_ms = positive(row.ready_ms.saturating_sub(row.begun_ms));
        let duration_ms = asset.media.as_ref().map_or(0, |media| media.duration_ms);
        let at = |ms: i64| (ms > 0).then_some(ms / 1000);
        let (sessions, sessions_active) = self.sessions(asset.show, now).await?;
        Ok(AssetStatistics {
            asset: id,
            source_bytes: asset.bytes,
            made_bytes: sum(&|_| true, |group| group.bytes),
            jobs_done: sum(&is(JobState::Done), |group| group.jobs),
            jobs_left: sum(&is(JobState::Waiting), |group| group.jobs)
                .saturating_add(sum(&is(JobState::Running), |group| group.jobs)),
            jobs_dead: sum(&is(JobState::Dead), |group| group.jobs),
            failures: sum(&|_| true, |group| group.failures),
            cpu_ms: sum(&|_| true, |group| group.cpu_ms),
            wall_ms: sum(&|_| true, |group| group.wall_ms),
            made_ms: made(if has_chunks { FilmJobKind::Chunk } else { FilmJobKind::Sounds }),
            speed_percent: duration_ms.saturating_mul(100).checked_div(took_ms),
            begun_at: at(row.begun_ms),
            ready_at: at(row.ready_ms),
            encoder: row.encoder,
            sessions,
            sessions_active,
        })
    }

    async fn groups(&self, id: AssetId) -> Result<Vec<Group>, Error> {
        use films::Column;
        let sum = |what: &str| Expr::cust(format!("CAST(COALESCE(SUM({what}), 0) AS BIGINT)"));
        let mut query = films::Entity::find().select_only().columns([Column::Kind, Column::State]);
        query = query.expr_as(sum("1"), "jobs");
        for name in ["failures", "cpu_ms", "wall_ms", "bytes", "length_ms"] {
            query = query.expr_as(sum(name), name);
        }
        let found = query
            .filter(Column::AssetId.eq(id.to_string()))
            .filter(Column::Kind.ne(FilmJobKind::List.name()))
            .group_by(Column::Kind)
            .group_by(Column::State)
            .into_model::<Group>()
            .all(self.rows.read())
            .await?;
        Ok(found)
    }

    /// Sessions of a show that somebody swapped a ticket for and that are listed, and those that may play.
    async fn sessions(&self, show: Option<ShowId>, now: i64) -> Result<(u64, u64), Error> {
        use sessions::Column;
        let Some(show) = show else { return Ok((0, 0)) };
        // Those without a device came with their tickets: nobody need play them.
        let all = sessions::Entity::find()
            .filter(Column::ShowId.eq(show.to_string()))
            .filter(Column::Device.is_not_null());
        let may = Condition::all()
            .add(Column::ExpiresAt.gt(now))
            .add(Column::EndedAt.is_null())
            .add(Column::DeniedAs.is_null());
        let active = all.clone().filter(may).count(self.rows.read()).await?;
        Ok((all.count(self.rows.read()).await?, active))
    }
}
