//! The decision compiled into the host: the same `edge-answer` that is inside the component, without WebAssembly.
//!
//! In: a viewer's request, its body bounded, its client facts set. Out: the answer, or why there is none. Does not
//! decide: it drives `edge-answer` as that crate's law says, over the same cache and outbound as the component.
//!
//! What it lacks is what WebAssembly gives: a fault in the decision would be a fault of the host. So it is there for
//! who builds the host and the decision as one.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use edge_answer::config::{
    BODY_BYTES_MAX, DENY_BYTES_MAX, DENY_WAIT_MS, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX,
};
use edge_answer::{
    Answer, Client, Config, Decision, Fetch, Guarded, Head, Memory, Method, Relay, decide,
    deny_request,
};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::config::Limits;
use crate::error::Error;
use crate::outbound::Outbound;
use crate::refusal::{Refusal, empty};

/// The compiled-in decision, ready to answer.
pub(crate) struct Native {
    config: Config,
    /// The origin's address, parsed once.
    origin: Uri,
    memory: Mutex<Memory>,
    outbound: Outbound,
    /// Room for requests that have no answer yet.
    places: Semaphore,
    request_time_max: Duration,
    ids: RandomState,
    count: AtomicU64,
}

impl Native {
    /// Reads the settings that the component would find in its environment.
    pub(crate) fn start(
        environment: &[(String, String)],
        outbound: Outbound,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let setting = |name: &str| {
            let found = environment.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::from_lookup(setting).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Error::Settings(all.join("; "))
        })?;
        let scheme = if config.origin.is_tls { "https" } else { "http" };
        let origin = Uri::builder().scheme(scheme).authority(config.origin.authority.as_str());
        let origin = origin.path_and_query("/").build();
        let origin = origin.map_err(|error| Error::Settings(error.to_string()))?;
        Ok(Self {
            config,
            origin,
            memory: Mutex::default(),
            outbound,
            places: Semaphore::new(limits.requests_max),
            request_time_max: limits.request_time_max,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        })
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let _place = self.places.try_acquire().map_err(|_| Refusal::Full)?;
        let answered = timeout(self.request_time_max, self.serve(request)).await;
        answered.map_err(|_| Refusal::Slow)
    }

    /// Begins nothing more, and ends what goes on behind it.
    pub(crate) async fn close(&self) {
        self.places.close();
        self.outbound.close().await;
    }

    async fn serve(&self, request: Request<WasiBody>) -> Response<WasiBody> {
        let (parts, body) = request.into_parts();
        let fetch = match self.decide(&parts) {
            Decision::Answer(answer) => return whole(answer),
            Decision::Open(fetch) => fetch,
            Decision::Guarded(guarded) => match self.admit(guarded).await {
                Ok(fetch) => fetch,
                Err(answer) => return whole(answer),
            },
            Decision::Purge(purge) => match purge.fetch(&self.config) {
                Some(fetch) => fetch,
                None => return whole(purge.unsupported()),
            },
        };
        let body = match fetch.method {
            Method::Post => match read(body, BODY_BYTES_MAX).await {
                Some(body) => Some(body),
                None => return whole(fetch.body_too_large()),
            },
            _ => None,
        };
        match self.send(&fetch, body, ORIGIN_WAIT_MS).await {
            Ok(response) => self.relay(&fetch, response).await,
            Err(WasiError::HttpResponseTimeout) => whole(fetch.timed_out()),
            Err(_) => whole(fetch.unreachable()),
        }
    }

    fn decide(&self, parts: &request::Parts) -> Decision {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let asked = edge_answer::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query(),
            header: &header,
            client: Client {
                scheme: parts.uri.scheme_str(),
                authority: parts.uri.authority().map(|authority| authority.as_str()),
                ..Client::from_headers(&header)
            },
        };
        decide(&self.config, &asked, now_ms(), self.random())
    }

    /// Step 2 of the law: the deny list, after a look for a newer one if that is due.
    async fn admit(&self, guarded: Guarded) -> Result<Fetch, Answer> {
        let now_ms = now_ms();
        let is_due = self.memory().deny.is_due(now_ms);
        if is_due {
            let fetch = deny_request(&self.config, guarded.request_id());
            let list = match self.send(&fetch, None, DENY_WAIT_MS).await {
                Ok(response) if response.status() == StatusCode::OK => {
                    let age_s = response.headers().get(header::AGE);
                    let age_s = age_s.and_then(|age| age.to_str().ok()?.parse().ok()).unwrap_or(0);
                    read(response.into_body(), DENY_BYTES_MAX).await.map(|list| (age_s, list))
                }
                _ => None,
            };
            let deny = &mut self.memory().deny;
            match list {
                Some((age_s, list)) => {
                    if let Err(error) = deny.accept(now_ms, age_s, &list) {
                        warn!(%error, "the deny list was refused");
                    }
                }
                None => deny.failed(now_ms),
            }
        }
        guarded.admit(&mut self.memory(), now_ms)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(
        &self,
        fetch: &Fetch,
        body: Option<Bytes>,
        wait_ms: u64,
    ) -> Result<Response<WasiBody>, WasiError> {
        let request = self.request(fetch, body).ok_or(WasiError::HttpRequestUriInvalid)?;
        let sent = timeout(Duration::from_millis(wait_ms), self.outbound.send(request)).await;
        sent.unwrap_or(Err(WasiError::HttpResponseTimeout))
    }

    fn request(&self, fetch: &Fetch, body: Option<Bytes>) -> Option<Request<WasiBody>> {
        let mut uri = self.origin.clone().into_parts();
        uri.path_and_query = fetch.path_and_query.parse().ok();
        let mut request = Request::new(body.map_or_else(empty, full));
        *request.uri_mut() = Uri::from_parts(uri).ok()?;
        *request.method_mut() = match fetch.method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
            Method::Purge => fetch.method.name().parse().ok()?,
        };
        for (name, value) in &fetch.headers {
            let value = HeaderValue::from_str(value.as_ref()).ok()?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        Some(request)
    }

    /// Step 4 of the law.
    async fn relay(&self, fetch: &Fetch, response: Response<WasiBody>) -> Response<WasiBody> {
        let (parts, body) = response.into_parts();
        let relay = {
            let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
            fetch.relay(parts.status.as_u16(), &header)
        };
        match relay {
            Relay::Replace(answer) => whole(answer),
            Relay::Pass(head) => with(head, body),
            Relay::Edit(head) => whole(match read(body, PLAYLIST_BYTES_MAX).await {
                Some(body) => fetch.edit(&self.config, now_ms(), head, &body),
                None => fetch.not_editable(),
            }),
        }
    }

    /// 16 bytes that differ from request to request.
    fn random(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let both = u128::from(self.ids.hash_one(count)) << 64 | u128::from(count);
        both.to_be_bytes()
    }
}

/// Milliseconds since the Unix epoch.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A whole body, if it is not longer than `bytes_max` and does not break off.
async fn read(body: WasiBody, bytes_max: usize) -> Option<Bytes> {
    Some(Limited::new(body, bytes_max).collect().await.ok()?.to_bytes())
}

fn whole(answer: Answer) -> Response<WasiBody> {
    let Answer { mut head, body } = answer;
    if body.is_empty() {
        return with(head, empty());
    }
    head.headers.push(("content-length".into(), body.len().to_string().into()));
    with(head, full(body.into()))
}

fn full(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

fn with(head: Head, body: WasiBody) -> Response<WasiBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.reserve(head.headers.len());
    for (name, value) in head.headers {
        let name = match name {
            Cow::Borrowed(name) => HeaderName::from_bytes(name.as_bytes()),
            Cow::Owned(name) => HeaderName::try_from(name),
        };
        let value = match value {
            // What is the same on every answer is not copied.
            Cow::Borrowed(value) => {
                HeaderValue::from_maybe_shared(Bytes::from_static(value.as_bytes()))
            }
            Cow::Owned(value) => HeaderValue::from_maybe_shared(Bytes::from(value)),
        };
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    response
}
