//! The law of `edge-answer`, driven by this host: decide, look at the deny list, fetch, relay.
//!
//! In: a viewer's request, its body bounded, its client facts set. Out: the answer, or why there is none. Does not
//! decide: that is done by who [`Decides`], the component in its sandboxes or the same code compiled in. Those neither
//! wait nor fetch, so a viewer who waits costs no instance, and a body goes from the cache to the socket.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use edge_answer::Sight;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header, request};
use http_body_util::{BodyExt as _, Limited};
use shared_ticket::TokenError;
use shared_ticket::cat::{Replay, ReplayMemory, Use};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::config::Limits;
use crate::lines;
use crate::outbound::{Came, Outbound, full};
use crate::refusal::{Refusal, empty};

/// Who decides. Nothing here waits.
pub(crate) trait Decides: Send + Sync {
    /// A fetch that has not ended. Dropped, it is forgotten.
    type UnderWay: Send;

    /// What whoever drives this keeps to.
    fn bounds(&self) -> Bounds;

    /// What to do with a request.
    fn decide(&self, asked: &Asked, now: Now) -> Result<Step<Self::UnderWay>, Refusal>;

    /// Goes on after a [`Step::Look`]: with the age of the deny list in seconds and its bytes, if it could be had.
    fn admit(
        &self,
        under_way: Self::UnderWay,
        now_ms: i64,
        list: Option<(u64, Bytes)>,
    ) -> Result<Step<Self::UnderWay>, Refusal>;

    /// Goes on after a [`Step::Once`], with what the memory of this host says.
    fn used(
        &self,
        under_way: Self::UnderWay,
        sight: Sight,
    ) -> Result<Step<Self::UnderWay>, Refusal>;

    /// Goes on after a [`Step::Fetch`], with the head of the origin's answer.
    fn relay(
        &self,
        under_way: Self::UnderWay,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<Self::UnderWay>, Refusal>;

    /// Goes on after a [`Step::Plain`], with the head of the origin's answer: the same for everybody, but for the id.
    fn relay_plain(
        &self,
        whose: &Whose,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<Self::UnderWay>, Refusal>;

    /// Goes on after a [`Relayed::Edit`], with the origin's whole body.
    fn edit(
        &self,
        under_way: Self::UnderWay,
        now_ms: i64,
        body: Bytes,
    ) -> Result<Response<WasiBody>, Refusal>;

    /// Ends a fetch that failed.
    fn fail(&self, under_way: Self::UnderWay, fault: Fault) -> Result<Response<WasiBody>, Refusal>;

    /// What to send if a [`Step::Plain`] failed.
    fn fail_plain(&self, whose: &Whose, fault: Fault) -> Result<Response<WasiBody>, Refusal>;
}

/// A viewer's request without its body, apart from the buffer it was read into: that has room for the next one, and ten
/// thousand who wait would hold ten thousand of them.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) scheme: Option<Scheme>,
    pub(crate) authority: Option<Box<str>>,
    pub(crate) path: Box<str>,
    pub(crate) query: Option<Box<str>>,
    /// As [`lines`] has them.
    pub(crate) headers: Box<str>,
}

impl Asked {
    fn of(parts: &request::Parts) -> Self {
        let uri = &parts.uri;
        Self {
            method: parts.method.clone(),
            scheme: uri.scheme().cloned(),
            authority: uri.authority().map(|authority| authority.as_str().into()),
            path: uri.path().into(),
            query: uri.query().map(Box::from),
            headers: lines::of(&parts.headers).into(),
        }
    }
}

/// What a decision may depend on besides the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Milliseconds since the Unix epoch.
    pub(crate) ms: i64,
    /// Differ from request to request.
    pub(crate) random: (u64, u64),
    /// Changes with the deny list at hand, which is then looked at at once.
    pub(crate) edition: u64,
}

/// Sizes and waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) body_bytes_max: usize,
    pub(crate) playlist_bytes_max: usize,
    pub(crate) deny_bytes_max: usize,
    pub(crate) origin_wait: Duration,
    pub(crate) deny_wait: Duration,
}

