//! The REST API: which request goes where, and who may send it.
//!
//! In: HTTP requests. Out: JSON as `shared_wire::api` and `openapi.json` have it. Does not know rows, nor how it is
//! served.

mod access;
mod accounts;
mod address;
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
    /// The same; or an account, for what is its own.
    Creator,
    /// Anybody.
    Public,
}

/// An account's quota and token.
const QUOTA: &str = "/v1/accounts/{account}/quota";
const TOKEN: &str = "/v1/accounts/{account}/token";
/// Subtitles of one language.
const SUBTITLES: &str = "/v1/assets/{asset}/subtitles/{language}";

/// Every operation: where, for whom, what.
fn routes() -> [(&'static str, Access, MethodRouter<Arc<House>>); 57] {
    use Access::{Admin, Creator, Public};
    [
        ("/v1/shows", Admin, post(shows::create)),
        ("/v1/shows", Admin, get(shows::list)),
        ("/v1/shows/{show}", Creator, get(shows::get)),
        ("/v1/shows/{show}", Admin, patch(shows::change)),
        ("/v1/shows/{show}/end", Admin, post(shows::end)),
        ("/v1/shows/{show}/stream-key", Admin, post(shows::rotate_key)),
        ("/v1/shows/{show}/pull", Admin, put(pull::begin)),
        ("/v1/shows/{show}/pull", Admin, delete(pull::end)),
        ("/v1/shows/{show}/tiers", Creator, get(tiers::list)),
        ("/v1/shows/{show}/tiers/{tier}", Creator, put(tiers::put)),
        ("/v1/shows/{show}/tiers/{tier}", Creator, get(tiers::get)),
        ("/v1/shows/{show}/tiers/{tier}", Creator, delete(tiers::delete)),
        ("/v1/shows/{show}/date-ranges", Admin, post(date_ranges::put)),
        ("/v1/shows/{show}/date-ranges", Admin, get(date_ranges::list)),
        ("/v1/shows/{show}/date-ranges/{range}", Admin, delete(date_ranges::delete)),
        ("/v1/shows/{show}/id3", Admin, post(id3::put)),
        ("/v1/shows/{show}/captions/{track}", Admin, post(captions::put)),
        ("/v1/shows/{show}/tickets", Creator, post(tickets::issue)),
        ("/v1/shows/{show}/tickets", Creator, get(tickets::list)),
        ("/v1/tickets/revoke", Creator, post(tickets::revoke)),
        ("/v1/shows/{show}/sessions", Creator, get(playback::list)),
        ("/v1/sessions/{session}/revoke", Admin, post(playback::revoke)),
        ("/v1/shows/{show}/playback", Public, post(playback::exchange)),
        ("/v1/shows/{show}/playback/end", Public, post(playback::end)),
        ("/v1/shows/{show}/state", Public, get(shows::state)),
        ("/v1/assets", Creator, get(assets::list)),
        ("/v1/assets", Creator, post(assets::take)),
        ("/v1/assets/import", Creator, post(assets::import)),
        ("/v1/assets/{asset}", Creator, get(assets::get)),
        ("/v1/assets/{asset}/plan", Creator, get(assets::plan)),
        ("/v1/assets/{asset}/transcode", Creator, post(queue::transcode)),
        ("/v1/assets/{asset}/cancel", Creator, post(queue::cancel)),
        ("/v1/assets/{asset}/jobs", Creator, get(queue::jobs)),
        ("/v1/failed-jobs", Creator, get(queue::failed)),
        ("/v1/assets/{asset}/statistics", Creator, get(queue::statistics)),
        ("/v1/workers", Admin, get(queue::workers)),
        ("/v1/assets/{asset}/subtitles", Creator, get(subtitles::list)),
        (SUBTITLES, Creator, put(subtitles::put)),
        (SUBTITLES, Creator, delete(subtitles::delete)),
        ("/v1/assets/{asset}/chapters", Creator, get(chapters::list)),
        ("/v1/assets/{asset}/chapters", Creator, put(chapters::put)),
        ("/v1/assets/{asset}/chapters", Creator, delete(chapters::delete)),
        ("/v1/assets/{asset}/retention", Creator, put(retention::put)),
        ("/v1/assets/{asset}/retention", Creator, delete(retention::delete)),
        ("/v1/assets/{asset}/trim", Creator, put(trim::put)),
        ("/v1/assets/{asset}/trim", Creator, delete(trim::delete)),
        ("/v1/assets/{asset}", Creator, patch(assets::change)),
        ("/v1/assets/{asset}", Creator, delete(assets::delete)),
        ("/v1/account", Creator, get(accounts::usage)),
        ("/v1/accounts", Admin, post(accounts::create)),
        ("/v1/accounts", Admin, get(accounts::list)),
        ("/v1/accounts/{account}", Admin, get(accounts::get)),
        ("/v1/accounts/{account}", Admin, delete(accounts::delete)),
        (QUOTA, Admin, put(accounts::set_quota)),
        (TOKEN, Admin, post(accounts::rotate)),
        ("/v1/status", Admin, get(status)),
        ("/openapi.json", Public, get(openapi)),
    ]
}

/// The routes, ready to be served or merged.
pub(crate) fn router(house: Arc<House>) -> Router {
    let mut router = Router::new();
    for (path, access, handler) in routes() {
        let handler = match access {
            Access::Admin => {
                handler.route_layer(from_fn_with_state(house.clone(), access::administrator))
            }
            Access::Creator => {
                handler.route_layer(from_fn_with_state(house.clone(), access::creator))
            }
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
