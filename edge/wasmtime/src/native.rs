//! The decision compiled into the host: the same `edge-answer` that is inside the component, without WebAssembly.
//!
//! In: what the law's driver asks (`law`). Out: what `edge-answer` says. Does not decide.
//!
//! What it lacks is what WebAssembly gives: a fault in the decision would be a fault of the host. So it is there for
//! who builds the host and the decision as one.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use edge_answer::config::{
    BODY_BYTES_MAX, DENY_BYTES_MAX, DENY_WAIT_MS, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX,
};
use edge_answer::{
    Answer, Client, Config, Decision, DenyState, Fetch, Guarded, Head, Passed, Relay, Sight,
    decide, deny_request,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use tracing::warn;
use wasmtime_wasi_http::WasiBody;

use crate::error::Error;
use crate::law::{Asked, Bounds, Decides, Errand, Fault, Now, Relayed, Step, Whose, whole};
use crate::lines::{self, Index};
use crate::refusal::Refusal;

/// The compiled-in decision, ready to decide.
pub(crate) struct Native {
    config: Config,
    deny: Mutex<DenyState>,
    /// Of the deny list in it, as the host counts them.
    edition: AtomicU64,
}

/// A fetch that has not ended.
pub(crate) enum UnderWay {
    Guarded(Box<Guarded>),
    Passed(Box<Passed>),
    Fetch(Box<Fetch>),
    Edit(Box<Fetch>, Head),
}

impl Native {
    /// Reads the settings that the component would find in its environment.
    pub(crate) fn new(environment: &[(String, String)]) -> Result<Self, Error> {
        let setting = |name: &str| {
            let found = environment.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.clone())
        };
        let config = Config::from_lookup(setting).map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Error::Settings(all.join("; "))
        })?;
        Ok(Self { config, deny: Mutex::default(), edition: AtomicU64::new(0) })
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn deny(&self) -> MutexGuard<'_, DenyState> {
        self.deny.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the deny list is to be looked at.
    fn is_due(&self, now: Now) -> bool {
        let is_another = self.edition.load(Ordering::Relaxed) != now.edition
            && self.edition.swap(now.edition, Ordering::AcqRel) != now.edition;
        self.deny().is_due(now.ms) || is_another
    }

    fn admitted(&self, guarded: Guarded, now_ms: i64) -> Result<Step<UnderWay>, Refusal> {
        // Not held while the errand is made.
        let passed = guarded.pass(&self.deny(), now_ms);
        match passed {
            Ok(passed) => match passed.once().copied() {
                Some(one) => Ok(Step::Once(one, UnderWay::Passed(Box::new(passed)))),
                None => finished(passed.admit(Sight::First)),
            },
            Err(answer) => Ok(Step::Answer(sent(answer))),
        }
    }
}

impl Decides for Native {
    type UnderWay = UnderWay;

    fn bounds(&self) -> Bounds {
        Bounds {
            body_bytes_max: BODY_BYTES_MAX,
            playlist_bytes_max: PLAYLIST_BYTES_MAX,
            deny_bytes_max: DENY_BYTES_MAX,
            origin_wait: Duration::from_millis(ORIGIN_WAIT_MS),
            deny_wait: Duration::from_millis(DENY_WAIT_MS),
        }
    }

    fn decide(&self, asked: &Asked, now: Now) -> Result<Step<UnderWay>, Refusal> {
        let headers = Index::of_lines(&asked.headers);
        let header = |name: &str| headers.get(name);
        let request = edge_answer::Request {
            method: asked.method.as_str(),
            path: &asked.path,
            query: asked.query.as_deref(),
            header: &header,
            client: Client {
                scheme: asked.scheme.as_ref().map(http::uri::Scheme::as_str),
                authority: asked.authority.as_deref(),
                ..Client::from_headers(&header)
            },
        };
        let random = (u128::from(now.random.0) << 64 | u128::from(now.random.1)).to_be_bytes();
        match decide(&self.config, &request, now.ms, random) {
            Decision::Answer(answer) => Ok(Step::Answer(sent(answer))),
            Decision::Open(fetch) => begin(fetch),
            Decision::Guarded(guarded) if self.is_due(now) => {
                let mut look = deny_request(&self.config, guarded.request_id());
                Ok(Step::Look(errand(&mut look)?, UnderWay::Guarded(Box::new(guarded))))
            }
            Decision::Guarded(guarded) => self.admitted(guarded, now.ms),
            Decision::Purge(purge) => match purge.fetch(&self.config) {
                Some(fetch) => begin(fetch),
                None => Ok(Step::Answer(sent(purge.unsupported()))),
            },
        }
    }

    fn admit(
        &self,
        under_way: UnderWay,
        now_ms: i64,
        list: Option<(u64, Bytes)>,
    ) -> Result<Step<UnderWay>, Refusal> {
        let UnderWay::Guarded(guarded) = under_way else { return Err(Refusal::Failed) };
        match list {
            Some((age_s, list)) => {
                if let Err(error) = self.deny().accept(now_ms, age_s, &list) {
                    warn!(%error, "the deny list was refused");
                }
            }
            None => self.deny().failed(now_ms),
        }
        self.admitted(*guarded, now_ms)
    }

