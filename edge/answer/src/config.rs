//! What an edge has to be told, and every limit of this crate.
//!
//! In: a lookup of four names, wherever the host keeps them. Out: [`Config`], or everything that is wrong at
//! once. Does not know the host. No error and no `Debug` shows a value: three of the four are secrets.

use std::fmt;

use shared_ticket::{SessionKeys, Verifier};
use thiserror::Error;

/// The origin's URL: scheme, host and port.
pub const ORIGIN: &str = "MATINEE_ORIGIN";
/// The secret by which the origin knows its edges.
pub const EDGE_KEY: &str = "MATINEE_EDGE_KEY";
/// The keys that seal sessions, `kid:base64url[,…]`; the first seals.
pub const SESSION_KEYS: &str = "MATINEE_SESSION_KEYS";
/// The keys that verify playback tokens, a JWK set.
pub const TOKEN_KEYS: &str = "MATINEE_TOKEN_KEYS";

/// Longest path that is looked into, in bytes.
pub const PATH_BYTES_MAX: usize = 1024;
/// Longest query that is looked into, in bytes; it may hold a token.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Longest header of a viewer's that goes on to the origin, in bytes.
pub const HEADER_BYTES_MAX: usize = 256;
/// Longest request body that goes on to the origin, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;
/// Longest multivariant playlist that is rewritten, in bytes.
pub const PLAYLIST_BYTES_MAX: usize = 1024 * 1024;
/// Longest deny list that is read, in bytes.
pub const DENY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most entries of the deny list that are kept, the newest.
pub const DENY_ENTRIES_MAX: usize = 50_000;
/// How old the deny list may be, and how long after a failure it is asked for again, in milliseconds. With the
/// second that a cache below may add, a picture stops within two.
pub const DENY_AGE_MS_MAX: i64 = 500;
/// How long one request's look for a newer deny list keeps the others from looking too, in milliseconds.
pub const DENY_CLAIM_MS: i64 = 250;
/// How long a shell should wait for the deny list, in milliseconds; then the last one is used.
pub const DENY_WAIT_MS: u64 = 1000;
/// How long a shell should wait for an answer of the origin's, in milliseconds. A blocking playlist request takes up
/// to three target durations (rfc8216bis, 6.2.5.2).
pub const ORIGIN_WAIT_MS: u64 = 15_000;

/// Bytes in an edge key, at most.
const EDGE_KEY_BYTES_MAX: usize = 256;

/// What an edge is told.
pub struct Config {
    /// Where the origin is.
    pub origin: Origin,
    /// The secret for [`shared_wire::header::EDGE_KEY`].
    pub(crate) edge_key: String,
    pub(crate) session_keys: SessionKeys,
    pub(crate) verifier: Verifier,
}

/// Where the origin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is spoken to over TLS.
    pub is_tls: bool,
    /// Its host, with the port if there is one.
    pub authority: String,
}

/// One thing that is wrong with the configuration: the operator's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {reason}")]
pub struct ConfigError {
    /// Which of the four.
    pub name: &'static str,
    /// What is wrong with it, without its value.
    pub reason: String,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("origin", &self.origin)
            .field("session_keys", &self.session_keys)
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Reads the four names.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let origin = read(&lookup, ORIGIN, |text| {
            Origin::parse(text).ok_or("must be http(s)://host[:port] and nothing more")
        });
        let edge_key = read(&lookup, EDGE_KEY, |text| {
            let good =
                text.len() <= EDGE_KEY_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic());
            good.then(|| text.to_owned()).ok_or("must be 1 to 256 printable ASCII characters")
        });
        let session_keys = read(&lookup, SESSION_KEYS, SessionKeys::parse);
        let verifier = read(&lookup, TOKEN_KEYS, Verifier::from_json);
        match (origin, edge_key, session_keys, verifier) {
            (Ok(origin), Ok(edge_key), Ok(session_keys), Ok(verifier)) => {
                Ok(Self { origin, edge_key, session_keys, verifier })
            }
            (origin, edge_key, session_keys, verifier) => {
                let errors = [origin.err(), edge_key.err(), session_keys.err(), verifier.err()];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }
}

fn read<T, E: fmt::Display>(
    lookup: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, ConfigError> {
    let wrong = |reason: String| ConfigError { name, reason };
    let text = lookup(name).unwrap_or_default();
    match text.trim() {
        "" => Err(wrong("is not set".to_owned())),
        text => parse(text).map_err(|error| wrong(error.to_string())),
    }
}

impl Origin {
    /// Reads `http://host:port` or `https://host`.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (is_tls, rest) = match url.split_once("://")? {
            ("http", rest) => (false, rest),
            ("https", rest) => (true, rest),
            _ => return None,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let form =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        let good = !authority.is_empty() && authority.bytes().all(form);
        good.then(|| Self { is_tls, authority: authority.to_owned() })
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    /// The URL of a path (and query) on the origin.
    #[must_use]
    pub fn url(&self, path_and_query: &str) -> String {
        format!("{}://{}{path_and_query}", self.scheme(), self.authority)
    }

    /// The host without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            // An IPv6 address without a port ends in its bracket.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.authority,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (url, scheme, host) in [
            ("http://127.0.0.1:8081", "http", "127.0.0.1"),
            ("https://origin.example/", "https", "origin.example"),
            ("http://[::1]:8081", "http", "[::1]"),
            ("http://[::1]", "http", "[::1]"),
        ] {
            let origin = Origin::parse(url).unwrap();
            assert_eq!((origin.scheme(), origin.host()), (scheme, host));
            assert_eq!(origin.url("/a?b"), format!("{}/a?b", url.trim_end_matches('/')));
        }
        for url in ["", "origin", "ftp://a", "http://", "http://a/b", "http://u:p@a", "http://a?b"]
        {
            assert_eq!(Origin::parse(url), None, "{url}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_without_values() {
        let errors = Config::from_lookup(|name| match name {
            EDGE_KEY => Some("a secret\nwith a line".into()),
            SESSION_KEYS => Some("a:c2VjcmV0".into()),
            TOKEN_KEYS => Some("secret".into()),
            _ => None,
        });
        let errors = errors.unwrap_err();
        let names: Vec<&str> = errors.iter().map(|error| error.name).collect();
        assert_eq!(names, [ORIGIN, EDGE_KEY, SESSION_KEYS, TOKEN_KEYS]);
        let text = format!("{errors:?}");
        assert!(!text.contains("secret") && !text.contains("c2VjcmV0"), "{text}");
    }
}
