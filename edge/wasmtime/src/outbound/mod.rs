//! The component's own requests: to the one origin, through the cache, over kept connections.
//!
//! In: a request of the component. Out: the origin's answer, or why there is none. Does not know what is asked for, nor
//! for whom.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri, header, request, response};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body, Frame, Incoming};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use metrics::counter;
use shared_wire::header::{CACHE, SURROGATE_CONTROL, SURROGATE_KEY};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error as WasiError, WasiBody};

use crate::cache::{self, Answer, Cache, Coding, Fetched, Key, Object, Via};
use crate::config::{CacheLimits, Limits};
use crate::error::Error;

/// What the viewer's conditions are; an object is fetched without them.
const CONDITIONS: [HeaderName; 6] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
];

/// Why the origin gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection.
    Connect,
    /// It took too long.
    Slow,
    /// The connection broke, or what came was no HTTP.
    Broken,
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

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if error.is_connect() { Self::Connect } else { Self::Broken }
    }
}

/// The way to the origin; cheap to clone.
#[derive(Clone)]
pub(crate) struct Outbound(Arc<Inner>);

struct Inner {
    authority: Authority,
    client: Client<HttpConnector, WasiBody>,
    cache: Cache,
    first_byte_time_max: Duration,
    between_bytes_time_max: Duration,
}

