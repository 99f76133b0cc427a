//! What an edge has to be told, and every limit of this crate.
//!
//! In: a lookup of names, wherever the host keeps them. Out: [`Config`], or everything that is wrong at once. Does
//! not know the host. No error and no `Debug` shows a value: most of them are secrets.

use std::convert::Infallible;
use std::fmt;

use elsewhere::{ElsewhereError, Sign};
use shared_ticket::{SessionKeys, Verifier};
use thiserror::Error;

mod bucket;
mod elsewhere;
mod origin;

pub use bucket::Bucket;
pub(crate) use elsewhere::{Elsewhere, Signing};
pub use origin::Origin;

/// The origin's URL: scheme, host and port.
pub const ORIGIN: &str = "MATINEE_ORIGIN";
/// The secret by which the origin knows its edges.
pub const EDGE_KEY: &str = "MATINEE_EDGE_KEY";
/// The keys that seal sessions, `kid:base64url[,…]`; the first seals.
pub const SESSION_KEYS: &str = "MATINEE_SESSION_KEYS";
/// The keys that verify playback tokens, a JWK set.
pub const TOKEN_KEYS: &str = "MATINEE_TOKEN_KEYS";
/// For how many seconds nobody may have confirmed the deny list before new sessions are refused; 0 for ever. 300 if it
/// is not set.
pub const ISOLATED_S: &str = "MATINEE_ISOLATED_S";
/// `host` if the host has a cache that a purge can be sent to as `PURGE /`.
pub const CACHE: &str = "MATINEE_CACHE";

/// Where viewers fetch closed segments from instead of here: `https://host[/path]`; not set: from here.
pub const MEDIA_BASE: &str = "MATINEE_MEDIA_BASE";
/// How URLs there are signed: `hmac:<key id>:<base64url>`, `s3:<region>:<access key>:<secret key>`, or `s3-host:…` if
/// the bucket is named in the host.
pub const MEDIA_SIGN: &str = "MATINEE_MEDIA_SIGN";
/// For how many seconds such a URL is good at least; 21600 if it is not set. A recording's playlist is fetched once, so
/// it must be longer than the recording.
pub const MEDIA_VALID_S: &str = "MATINEE_MEDIA_VALID_S";

/// The bucket that closed segments are read from; not set: the origin is asked for all.
pub const BUCKET: &str = "MATINEE_EDGE_BUCKET";
/// Where it is: `http(s)://host[:port]`; not set: Amazon's, in the region.
pub const BUCKET_ENDPOINT: &str = "MATINEE_EDGE_BUCKET_ENDPOINT";
/// Its region.
pub const BUCKET_REGION: &str = "MATINEE_EDGE_BUCKET_REGION";
/// What its keys begin with, as the house says it (`--s3-prefix`).
pub const BUCKET_PREFIX: &str = "MATINEE_EDGE_BUCKET_PREFIX";
/// `yes` if its name stands in the path; `yes` behind an endpoint and `no` at Amazon's if it is not set.
pub const BUCKET_PATH_STYLE: &str = "MATINEE_EDGE_BUCKET_PATH_STYLE";
/// The id of the access key. From a store of secrets, like the two that follow.
pub const BUCKET_KEY_ID: &str = "MATINEE_EDGE_BUCKET_KEY_ID";
/// Its secret.
pub const BUCKET_SECRET: &str = "MATINEE_EDGE_BUCKET_SECRET";
/// The token of temporary credentials.
pub const BUCKET_TOKEN: &str = "MATINEE_EDGE_BUCKET_TOKEN";
/// What is said openly of a bucket.
pub const BUCKET_SETTINGS: [&str; 5] =
    [BUCKET, BUCKET_ENDPOINT, BUCKET_REGION, BUCKET_PREFIX, BUCKET_PATH_STYLE];
/// What is secret of it.
pub const BUCKET_SECRETS: [&str; 3] = [BUCKET_KEY_ID, BUCKET_SECRET, BUCKET_TOKEN];

