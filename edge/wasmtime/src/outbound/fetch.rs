//! Fetches one whole object for the cache.
//!
//! In: a request without conditions, and what the cache has of the object already. Out: the object, a confirmation of
//! the stored one, or an answer that is not collected. Does not know who waits for it.
//!
//! A connection that breaks in the middle of a body is nobody's end: a small object is fetched again, and one that
//! others read from already is taken up where it stopped, from any origin, if it is sure to be the same bytes: it is
//! immutable, or has a strong validator. What the bucket broke off is taken up at an origin.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use metrics::counter;
use tokio::time::timeout;
use wasmtime_wasi_http::WasiBody;

use super::passing::{rejoined, timed};
use super::{Outbound, bucket};
use crate::cache::{Fetched, Head, Intake, Job, Object, position};
use crate::origins::Failure;

/// Whose answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Bucket,
    Origin,
}

/// How a body ended.
enum End {
    /// Well.
    Whole,
    /// It has more bytes than the cache keeps or has room for; the piece that was too much.
    TooLarge(Option<Bytes>),
    /// Early.
    Broken(Failure),
}

impl Outbound {
    /// Fetches an object.
    pub(super) async fn fetch(&self, request: &request::Parts, job: Job) -> Fetched<WasiBody> {
        let bucket = self.bucket_answer(request).await.map(|response| (response, Source::Bucket));
        let (mut response, mut source) = match bucket {
            Some(found) => found,
            None => match self.conditional(request, job.stored.as_deref()).await {
                Ok(Ok(response)) => (response, Source::Origin),
                Ok(Err(confirmed)) => return Fetched::Confirmed(confirmed),
                Err(failure) => return Fetched::Failed(failure),
            },
        };
        for resumed in 0.. {
            let failure = match self.collect(request, (response, source), &job).await {
                Ok(fetched) => return fetched,
                Err(failure) => failure,
            };
            let is_slow = failure == Failure::Slow && source == Source::Origin;
            if resumed >= self.0.resumes_max || is_slow {
                return Fetched::Failed(failure);
            }
            counter!("matinee_edge_origin_resumes_total").increment(1);
            (response, source) = match self.head(request).await {
                Ok(response) => (response, Source::Origin),
                Err(failure) => return Fetched::Failed(failure),
            };
        }
        Fetched::Failed(Failure::Broken)
    }

    async fn head(&self, request: &request::Parts) -> Result<Response<Incoming>, Failure> {
        self.0.origins.ask(request, self.0.first_byte_time_max).await
    }

