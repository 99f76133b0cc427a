//! Fetches from the origin.
//!
//! In: a fetch that was decided. Out: the viewer's response. Playlists and the deny list go over [`shelf`], where
//! all who ask alike share one fetch. Media goes through Fastly's own cache, which obeys the origin's
//! `Surrogate-Control` and `Surrogate-Key`. Bodies that pass are handed over by the host and never enter the
//! sandbox.

use std::io::Read;
use std::time::Duration;

use edge_answer::config::{BODY_BYTES_MAX, DENY_BYTES_MAX, ORIGIN_WAIT_MS, PLAYLIST_BYTES_MAX};
use edge_answer::{Config, Fetch, Head, Method, Relay, deny_request};
use fastly::backend::{Backend, BackendCreationError};
use fastly::http::body::Body;
use fastly::http::request::SendErrorCause;
use fastly::{Request, Response};

use crate::{shelf, state};

/// The backend of a service that may not make its own, and the name of the one that is made.
const NAMED: &str = "origin";
const MADE: &str = "matinee-origin";
const CONNECT_WAIT: Duration = Duration::from_secs(2);
const BETWEEN_BYTES_WAIT: Duration = Duration::from_secs(10);

/// Why there is no answer of the origin's.
pub(crate) enum Failure {
    /// It took too long.
    TimedOut,
    /// It could not be reached, or broke off.
    Unreachable,
}

/// Makes a fetch and the viewer's response of it.
pub(crate) fn fetch(config: &Config, fetch: &Fetch, body: Body) -> Response {
    let body = match fetch.method {
        Method::Post => match read(body, BODY_BYTES_MAX) {
            Some(body) => Some(body),
            None => return crate::whole(fetch.body_too_large()),
        },
        Method::Get | Method::Head | Method::Purge => None,
    };
    match get(config, fetch, body) {
        Ok(response) => relay(config, fetch, response),
        Err(Failure::TimedOut) => crate::whole(fetch.timed_out()),
        Err(Failure::Unreachable) => crate::whole(fetch.unreachable()),
    }
}

/// The deny list's age in seconds and its bytes, if the origin sends them.
pub(crate) fn deny_list(config: &Config, request_id: &str) -> Option<(u64, Vec<u8>)> {
    let mut response = get(config, &deny_request(config, request_id), None).ok()?;
    let is_good = response.get_status().as_u16() == 200;
    let age = response.get_header_str("age").and_then(|age| age.trim().parse().ok());
    let list = is_good.then(|| read(response.take_body(), DENY_BYTES_MAX)).flatten()?;
    Some((age.unwrap_or(0), list))
}

fn get(config: &Config, fetch: &Fetch, body: Option<Vec<u8>>) -> Result<Response, Failure> {
    match fetch.collapse_key() {
        Some(key) => shelf::take(key, || {
            let mut request = request(config, fetch, None);
            request.set_pass(true);
            request.remove_header("if-none-match");
            send(config, request)
        }),
        None => send(config, request(config, fetch, body)),
    }
}

fn request(config: &Config, fetch: &Fetch, body: Option<Vec<u8>>) -> Request {
    let url = config.origin.url(&fetch.path_and_query);
    let mut request = Request::new(fetch.method.name(), url);
    for (name, value) in &fetch.headers {
        request.set_header(*name, value.as_ref());
    }
    // A HEAD must not fill a cache, nor a POST.
    request.set_pass(fetch.method != Method::Get);
    if let Some(body) = body {
        request.set_body(body);
    }
    request
}

fn send(config: &Config, request: Request) -> Result<Response, Failure> {
    let backend = backend(config).ok_or(Failure::Unreachable)?;
    request.send(backend).map_err(|error| match error.root_cause() {
        SendErrorCause::DnsTimeout
        | SendErrorCause::ConnectionTimeout
        | SendErrorCause::HttpResponseTimeout => Failure::TimedOut,
        _ => Failure::Unreachable,
    })
}

/// The origin as a backend: made as `MATINEE_ORIGIN` says, or the one named `origin` where a service may make none.
fn backend(config: &Config) -> Option<Backend> {
    let origin = &config.origin;
    let mut made = Backend::builder(MADE, &origin.authority)
        .override_host(&origin.authority)
        .connect_timeout(CONNECT_WAIT)
        .first_byte_timeout(Duration::from_millis(ORIGIN_WAIT_MS))
        .between_bytes_timeout(BETWEEN_BYTES_WAIT);
    made = if origin.is_tls {
        made.enable_ssl().sni_hostname(origin.host()).check_certificate(origin.host())
    } else {
        made.disable_ssl()
    };
    match made.finish() {
        Ok(backend) => Some(backend),
        Err(BackendCreationError::NameInUse) => Backend::from_name(MADE).ok(),
        Err(_) => Backend::from_name(NAMED).ok(),
    }
}

fn relay(config: &Config, fetch: &Fetch, mut response: Response) -> Response {
    let status = response.get_status().as_u16();
    let relay = fetch.relay(status, &|name| response.get_header_str(name));
    match relay {
        Relay::Pass(head) => headed(&head).with_body(response.take_body()),
        Relay::Replace(answer) => crate::whole(answer),
        Relay::Edit(head) => crate::whole(match read(response.take_body(), PLAYLIST_BYTES_MAX) {
            Some(body) => fetch.edit(config, state::now_ms(), head, &body),
            None => fetch.not_editable(),
        }),
    }
}

/// A response of this head, still without a body.
pub(crate) fn headed(head: &Head) -> Response {
    let mut response = Response::from_status(head.status);
    for (name, value) in &head.headers {
        response.set_header(name.as_ref(), value.as_ref());
    }
    response
}

/// A whole body, if it is not longer than `bytes_max` and does not break off.
fn read(body: Body, bytes_max: usize) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    let limit = u64::try_from(bytes_max).ok()?.checked_add(1)?;
    body.take(limit).read_to_end(&mut whole).ok()?;
    (whole.len() <= bytes_max).then_some(whole)
}
