//! One request of a viewer: to the engine and back.
//!
//! In: a request as hyper read it. Out: the engine's answer, or a problem if it gave none. Does not know what is in
//! either.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use data_encoding::HEXLOWER;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use metrics::counter;
use shared_wire::header::REQUEST_ID;
use shared_wire::is_request_id;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::access::{self, InFlight, Journal};
use crate::config::{Config, Limits};
use crate::engine::Engine;
use crate::error::Error;
use crate::facts::{Fronts, Peer, network};
use crate::pace::Turn;
use crate::rate::{Limiter, Rate};
use crate::refusal::{Refusal, empty};
use crate::sent::Sent;
use crate::sessions::Sessions;

/// The variable whose secret keys the hashes in the access log.
const EDGE_KEY_VARIABLE: &str = "MATINEE_EDGE_KEY";

/// Answers requests.
pub(crate) struct Answers {
    engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) fronts: Fronts,
    pub(crate) sessions: Sessions,
    client_rate: Option<Limiter>,
    session_rate: Option<Limiter>,
    journal: Arc<Journal>,
    ids: RandomState,
    count: AtomicU64,
}

impl Answers {
    /// Answers with `engine` as `config` says.
    ///
    /// # Errors
    /// The access log cannot be written.
    pub(crate) fn new(engine: Engine, config: Config) -> Result<Self, Error> {
        let Config { limits, viewers, environment, .. } = config;
        let secret = environment.iter().find(|(name, _)| name == EDGE_KEY_VARIABLE);
        let secret = secret.map_or(&b""[..], |(_, value)| value.as_bytes());
        let journal = Journal::open(&viewers, limits.access_lines_max, secret)?;
        let now = Instant::now();
        let limiter = |rate: Option<Rate>, keys_max| Some(Limiter::new(rate?, keys_max, now));
        Ok(Self {
            engine,
            sessions: Sessions::new(limits.sessions_max),
            client_rate: limiter(viewers.client_rate, limits.rate_clients_max),
            session_rate: limiter(viewers.session_rate, limits.rate_sessions_max),
            fronts: viewers.fronts,
            journal,
            limits,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        })
    }

    /// Begins nothing more, and writes what is left of the access log.
    pub(crate) async fn close(&self) {
        self.engine.close().await;
        self.journal.flush();
    }

    /// Answers one request. Never fails: what goes wrong is a problem.
    pub(crate) async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
        turn: Turn,
    ) -> Response<Sent> {
        let _in_flight = InFlight::begin();
        let start = Instant::now();
        let version = request.version();
        let request_id = self.name(&mut request);
        let viewer = self.fronts.tell(request.headers_mut(), peer);
        let mut entry = self.journal.note(&request, viewer, &request_id, start);
        let session = self.sessions.mark(request.uri().path());
        let is_head = request.method() == Method::HEAD;
        if is_head {
            // The answer to HEAD is that to GET without its body: only so does it know its length.
            *request.method_mut() = Method::GET;
        }
        let answered = match self.may_ask(viewer, session, start) {
            Ok(()) => self.ask(request).await,
            Err(refusal) => Err(refusal),
        };
        let mut response = match answered {
            Ok(response) => access::count_denial(response).await,
            Err(refusal) => refusal.response(&request_id),
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        if is_head {
            behead(&mut response);
        }
        let status = response.status();
        let is_good = status.is_success() || status == StatusCode::NOT_MODIFIED;
        if let Some(session) = session.filter(|_| is_good) {
            self.sessions.saw(session, start);
        }
        access::count(status, version);
        if let Some(entry) = &mut entry {
            entry.answered(status, response.headers());
        }
        response.map(|body| Sent::new(body, turn, entry))
    }

    /// Makes sure that the request has an id, and tells it.
    fn name(&self, request: &mut Request<Incoming>) -> String {
        let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
        if let Some(id) = given.filter(|id| is_request_id(id)) {
            return id.to_owned();
        }
        let number = self.ids.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        let id = HEXLOWER.encode(&number.to_be_bytes());
        if let Ok(value) = HeaderValue::from_str(&id) {
            request.headers_mut().insert(REQUEST_ID, value);
        }
        id
    }

    /// Whether this viewer and this session have not asked too often.
    fn may_ask(&self, viewer: IpAddr, session: Option<u64>, now: Instant) -> Result<(), Refusal> {
        let refused = |by: &'static str| {
            move |wait| {
                counter!("matinee_edge_rate_limited_total", "by" => by).increment(1);
                Refusal::TooMany(wait)
            }
        };
        if let Some(rate) = &self.client_rate {
            rate.take(network(viewer), now).map_err(refused("client"))?;
        }
        if let (Some(rate), Some(session)) = (&self.session_rate, session) {
            rate.take(session, now).map_err(refused("session"))?;
        }
        Ok(())
    }

    async fn ask(&self, request: Request<Incoming>) -> Result<Response<WasiBody>, Refusal> {
        if head_bytes(&request) > self.limits.head_bytes_max as usize {
            return Err(Refusal::HeadTooLarge);
        }
        if request.body().size_hint().lower() > self.limits.body_bytes_max {
            return Err(Refusal::TooLarge);
        }
        let bytes_max = usize::try_from(self.limits.body_bytes_max).unwrap_or(usize::MAX);
        let limited = |body: Incoming| {
            if body.is_end_stream() {
                return empty();
            }
            Limited::new(body, bytes_max)
                .map_err(|_| WasiError::HttpRequestBodySize(None))
                .boxed_unsync()
        };
        self.engine.answer(request.map(limited)).await
    }
}

/// Bytes of a request's path and headers. Of HTTP/1.1 hyper may have read twice what it is told to, depending on how
/// they came in.
fn head_bytes<B>(request: &Request<B>) -> usize {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let headers = request.headers().iter();
    headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + path
}

/// Takes the body off an answer and leaves its length.
fn behead(response: &mut Response<WasiBody>) {
    let length = response.body().size_hint().exact();
    if let Some(length) = length.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
        let length = HeaderValue::from(length);
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length);
    }
    *response.body_mut() = empty();
}
