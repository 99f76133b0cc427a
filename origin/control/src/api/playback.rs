//! `/v1/shows/{show}/playback`, where viewers swap a ticket for a token, and `/v1/shows/{show}/sessions`.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows or how tokens are signed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared_wire::api::{NewPlayback, Playback, SessionList};

use super::address::Known;
use super::body::Body;
use super::refusal::Refusal;
use crate::House;
use crate::page::Page;

/// `POST /v1/shows/{show}/playback`
pub(super) async fn exchange(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(new): Body<NewPlayback>,
) -> Result<Json<Playback>, Refusal> {
    let playback = house.sessions.exchange(house.now(), show.show, &new.ticket).await;
    let playback = playback.map_err(|error| {
        let refusal = Refusal::from(error);
        metrics::counter!("matinee_tickets_refused_total", "reason" => refusal.code).increment(1);
        refusal
    })?;
    Ok(Json(playback))
}

/// `GET /v1/shows/{show}/sessions`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Known(show): Known,
    page: Page,
) -> Result<Json<SessionList>, Refusal> {
    Ok(Json(house.sessions.list(show.show, page).await?))
}
