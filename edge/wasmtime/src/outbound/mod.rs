//! The component's own requests: to the origin, through the cache; and the two that never leave this host.
//!
//! In: a request of the component. Out: the origin's answer, or why there is none. Does not know what is asked for, nor
//! for whom.
//!
//! The deny list is followed by the host (`follower`) and answered from memory; `PURGE` is for the cache (`purge`).
//! All else goes through the cache, which fetches whole objects (`fetch`), or past it (`passing`); closed segments from
//! the bucket (`bucket`), if there is one.

mod bucket;
mod fetch;
mod passing;
mod told;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request,
};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use metrics::counter;
use shared_wire::Problem;
use shared_wire::header::{CACHE, REQUEST_ID, SURROGATE_CONTROL, SURROGATE_KEY, TYPE_PROBLEM};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::cache::{self, Answer, Arriving, Cache, Clock, Coding, Key, Via};
use crate::config::Config;
use crate::error::Error;
use crate::follower::{self, Book};
use crate::origins::{Address, Origins, empty};
use crate::purge;
use bucket::BucketReads;
use told::Tell;

/// How this cache answered, for any client that knows the standard (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the viewer's conditions are; an object is fetched without them.
const CONDITIONS: [HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

/// What came of a plain request.
pub(crate) enum Came {
    /// The origin's answer.
    Origin(Response<WasiBody>),
    /// What the viewer gets.
    Told(Response<WasiBody>),
}

/// The way to the origins; cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbound(Arc<Inner>);

struct Inner {
    /// What the component calls the origin.
    address: Address,
    origins: Arc<Origins>,
    bucket: Option<BucketReads>,
    cache: Cache,
    book: Option<Arc<Book>>,
    first_byte_time_max: Duration,
    between_bytes_time_max: Duration,
    resumes_max: usize,
    /// Probing and following; over when this is.
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Outbound {
    /// The way to the origins of `config`. Begins to probe them, if there are several, and to follow their deny list,
    /// if the environment has an edge key.
    ///
    /// # Errors
    /// An address is none, the bucket's settings are not whole, or the cache's directory cannot be used.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let clock = Clock::system();
        let origins = Arc::new(Origins::new(config, clock.clone())?);
        let bucket = BucketReads::new(config)?;
        let cache = Cache::new(&config.cache, clock.clone())?;
        let mut tasks = Vec::new();
        if origins.are_several() {
            let probed = Arc::clone(&origins);
            tasks.push(tokio::spawn(async move { probed.probe().await }));
        }
        let key = config.environment.iter().find(|(name, _)| name == follower::EDGE_KEY);
        let book = key.map(|(_, key)| {
            let file = config.cache.disk.as_ref().map(|disk| disk.directory.join("denied"));
            let book = Arc::new(Book::open(file, config.deny.clone(), clock));
            let follow = follower::follow(Arc::clone(&book), Arc::clone(&origins), key.clone());
            tasks.push(tokio::spawn(follow));
            book
        });
        Ok(Self(Arc::new(Inner {
            address: Address::parse(&config.origin)?,
            origins,
            bucket,
            cache,
            book,
            first_byte_time_max: config.limits.first_byte_time_max,
            between_bytes_time_max: config.limits.between_bytes_time_max,
            resumes_max: config.origin_limits.resumes_max,
            tasks,
        })))
    }

    /// Answers a request of the component; refuses every other address than the origin's.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, WasiError> {
        let uri = request.uri();
        let to_origin = uri.scheme() == Some(&self.0.address.scheme)
            && uri.authority() == Some(&self.0.address.authority);
        if !to_origin {
            return Err(WasiError::HttpRequestDenied);
        }
        let (parts, body) = request.into_parts();
        self.ask(parts, body).await
    }

    /// Answers a request for the origin, of which the path and the query count.
    pub(crate) async fn ask(
        &self,
        parts: request::Parts,
        body: WasiBody,
    ) -> Result<Response<WasiBody>, WasiError> {
        if parts.method.as_str() == purge::METHOD {
            let book = self.0.book.as_deref();
            return Ok(purge::answer(&parts, &self.0.cache, book).await.map(full));
        }
        if let Some(book) = &self.0.book
            && let Some(response) = book.answer(&parts)
        {
            return Ok(labelled(response.map(full), Via::Hit));
        }
        if !cache::may_answer(&parts) {
            return Box::pin(self.pass(Request::from_parts(parts, body))).await;
        }
        match self.through_cache(parts, None).await? {
            Came::Origin(response) | Came::Told(response) => Ok(response),
        }
    }

    /// Answers a plain request for the origin with all that `tell` would make of it, where that is known already.
    pub(crate) async fn ask_plain(
        &self,
        parts: request::Parts,
        tell: Tell<'_>,
    ) -> Result<Came, WasiError> {
        if cache::may_answer(&parts) {
            return self.through_cache(parts, Some(tell)).await;
        }
        Box::pin(self.pass(Request::from_parts(parts, empty()))).await.map(Came::Origin)
    }

    /// Which deny list is at hand; 0 if none is followed.
    pub(crate) fn edition(&self) -> u64 {
        self.0.book.as_ref().map_or(0, |book| book.edition())
    }

    /// Ends following and probing, and waits until the cache is on disk.
    pub(crate) async fn close(&self) {
        for task in &self.0.tasks {
            task.abort();
        }
        self.0.cache.flush().await;
    }

    async fn through_cache(
        &self,
        parts: request::Parts,
        tell: Option<Tell<'_>>,
    ) -> Result<Came, WasiError> {
        let key = Key::of(&parts);
        // Most answers are hits: what a fetch needs is made when there is one.
        let (parts, coding) = (Arc::new(parts), key.coding());
        let (origin, asked) = (self.clone(), Arc::clone(&parts));
        let fetch =
            move |job| async move { origin.fetch(&whole_request(&asked, coding), job).await };
        let answer = match self.0.cache.answer(key, &parts, fetch).await {
            Answer::Object(object, via, age) => {
                if let Some(tell) = tell.filter(|_| is_plain(&parts))
                    && let Some(response) = told::answer(&object, via, age, tell)
                {
                    return Ok(Came::Told(response.map(full)));
                }
                let response = object.respond(&parts, age);
                Ok(labelled(response.map(full), via))
            }
            Answer::Arriving(arriving, via) => joined(arriving, via, &parts).await,
            // Only the whole was too large; the viewer may have asked for a part of it, or its head.
            Answer::Stream(response) if !is_plain(&parts) => {
                drop(response);
                Box::pin(self.pass(Request::from_parts((*parts).clone(), empty()))).await
            }
            Answer::Stream(response) => Ok(labelled(response, Via::Pass)),
            Answer::Alone => {
                Box::pin(self.pass(Request::from_parts((*parts).clone(), empty()))).await
            }
            Answer::Full => Ok(labelled(crowded(&parts), Via::Pass)),
            Answer::Failed(failure) => Err(failure.into()),
        };
        answer.map(Came::Origin)
    }
}

