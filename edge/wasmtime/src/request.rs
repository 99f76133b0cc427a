//! One request of a viewer: to the engine and back.
//!
//! In: a request as hyper read it. Out: the engine's answer, or a problem if it gave none. Does not know what is in
//! either.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use shared_wire::header::REQUEST_ID;
use shared_wire::is_request_id;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::access::{self, InFlight};
use crate::config::Limits;
use crate::engine::Engine;
use crate::refusal::{Refusal, empty};
use crate::sessions::Sessions;

/// Answers requests.
pub(crate) struct Answers {
    engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) sessions: Sessions,
    ids: RandomState,
    count: AtomicU64,
}

impl Answers {
    pub(crate) fn new(engine: Engine, limits: Limits) -> Self {
        Self {
            engine,
            sessions: Sessions::new(limits.sessions_max),
            limits,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    /// Begins nothing more.
    pub(crate) fn close(&self) {
        self.engine.close();
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
        let bytes_max = usize::try_from(self.limits.body_bytes_max).unwrap_or(usize::MAX);
        let limited = |body| {
            Limited::new(body, bytes_max)
                .map_err(|_| WasiError::HttpRequestBodySize(None))
                .boxed_unsync()
        };
        self.engine.answer(request.map(limited)).await
    }
}