impl Outbound {
    /// The way to `origin`, an `http://host[:port]`.
    pub(crate) fn new(origin: &str, limits: &Limits, cache: &CacheLimits) -> Result<Self, Error> {
        let authority = authority(origin).ok_or_else(|| Error::Origin(origin.to_owned()))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits.connect_time_max));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limits.origin_idle_max)
            .build(connector);
        Ok(Self(Arc::new(Inner {
            authority,
            client,
            cache: Cache::new(cache),
            first_byte_time_max: limits.first_byte_time_max,
            between_bytes_time_max: limits.between_bytes_time_max,
        })))
    }

    /// Answers a request of the component; refuses every other address than the origin's.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, WasiError> {
        let to_origin = request.uri().scheme() == Some(&Scheme::HTTP)
            && request.uri().authority() == Some(&self.0.authority);
        if !to_origin {
            return Err(WasiError::HttpRequestDenied);
        }
        let (parts, body) = request.into_parts();
        if !cache::may_answer(&parts) {
            return self.pass(Request::from_parts(parts, body)).await;
        }
        let key = Key::of(&parts);
        let whole = whole_request(&parts, key.coding());
        let origin = self.clone();
        let fetch = async move { origin.fetch(whole).await };
        match self.0.cache.answer(key, &parts, fetch).await {
            Answer::Object(object, via, age) => {
                let response = object.respond(&parts, age);
                Ok(labelled(response.map(full), via))
            }
            // Only the whole was too large; the viewer may have asked for a part of it, or its head.
            Answer::Stream(response) if !is_plain(&parts) => {
                drop(response);
                self.pass(Request::from_parts(parts, body)).await
            }
            Answer::Stream(response) => Ok(labelled(response, Via::Pass)),
            Answer::Alone => self.pass(Request::from_parts(parts, body)).await,
            Answer::Failed(failure) => Err(failure.into()),
        }
    }

    /// Sends a request as it is and hands the answer on as it comes.
    async fn pass(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, WasiError> {
        let (parts, body) = self.head(request).await?.into_parts();
        let body = self.timed(body);
        Ok(labelled(Response::from_parts(parts, body), Via::Pass))
    }

    /// Fetches a whole object, unless it is too large.
    async fn fetch(&self, request: Request<WasiBody>) -> Fetched<WasiBody> {
        let response = match self.head(request).await {
            Ok(response) => response,
            Err(failure) => return Fetched::Failed(failure),
        };
        let (parts, mut body) = response.into_parts();
        let bytes_max = self.0.cache.object_bytes_max;
        if body.size_hint().lower() > bytes_max as u64 {
            return Fetched::Stream(Response::from_parts(parts, self.timed(body)));
        }
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut bytes = 0;
        loop {
            let frame = match timeout(self.0.between_bytes_time_max, body.frame()).await {
                Err(_) => return Fetched::Failed(Failure::Slow),
                Ok(Some(Err(_))) => return Fetched::Failed(Failure::Broken),
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(piece) = frame.into_data() else { continue };
            bytes += piece.len();
            pieces.push(piece);
            if bytes > bytes_max {
                return Fetched::Stream(self.rejoined(parts, pieces, body));
            }
        }
        Fetched::Whole(Arc::new(Object::new(parts.status, parts.headers, joined(pieces, bytes))))
    }

    async fn head(&self, request: Request<WasiBody>) -> Result<Response<Incoming>, Failure> {
        counter!("matinee_edge_origin_requests_total").increment(1);
        let response = timeout(self.0.first_byte_time_max, self.0.client.request(request)).await;
        response.map_err(|_| Failure::Slow)?.map_err(Failure::from)
    }

    /// The rest of a body, each piece within its time.
    fn timed(&self, body: Incoming) -> WasiBody {
        let time_max = self.0.between_bytes_time_max;
        let frames = stream::unfold(Some(body), move |body| async move {
            let mut body = body?;
            match timeout(time_max, body.frame()).await {
                Err(_) => Some((Err(WasiError::from(Failure::Slow)), None)),
                Ok(Some(Err(error))) => Some((Err(WasiError::from(error)), None)),
                Ok(Some(Ok(frame))) => Some((Ok(frame), Some(body))),
                Ok(None) => None,
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }

    /// An answer whose beginning was read already.
    fn rejoined(
        &self,
        parts: response::Parts,
        read: Vec<Bytes>,
        rest: Incoming,
    ) -> Response<WasiBody> {
        let read = stream::iter(read.into_iter().map(|piece| Ok(Frame::data(piece))));
        let frames =
            read.chain(self.timed(rest).into_data_stream().map(|data| data.map(Frame::data)));
        Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
    }
}

/// The authority of `http://host[:port]`.
fn authority(origin: &str) -> Option<Authority> {
    let uri: Uri = origin.parse().ok()?;
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    let plain = uri.scheme() == Some(&Scheme::HTTP);
    uri.into_parts()
        .authority
        .filter(|authority| bare && plain && !authority.as_str().contains('@'))
}

/// Whether the viewer asked for the whole object.
fn is_plain(parts: &request::Parts) -> bool {
    parts.method == Method::GET && !CONDITIONS.iter().any(|name| parts.headers.contains_key(name))
}

/// The request that fetches the whole object which `parts` asks about.
fn whole_request(parts: &request::Parts, coding: Coding) -> Request<WasiBody> {
    let mut request = Request::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    let headers = request.headers_mut();
    for name in CONDITIONS.iter().chain(&[header::CONTENT_LENGTH, header::ACCEPT_ENCODING]) {
        headers.remove(name);
    }
    if coding == Coding::Gzip {
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    request
}

fn joined(mut pieces: Vec<Bytes>, bytes: usize) -> Bytes {
    if pieces.len() <= 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = BytesMut::with_capacity(bytes);
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    whole.freeze()
}

fn full(body: Bytes) -> WasiBody {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// The answer as the component sees it: with how it came, without what was said to edges only.
fn labelled(mut response: Response<WasiBody>, via: Via) -> Response<WasiBody> {
    counter!("matinee_edge_cache_requests_total", "result" => via.as_str()).increment(1);
    let headers = response.headers_mut();
    headers.remove(SURROGATE_CONTROL);
    headers.remove(SURROGATE_KEY);
    headers.insert(CACHE, HeaderValue::from_static(via.as_str()));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_http_address_is_an_origin() {
        assert_eq!(authority("http://127.0.0.1:8081").unwrap(), "127.0.0.1:8081");
        assert_eq!(authority("http://origin/").unwrap(), "origin");
        for bad in
            ["", "origin:8081", "https://origin", "http://origin/path", "http://o/?a", "http://u@o"]
        {
            assert_eq!(authority(bad), None, "{bad}");
        }
    }
}
