//! A file elsewhere, fetched by HTTP or HTTPS, from the world alone: never from a private network, however an address
//! leads there.
//!
//! In: an address of an administrator. Out: a body, and what is said of it. Does not know what becomes of it.
//!
//! Names are resolved here, and connections go to the very addresses that were judged, so that a name which stands for
//! something else a moment later is of no use. Addresses in the place of names, which no resolver sees, are judged at
//! every redirection as well.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use origin_control::Error;
use origin_relay::machine::source;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Url};

/// How long a server may take to let us in.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How long it may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Redirections that are followed.
const REDIRECTS_MAX: usize = 5;
/// Characters of a file's name.
const NAME_CHARS_MAX: usize = 200;

/// What is there.
pub(super) struct Found {
    /// The end of its address.
    pub(super) name: String,
    /// Its bytes, if the server says.
    pub(super) length: Option<u64>,
    /// They themselves.
    pub(super) body: Body,
}

/// Begins to fetch.
///
/// # Errors
/// [`Error::Invalid`]: the address is none that is fetched. [`Error::FileRefused`]: nothing came.
pub(super) async fn fetch(url: &str, allow_private: bool) -> Result<Found, Error> {
    let invalid = |reason: String| Error::Invalid { field: "url", reason };
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    if !is_http {
        return Err(invalid("must begin with http:// or https://".to_owned()));
    }
    source::read(url).map_err(|error| invalid(error.to_string()))?;
    let url = Url::parse(url).map_err(|_| invalid("is no URL".to_owned()))?;
    literal(&url, allow_private).map_err(|error| invalid(error.to_string()))?;
    let none = |reason: String| Error::FileRefused { code: "not_fetched", reason };
    let client = client(allow_private).map_err(|error| none(error.to_string()))?;
    let name: String = url
        .path_segments()
        .and_then(|mut steps| steps.next_back())
        .filter(|step| !step.is_empty())
        .unwrap_or("import")
        .chars()
        .take(NAME_CHARS_MAX)
        .collect();
    let response = client.get(url).send().await;
    let response = response.map_err(|error| none(told(&error)))?;
    if !response.status().is_success() {
        return Err(none(format!("the server answered {}", response.status().as_u16())));
    }
    let length = response.content_length();
    Ok(Found { name, length, body: Body::from_stream(response.bytes_stream()) })
}

/// Who goes there. It judges names and redirections, and not the address that it is first given ([`literal`]).
///
/// # Errors
/// The system lacks what TLS needs.
pub(super) fn client(allow_private: bool) -> reqwest::Result<Client> {
    Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_WAIT)
        .read_timeout(SILENCE_MAX)
        .dns_resolver(Arc::new(Judge { allow_private }))
        .redirect(Policy::custom(move |attempt| follow(attempt, allow_private)))
        .build()
}

/// Why nothing came, without the address: it may hold a secret.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("the file cannot be fetched: {cause}")
}

/// Judges an address that stands in the place of a name.
fn literal(url: &Url, allow_private: bool) -> Result<(), origin_relay::Error> {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => source::check(&[address], allow_private),
        Err(_) => Ok(()),
    }
}

fn follow(attempt: Attempt<'_>, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS_MAX {
        return attempt.error("it redirects too often");
    }
    if !matches!(attempt.url().scheme(), "http" | "https") {
        return attempt.error("it redirects to what is no HTTP");
    }
    match literal(attempt.url(), allow_private) {
        Ok(()) => attempt.follow(),
        Err(error) => attempt.error(error),
    }
}

/// Resolves names, and tells only those that lead into the world.
struct Judge {
    allow_private: bool,
}

impl Resolve for Judge {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
            source::check(&addresses, allow_private)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
