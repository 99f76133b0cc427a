//! Jobs, for people: those of one asset, and those that were given up.
//!
//! In: pages. Out: rows as the API has them. Does not know who does the jobs.

use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use shared_wire::AssetId;
use shared_wire::api::{AssetJob, AssetJobList};

use super::Films;
use super::job::JobState;
use crate::Error;
use crate::page::Page;
use crate::rows::{self, assets, films};

/// A row of the list of jobs that were given up: when, of which asset, which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fallen(i64, AssetId, i64);

impl Fallen {
    /// Reads a cursor.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is none of ours.
    pub(crate) fn read(cursor: &str) -> Result<Self, Error> {
        let mut parts = cursor.splitn(3, '-');
        let mut next = || parts.next().unwrap_or_default();
        let (ms, id, number) = (next().parse().ok(), next().parse().ok(), next().parse().ok());
        let reason = || "must be the `next` of an earlier page".to_owned();
        let invalid = || Error::Invalid { field: "cursor", reason: reason() };
        ms.zip(id).zip(number).map(|((ms, id), at)| Self(ms, id, at)).ok_or_else(invalid)
    }
}

impl Films {
    /// A page of the jobs of an asset, in their order.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn jobs_of(&self, id: AssetId, page: Page) -> Result<AssetJobList, Error> {
        let query = films::Entity::find().filter(films::Column::AssetId.eq(id.to_string()));
        let found = page.upwards(query, films::Column::Number).all(self.rows.read()).await?;
        let (found, next) = page.cut(found, |row| row.number.saturating_add(1));
        Ok(AssetJobList { jobs: self.told(&found).await?, next })
    }

    /// A page of the jobs that were given up, the last to fail first, behind this one; of all assets, or those of an
    /// account.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn fallen(
        &self,
        page: Page,
        behind: Option<Fallen>,
        account: Option<&str>,
    ) -> Result<AssetJobList, Error> {
        use films::Column;
        let mut query = films::Entity::find().filter(Column::State.eq(JobState::Dead.name()));
        if let Some(Fallen(ms, id, number)) = behind {
            let same = Condition::all().add(Column::FailedMs.eq(ms));
            let other = same.clone().add(Column::AssetId.gt(id.to_string()));
            let own = same.add(Column::AssetId.eq(id.to_string())).add(Column::Number.gt(number));
            query = query.filter(Condition::any().add(Column::FailedMs.lt(ms)).add(other).add(own));
        }
        if let Some(name) = account {
            let own = Query::select()
                .column(assets::Column::Id)
                .from(assets::Entity)
                .and_where(assets::Column::Account.eq(name))
                .to_owned();
            query = query.filter(Column::AssetId.in_subquery(own));
        }
        let found = query
            .order_by_desc(Column::FailedMs)
            .order_by_asc(Column::AssetId)
            .order_by_asc(Column::Number)
            .limit(page.rows())
            .all(self.rows.read())
            .await?;
        let cursor =
            |row: &films::Model| format!("{}-{}-{}", row.failed_ms, row.asset_id, row.number);
        let (found, next) = page.cut(found, cursor);
        Ok(AssetJobList { jobs: self.told(&found).await?, next })
    }

    async fn told(&self, found: &[films::Model]) -> Result<Vec<AssetJob>, Error> {
        let now_ms = self.rows.now_ms().await?;
        found.iter().map(|row| told(row, now_ms)).collect()
    }
}

/// A worker is a node and its process.
pub(super) fn node_of(worker: &str) -> Option<String> {
    worker.rsplit_once('/').map(|(node, _)| node.to_owned())
}

pub(super) fn told(row: &films::Model, now_ms: i64) -> Result<AssetJob, Error> {
    let positive = |number: i64| u64::try_from(number).unwrap_or_default();
    let done_ms = match row.state.as_str() {
        name if name == JobState::Done.name() => row.length_ms,
        name if name == JobState::Running.name() => row.done_ms.min(row.length_ms),
        _ => 0,
    };
    let waits = row.state == JobState::Waiting.name() && row.not_before_ms > now_ms;
    Ok(AssetJob {
        asset: rows::id(&row.asset_id)?,
        number: u32::try_from(row.number).unwrap_or_default(),
        kind: row.kind.clone(),
        state: row.state.clone(),
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        from_ms: positive(row.from_ms),
        length_ms: positive(row.length_ms),
        done_ms: positive(done_ms),
        node: row.worker.as_deref().and_then(node_of),
        reason: row.reason.clone(),
        failed_at: (row.failed_ms > 0).then_some(row.failed_ms / 1000),
        again_at: waits.then_some(row.not_before_ms / 1000),
    })
}