/// What to do next.
pub(crate) enum Step<U> {
    /// Send this.
    Answer(Response<WasiBody>),
    /// Fetch this.
    Fetch(Errand, U),
    /// Fetch this, which is nobody's own. Nothing is under way.
    Plain(Errand, Whose),
    /// Fetch this, which is the deny list.
    Look(Errand, U),
    /// Say whether this is the first use of a token, and remember it.
    Once(Use, U),
}

/// A request for the origin.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) method: Method,
    pub(crate) path: PathAndQuery,
    pub(crate) headers: HeaderMap,
}

/// What is left of a request while a plain fetch is made for it.
pub(crate) struct Whose {
    pub(crate) request_id: Box<str>,
    pub(crate) path: PathAndQuery,
}

/// What becomes of the origin's answer.
pub(crate) enum Relayed<U> {
    /// Send this head and the origin's body.
    Pass(StatusCode, HeaderMap),
    /// Read the origin's body and edit it.
    Edit(U),
    /// Send this, and not the origin's body.
    Answer(Response<WasiBody>),
}

/// Why a fetch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Unreachable,
    TimedOut,
    BodyTooLarge,
    NotEditable,
}

/// Drives who decides.
pub(crate) struct Law<D> {
    decides: D,
    bounds: Bounds,
    outbound: Outbound,
    /// Tokens for one use that were used, in whichever sandbox.
    used: Mutex<ReplayMemory>,
    /// Room for requests that have no answer yet.
    places: Semaphore,
    request_time_max: Duration,
    ids: RandomState,
    count: AtomicU64,
}

impl<D: Decides> Law<D> {
    pub(crate) fn new(decides: D, outbound: Outbound, limits: &Limits) -> Self {
        Self {
            bounds: decides.bounds(),
            decides,
            outbound,
            used: Mutex::new(ReplayMemory::new(limits.used_tokens_max)),
            places: Semaphore::new(limits.requests_max),
            request_time_max: limits.request_time_max,
            ids: RandomState::new(),
            count: AtomicU64::new(0),
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let _place = self.places.try_acquire().map_err(|_| Refusal::Full)?;
        let (parts, body) = request.into_parts();
        let asked = Asked::of(&parts);
        drop(parts);
        let answered = timeout(self.request_time_max, async {
            match self.serve(&asked, body).await {
                // Whatever killed a sandbox, perhaps another request's, this one may well live in the next.
                Err(Refusal::Died) if asked.method == Method::GET => {
                    Box::pin(self.serve(&asked, empty())).await
                }
                answered => answered,
            }
        });
        answered.await.unwrap_or(Err(Refusal::Slow))
    }

    /// Begins nothing more, and ends what goes on behind it.
    pub(crate) async fn close(&self) {
        self.places.close();
        self.outbound.close().await;
    }

    async fn serve(&self, asked: &Asked, body: WasiBody) -> Result<Response<WasiBody>, Refusal> {
        let mut step = self.decides.decide(asked, self.now())?;
        loop {
            step = match step {
                Step::Answer(answer) => return Ok(answer),
                Step::Fetch(errand, under_way) => return self.fetch(errand, under_way, body).await,
                Step::Plain(errand, whose) => return self.plain(errand, &whose).await,
                Step::Look(errand, under_way) => {
                    let list = Box::pin(self.deny_list(errand)).await;
                    self.decides.admit(under_way, now_ms(), list)?
                }
                Step::Once(one, under_way) => {
                    let sight = self.sight(one, now_ms());
                    self.decides.used(under_way, sight)?
                }
            }
        }
    }

    /// Notes the use of a token that is good for one.
    fn sight(&self, one: Use, now_ms: i64) -> Sight {
        // Nothing that holds it can panic, so a poisoned one is whole.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.admit(&Replay::Once(one), now_ms.div_euclid(1000)) {
            Ok(_) => Sight::First,
            Err(TokenError::Replayed) => Sight::Again,
            Err(_) => Sight::Full,
        }
    }

