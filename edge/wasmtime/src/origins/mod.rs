//! The origins: which one is asked, and what if it does not answer.
//!
//! In: a request without an address. Out: the head of an answer, or why there is none. Does not know the cache, nor
//! what is asked for.
//!
//! The first origin in the list that is well (`health`) gets everything, so that a playlist and its parts come from
//! one. A request that may be repeated goes to the next if the connection fails or breaks before the answer, or if a
//! proxy on the way says `502` or `504`. If none is well, they are tried all the same: an edge without a better idea
//! must not invent an outage. Origins that were left alone are probed until they answer.

mod client;
mod health;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Response, StatusCode, Uri, request};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use metrics::{counter, gauge};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::cache::Clock;
use crate::config::{Config, OriginLimits};
use crate::error::Error;
pub(crate) use client::{Client, believing, client};
use health::Health;

/// How often the origins' health is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Why an origin gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection.
    Connect,
    /// It took too long.
    Slow,
    /// The connection broke, or what came was no HTTP.
    Broken,
}

impl Failure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Slow => "slow",
            Self::Broken => "broken",
        }
    }
}

impl From<Failure> for WasiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect => Self::ConnectionRefused,
            Failure::Slow => Self::HttpResponseTimeout,
            Failure::Broken => Self::HttpResponseIncomplete,
        }
    }
}

/// Where an origin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
}

impl Address {
    /// Reads `http://host[:port]` or `https://host[:port]`.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn parse(origin: &str) -> Result<Self, Error> {
        let refused = || Error::Origin(origin.to_owned());
        let uri: Uri = origin.parse().map_err(|_| refused())?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let parts = uri.into_parts();
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if is_bare
                    && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS)
                    && !authority.as_str().contains('@') =>
            {
                Ok(Self { scheme, authority })
            }
            _ => Err(refused()),
        }
    }

    /// This address with a path.
    pub(crate) fn with(&self, path: &Uri) -> Option<Uri> {
        let path = path.path_and_query().cloned();
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
            .build()
            .ok()
    }
}

/// All origins, in the order in which they are preferred.
pub(crate) struct Origins {
    list: Vec<Origin>,
    client: Client,
    limits: OriginLimits,
    clock: Clock,
}

struct Origin {
    address: Address,
    /// As metrics and logs call it.
    name: Arc<str>,
    health: Mutex<Health>,
}

