//! `GET /edge/denied`: the deny list, for edges that look now and then and for those that wait for the next one.
//!
//! In: `since`, the version an edge has, and `wait_s`, how long it would wait. Out: the list, or 304. Does not know who
//! is denied or why; nothing here asks the database.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use origin_control::{Control, Listing};
use serde::Deserialize;
use shared_wire::header as wire;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::fault;

/// How long an edge may wait for the next list.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Edges that may wait at once; each costs a connection.
const WAITING_MAX: usize = 1024;
/// How long edges and CDNs may use their copy: a revoked picture stops within two seconds; and the last copy holds
/// while this origin cannot be reached, also for an edge instance that has just started.
const CACHE: &str = "public, max-age=1, stale-if-error=86400";
/// What a purge of the list names.
const KEY: &str = "denied";

/// What the handler needs.
#[derive(Clone)]
struct Desk {
    control: Control,
    waiting: Arc<Semaphore>,
    /// Lets those who wait go when the house drains.
    stop: CancellationToken,
}

/// The route; the caller guards it by [`crate::delivery::only_edges`].
pub(crate) fn router(control: Control, stop: CancellationToken) -> Router {
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    Router::new().route("/edge/denied", get(denied)).with_state(Desk { control, waiting, stop })
}

/// What an edge asks.
#[derive(Debug, Deserialize)]
struct Asked {
    since: Option<u64>,
    #[serde(default)]
    wait_s: u64,
}

async fn denied(
    State(desk): State<Desk>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Query(asked)) = asked else {
        let detail = "`since` is the version of a list, `wait_s` a number of seconds.";
        return fault::problem(&headers, StatusCode::BAD_REQUEST, "query_malformed", detail);
    };
    let Some(since) = asked.since else {
        let list = desk.control.denied();
        return if has(&headers, &list) { unchanged(&list) } else { whole(&list) };
    };
    let wait = Duration::from_secs(asked.wait_s).min(WAIT_MAX);
    match desk.after(since, wait).await {
        Some(list) if list.version != since => whole(&list),
        Some(list) => unchanged(&list),
        None => {
            let detail = "As many edges wait for the deny list as may: ask without `wait_s`.";
            let mut busy =
                fault::problem(&headers, StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
            busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            busy
        }
    }
}

impl Desk {
    /// The list, as soon as it is another than `since`, or when the time is over; `None` if too many wait. A version
    /// before `since`, as after a restored backup, is another one: whoever has the later one must know.
    async fn after(&self, since: u64, wait: Duration) -> Option<Arc<Listing>> {
        let mut lists = self.control.follow_denied();
        if lists.borrow().version != since || wait.is_zero() {
            return Some(lists.borrow().clone());
        }
        let _place = self.waiting.try_acquire().ok()?;
        let gauge = metrics::gauge!("matinee_denied_waiting");
        gauge.increment(1.0);
        let _left = Left(gauge);
        let _ = tokio::time::timeout(wait, async {
            tokio::select! {
                // It ends with the house, which `stop` tells as well.
                _ = lists.wait_for(|list| list.version != since) => {}
                () = self.stop.cancelled() => {}
            }
        })
        .await;
        Some(lists.borrow().clone())
    }
}

/// Counts one down, also when whoever waited hung up.
struct Left(metrics::Gauge);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn tag(list: &Listing) -> String {
    format!("\"{}\"", list.version)
}

/// Whether `If-None-Match` names this list (RFC 9110, 13.1.2).
fn has(headers: &HeaderMap, list: &Listing) -> bool {
    let sent = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let tag = tag(list);
    sent.is_some_and(|sent| sent.split(',').any(|one| one.trim().trim_start_matches("W/") == tag))
}

fn whole(list: &Listing) -> Response {
    let mut response = list.json().into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    named(response, list)
}

fn unchanged(list: &Listing) -> Response {
    named(StatusCode::NOT_MODIFIED.into_response(), list)
}

fn named(mut response: Response, list: &Listing) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.insert(wire::SURROGATE_KEY, HeaderValue::from_static(KEY));
    if let Ok(tag) = HeaderValue::from_str(&tag(list)) {
        headers.insert(header::ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests;
