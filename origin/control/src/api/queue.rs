//! `/v1/failed-jobs`, `/v1/workers`, and what is done for an asset: jobs, cancelled, begun again; what that took.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows, nor who does the jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::request::Parts;
use shared_wire::api::{Asset, AssetJobList, AssetStatistics, WorkerList};

use super::access::Asker;
use super::address::{PageQuery, malformed_query};
use super::assets::{Which, upload};
use super::refusal::Refusal;
use crate::House;
use crate::films::Fallen;
use crate::page::Page;

/// `GET /v1/assets/{asset}/jobs`
pub(super) async fn jobs(
    State(house): State<Arc<House>>,
    Which(asset): Which,
    page: Page,
) -> Result<Json<AssetJobList>, Refusal> {
    house.assets.get(asset).await?;
    Ok(Json(house.films.jobs_of(asset, page).await?))
}

/// Which page of the jobs that were given up.
pub(super) struct Behind(Page, Option<Fallen>);

impl FromRequestParts<Arc<House>> for Behind {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        let query = Query::<PageQuery>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| malformed_query(&error))?;
        let page = Page::new(&house.config, query.limit, None)?;
        Ok(Self(page, query.cursor.as_deref().map(Fallen::read).transpose()?))
    }
}

/// `GET /v1/failed-jobs`
pub(super) async fn failed(
    State(house): State<Arc<House>>,
    Asker(who): Asker,
    Behind(page, behind): Behind,
) -> Result<Json<AssetJobList>, Refusal> {
    Ok(Json(house.films.fallen(page, behind, who.account()).await?))
}

/// `GET /v1/assets/{asset}/statistics`
pub(super) async fn statistics(
    State(house): State<Arc<House>>,
    Which(asset): Which,
) -> Result<Json<AssetStatistics>, Refusal> {
    Ok(Json(house.films.statistics(asset, house.now()).await?))
}

/// `GET /v1/workers`
pub(super) async fn workers(
    State(house): State<Arc<House>>,
    page: Page,
) -> Result<Json<WorkerList>, Refusal> {
    Ok(Json(house.films.workers(page).await?))
}

/// `POST /v1/assets/{asset}/transcode`: once more, of what has failed or was cancelled.
pub(super) async fn transcode(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<Asset>, Refusal> {
    let Asset { show, is_playable, .. } = upload(&house, id).await?;
    house.films.again(id, show.is_some()).await?;
    if let Some(show) = show {
        house.shows.set_film(show, is_playable, true).await?;
    }
    tracing::info!(asset = %id, "an asset is transcoded once more");
    Ok(Json(house.assets.get(id).await?))
}

/// `POST /v1/assets/{asset}/cancel`
pub(super) async fn cancel(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<Asset>, Refusal> {
    upload(&house, id).await?;
    house.films.stop(id).await?;
    // Other nodes hear of it when they say that they go on.
    if let Ok(files) = house.files() {
        files.halt(id);
    }
    let asset = house.assets.get(id).await?;
    if let Some(show) = asset.show {
        house.shows.set_film(show, asset.is_playable, false).await?;
    }
    tracing::info!(asset = %id, "an asset is not transcoded any further");
    Ok(Json(asset))
}
