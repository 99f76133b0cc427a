//! `/v1/shows/{show}/pull`: a show that is fetched from elsewhere; and the child process that fetches.
//!
//! In: an administrator's request with the source's address. Out: ingest, told to fetch; `matinee relay`. Does not know
//! HLS or RTMP. The address may hold a secret: it is neither logged nor told, and goes into the child's environment.

use std::path::PathBuf;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::put;
use axum::{Json, Router};
use origin_control::Control;
use origin_ingest::{Desk, Pull, Refusal};
use origin_relay::machine::source;
use serde::Deserialize;
use shared_wire::ShowId;
use shared_wire::api::{ShowState, State as ShowsState};

use crate::error::Error;
use crate::fault::problem;

/// Hands the source's address to the child.
const URL_VARIABLE: &str = "MATINEE_RELAY_URL";
/// Whether it may lead into a private network.
const PRIVATE_VARIABLE: &str = "MATINEE_RELAY_PRIVATE";
/// Longest body, in bytes.
const BODY_BYTES_MAX: usize = 2 * source::URL_BYTES_MAX;

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) control: Control,
    pub(crate) desk: Desk,
    pub(crate) program: PathBuf,
    pub(crate) allow_private: bool,
}

/// The source's address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    url: String,
}

/// The route.
pub(crate) fn router(office: Office) -> Router {
    Router::new()
        .route("/v1/shows/{show}/pull", put(begin).delete(end))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(office)
}

/// `matinee relay`: fetches what the house tells it to.
pub(crate) fn relay() -> Result<(), Error> {
    let url = std::env::var(URL_VARIABLE).unwrap_or_default();
    let allow_private = std::env::var_os(PRIVATE_VARIABLE).is_some();
    origin_relay::relay(&url, allow_private).map_err(Error::Relay)
}

/// `PUT /v1/shows/{show}/pull`
async fn begin(
    State(office): State<Office>,
    show: Path<String>,
    headers: HeaderMap,
    body: Result<Json<From>, JsonRejection>,
) -> Response {
    let found = match office.find(&show, &headers) {
        Ok(found) => found,
        Err(refused) => return *refused,
    };
    let Ok(Json(From { url })) = body else {
        let detail = "Send {\"url\": \"https://…/index.m3u8\"}, or rtmp://… as JSON.";
        return problem(&headers, StatusCode::BAD_REQUEST, "invalid_body", detail);
    };
    if let Err(error) = source::read(&url) {
        let detail = error.to_string();
        return problem(&headers, StatusCode::BAD_REQUEST, "invalid_source", &detail);
    }
    if found.state == ShowsState::Ended {
        let detail = Refusal::ShowEnded.to_string();
        return problem(&headers, StatusCode::CONFLICT, "show_ended", &detail);
    }
    let command = vec![office.program.clone().into_os_string(), "relay".into()];
    // By `no_proxy` libavformat would go past the relay's own proxy.
    let mut environment = vec![(URL_VARIABLE.into(), url.into()), ("no_proxy".into(), "".into())];
    if office.allow_private {
        environment.push((PRIVATE_VARIABLE.into(), "1".into()));
    }
    match office.desk.pull(&found.show.to_string(), Pull { command, environment }) {
        Ok(()) => {
            tracing::info!(show = %found.show, "the show is fetched from elsewhere");
            Json(found).into_response()
        }
        Err(refusal) => {
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string());
            problem(&headers, status, refusal.reason(), &detail)
        }
    }
}

/// `DELETE /v1/shows/{show}/pull`
async fn end(State(office): State<Office>, show: Path<String>, headers: HeaderMap) -> Response {
    match office.find(&show, &headers) {
        Ok(found) => {
            office.desk.stop_pulling(&found.show.to_string());
            Json(found).into_response()
        }
        Err(refused) => *refused,
    }
}

impl Office {
    /// The show an administrator means.
    fn find(&self, show: &str, headers: &HeaderMap) -> Result<ShowState, Box<Response>> {
        if !self.control.is_admin(headers) {
            let detail = "Send `Authorization: Bearer` with what stands in admin.token.";
            let (status, code) = (StatusCode::UNAUTHORIZED, "credential_wrong");
            return Err(Box::new(problem(headers, status, code, detail)));
        }
        let known = show.parse::<ShowId>().ok().and_then(|show| self.control.show_state(show));
        known.ok_or_else(|| {
            let detail = "There is no show with this id.";
            Box::new(problem(headers, StatusCode::NOT_FOUND, "show_unknown", detail))
        })
    }
}