/// Longest path that is looked into, in bytes; it may hold a token.
pub const PATH_BYTES_MAX: usize = 5 * 1024;
/// Longest query that is looked into, in bytes; it may hold a token.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Longest header of a viewer's that goes on to the origin, in bytes.
pub const HEADER_BYTES_MAX: usize = 256;
/// Longest request body that goes on to the origin, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;
/// Longest multivariant playlist that is rewritten, in bytes.
pub const PLAYLIST_BYTES_MAX: usize = 1024 * 1024;
/// Shortest playlist that is compressed, in bytes.
pub const GZIP_BYTES_MIN: usize = 200;
/// How hard it is tried, of 9: beyond it costs twice the time and gains a hundredth.
pub const GZIP_LEVEL: u32 = 5;
/// Longest deny list that is read, in bytes.
pub const DENY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most entries of the deny list that are kept, the newest.
pub const DENY_ENTRIES_MAX: usize = 50_000;
/// Longest detail of an entry that is passed on, in characters.
pub const DENY_DETAIL_CHARS_MAX: usize = 200;
/// Seconds without a confirmed deny list before new sessions are refused, if nobody says otherwise.
pub const ISOLATED_S_DEFAULT: u32 = 300;
/// Seconds for which signed URLs are good, if nobody says otherwise.
pub const MEDIA_VALID_S_DEFAULT: u32 = 21_600;
/// For how long signed URLs stay the same, at least and at most, in seconds.
pub const MEDIA_BUCKET_S_MIN: u32 = 60;
/// See [`MEDIA_BUCKET_S_MIN`].
pub const MEDIA_BUCKET_S_MAX: u32 = 3600;
/// How many of the newest segments viewers fetch from here all the same: the store may not have them yet.
pub const MEDIA_LAG_SEGMENTS: u64 = 3;
/// Most tokens for one use that are remembered.
pub const REPLAYS_MAX: usize = 20_000;
/// Most surrogate keys of one purge.
pub const PURGE_KEYS_MAX: usize = 64;
/// Longest surrogate key, in bytes.
pub const PURGE_KEY_BYTES_MAX: usize = 256;
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

/// How long a shell should wait for the bucket's head, in milliseconds; then the origin is asked, and the viewer has
/// waited for both.
pub const BUCKET_WAIT_MS: u64 = 1500;
/// Failures of the bucket in a row after which it is left alone.
pub const BUCKET_FAILURES_MAX: u32 = 3;
/// How long it is left alone at first, in milliseconds; twice as long after each failure that follows.
pub const BUCKET_REST_MS_MIN: i64 = 1000;
/// The longest it is left alone, in milliseconds.
pub const BUCKET_REST_MS_MAX: i64 = 30_000;
/// Publications of which it is known that the bucket lacks their end; of more, the one that was quiet longest is
/// forgotten.
pub const BUCKET_LIVE_MAX: usize = 1024;
/// For how long nobody may have asked for a newer segment of such a one before it is thought to have ended, in
/// milliseconds.
pub const BUCKET_LIVE_MS: i64 = 60_000;

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
    /// [`ISOLATED_S`].
    pub(crate) isolated_s: u32,
    /// Whether [`CACHE`] says `host`.
    pub(crate) has_host_cache: bool,
    /// Where viewers fetch closed segments from, if not from here.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// Where this edge fetches them from, before it asks the origin.
    pub bucket: Option<Bucket>,
}

