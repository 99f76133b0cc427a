//! `/v1/assets/{asset}/trim`: what of an asset is shown.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know playlists.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::api::{Asset, Trim};

use super::assets::Which;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `PUT /v1/assets/{asset}/trim`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Which(id): Which,
    Body(trim): Body<Trim>,
) -> Result<Json<Asset>, Refusal> {
    let asset = house.assets.trim(id, Some(trim)).await?;
    let Trim { in_ms, out_ms } = trim;
    tracing::info!(asset = %id, in_ms, out_ms, "an asset is trimmed");
    Ok(Json(asset))
}

/// `DELETE /v1/assets/{asset}/trim`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<Asset>, Refusal> {
    let asset = house.assets.trim(id, None).await?;
    tracing::info!(asset = %id, "an asset is shown in whole");
    Ok(Json(asset))
}
