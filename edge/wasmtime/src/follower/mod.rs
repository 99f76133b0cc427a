//! Follows the origin's deny list, so that a picture stops within two seconds wherever it is watched.
//!
//! In: the origins, an edge key. Out: a [`Book`] with the latest list. Does not know who is on it, nor what the
//! component makes of it.
//!
//! The origin holds its answer until there is something new (`?since=<version>&wait_s=<n>`, `304` if there was
//! nothing). One that does not know `since` answers at once and is asked once a second. If none can be reached, the
//! last list holds, and its age tells.

mod book;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Limited};
use metrics::counter;
use shared_wire::header;
use tokio::time::{Instant, interval, sleep_until, timeout};
use tracing::{info, warn};

pub(crate) use book::Book;

use crate::origins::{Failure, Origins};

/// What the component's environment calls the edge key.
pub(crate) const EDGE_KEY: &str = "MATINEE_EDGE_KEY";
/// The first rest after a failure; twice as long after each more.
const REST_MIN: Duration = Duration::from_millis(250);
/// The least time between two lists.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the age is told.
const BEAT: Duration = Duration::from_secs(1);

/// What an origin said.
enum Said {
    List(Bytes),
    Unchanged,
}

/// Why it said nothing of use.
#[derive(Debug, Clone, Copy)]
enum Silence {
    Unreachable(Failure),
    Status(StatusCode),
    TooLarge,
    Refused(book::Refused),
}

impl Silence {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable(Failure::Connect) => "connect",
            Self::Unreachable(Failure::Slow) => "slow",
            Self::Unreachable(Failure::Broken) => "broken",
            Self::Status(status) if status.is_server_error() => "server_error",
            Self::Status(_) => "refused",
            Self::TooLarge => "too_large",
            Self::Refused(refused) => refused.as_str(),
        }
    }
}

/// Follows the list, for good.
pub(crate) async fn follow(book: Arc<Book>, origins: Arc<Origins>, edge_key: String) {
    let (mut rest, mut is_lost) = (REST_MIN, false);
    loop {
        let begun = Instant::now();
        let asked = tokio::select! {
            asked = ask(&book, &origins, &edge_key) => asked,
            () = beat(&book) => continue,
            // Whoever says so knows better than a connection that may be dead.
            () = book.news.notified() => continue,
        };
        let next = match asked {
            Ok(is_new) => {
                if std::mem::take(&mut is_lost) {
                    info!("the deny list is followed again");
                }
                rest = REST_MIN;
                let kept = Arc::clone(&book);
                // It cannot fail: nothing in it panics.
                let _done = tokio::task::spawn_blocking(move || kept.keep(is_new)).await;
                begun + if is_new { PAUSE } else { book.limits.poll_every }
            }
            Err(silence) => {
                let why = silence.as_str();
                counter!("matinee_edge_deny_list_failures_total", "why" => why).increment(1);
                if !std::mem::replace(&mut is_lost, true) {
                    warn!(?silence, "the deny list cannot be followed; the last one holds");
                }
                let next = Instant::now() + rest;
                rest = (rest * 2).min(book.limits.rest_max);
                next
            }
        };
        tokio::select! {
            () = sleep_until(next) => {}
            () = book.news.notified() => {}
        }
        book.measure();
    }
}

/// Tells the age while an answer is waited for; never ends.
async fn beat(book: &Book) {
    let mut beat = interval(BEAT);
    loop {
        beat.tick().await;
        book.measure();
    }
}

/// Asks once; whether there was something new.
async fn ask(book: &Book, origins: &Origins, edge_key: &str) -> Result<bool, Silence> {
    let version = book.version();
    let limits = &book.limits;
    let time_max = limits.answer_time_max + version.map_or(Duration::ZERO, |_| limits.wait);
    let request = request(version, limits.wait, edge_key).ok_or(Silence::TooLarge)?;
    let answer = async {
        let response = origins.ask(&request, time_max).await.map_err(Silence::Unreachable)?;
        match response.status() {
            StatusCode::NOT_MODIFIED if version.is_some() => Ok(Said::Unchanged),
            StatusCode::OK => {
                let body = Limited::new(response.into_body(), limits.bytes_max).collect().await;
                Ok(Said::List(body.map_err(|_| Silence::TooLarge)?.to_bytes()))
            }
            status => Err(Silence::Status(status)),
        }
    };
    let said = timeout(time_max + limits.answer_time_max, answer).await;
    match said.unwrap_or(Err(Silence::Unreachable(Failure::Slow)))? {
        Said::List(body) => book.accept(body).map_err(Silence::Refused),
        Said::Unchanged => {
            book.confirm();
            Ok(false)
        }
    }
}

fn request(version: Option<u64>, wait: Duration, edge_key: &str) -> Option<request::Parts> {
    let path = match version {
        Some(version) => format!("{}?since={version}&wait_s={}", book::PATH, wait.as_secs()),
        None => book::PATH.to_owned(),
    };
    let (mut request, ()) = Request::new(()).into_parts();
    request.uri = path.parse::<Uri>().ok()?;
    let mut key = HeaderValue::from_str(edge_key).ok()?;
    key.set_sensitive(true);
    request.headers.insert(header::EDGE_KEY, key);
    Some(request)
}

#[cfg(test)]
mod tests;