    /// The origin's answer, or its confirmation of what is stored.
    async fn conditional(
        &self,
        request: &request::Parts,
        stored: Option<&Object>,
    ) -> Result<Result<Response<Incoming>, Head>, Failure> {
        let Some(stored) = stored else { return self.head(request).await.map(Ok) };
        let mut asked = request.clone();
        let mut put = |name: HeaderName, value: Option<&str>| {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                asked.headers.insert(name, value);
            }
        };
        put(header::IF_NONE_MATCH, stored.head.etag());
        put(header::IF_MODIFIED_SINCE, stored.head.last_modified());
        let response = self.head(&asked).await?;
        if response.status() != StatusCode::NOT_MODIFIED {
            return Ok(Ok(response));
        }
        let head = head_of(&response);
        let bare = |tag: &str| tag.trim_start_matches("W/").to_owned();
        let is_same = match (head.etag(), stored.head.etag()) {
            (Some(new), Some(old)) => bare(new) == bare(old),
            _ => true,
        };
        // Another object's confirmation is none.
        if is_same { Ok(Err(head)) } else { self.head(request).await.map(Ok) }
    }

    /// Reads an answer to its end. Fails if it broke off and nobody reads from it yet: it may be fetched anew.
    async fn collect(
        &self,
        request: &request::Parts,
        (response, source): (Response<Incoming>, Source),
        job: &Job,
    ) -> Result<Fetched<WasiBody>, Failure> {
        let time_max = self.0.between_bytes_time_max;
        let total = length(response.headers());
        let least = usize::try_from(response.body().size_hint().lower()).unwrap_or(usize::MAX);
        let has_room = total.unwrap_or(least) <= self.0.cache.object_bytes_max();
        let intake = if has_room { job.intake(head_of(&response), total) } else { None };
        let (parts, mut body) = response.into_parts();
        let Some(mut intake) = intake else {
            return Ok(Fetched::Stream(Response::from_parts(parts, timed(body, time_max))));
        };
        match self.pour((&mut body, source), &mut intake, 0).await {
            End::Whole => Ok(Fetched::Whole(intake.finish())),
            End::TooLarge(last) => {
                let mut read = intake.take();
                read.extend(last);
                Ok(Fetched::Stream(rejoined(parts, read, body, time_max)))
            }
            End::Broken(failure) if intake.is_shared() => {
                Ok(self.resume(request, intake, failure).await)
            }
            End::Broken(failure) => Err(failure),
        }
    }

    /// Takes up an object, from which others read already, where it stopped.
    async fn resume(
        &self,
        request: &request::Parts,
        mut intake: Intake,
        mut failure: Failure,
    ) -> Fetched<WasiBody> {
        for _ in 0..self.0.resumes_max {
            let strong = intake.head().etag().filter(|tag| !tag.starts_with("W/"));
            if strong.is_none() && !intake.head().is_immutable() {
                break;
            }
            counter!("matinee_edge_origin_resumes_total").increment(1);
            let asked = from(request, intake.bytes(), strong);
            let end = match self.head(&asked).await {
                Ok(response) => match skipped(&response, &intake) {
                    Some(skip) => {
                        let body = (&mut response.into_body(), Source::Origin);
                        self.pour(body, &mut intake, skip).await
                    }
                    None => break,
                },
                Err(failure) => End::Broken(failure),
            };
            match end {
                End::Whole => return Fetched::Whole(intake.finish()),
                End::TooLarge(_) => break,
                End::Broken(again) => failure = again,
            }
        }
        intake.fail(failure);
        Fetched::Failed(failure)
    }

    /// Reads a body into the intake, without its first `skip` bytes.
    async fn pour(
        &self,
        (body, source): (&mut Incoming, Source),
        intake: &mut Intake,
        mut skip: usize,
    ) -> End {
        loop {
            let frame = match timeout(self.0.between_bytes_time_max, body.frame()).await {
                Err(_) => return self.broken(source, Failure::Slow),
                Ok(Some(Err(_))) => return self.broken(source, Failure::Broken),
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
            };
            let Ok(mut piece) = frame.into_data() else { continue };
            let skipped = skip.min(piece.len());
            let piece = piece.split_off(skipped);
            skip -= skipped;
            if piece.is_empty() {
                continue;
            }
            if let Err(piece) = intake.push(piece) {
                return End::TooLarge(Some(piece));
            }
            if intake.bytes() > self.0.cache.object_bytes_max() {
                return End::TooLarge(None);
            }
        }
        if intake.is_short() { self.broken(source, Failure::Broken) } else { End::Whole }
    }

    fn broken(&self, source: Source, failure: Failure) -> End {
        match source {
            Source::Origin => self.0.origins.broke_off(failure),
            Source::Bucket => bucket::broke_off(),
        }
        End::Broken(failure)
    }
}

/// The same request for what comes after the first `at` bytes, if it is still the same object.
fn from(request: &request::Parts, at: usize, tag: Option<&str>) -> request::Parts {
    let mut asked = request.clone();
    if let Ok(range) = HeaderValue::from_str(&format!("bytes={at}-")) {
        asked.headers.insert(header::RANGE, range);
    }
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
        asked.headers.insert(header::IF_RANGE, tag);
    }
    asked
}

/// How many bytes of this answer are known already. `None`: it does not go on where the intake stopped.
fn skipped(response: &Response<Incoming>, intake: &Intake) -> Option<usize> {
    let text =
        |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let has_changed = text(header::ETAG).is_some_and(|tag| Some(tag) != intake.head().etag());
    let at = intake.bytes();
    match response.status() {
        _ if has_changed => None,
        StatusCode::PARTIAL_CONTENT => {
            let goes_on = position(text(header::CONTENT_RANGE)?) == Some((at, intake.total()?));
            goes_on.then_some(0)
        }
        StatusCode::OK => {
            let total = intake.total();
            let is_same = total.is_none() || length(response.headers()) == total;
            is_same.then_some(at)
        }
        _ => None,
    }
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn head_of(response: &Response<Incoming>) -> Head {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    Head::new(response.status(), response.headers(), &date)
}
