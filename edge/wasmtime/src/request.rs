//! One request of a viewer: to the component and back.
//!
//! In: a request as hyper read it. Out: the component's answer, or a problem if it gave none. Does not know what is in
//! either.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Body, Incoming};
use shared_wire::header::{REQUEST_ID, TYPE_PROBLEM};
use shared_wire::{Problem, is_request_id};
use tokio::sync::Semaphore;
use tracing::error;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, TrapOrPanicError};
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::access::{self, InFlight};
use crate::config::Limits;
use crate::engine::Handlers;
use crate::instance::Handler;
use crate::sessions::Sessions;

/// Answers requests.
pub(crate) struct Answers {
    handlers: Handlers,
    pub(crate) limits: Limits,
    places: Arc<Semaphore>,
    pub(crate) sessions: Sessions,
    ids: RandomState,
    count: AtomicU64,
}

/// Why the component gave no answer, and what the viewer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Full,
    TooLarge,
    Slow,
    Failed,
    /// The instance died, perhaps of another request.
    Died,
}

impl Refusal {
    fn problem(self, request_id: &str) -> Problem {
        let (status, code, title) = match self {
            Self::Full => (503, "edge_full", "The edge is serving as many viewers as it can."),
            Self::TooLarge => (413, "body_too_large", "The request's body is too large."),
            Self::Slow => (504, "edge_timeout", "The answer took too long."),
            Self::Failed | Self::Died => {
                (502, "edge_failed", "The edge failed to answer this request.")
            }
        };
        Problem::new(status, code, title, request_id)
    }

    fn response(self, request_id: &str) -> Response<WasiBody> {
        let problem = self.problem(request_id);
        let body = Full::from(problem.to_json()).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE_PROBLEM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        if self == Self::Full {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl Answers {
    pub(crate) fn new(handlers: Handlers, limits: Limits) -> Self {
        Self {
            handlers,
            places: Arc::new(Semaphore::new(limits.requests_max)),
            sessions: Sessions::new(limits.sessions_max),
            limits,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    /// Starts no more instances.
    pub(crate) fn close(&self) {
        self.handlers.room.close();
    }

    /// Answers one request. Never fails: what goes wrong is a problem.
    pub(crate) async fn answer(&self, mut request: Request<Incoming>) -> Response<WasiBody> {
        let _in_flight = InFlight::begin();
        let start = Instant::now();
        let request_id = self.name(&mut request);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let mut response = match self.ask(request).await {
            Ok(response) => access::count_denial(response).await,
            Err(refusal) => refusal.response(&request_id),
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        if method == Method::HEAD {
            // Its length stands in the header; a body of no bytes would contradict it.
            *response.body_mut() = empty();
        }
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            self.sessions.saw(&path, start);
        }
        access::note(&method, &path, status, start.elapsed(), &request_id);
        response
    }

    /// Makes sure that the request has an id, and tells it.
    fn name(&self, request: &mut Request<Incoming>) -> String {
        let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        if let Some(id) = given.filter(|id| is_request_id(id)) {
            return id.to_owned();
        }
        let id = format!("{:016x}", self.ids.hash_one(self.count.fetch_add(1, Ordering::Relaxed)));
        if let Ok(value) = HeaderValue::from_str(&id) {
            request.headers_mut().insert(REQUEST_ID, value);
        }
        id
    }

    async fn ask(&self, request: Request<Incoming>) -> Result<Response<WasiBody>, Refusal> {
        if request.body().size_hint().lower() > self.limits.body_bytes_max {
            return Err(Refusal::TooLarge);
        }
        let (parts, body) = request.into_parts();
        let again =
            (parts.method == Method::GET || parts.method == Method::HEAD).then(|| parts.clone());
        let bytes_max = usize::try_from(self.limits.body_bytes_max).unwrap_or(usize::MAX);
        let body = Limited::new(body, bytes_max)
            .map_err(|_| WasiError::HttpRequestBodySize(None))
            .boxed_unsync();
        match self.hand(&self.handlers.shared, Request::from_parts(parts, body)).await {
            Err(Refusal::Died) => match again {
                // Once more, in an instance of its own.
                Some(parts) => {
                    self.hand(&self.handlers.alone, Request::from_parts(parts, empty())).await
                }
                None => Err(Refusal::Died),
            },
            answered => answered,
        }
    }

    async fn hand(
        &self,
        handler: &Handler,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refusal::Full)?;
        handler.handle(place, request).await.map_err(|failure| {
            if failure.is::<TrapOrPanicError>() {
                Refusal::Died
            } else if failure.is::<ExpirationError>() {
                Refusal::Slow
            } else if failure.is::<InstantiationError<tokio::sync::OwnedSemaphorePermit>>() {
                error!(error = format!("{failure:#}"), "no instance of the edge component");
                Refusal::Full
            } else {
                error!(error = format!("{failure:#}"), "the edge component gave no answer");
                Refusal::Failed
            }
        })
    }
}

fn empty() -> WasiBody {
    Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync()
}
