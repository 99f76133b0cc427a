//! `/v1/shows/{show}/tiers`: what the tickets of a show admit to.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::Policy;
use shared_wire::api::{Tier, TierList};

use super::address::{Known, Named};
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `PUT /v1/shows/{show}/tiers/{tier}`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Named(name): Named,
    Body(policy): Body<Policy>,
) -> Result<Json<Tier>, Refusal> {
    let tier = house.tiers.put(show.show, &name, policy).await?;
    tracing::info!(show = %show.show, tier = tier.name, "tier set");
    Ok(Json(tier))
}

/// `GET /v1/shows/{show}/tiers/{tier}`
pub(super) async fn get(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Named(name): Named,
) -> Result<Json<Tier>, Refusal> {
    Ok(Json(house.tiers.get(show.show, &name).await?))
}

/// `DELETE /v1/shows/{show}/tiers/{tier}`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Named(name): Named,
) -> Result<Json<Tier>, Refusal> {
    let tier = house.tiers.delete(house.now(), show.show, &name).await?;
    tracing::info!(show = %show.show, tier = tier.name, "tier dropped");
    Ok(Json(tier))
}

/// `GET /v1/shows/{show}/tiers`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Known(show): Known,
) -> Result<Json<TierList>, Refusal> {
    Ok(Json(house.tiers.list(show.show).await?))
}
