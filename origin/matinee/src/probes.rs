//! What watches the house: `/healthz`, `/readyz`, `/metrics`.
//!
//! In: the recorder and the store. Out: plain answers on the API address. Does not know Kubernetes or Prometheus, only
//! what they read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::fault;

/// The content type scrapers expect of the text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the probes read.
#[derive(Clone)]
pub(crate) struct Probes {
    pub(crate) metrics: PrometheusHandle,
    /// Set once every listener is up, cleared when the house drains.
    pub(crate) ready: Arc<AtomicBool>,
}

/// The probes' routes.
pub(crate) fn router(probes: Probes) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(probes)
}

async fn ready(State(probes): State<Probes>, headers: HeaderMap) -> Response {
    if probes.ready.load(Ordering::Relaxed) {
        return "ready\n".into_response();
    }
    let detail = "The house is starting or draining.";
    fault::problem(&headers, StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
}

async fn metrics(State(probes): State<Probes>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], probes.metrics.render()).into_response()
}
