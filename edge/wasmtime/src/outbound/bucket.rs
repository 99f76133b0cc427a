//! Closed segments from the bucket that the house records to.
//!
//! In: a request for the origin. Out: the bucket's answer in the origin's headers, or nothing: the origin is asked.
//! Does not decide what a bucket has, nor when it is left alone: `edge-answer` does. The signature is made here and not
//! in the component, so that the secret is in no sandbox and one bucket is known to all of them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_answer::config::BUCKET_WAIT_MS;
use edge_answer::{Bucket, BucketFetch, BucketState, Method as Verb, Went};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, request};
use hyper::body::Incoming;
use metrics::counter;
use tokio::time::timeout;
use tracing::warn;

use super::Outbound;
use crate::config::Config;
use crate::error::Error;
use crate::origins::{Address, Client, client, empty};

/// The bucket, and how it does.
pub(super) struct BucketReads {
    bucket: Bucket,
    address: Address,
    client: Client,
    state: Mutex<BucketState>,
}

impl BucketReads {
    /// The bucket that the environment names, if it names one.
    ///
    /// # Errors
    /// What it says of the bucket is not whole, or the authorities cannot be read.
    pub(super) fn new(config: &Config) -> Result<Option<Self>, Error> {
        let said = |name: &str| {
            let found = config.environment.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let bucket = Bucket::from_lookup(said).map_err(|faults| {
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Error::Settings(all.join("; "))
        })?;
        let Some(bucket) = bucket else { return Ok(None) };
        let address = Address::parse(&bucket.at.url(""))?;
        let authorities = config.origin_authorities.as_deref();
        let client = client(&config.limits, bucket.at.is_tls, authorities)?;
        Ok(Some(Self { bucket, address, client, state: Mutex::default() }))
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, BucketState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self, request: &request::Parts) -> Option<Response<Incoming>> {
        if request.method != Method::GET {
            return None;
        }
        let path = request.uri.path_and_query()?.as_str();
        let header = |name: &str| text(&request.headers, name);
        // Not held while the bucket is asked.
        let asked = self.state().ask(&self.bucket, Verb::Get, path, &header, now_ms());
        let fetch = match asked? {
            Ok(fetch) => fetch,
            Err(spared) => {
                fell_back(spared.as_str());
                return None;
            }
        };
        let answer = self.send(&fetch).await;
        let went = match &answer {
            Ok(response) => {
                let header = |name: &str| text(response.headers(), name);
                fetch.judge(response.status().as_u16(), &header)
            }
            Err(went) => *went,
        };
        self.note(&fetch, went);
        let response = answer.ok().filter(|_| went == Went::Well)?;
        counter!("matinee_edge_bucket_reads_total").increment(1);
        Some(dressed(&fetch, response))
    }

    async fn send(&self, fetch: &BucketFetch) -> Result<Response<Incoming>, Went> {
        let mut request = Request::new(empty());
        let path: Uri = fetch.path.parse().map_err(|_| Went::Failed)?;
        *request.uri_mut() = self.address.with(&path).ok_or(Went::Failed)?;
        for (name, value) in &fetch.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Went::Failed)?;
            request.headers_mut().insert(*name, value);
        }
        let wait = Duration::from_millis(BUCKET_WAIT_MS);
        match timeout(wait, self.client.request(request)).await {
            Err(_) => Err(Went::Slow),
            Ok(answer) => answer.map_err(|_| Went::Unreachable),
        }
    }

    fn note(&self, fetch: &BucketFetch, went: Went) {
        let (was_resting, is_resting) = {
            let (mut state, now_ms) = (self.state(), now_ms());
            let was_resting = state.is_resting(now_ms);
            state.went(fetch, went, now_ms);
            (was_resting, state.is_resting(now_ms))
        };
        if went != Went::Well {
            fell_back(went.as_str());
        }
        if is_resting && !was_resting {
            let at = &self.bucket.at.authority;
            let why = went.as_str();
            warn!(%at, why, "the bucket is left alone for a while; the origin answers");
        }
    }
}

impl Outbound {
    /// The bucket's answer in the place of the origin's, if it has one.
    pub(super) async fn bucket_answer(
        &self,
        request: &request::Parts,
    ) -> Option<Response<Incoming>> {
        Box::pin(self.0.bucket.as_ref()?.read(request)).await
    }
}

/// Notes that a body from the bucket broke off.
pub(super) fn broke_off() {
    fell_back("broken");
}

fn fell_back(why: &'static str) {
    counter!("matinee_edge_bucket_fallbacks_total", "why" => why).increment(1);
}

/// The bucket's answer with the origin's headers alone.
fn dressed(fetch: &BucketFetch, response: Response<Incoming>) -> Response<Incoming> {
    let (mut parts, body) = response.into_parts();
    let ours = fetch.headers(&|name| text(&parts.headers, name));
    let ours = ours.into_iter().filter_map(|(name, value)| {
        Some((http::HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
    });
    parts.headers = ours.collect();
    Response::from_parts(parts, body)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Milliseconds since the Unix epoch: a signature is good for some minutes of that clock.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