/// One thing that is wrong with the configuration: the operator's fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name}: {reason}")]
pub struct ConfigError {
    /// Which of the names.
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
    /// Reads the names.
    ///
    /// # Errors
    /// Everything that is missing or wrong, at once.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let mut names = Names { lookup, faults: Vec::new() };
        let origin = names.required(ORIGIN, |text| {
            Origin::parse(text).ok_or("must be http(s)://host[:port] and nothing more")
        });
        let edge_key = names.required(EDGE_KEY, |text| {
            let good =
                text.len() <= EDGE_KEY_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic());
            good.then(|| text.to_owned()).ok_or("must be 1 to 256 printable ASCII characters")
        });
        let session_keys = names.required(SESSION_KEYS, SessionKeys::parse);
        let verifier = names.required(TOKEN_KEYS, Verifier::from_json);
        let isolated_s = names.optional(ISOLATED_S, |text| {
            text.parse::<u32>().map_err(|_| "must be a number of seconds")
        });
        let cache = names.optional(CACHE, |text| match text {
            "host" => Ok(()),
            _ => Err("must be `host` or not set"),
        });
        let elsewhere = names.elsewhere();
        let bucket = names.bucket();
        match (origin, edge_key, session_keys, verifier) {
            (Some(origin), Some(edge_key), Some(session_keys), Some(verifier))
                if names.faults.is_empty() =>
            {
                Ok(Self {
                    origin,
                    edge_key,
                    session_keys,
                    verifier,
                    isolated_s: isolated_s.unwrap_or(ISOLATED_S_DEFAULT),
                    has_host_cache: cache.is_some(),
                    elsewhere,
                    bucket,
                })
            }
            _ => Err(names.faults),
        }
    }
}

/// Reads names and gathers what is wrong with them.
struct Names<L> {
    lookup: L,
    faults: Vec<ConfigError>,
}

impl<L: Fn(&str) -> Option<String>> Names<L> {
    fn required<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let faults = self.faults.len();
        let value = self.optional(name, parse);
        if value.is_none() && self.faults.len() == faults {
            self.faults.push(ConfigError { name, reason: "is not set".to_owned() });
        }
        value
    }

    /// Both settings or neither.
    fn elsewhere(&mut self) -> Option<Elsewhere> {
        let base = self.optional(MEDIA_BASE, |text| Ok::<_, Infallible>(text.to_owned()));
        let valid_s = self.optional(MEDIA_VALID_S, |text| {
            text.parse::<u32>().map_err(|_| "must be a number of seconds")
        });
        let Some(base) = base else {
            self.optional(MEDIA_SIGN, |_| Err::<(), _>("needs MATINEE_MEDIA_BASE beside it"));
            return None;
        };
        let sign = self.required(MEDIA_SIGN, Sign::parse)?;
        let made = Elsewhere::new(&base, sign, valid_s.unwrap_or(MEDIA_VALID_S_DEFAULT));
        let wrong =
            |error: ElsewhereError| ConfigError { name: MEDIA_BASE, reason: error.to_string() };
        made.map_err(|error| self.faults.push(wrong(error))).ok()
    }

    /// Nothing if it is not set, or empty, or wrong.
    fn optional<T, E: fmt::Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = (self.lookup)(name).unwrap_or_default();
        let text = Some(text.trim()).filter(|text| !text.is_empty())?;
        let wrong = |error: E| self.faults.push(ConfigError { name, reason: error.to_string() });
        parse(text).map_err(wrong).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once_and_without_values() {
        let errors = Config::from_lookup(|name| match name {
            EDGE_KEY => Some("a secret\nwith a line".into()),
            SESSION_KEYS => Some("a:c2VjcmV0".into()),
            TOKEN_KEYS => Some("secret".into()),
            ISOLATED_S => Some("secret".into()),
            CACHE => Some("secret".into()),
            _ => None,
        });
        let errors = errors.unwrap_err();
        let names: Vec<&str> = errors.iter().map(|error| error.name).collect();
        assert_eq!(names, [ORIGIN, EDGE_KEY, SESSION_KEYS, TOKEN_KEYS, ISOLATED_S, CACHE]);
        let text = format!("{errors:?}");
        assert!(!text.contains("secret") && !text.contains("c2VjcmV0"), "{text}");
    }
}
