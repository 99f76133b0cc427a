//! `/v1/shows`: making, listing, changing, ending shows; their stream keys; and what the watch page asks.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared_wire::api::{ChangeShow, CreatedShow, NewShow, ShowList, ShowState};

use super::address::Known;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;
use crate::page::Page;

/// The state is the same for all who ask; a second of it is kept by every cache on the way.
const STATE_CACHE: &str = "public, max-age=1";

/// `POST /v1/shows`
pub(super) async fn create(
    State(house): State<Arc<House>>,
    Body(new): Body<NewShow>,
) -> Result<Response, Refusal> {
    let created = house.shows.create(house.now(), new).await?;
    tracing::info!(show = %created.show, "show created");
    let location = [(header::LOCATION, format!("/v1/shows/{}", created.show))];
    Ok((StatusCode::CREATED, location, Json(created)).into_response())
}

/// `GET /v1/shows`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    page: Page,
) -> Result<Json<ShowList>, Refusal> {
    Ok(Json(house.shows.list(page).await?))
}

/// `GET /v1/shows/{show}`
pub(super) async fn get(Known(show): Known) -> Json<ShowState> {
    Json(show)
}

/// `PATCH /v1/shows/{show}`
pub(super) async fn change(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(to): Body<ChangeShow>,
) -> Result<Json<ShowState>, Refusal> {
    Ok(Json(house.shows.change(show.show, to).await?))
}

/// `POST /v1/shows/{show}/end`
pub(super) async fn end(
    State(house): State<Arc<House>>,
    Known(show): Known,
) -> Result<Json<ShowState>, Refusal> {
    house.shows.check_published(show.show)?;
    let ended = house.shows.end(show.show).await?;
    tracing::info!(show = %ended.show, "show ended by its creator");
    Ok(Json(ended))
}

/// `POST /v1/shows/{show}/stream-key`
pub(super) async fn rotate_key(
    State(house): State<Arc<House>>,
    Known(show): Known,
) -> Result<Json<CreatedShow>, Refusal> {
    house.shows.check_published(show.show)?;
    let created = house.shows.rotate_key(house.now(), show.show).await?;
    tracing::info!(show = %created.show, "stream key replaced");
    Ok(Json(created))
}

/// `GET /v1/shows/{show}/state`
pub(super) async fn state(known: Result<Known, Refusal>) -> Response {
    let cached = [(header::CACHE_CONTROL, STATE_CACHE)];
    match known {
        Ok(Known(show)) => (cached, Json(show)).into_response(),
        // No show now is no show for a second: guessed ids stop at the edge as well.
        Err(refusal) => (cached, refusal).into_response(),
    }
}
