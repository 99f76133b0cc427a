//! `/v1/shows/{show}/tickets` and `/v1/tickets/revoke`.
//!
//! In: read requests. Out: what the house answers, as JSON. Does not know rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared_wire::Who;
use shared_wire::api::{IssuedTicket, NewTicket, RevokeTicket, TicketList, TicketState};

use super::access::Asker;
use super::address::Known;
use super::body::{Body, BodyOrDefault};
use super::refusal::Refusal;
use crate::page::Page;
use crate::{Error, House};

/// `POST /v1/shows/{show}/tickets`
pub(super) async fn issue(
    State(house): State<Arc<House>>,
    Known(show): Known,
    BodyOrDefault(new): BodyOrDefault<NewTicket>,
) -> Result<(StatusCode, Json<IssuedTicket>), Refusal> {
    let issued = house.tickets.issue(house.now(), show.show, new).await?;
    tracing::info!(show = %show.show, ticket = %issued.id, "ticket issued");
    Ok((StatusCode::CREATED, Json(issued)))
}

/// `GET /v1/shows/{show}/tickets`
pub(super) async fn list(
    State(house): State<Arc<House>>,
    Known(show): Known,
    page: Page,
) -> Result<Json<TicketList>, Refusal> {
    Ok(Json(house.tickets.list(show.show, page).await?))
}

/// `POST /v1/tickets/revoke`
pub(super) async fn revoke(
    State(house): State<Arc<House>>,
    Asker(who): Asker,
    Body(named): Body<RevokeTicket>,
) -> Result<Json<TicketState>, Refusal> {
    let revoked = match may_revoke(&house, &who, &named.ticket).await {
        Ok(()) => house.tickets.revoke(house.now(), &named.ticket).await,
        Err(error) => Err(error),
    };
    let revoked = revoked.map_err(|error| match error {
        // To whoever sells tickets an unknown one is a wrong name, not a right denied.
        Error::TicketUnknown => Refusal::from(error).with_status(StatusCode::NOT_FOUND),
        _ => error.into(),
    })?;
    tracing::info!(show = %revoked.show, ticket = %revoked.id, "ticket revoked");
    Ok(Json(revoked))
}

/// To an account the tickets of others' shows are none.
async fn may_revoke(house: &House, who: &Who, named: &str) -> Result<(), Error> {
    if *who == Who::House {
        return Ok(());
    }
    let show = house.shows.state(house.tickets.show_of(named).await?);
    match show {
        Some(show) if house.may_see(who, &show).await? => Ok(()),
        _ => Err(Error::TicketUnknown),
    }
}