    async fn deny_list(&self, errand: Errand) -> Option<(u64, Bytes)> {
        let response = self.send(errand, None, self.bounds.deny_wait).await.ok()?;
        let age_s = response.headers().get(header::AGE);
        let age_s = age_s.and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
        let is_list = response.status() == StatusCode::OK;
        let body = Some(response.into_body()).filter(|_| is_list)?;
        Some((age_s, read(body, self.bounds.deny_bytes_max).await?))
    }

    async fn fetch(
        &self,
        errand: Errand,
        under_way: D::UnderWay,
        body: WasiBody,
    ) -> Result<Response<WasiBody>, Refusal> {
        let body = match errand.method {
            Method::POST => match read(body, self.bounds.body_bytes_max).await {
                Some(body) => Some(body),
                None => return self.decides.fail(under_way, Fault::BodyTooLarge),
            },
            _ => None,
        };
        let (head, body) = match self.send(errand, body, self.bounds.origin_wait).await {
            Ok(response) => response.into_parts(),
            Err(WasiError::HttpResponseTimeout) => {
                return self.decides.fail(under_way, Fault::TimedOut);
            }
            Err(_) => return self.decides.fail(under_way, Fault::Unreachable),
        };
        match self.decides.relay(under_way, head.status, &head.headers)? {
            Relayed::Pass(status, headers) => Ok(response(status, headers, body)),
            Relayed::Answer(answer) => Ok(answer),
            Relayed::Edit(under_way) => match read(body, self.bounds.playlist_bytes_max).await {
                Some(body) => self.decides.edit(under_way, now_ms(), body),
                None => self.decides.fail(under_way, Fault::NotEditable),
            },
        }
    }

    async fn plain(&self, errand: Errand, whose: &Whose) -> Result<Response<WasiBody>, Refusal> {
        let tell = |headers: &HeaderMap| {
            let relayed = self.decides.relay_plain(whose, StatusCode::OK, headers);
            match relayed {
                Ok(Relayed::Pass(StatusCode::OK, headers)) => Some(headers),
                _ => None,
            }
        };
        let sent = self.outbound.ask_plain(parts(errand), &tell);
        let (head, body) = match timeout(self.bounds.origin_wait, sent).await {
            Ok(Ok(Came::Told(response))) => return Ok(response),
            Ok(Ok(Came::Origin(response))) => response.into_parts(),
            Err(_) | Ok(Err(WasiError::HttpResponseTimeout)) => {
                return self.decides.fail_plain(whose, Fault::TimedOut);
            }
            Ok(Err(_)) => return self.decides.fail_plain(whose, Fault::Unreachable),
        };
        match self.decides.relay_plain(whose, head.status, &head.headers)? {
            Relayed::Pass(status, headers) => Ok(response(status, headers, body)),
            Relayed::Answer(answer) => Ok(answer),
            Relayed::Edit(_) => Err(Refusal::Failed),
        }
    }

    async fn send(
        &self,
        errand: Errand,
        body: Option<Bytes>,
        wait: Duration,
    ) -> Result<Response<WasiBody>, WasiError> {
        let body = body.map_or_else(empty, full);
        let sent = timeout(wait, self.outbound.ask(parts(errand), body));
        sent.await.unwrap_or(Err(WasiError::HttpResponseTimeout))
    }

    fn now(&self) -> Now {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let random = (self.ids.hash_one(count), count);
        Now { ms: now_ms(), random, edition: self.outbound.edition() }
    }
}

fn parts(errand: Errand) -> request::Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = errand.method;
    parts.uri = Uri::from(errand.path);
    parts.headers = errand.headers;
    parts
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

/// An answer with all its bytes.
pub(crate) fn whole(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<WasiBody> {
    if body.is_empty() {
        return response(status, headers, empty());
    }
    headers.insert(header::CONTENT_LENGTH, body.len().into());
    response(status, headers, full(body))
}

fn response(status: StatusCode, headers: HeaderMap, body: WasiBody) -> Response<WasiBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
