//! `/v1/assets/{asset}/chapters`.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know how players are told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::api::{ChapterList, SetChapters};

use super::assets::Which;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `GET /v1/assets/{asset}/chapters`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<ChapterList>, Refusal> {
    Ok(Json(house.assets.chapters(id).await?))
}

/// `PUT /v1/assets/{asset}/chapters`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Which(id): Which,
    Body(SetChapters { chapters }): Body<SetChapters>,
) -> Result<Json<ChapterList>, Refusal> {
    let list = house.assets.set_chapters(id, Some(chapters)).await?;
    tracing::info!(asset = %id, chapters = list.chapters.len(), "an asset has other chapters");
    Ok(Json(list))
}

/// `DELETE /v1/assets/{asset}/chapters`: it has those of its file.
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Which(id): Which,
) -> Result<Json<ChapterList>, Refusal> {
    let list = house.assets.set_chapters(id, None).await?;
    tracing::info!(asset = %id, "an asset has the chapters of its file");
    Ok(Json(list))
}