impl Origin {
    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origins {
    /// The origins of a configuration, all thought to be well.
    ///
    /// # Errors
    /// An address is none, or the authorities cannot be read.
    pub(crate) fn new(config: &Config, clock: Clock) -> Result<Self, Error> {
        let one = std::slice::from_ref(&config.origin);
        let urls = if config.origins.is_empty() { one } else { &config.origins };
        let list = urls.iter().map(|url| {
            let address = Address::parse(url)?;
            let name = Arc::from(address.authority.as_str());
            gauge!("matinee_edge_origin_up", "origin" => Arc::clone(&name)).set(1.0);
            Ok(Origin { address, name, health: Mutex::default() })
        });
        let list = list.collect::<Result<Vec<_>, Error>>()?;
        let is_tls = list.iter().any(|origin| origin.address.scheme == Scheme::HTTPS);
        let client = client(&config.limits, is_tls, config.origin_authorities.as_deref())?;
        Ok(Self { list, client, limits: config.origin_limits.clone(), clock })
    }

    /// The head of the answer to a request without a body, which may be sent more than once. Each try may take
    /// `head_time_max`.
    pub(crate) async fn ask(
        &self,
        request: &request::Parts,
        head_time_max: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        let order = self.order();
        let mut last = Err(Failure::Connect);
        for (tried, origin) in order.into_iter().take(self.limits.tries_max.max(1)).enumerate() {
            if tried > 0 {
                counter!("matinee_edge_origin_failovers_total").increment(1);
            }
            let mut again = Request::new(empty());
            again.method_mut().clone_from(&request.method);
            again.uri_mut().clone_from(&request.uri);
            again.headers_mut().clone_from(&request.headers);
            last = self.send_to(origin, again, head_time_max).await;
            match &last {
                // Whoever asks has run out of patience as well.
                Err(Failure::Slow) => break,
                Err(Failure::Connect | Failure::Broken) => {}
                Ok(response) if is_of_a_proxy(response.status()) => {}
                Ok(_) => break,
            }
        }
        last
    }

    /// The head of the answer to a request that must not be sent twice.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        head_time_max: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        match self.order().first() {
            Some(origin) => self.send_to(origin, request, head_time_max).await,
            None => Err(Failure::Connect),
        }
    }

    /// Those that are well in their order, then the others, the one that was left alone longest first.
    fn order(&self) -> Vec<&Origin> {
        let rank = |origin: &Origin| {
            let health = origin.health();
            (!health.is_well(), health.rest_until_ms())
        };
        let mut order: Vec<_> = self.list.iter().map(|origin| (rank(origin), origin)).collect();
        // The order of the list stays where this says nothing.
        order.sort_by_key(|(rank, _)| *rank);
        order.into_iter().map(|(_, origin)| origin).collect()
    }

    async fn send_to(
        &self,
        origin: &Origin,
        mut request: Request<WasiBody>,
        head_time_max: Duration,
    ) -> Result<Response<Incoming>, Failure> {
        let name = Arc::clone(&origin.name);
        counter!("matinee_edge_origin_requests_total", "origin" => name).increment(1);
        let uri = origin.address.with(request.uri()).ok_or(Failure::Broken)?;
        *request.uri_mut() = uri;
        let answer = timeout(head_time_max, self.client.request(request)).await;
        let answer = match answer {
            Err(_) => Err(Failure::Slow),
            Ok(Err(error)) if error.is_connect() => Err(Failure::Connect),
            Ok(Err(_)) => Err(Failure::Broken),
            Ok(Ok(response)) => Ok(response),
        };
        self.note(origin, answer.as_ref().err().copied(), false);
        answer
    }

    /// Notes that a body broke off, which tells of the origin as a missing answer does.
    pub(crate) fn broke_off(&self, failure: Failure) {
        if let Some(origin) = self.order().first() {
            self.note(origin, Some(failure), false);
        }
    }

    fn note(&self, origin: &Origin, failure: Option<Failure>, is_probe: bool) {
        let now_ms = self.clock.now_ms();
        let changed = match failure {
            None => origin.health().answered(is_probe, &self.limits),
            Some(failure) => {
                let (name, why) = (Arc::clone(&origin.name), failure.as_str());
                counter!("matinee_edge_origin_failures_total", "origin" => name, "why" => why)
                    .increment(1);
                origin.health().failed(now_ms, is_probe, &self.limits)
            }
        };
        if !changed {
            return;
        }
        let is_well = failure.is_none();
        let up = gauge!("matinee_edge_origin_up", "origin" => Arc::clone(&origin.name));
        up.set(if is_well { 1.0 } else { 0.0 });
        match failure {
            None => info!(origin = %origin.name, "the origin answers again"),
            Some(failure) => {
                warn!(origin = %origin.name, why = failure.as_str(), "the origin does not answer");
            }
        }
    }

    /// Whether there is anything to choose.
    pub(crate) fn are_several(&self) -> bool {
        self.list.len() > 1
    }

    /// Probes those that are due, for good.
    pub(crate) async fn probe(&self) {
        loop {
            let now_ms = self.clock.now_ms();
            let due = self.list.iter().filter(|one| one.health().is_due(now_ms, &self.limits));
            futures::future::join_all(due.map(|origin| self.probe_one(origin))).await;
            sleep(LOOK).await;
        }
    }

    async fn probe_one(&self, origin: &Origin) {
        let mut request = Request::new(empty());
        *request.method_mut() = Method::GET;
        let uri = self.limits.probe_path.parse().ok().and_then(|path| origin.address.with(&path));
        let Some(uri) = uri else { return };
        *request.uri_mut() = uri;
        let answer = timeout(self.limits.probe_time_max, async {
            let response = self.client.request(request).await.map_err(|_| Failure::Connect)?;
            let status = response.status();
            // A connection whose answer was read can be used again.
            let body = http_body_util::Limited::new(response.into_body(), PROBE_BYTES_MAX);
            body.collect().await.map_err(|_| Failure::Broken)?;
            if status.is_server_error() { Err(Failure::Broken) } else { Ok(()) }
        });
        let failure = answer.await.unwrap_or(Err(Failure::Slow)).err();
        self.note(origin, failure, true);
    }
}

/// Longest answer to a probe.
const PROBE_BYTES_MAX: usize = 64 * 1024;

/// Whether a status says that something before the origin could not reach it.
fn is_of_a_proxy(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

/// No body.
pub(crate) fn empty() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_address_is_an_origin() {
        let read = |text: &str| {
            Address::parse(text).ok().map(|a| (a.scheme.to_string(), a.authority.to_string()))
        };
        let found = |scheme: &str, authority: &str| Some((scheme.into(), authority.into()));
        assert_eq!(read("http://127.0.0.1:8081"), found("http", "127.0.0.1:8081"));
        assert_eq!(read("https://origin/"), found("https", "origin"));
        for bad in
            ["", "origin:8081", "ftp://origin", "http://origin/path", "http://o/?a", "http://u@o"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
