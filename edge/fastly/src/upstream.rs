//! The way to the origin: past the shield, if there is one and this is not it. And the way to the bucket.
//!
//! In: a fetch. Out: the answer of whoever was asked, and how many were asked. Does not know caches, nor what becomes
//! of the answer.
//!
//! A shield is another POP of Fastly's that runs this same program. It gets the fetch, not the viewer's request: what
//! is below `/o/`, with the edge key (`Fetch::of_edge`), so that nothing of the viewer is in its way either. If it does
//! not answer, the origin is asked.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use edge_answer::{Bucket, BucketState, Config, Fetch, Method, Origin, Went};
use fastly::backend::{Backend, BackendCreationError};
use fastly::cache::core::CacheKey;
use fastly::http::request::SendErrorCause;
use fastly::shielding::Shield;
use fastly::{Request, Response};
use hmac_sha256::Hash;

use crate::config::{
    BETWEEN_BYTES_WAIT, BUCKET_WAIT, COLLAPSE_WAIT, CONNECT_WAIT, DENY_WAIT, FIRST_BYTE_WAIT,
    MEDIA_IF_ERROR_S, SHIELD, SHIELD_GRACE,
};
use crate::state::now_ms;

/// The backend of a service that may not make its own, and the names of those that are made.
const NAMED: &str = "origin";
const MADE: &str = "matinee-origin";
const MADE_QUICK: &str = "matinee-origin-quick";
/// The same of the bucket.
const NAMED_BUCKET: &str = "bucket";
const MADE_BUCKET: &str = "matinee-bucket";
/// What a shield is asked for.
const SHIELDED: &str = "/o/";

/// Why there is no answer of the origin's.
pub(crate) enum Failure {
    /// It took too long.
    TimedOut,
    /// It could not be reached, or broke off.
    Unreachable,
}

/// Where the shield is.
pub(crate) enum Shielding {
    /// Nowhere: there is none.
    Off,
    /// Here.
    Here,
    /// There.
    At(Backend),
}

impl Shielding {
    /// Looks the shield up, once for a sandbox.
    pub(crate) fn find(name: Option<&str>) -> Self {
        let Some(name) = name else { return Self::Off };
        match Shield::new(name) {
            Ok(shield) if shield.running_on() => Self::Here,
            Ok(shield) => {
                let shield = shield
                    .with_first_byte_timeout(FIRST_BYTE_WAIT.saturating_add(SHIELD_GRACE))
                    .with_between_bytes_timeout(BETWEEN_BYTES_WAIT);
                match shield.encrypted_backend() {
                    Ok(backend) => Self::At(backend),
                    Err(error) => {
                        eprintln!("configuration: {SHIELD}: no way to it: {error:?}");
                        Self::Off
                    }
                }
            }
            Err(error) => {
                eprintln!("configuration: {SHIELD}: no such shield: {error:?}");
                Self::Off
            }
        }
    }
}

/// The way of one viewer's request.
pub(crate) struct Upstream<'a> {
    pub(crate) config: &'a Config,
    shielding: &'a Shielding,
    /// The host that the viewer asked: by it the shield knows the service.
    authority: Option<String>,
    /// How the bucket does, as far as this sandbox knows.
    bucket: &'a RefCell<BucketState>,
    fetches: Cell<u32>,
}

impl<'a> Upstream<'a> {
    pub(crate) fn new(
        config: &'a Config,
        shielding: &'a Shielding,
        authority: Option<String>,
        bucket: &'a RefCell<BucketState>,
    ) -> Self {
        Self { config, shielding, authority, bucket, fetches: Cell::new(0) }
    }

    /// The same without a shield: for what is itself a shield's business, and what must not grow older on its way.
    pub(crate) fn direct(config: &'a Config, bucket: &'a RefCell<BucketState>) -> Self {
        Self::new(config, &Shielding::Off, None, bucket)
    }

    /// How many requests were sent.
    pub(crate) fn fetches(&self) -> u32 {
        self.fetches.get()
    }

    /// Sends a fetch whose answer this program keeps itself, or nobody.
    pub(crate) fn pass(&self, fetch: &Fetch, body: Option<&[u8]>) -> Result<Response, Failure> {
        self.send(fetch, |request| {
            request.set_pass(true);
            if let Some(body) = body {
                request.set_body(body);
            }
        })
    }

    /// Sends a fetch through Fastly's own cache, which obeys `Surrogate-Control` and `Surrogate-Key`.
    pub(crate) fn cached(&self, fetch: &Fetch) -> Result<Response, Failure> {
        self.send(fetch, |request| {
            if fetch.path_and_query.starts_with(SHIELDED) {
                // By all of what distinguishes it, whatever host the viewer asked.
                let key = CacheKey::from(Hash::hash(fetch.path_and_query.as_bytes()).to_vec());
                request.set_cache_key(key);
                request.set_stale_if_error(MEDIA_IF_ERROR_S);
            }
            request.set_lookup_timeout(COLLAPSE_WAIT);
        })
    }

