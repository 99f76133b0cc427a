//! `/v1/shows/{show}/pull`: a show that is fetched from elsewhere.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know how it is fetched. The address may hold a
//! secret: it is neither logged nor answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::api::{NewPull, ShowState};

use super::address::Known;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `PUT /v1/shows/{show}/pull`
pub(super) async fn begin(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(NewPull { url }): Body<NewPull>,
) -> Result<Json<ShowState>, Refusal> {
    house.shows.check_published(show.show)?;
    house.pulls.begin(&show, url).await?;
    tracing::info!(show = %show.show, "the show is fetched from elsewhere");
    Ok(Json(show))
}

/// `DELETE /v1/shows/{show}/pull`
pub(super) async fn end(
    State(house): State<Arc<House>>,
    Known(show): Known,
) -> Result<Json<ShowState>, Refusal> {
    house.pulls.end(show.show).await?;
    tracing::info!(show = %show.show, "the show is fetched no more");
    Ok(Json(show))
}
