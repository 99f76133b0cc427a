//! `/v1/assets/{asset}/retention`: how long an asset is kept.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know who deletes it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::api::{Asset, Retention};

use super::assets::Which;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `PUT /v1/assets/{asset}/retention`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Which(id): Which,
    Body(keep): Body<Retention>,
) -> Result<Json<Asset>, Refusal> {
    let asset = house.assets.keep(id, Some(keep)).await?;
    let Retention { keep_until, forever } = keep;
    tracing::info!(asset = %id, keep_until, forever, "an asset says how long it is kept");
    Ok(Json(asset))
}

/// `DELETE /v1/assets/{asset}/retention`: as the house has it.
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<Asset>, Refusal> {
    let asset = house.assets.keep(id, None).await?;
    tracing::info!(asset = %id, "an asset is kept as long as the house has it");
    Ok(Json(asset))
}
