//! `/v1/shows/{show}/playback`, where viewers swap a ticket for a token and say that they left; and what becomes of
//! sessions.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows or how tokens are signed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use shared_wire::api::{EndPlayback, NewPlayback, Playback, SessionList, SessionState};

use super::address::{Known, Named};
use super::body::Body;
use super::refusal::Refusal;
use crate::House;
use crate::page::Page;
use crate::playback::{Asked, device_name};

/// `POST /v1/shows/{show}/playback`
pub(super) async fn exchange(
    State(house): State<Arc<House>>,
    Known(show): Known,
    headers: HeaderMap,
    Body(new): Body<NewPlayback>,
) -> Result<Json<Playback>, Refusal> {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let asked = Asked {
        show: &show,
        ticket: &new.ticket,
        session: new.session,
        format: new.format.unwrap_or_default(),
        device: device_name(user_agent),
    };
    let playback = house.sessions.exchange(house.now(), asked).await;
    let playback = playback.map_err(|error| {
        let refusal = Refusal::from(error);
        metrics::counter!("matinee_tickets_refused_total", "reason" => refusal.code).increment(1);
        refusal
    })?;
    Ok(Json(playback))
}

/// `POST /v1/shows/{show}/playback/end`
pub(super) async fn end(
    State(house): State<Arc<House>>,
    Known(show): Known,
    Body(left): Body<EndPlayback>,
) -> Result<Json<SessionState>, Refusal> {
    Ok(Json(house.sessions.end(house.now(), show.show, &left).await?))
}

/// `POST /v1/sessions/{session}/revoke`
pub(super) async fn revoke(
    State(house): State<Arc<House>>,
    Named(session): Named,
) -> Result<Json<SessionState>, Refusal> {
    let revoked = house.sessions.revoke(house.now(), &session).await?;
    tracing::info!(session = %revoked.session, ticket = %revoked.ticket, "session revoked");
    Ok(Json(revoked))
}

/// `GET /v1/shows/{show}/sessions`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Known(show): Known,
    page: Page,
) -> Result<Json<SessionList>, Refusal> {
    Ok(Json(house.sessions.list(show.show, page).await?))
}