    fn used(&self, under_way: UnderWay, sight: Sight) -> Result<Step<UnderWay>, Refusal> {
        let UnderWay::Passed(passed) = under_way else { return Err(Refusal::Failed) };
        finished(passed.admit(sight))
    }

    fn relay(
        &self,
        under_way: UnderWay,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<UnderWay>, Refusal> {
        let UnderWay::Fetch(fetch) = under_way else { return Err(Refusal::Failed) };
        let headers = Index::of(headers);
        let header = |name: &str| headers.get(name);
        Ok(match fetch.relay(status.as_u16(), &header) {
            Relay::Pass(head) => {
                let (status, headers) = parts(head);
                Relayed::Pass(status, headers)
            }
            Relay::Replace(answer) => Relayed::Answer(sent(answer)),
            Relay::Edit(head) => Relayed::Edit(UnderWay::Edit(fetch, head)),
        })
    }

    fn relay_plain(
        &self,
        whose: &Whose,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Relayed<UnderWay>, Refusal> {
        self.relay(UnderWay::Fetch(Box::new(plain(whose))), status, headers)
    }

    fn edit(
        &self,
        under_way: UnderWay,
        now_ms: i64,
        body: Bytes,
    ) -> Result<Response<WasiBody>, Refusal> {
        let UnderWay::Edit(fetch, head) = under_way else { return Err(Refusal::Failed) };
        Ok(sent(fetch.edit(&self.config, now_ms, head, &body)))
    }

    fn fail(&self, under_way: UnderWay, fault: Fault) -> Result<Response<WasiBody>, Refusal> {
        let (UnderWay::Fetch(fetch) | UnderWay::Edit(fetch, _)) = under_way else {
            return Err(Refusal::Failed);
        };
        Ok(sent(match fault {
            Fault::Unreachable => fetch.unreachable(),
            Fault::TimedOut => fetch.timed_out(),
            Fault::BodyTooLarge => fetch.body_too_large(),
            Fault::NotEditable => fetch.not_editable(),
        }))
    }

    fn fail_plain(&self, whose: &Whose, fault: Fault) -> Result<Response<WasiBody>, Refusal> {
        self.fail(UnderWay::Fetch(Box::new(plain(whose))), fault)
    }
}

fn finished(admitted: Result<Fetch, Answer>) -> Result<Step<UnderWay>, Refusal> {
    match admitted {
        Ok(fetch) => begin(fetch),
        Err(answer) => Ok(Step::Answer(sent(answer))),
    }
}

fn plain(whose: &Whose) -> Fetch {
    Fetch::plain(whose.request_id.to_string(), whose.path.to_string())
}

fn begin(mut fetch: Fetch) -> Result<Step<UnderWay>, Refusal> {
    if fetch.is_plain() {
        let errand = errand(&mut fetch)?;
        let (request_id, path) = (fetch.request_id.into(), errand.path.clone());
        return Ok(Step::Plain(errand, Whose { request_id, path }));
    }
    Ok(Step::Fetch(errand(&mut fetch)?, UnderWay::Fetch(Box::new(fetch))))
}

/// The fetch as it is sent; its headers move over.
fn errand(fetch: &mut Fetch) -> Result<Errand, Refusal> {
    let mut headers = HeaderMap::with_capacity(fetch.headers.len());
    for (name, value) in std::mem::take(&mut fetch.headers) {
        let value = HeaderValue::from_str(&value).map_err(|_| Refusal::Failed)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let method = match fetch.method {
        edge_answer::Method::Get => Method::GET,
        edge_answer::Method::Head => Method::HEAD,
        edge_answer::Method::Post => Method::POST,
        edge_answer::Method::Purge => fetch.method.name().parse().map_err(|_| Refusal::Failed)?,
    };
    let path = std::mem::take(&mut fetch.path_and_query).try_into().map_err(|_| Refusal::Failed)?;
    Ok(Errand { method, path, headers })
}

fn sent(answer: Answer) -> Response<WasiBody> {
    let (status, headers) = parts(answer.head);
    whole(status, headers, answer.body.into())
}

fn parts(head: Head) -> (StatusCode, HeaderMap) {
    let mut headers = HeaderMap::with_capacity(head.headers.len());
    for (name, value) in head.headers {
        let name = lines::name(name.as_bytes());
        let value = match value {
            // What is the same on every answer is not copied.
            Cow::Borrowed(value) => {
                HeaderValue::from_maybe_shared(Bytes::from_static(value.as_bytes()))
            }
            Cow::Owned(value) => HeaderValue::from_maybe_shared(Bytes::from(value)),
        };
        if let (Some(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    (StatusCode::from_u16(head.status).unwrap_or(StatusCode::BAD_GATEWAY), headers)
}
