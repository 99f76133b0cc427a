//! Fetches from the origin.
//!
//! In: a fetch that was decided. Out: the viewer's response. Playlists and the deny list go over [`shelf`], where
//! all who ask alike share one fetch; so does what a bucket may have, if there is one. Other media goes through
//! Fastly's own cache, which obeys the origin's `Surrogate-Control` and `Surrogate-Key`. Bodies that pass are handed
//! over by the host and never enter the sandbox.

use std::io::Read;

use edge_answer::config::{BODY_BYTES_MAX, DENY_BYTES_MAX, PLAYLIST_BYTES_MAX};
use edge_answer::{Config, Fetch, Head, Method, Relay, deny_request};
use fastly::Response;
use fastly::http::body::Body;

use crate::config::{COLLAPSE_WAIT, DENY_WAIT};
use crate::kept::Wanted;
use crate::shelf::{self, Renewal, Taken};
use crate::state;
use crate::upstream::{Failure, Upstream};

/// A response, and what is to be done when it is on its way.
pub(crate) struct Fetched {
    pub(crate) response: Response,
    later: Option<(Fetch, Renewal)>,
}

impl Fetched {
    /// A response after which there is nothing to do.
    pub(crate) fn whole(response: Response) -> Self {
        Self { response, later: None }
    }

    /// The response, to be sent, and what is to be done then.
    pub(crate) fn parts(self) -> (Response, Option<Later>) {
        (self.response, self.later.map(|(fetch, renewal)| Later { fetch, renewal }))
    }
}

/// What is to be done when a response is on its way.
pub(crate) struct Later {
    fetch: Fetch,
    renewal: Renewal,
}

impl Later {
    /// Does it.
    pub(crate) fn run(self, upstream: &Upstream<'_>) {
        self.renewal.run(|| upstream.pass(&neutral(&self.fetch), None));
    }
}

/// Makes a fetch and the viewer's response of it.
pub(crate) fn fetch(upstream: &Upstream<'_>, fetch: Fetch, body: Body) -> Fetched {
    let body = match fetch.method {
        Method::Post => match read(body, BODY_BYTES_MAX) {
            Some(body) => Some(body),
            None => return Fetched::whole(crate::whole(fetch.body_too_large())),
        },
        Method::Get | Method::Head | Method::Purge => None,
    };
    match get(upstream, &fetch, body.as_deref()) {
        Ok(Taken { response, renewal }) => {
            let response = relay(upstream.config, &fetch, response);
            Fetched { response, later: renewal.map(|renewal| (fetch, renewal)) }
        }
        Err(failure) => Fetched::whole(failed(&fetch, &failure)),
    }
}

/// Makes the fetch of another POP, to which this one is the shield: its response is the origin's, whole.
pub(crate) fn forward(upstream: &Upstream<'_>, fetch: Fetch) -> Fetched {
    match get(upstream, &fetch, None) {
        Ok(Taken { response, renewal }) => {
            Fetched { response, later: renewal.map(|renewal| (fetch, renewal)) }
        }
        Err(failure) => Fetched::whole(failed(&fetch, &failure)),
    }
}

/// The deny list's age in seconds and its bytes, if the origin sends them.
pub(crate) fn deny_list(upstream: &Upstream<'_>, request_id: &str) -> Option<(u64, Vec<u8>)> {
    let fetch = deny_request(upstream.config, request_id);
    let key = fetch.collapse_key()?;
    let quick = || upstream.quick(&fetch);
    let taken = shelf::take(key, DENY_WAIT, Wanted::Text, quick).ok()?;
    if let Some(renewal) = taken.renewal {
        renewal.run(|| upstream.quick(&fetch));
    }
    let mut response = taken.response;
    let is_good = response.get_status().as_u16() == 200;
    let age = response.get_header_str("age").and_then(|age| age.trim().parse().ok());
    let list = is_good.then(|| read(response.take_body(), DENY_BYTES_MAX)).flatten()?;
    Some((age.unwrap_or(0), list))
}

fn failed(fetch: &Fetch, failure: &Failure) -> Response {
    crate::whole(match failure {
        Failure::TimedOut => fetch.timed_out(),
        Failure::Unreachable => fetch.unreachable(),
    })
}

fn get(upstream: &Upstream<'_>, fetch: &Fetch, body: Option<&[u8]>) -> Result<Taken, Failure> {
    let whole = |response| Taken { response, renewal: None };
    match fetch.collapse_key() {
        Some(key) => {
            let neutral = neutral(fetch);
            let pass = || upstream.pass(&neutral, None);
            let taken = shelf::take(key, COLLAPSE_WAIT, Wanted::Text, pass)?;
            Ok(Taken { response: unless_known(fetch, taken.response), ..taken })
        }
        None if upstream.reads_bucket(fetch) => closed(upstream, fetch),
        None if fetch.method == Method::Get => upstream.cached(fetch).map(whole),
        // A HEAD must not fill a cache, nor a POST.
        None => upstream.pass(fetch, body).map(whole),
    }
}

/// What a bucket may have: from the core cache, the bucket or the origin. Fastly's own cache would keep what a bucket
/// lacks as lacking, and nothing of what the origin says of its objects.
fn closed(upstream: &Upstream<'_>, fetch: &Fetch) -> Result<Taken, Failure> {
    let sent = |name: &str| {
        let found = fetch.headers.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| &**value)
    };
    // Media has no tag that a range could depend on (RFC 9110, 13.1.5).
    let range = sent("range").filter(|_| sent("if-range").is_none());
    let mut whole = neutral(fetch);
    whole.headers.retain(|(name, _)| !matches!(*name, "range" | "if-range"));
    let key = format!("media {}", fetch.path_and_query);
    shelf::take(key, COLLAPSE_WAIT, Wanted::Media(range), || match upstream.bucket_answer(&whole) {
        Some(response) => Ok(response),
        None => upstream.pass(&whole, None),
    })
}

/// The fetch without what is one viewer's alone.
fn neutral(fetch: &Fetch) -> Fetch {
    let mut fetch = fetch.clone();
    fetch.headers.retain(|(name, _)| *name != "if-none-match");
    fetch
}

/// `304` for whoever has it already (RFC 9110, 13.1.2).
fn unless_known(fetch: &Fetch, mut response: Response) -> Response {
    let known = fetch.headers.iter().find(|(name, _)| *name == "if-none-match");
    let known = known.map(|(_, value)| value.as_ref()).unwrap_or_default();
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let etag = response.get_header_str("etag").map(opaque);
    let is_known = etag.is_some_and(|etag| known.split(',').any(|one| opaque(one) == etag));
    if is_known && response.get_status().as_u16() == 200 {
        drop(response.take_body());
        response.set_status(304);
    }
    response
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
pub(crate) fn read(body: Body, bytes_max: usize) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    let limit = u64::try_from(bytes_max).ok()?.checked_add(1)?;
    body.take(limit).read_to_end(&mut whole).ok()?;
    (whole.len() <= bytes_max).then_some(whole)
}