    /// Asks the origin for the deny list: not the shield, by which it would be another second old.
    pub(crate) fn quick(&self, fetch: &Fetch) -> Result<Response, Failure> {
        let mut request = request(fetch, &self.config.origin.url(&fetch.path_and_query));
        request.set_pass(true);
        self.ask(request, self.origin(MADE_QUICK, DENY_WAIT))
    }

    /// Whether a fetch is for the bucket first. A POP with a shield before it leaves that to the shield.
    pub(crate) fn reads_bucket(&self, fetch: &Fetch) -> bool {
        let is_behind = matches!(self.shielding, Shielding::At(_)) && self.authority.is_some();
        self.config.bucket.is_some() && !is_behind && Bucket::may_have(fetch)
    }

    /// The bucket's answer in the origin's headers, if it may stand for the origin's.
    pub(crate) fn bucket_answer(&self, fetch: &Fetch) -> Option<Response> {
        let bucket = self.config.bucket.as_ref()?;
        let header = |name: &str| {
            let found = fetch.headers.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| &**value)
        };
        let (method, path) = (fetch.method, fetch.path_and_query.as_str());
        let mut state = self.bucket.borrow_mut();
        let asked = state.ask(bucket, method, path, &header, now_ms())?.ok()?;
        let mut request = Request::get(bucket.at.url(&asked.path));
        for (name, value) in &asked.headers {
            request.set_header(*name, value.as_ref());
        }
        request.set_pass(true);
        let backend = made(&bucket.at, MADE_BUCKET, NAMED_BUCKET, BUCKET_WAIT);
        let answer = self.ask(request, backend);
        let went = match &answer {
            Ok(response) => {
                let header = |name: &str| response.get_header_str(name);
                asked.judge(response.get_status().as_u16(), &header)
            }
            Err(Failure::TimedOut) => Went::Slow,
            Err(Failure::Unreachable) => Went::Unreachable,
        };
        let was_resting = state.is_resting(now_ms());
        state.went(&asked, went, now_ms());
        if state.is_resting(now_ms()) && !was_resting {
            eprintln!("the bucket is left alone for a while: {}", went.as_str());
        }
        let mut response = answer.ok().filter(|_| went == Went::Well)?;
        let mut dressed = Response::from_status(response.get_status());
        for (name, value) in asked.headers(&|name| response.get_header_str(name)) {
            dressed.set_header(name, value.as_ref());
        }
        Some(dressed.with_body(response.take_body()))
    }

    fn send(&self, fetch: &Fetch, prepare: impl Fn(&mut Request)) -> Result<Response, Failure> {
        if let (Shielding::At(shield), Some(authority)) = (self.shielding, &self.authority)
            && fetch.path_and_query.starts_with(SHIELDED)
            && fetch.method != Method::Post
        {
            let mut there = request(fetch, &format!("https://{authority}{}", fetch.path_and_query));
            prepare(&mut there);
            match self.ask(there, Some(shield.clone())) {
                Ok(response) => return Ok(response),
                Err(_) => eprintln!("the shield does not answer: the origin is asked"),
            }
        }
        let mut there = request(fetch, &self.config.origin.url(&fetch.path_and_query));
        prepare(&mut there);
        self.ask(there, self.origin(MADE, FIRST_BYTE_WAIT))
    }

    fn ask(&self, request: Request, backend: Option<Backend>) -> Result<Response, Failure> {
        let backend = backend.ok_or(Failure::Unreachable)?;
        self.fetches.set(self.fetches.get().saturating_add(1));
        request.send(backend).map_err(|error| match error.root_cause() {
            SendErrorCause::DnsTimeout
            | SendErrorCause::ConnectionTimeout
            | SendErrorCause::HttpResponseTimeout => Failure::TimedOut,
            _ => Failure::Unreachable,
        })
    }

    /// The origin as a backend: made as `MATINEE_ORIGIN` says, or the one named `origin` where a service may make none.
    fn origin(&self, name: &str, first_byte: Duration) -> Option<Backend> {
        made(&self.config.origin, name, NAMED, first_byte)
    }
}

/// A backend there: made under this name, or the one that is `named` where a service may make none.
fn made(at: &Origin, name: &str, named: &str, first_byte: Duration) -> Option<Backend> {
    let mut made = Backend::builder(name, &at.authority)
        .override_host(&at.authority)
        .connect_timeout(CONNECT_WAIT.min(first_byte))
        .first_byte_timeout(first_byte)
        .between_bytes_timeout(BETWEEN_BYTES_WAIT);
    made = if at.is_tls {
        made.enable_ssl().sni_hostname(at.host()).check_certificate(at.host())
    } else {
        made.disable_ssl()
    };
    match made.finish() {
        Ok(backend) => Some(backend),
        Err(BackendCreationError::NameInUse) => Backend::from_name(name).ok(),
        Err(_) => Backend::from_name(named).ok(),
    }
}

fn request(fetch: &Fetch, url: &str) -> Request {
    let mut request = Request::new(fetch.method.name(), url);
    for (name, value) in &fetch.headers {
        request.set_header(*name, value.as_ref());
    }
    request
}