/// The answer from an object that is on its way.
async fn joined(
    arriving: Arc<Arriving>,
    via: Via,
    parts: &request::Parts,
) -> Result<Response<WasiBody>, WasiError> {
    if !is_plain(parts) {
        let object = arriving.whole().await?;
        return Ok(labelled(object.respond(parts, None).map(full), via));
    }
    let age = Some(arriving.age()).filter(|age| age.as_secs() > 0);
    let mut headers = arriving.head.aged(age);
    if let Some(total) = arriving.total {
        headers.insert(header::CONTENT_LENGTH, total.into());
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let status = arriving.head.status;
    let frames = futures::StreamExt::map(arriving.body(), |piece| {
        piece.map(Frame::data).map_err(WasiError::from)
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(labelled(response, via))
}

/// The answer when too many wait for others' requests already.
fn crowded(parts: &request::Parts) -> Response<WasiBody> {
    let id = parts.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let title = "The edge is serving as many viewers as it can.";
    let mut response = problem(&Problem::new(503, "edge_full", title, id)).map(full);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// A problem as an answer that nobody keeps.
pub(crate) fn problem(problem: &Problem) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(problem.to_json()));
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE_PROBLEM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether the viewer asked for the whole object.
fn is_plain(parts: &request::Parts) -> bool {
    parts.method == Method::GET && !CONDITIONS.iter().any(|name| parts.headers.contains_key(name))
}

/// The request that fetches the whole object which `parts` asks about.
fn whole_request(parts: &request::Parts, coding: Coding) -> request::Parts {
    let (mut whole, ()) = Request::new(()).into_parts();
    whole.uri = parts.uri.clone();
    whole.headers = parts.headers.clone();
    let dropped = [header::CONTENT_LENGTH, header::ACCEPT_ENCODING, header::CACHE_CONTROL];
    for name in CONDITIONS.iter().chain(&dropped) {
        whole.headers.remove(name);
    }
    if coding == Coding::Gzip {
        whole.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    whole
}

pub(crate) fn full(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// The answer as the component sees it: with how it came, without what was said to edges only.
fn labelled(mut response: Response<WasiBody>, via: Via) -> Response<WasiBody> {
    count(via);
    label(response.headers_mut(), via);
    response
}

/// Counts an answer.
fn count(via: Via) {
    counter!("matinee_edge_cache_requests_total", "result" => via.as_str()).increment(1);
}

fn label(headers: &mut HeaderMap, via: Via) {
    headers.remove(SURROGATE_CONTROL);
    headers.remove(SURROGATE_KEY);
    headers.insert(CACHE, HeaderValue::from_static(via.as_str()));
    headers.insert(CACHE_STATUS, HeaderValue::from_static(via.status()));
}
