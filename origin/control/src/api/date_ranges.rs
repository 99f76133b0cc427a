//! `/v1/shows/{show}/date-ranges`: what is said of spans of a live show.
//!
//! In: read requests. Out: what the show's stage answers, as JSON. Does not know playlists.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_playlist::DateRange;
use shared_wire::api::DateRangeList;

use super::address::{Known, Named};
use super::body::Body;
use super::refusal::Refusal;
use crate::House;

/// `POST /v1/shows/{show}/date-ranges`
pub(super) async fn put(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(range): Body<DateRange>,
) -> Result<Json<DateRange>, Refusal> {
    let told = house.on_air()?.put_date_range(show.show, range).await?;
    tracing::info!(show = %show.show, range = told.id, "date range told");
    Ok(Json(told))
}

/// `GET /v1/shows/{show}/date-ranges`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Known(show): Known,
) -> Result<Json<DateRangeList<DateRange>>, Refusal> {
    let date_ranges = house.on_air()?.date_ranges(show.show).await?;
    Ok(Json(DateRangeList { date_ranges }))
}

/// `DELETE /v1/shows/{show}/date-ranges/{range}`
pub(super) async fn delete(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Named(id): Named,
) -> Result<Json<DateRange>, Refusal> {
    let dropped = house.on_air()?.drop_date_range(show.show, id).await?;
    tracing::info!(show = %show.show, range = dropped.id, "date range taken back");
    Ok(Json(dropped))
}
