//! The REST API: which request goes where, and who may send it.
//!
//! In: HTTP requests. Out: JSON as `shared_wire::api` and `openapi.json` have it. Does not know rows, nor how it is
//! served.

mod address;
mod admin;
mod assets;
mod body;
mod captions;
mod chapters;
mod date_ranges;
mod id3;
mod playback;
mod pull;
mod queue;
mod refusal;
mod request_id;
mod retention;
mod shows;
mod subtitles;
mod tickets;
mod tiers;
mod trim;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, any, delete, get, patch, post, put};
use axum::{Json, Router};
use shared_wire::api::HouseStatus;

use crate::House;
use refusal::Refusal;

/// The description of the API, in OpenAPI 3.1; a test holds it to the routes and the types.
const OPENAPI: &str = include_str!("openapi.json");

/// Who may send a request.
enum Access {
    /// Whoever has the administrator's credential.
    Admin,
    /// Anybody.
    Public,
}

/// Subtitles of one language.
const SUBTITLES: &str = "/v1/assets/{asset}/subtitles/{language}";

/// Every operation: where, for whom, what.
fn routes() -> [(&'static str, Access, MethodRouter<Arc<House>>); 48] {
    use Access::{Admin, Public};
    [
        ("/v1/shows", Admin, post(shows::create)),
        ("/v1/shows", Admin, get(shows::list)),
        ("/v1/shows/{show}", Admin, get(shows::get)),
        ("/v1/shows/{show}", Admin, patch(shows::change)),
        ("/v1/shows/{show}/end", Admin, post(shows::end)),
        ("/v1/shows/{show}/stream-key", Admin, post(shows::rotate_key)),
        ("/v1/shows/{show}/pull", Admin, put(pull::begin)),
        ("/v1/shows/{show}/pull", Admin, delete(pull::end)),
        ("/v1/shows/{show}/tiers", Admin, get(tiers::list)),
        ("/v1/shows/{show}/tiers/{tier}", Admin, put(tiers::put)),
        ("/v1/shows/{show}/tiers/{tier}", Admin, get(tiers::get)),
        ("/v1/shows/{show}/tiers/{tier}", Admin, delete(tiers::delete)),
        ("/v1/shows/{show}/date-ranges", Admin, post(date_ranges::put)),
        ("/v1/shows/{show}/date-ranges", Admin, get(date_ranges::list)),
        ("/v1/shows/{show}/date-ranges/{range}", Admin, delete(date_ranges::delete)),
        ("/v1/shows/{show}/id3", Admin, post(id3::put)),
        ("/v1/shows/{show}/captions/{track}", Admin, post(captions::put)),
        ("/v1/shows/{show}/tickets", Admin, post(tickets::issue)),
        ("/v1/shows/{show}/tickets", Admin, get(tickets::list)),
        ("/v1/tickets/revoke", Admin, post(tickets::revoke)),
        ("/v1/shows/{show}/sessions", Admin, get(playback::list)),
        ("/v1/sessions/{session}/revoke", Admin, post(playback::revoke)),
        ("/v1/shows/{show}/playback", Public, post(playback::exchange)),
        ("/v1/shows/{show}/playback/end", Public, post(playback::end)),
        ("/v1/shows/{show}/state", Public, get(shows::state)),
        ("/v1/assets", Admin, get(assets::list)),
        ("/v1/assets", Admin, post(assets::take)),
        ("/v1/assets/import", Admin, post(assets::import)),
        ("/v1/assets/{asset}", Admin, get(assets::get)),
        ("/v1/assets/{asset}/plan", Admin, get(assets::plan)),
        ("/v1/assets/{asset}/transcode", Admin, post(queue::transcode)),
        ("/v1/assets/{asset}/cancel", Admin, post(queue::cancel)),
        ("/v1/assets/{asset}/jobs", Admin, get(queue::jobs)),
        ("/v1/failed-jobs", Admin, get(queue::failed)),
        ("/v1/assets/{asset}/subtitles", Admin, get(subtitles::list)),
        (SUBTITLES, Admin, put(subtitles::put)),
        (SUBTITLES, Admin, delete(subtitles::delete)),
        ("/v1/assets/{asset}/chapters", Admin, get(chapters::list)),
        ("/v1/assets/{asset}/chapters", Admin, put(chapters::put)),
        ("/v1/assets/{asset}/chapters", Admin, delete(chapters::delete)),
        ("/v1/assets/{asset}/retention", Admin, put(retention::put)),
        ("/v1/assets/{asset}/retention", Admin, delete(retention::delete)),
        ("/v1/assets/{asset}/trim", Admin, put(trim::put)),
        ("/v1/assets/{asset}/trim", Admin, delete(trim::delete)),
        ("/v1/assets/{asset}", Admin, patch(assets::change)),
        ("/v1/assets/{asset}", Admin, delete(assets::delete)),
        ("/v1/status", Admin, get(status)),
        ("/openapi.json", Public, get(openapi)),
    ]
}

/// The routes, ready to be served or merged.
pub(crate) fn router(house: Arc<House>) -> Router {
    let mut router = Router::new();
    for (path, access, handler) in routes() {
        let handler = match access {
            Access::Admin => handler.route_layer(from_fn_with_state(house.clone(), admin::check)),
            Access::Public => handler,
        };
        router = router.route(path, handler);
    }
    router
        .route("/v1/{*rest}", any(nothing_here))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(request_id::name))
        .with_state(house)
}

async fn openapi() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=60")];
    (headers, OPENAPI)
}

/// `GET /v1/status`
async fn status(State(house): State<Arc<House>>) -> Result<Json<HouseStatus>, Refusal> {
    let known = house.config.status.as_ref().and_then(|status| status.borrow().clone());
    let title = "The house has not looked at its disk yet.";
    let unknown = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "status_unknown", title);
    known.map(Json).ok_or_else(unknown)
}

async fn nothing_here() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
}

async fn wrong_method() -> Refusal {
    let title = "This address does not take this method.";
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title)
}

#[cfg(test)]
mod tests;
