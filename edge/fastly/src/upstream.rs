//! The way to the origin: past the shield, if there is one and this is not it.
//!
//! In: a fetch. Out: the answer of whoever was asked, and how many were asked. Does not know caches, nor what becomes
//! of the answer.
//!
//! A shield is another POP of Fastly's that runs this same program. It gets the fetch, not the viewer's request: what
//! is below `/o/`, with the edge key (`Fetch::of_edge`), so that nothing of the viewer is in its way either. If it does
//! not answer, the origin is asked.

use std::cell::Cell;
use std::time::Duration;

use edge_answer::{Config, Fetch, Method};
use fastly::backend::{Backend, BackendCreationError};
use fastly::cache::core::CacheKey;
use fastly::http::request::SendErrorCause;
use fastly::shielding::Shield;
use fastly::{Request, Response};
use hmac_sha256::Hash;

use crate::config::{
    BETWEEN_BYTES_WAIT, COLLAPSE_WAIT, CONNECT_WAIT, DENY_WAIT, FIRST_BYTE_WAIT, MEDIA_IF_ERROR_S,
    SHIELD, SHIELD_GRACE,
};

/// The backend of a service that may not make its own, and the names of those that are made.
const NAMED: &str = "origin";
const MADE: &str = "matinee-origin";
const MADE_QUICK: &str = "matinee-origin-quick";
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
    fetches: Cell<u32>,
}

impl<'a> Upstream<'a> {
    pub(crate) fn new(
        config: &'a Config,
        shielding: &'a Shielding,
        authority: Option<String>,
    ) -> Self {
        Self { config, shielding, authority, fetches: Cell::new(0) }
    }

    /// The same without a shield: for what is itself a shield's business, and what must not grow older on its way.
    pub(crate) fn direct(config: &'a Config) -> Self {
        Self::new(config, &Shielding::Off, None)
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
        let origin = &self.config.origin;
        let mut made = Backend::builder(name, &origin.authority)
            .override_host(&origin.authority)
            .connect_timeout(CONNECT_WAIT.min(first_byte))
            .first_byte_timeout(first_byte)
            .between_bytes_timeout(BETWEEN_BYTES_WAIT);
        made = if origin.is_tls {
            made.enable_ssl().sni_hostname(origin.host()).check_certificate(origin.host())
        } else {
            made.disable_ssl()
        };
        match made.finish() {
            Ok(backend) => Some(backend),
            Err(BackendCreationError::NameInUse) => Backend::from_name(name).ok(),
            Err(_) => Backend::from_name(NAMED).ok(),
        }
    }
}

fn request(fetch: &Fetch, url: &str) -> Request {
    let mut request = Request::new(fetch.method.name(), url);
    for (name, value) in &fetch.headers {
        request.set_header(*name, value.as_ref());
    }
    request
}
