//! Presigned `GET`s of S3 and what speaks like it: AWS Signature Version 4 in the query.
//!
//! In: a bucket, credentials, the time. Out: URLs. Does not know clocks; asks nobody. The signature says when it was
//! made, so that is the start of the bucket of time: everyone gets the same URL until the next one.
//!
//! What can be done once is done once: a URL costs one SHA-256 of the canonical request and one HMAC.

use data_encoding::HEXLOWER;
use hmac_sha256::{HMAC, Hash};

use super::{Scheme, SignError, Window, path};
use crate::date;

mod header;

pub use header::{DayKey, Requests, Signed};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How a bucket is named in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// In the path: `https://endpoint/bucket/key`.
    Path,
    /// In the host: `https://bucket.endpoint/key`.
    VirtualHost,
}

/// A bucket, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The service: `https://s3.eu-central-1.amazonaws.com`, or a store of one's own.
    pub endpoint: String,
    /// The bucket's name.
    pub name: String,
    /// What keys begin with, without a slash at either end; empty if the store has the bucket for itself.
    pub prefix: String,
    /// The region that stands in the signature.
    pub region: String,
    /// How the bucket is named in a URL.
    pub style: Style,
}

/// Who signs. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Credentials {
    /// The id of the access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Signs URLs of one bucket for one bucket of time.
#[derive(Clone)]
pub struct Presigner {
    /// Scheme and host of every URL.
    origin: String,
    /// How many bytes of it are the scheme.
    scheme_bytes: usize,
    /// The path every URL begins with.
    base: Vec<u8>,
    /// The query, but for the signature.
    query: Vec<u8>,
    /// What is signed, but for the hash of the request.
    head: String,
    /// Has taken the derived key already.
    mac: HMAC,
    /// Until when it is the presigner to use, in seconds since the Unix epoch.
    ends: i64,
    start: i64,
    path: Vec<u8>,
}

impl std::fmt::Debug for Presigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presigner").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Presigner {
    /// For the bucket of time at `now`, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// If the endpoint is no URL of a host, or a name cannot stand in a URL.
    pub fn new(
        bucket: &Bucket,
        credentials: &Credentials,
        window: Window,
        now: i64,
    ) -> Result<Self, SignError> {
        let (origin, scheme_bytes, base) = place(bucket, &credentials.access_key)?;
        let span = window.at(now);
        let stamp = stamp(span.start);
        let day = stamp.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", bucket.region);
        Ok(Self {
            origin,
            scheme_bytes,
            base,
            query: query(credentials, &scope, &stamp, span.valid_s),
            head: format!("{ALGORITHM}\n{stamp}\n{scope}\n"),
            mac: HMAC::new(derived_key(&credentials.secret_key, day, &bucket.region, "s3")),
            ends: span.expires().saturating_sub(window.valid_s()),
            start: span.start,
            path: Vec::new(),
        })
    }

    /// Whether its bucket of time holds `now`: then it may be used again instead of making a new one.
    #[must_use]
    pub const fn is_current(&self, now: i64) -> bool {
        self.start <= now && now < self.ends
    }

    /// The signature of a request for `path` with a canonical `query`, in hexadecimal digits.
    fn signature(&self, query: &[u8]) -> String {
        let host = self.origin.get(self.scheme_bytes..).unwrap_or_default().as_bytes();
        let mut request = Hash::new();
        for piece in [b"GET\n", &*self.path, b"\n", query, b"\nhost:", host] {
            request.update(piece);
        }
        request.update(b"\n\nhost\nUNSIGNED-PAYLOAD");
        let mut mac = self.mac.clone();
        mac.update(&self.head);
        let mut digits = [0; 64];
        HEXLOWER.encode_mut(&request.finalize(), &mut digits);
        mac.update(digits);
        HEXLOWER.encode(&mac.finalize())
    }
}

impl Scheme for Presigner {
    fn put(&mut self, path: &[u8], query: &[u8], out: &mut Vec<u8>) {
        self.path.clear();
        self.path.extend_from_slice(&self.base);
        path::canonical(path, true, &mut self.path);
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(&self.path);
        out.push(b'?');
        let start = out.len();
        if query.is_empty() {
            out.extend_from_slice(&self.query);
        } else {
            merge(&self.query, query, out);
        }
        let signature = self.signature(out.get(start..).unwrap_or_default());
        out.extend_from_slice(b"&X-Amz-Signature=");
        out.extend_from_slice(signature.as_bytes());
    }
}

/// `20130524T000000Z`.
fn stamp(seconds: i64) -> String {
    let utc = date::utc(seconds.saturating_mul(1_000_000));
    let whole = utc.split('.').next().unwrap_or_default();
    let mut stamp: String = whole.chars().filter(|char| !matches!(char, '-' | ':')).collect();
    stamp.push('Z');
    stamp
}

/// The canonical query, its names in order.
fn query(credentials: &Credentials, scope: &str, stamp: &str, valid_s: u32) -> Vec<u8> {
    let credential = format!("{}/{scope}", credentials.access_key);
    let valid_s = valid_s.to_string();
    let token = credentials.session_token.as_deref().map(|token| ("Security-Token", token));
    let pairs = [
        Some(("Algorithm", ALGORITHM)),
        Some(("Credential", &*credential)),
        Some(("Date", stamp)),
        Some(("Expires", &*valid_s)),
        token,
        Some(("SignedHeaders", "host")),
    ];
    let mut query = Vec::new();
    for (name, value) in pairs.into_iter().flatten() {
        if !query.is_empty() {
            query.push(b'&');
        }
        query.extend_from_slice(format!("X-Amz-{name}=").as_bytes());
        encoded(value, &mut query);
    }
    query
}

/// Appends a value that holds no percent-encoding of its own.
fn encoded(value: &str, out: &mut Vec<u8>) {
    path::canonical(value.replace('%', "%25").as_bytes(), false, out);
}

/// Appends the pairs of `ours` and of a playlist's own query, in the order of their names.
fn merge(ours: &[u8], theirs: &[u8], out: &mut Vec<u8>) {
    let pairs = |query: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
        let pairs = query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = path::split(pair, b'=');
                let (mut pair, value) = ((Vec::new(), Vec::new()), value.get(1..));
                path::canonical(name, false, &mut pair.0);
                path::canonical(value.unwrap_or_default(), false, &mut pair.1);
                pair
            })
            .collect()
    };
    let mut all = pairs(ours);
    all.extend(pairs(theirs));
    all.sort_unstable();
    for (index, (name, value)) in all.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// Scheme and host of a bucket, how many bytes of it are the scheme, and the path that its keys begin with.
fn place(bucket: &Bucket, access_key: &str) -> Result<(String, usize, Vec<u8>), SignError> {
    let (authority, path) = path::base(&bucket.endpoint).ok_or(SignError::Base)?;
    let scheme = bucket.endpoint.split_inclusive("://").next().ok_or(SignError::Base)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let words = [bucket.name.as_str(), &bucket.region, access_key];
    if words.iter().any(|word| word.is_empty() || !word.bytes().all(plain)) {
        return Err(SignError::Bucket);
    }
    let (origin, root) = match bucket.style {
        Style::Path => (format!("{scheme}{authority}"), format!("{path}/{}", bucket.name)),
        Style::VirtualHost => (format!("{scheme}{}.{authority}", bucket.name), path.to_owned()),
    };
    let mut base = Vec::new();
    let slash = if bucket.prefix.is_empty() { "" } else { "/" };
    path::canonical(format!("{root}{slash}{}/", bucket.prefix).as_bytes(), true, &mut base);
    Ok((origin, scheme.len(), base))
}

fn derived_key(secret: &str, day: &str, region: &str, service: &str) -> [u8; 32] {
    let key = HMAC::mac(day, format!("AWS4{secret}"));
    let key = HMAC::mac(region, key);
    let key = HMAC::mac(service, key);
    HMAC::mac("aws4_request", key)
}
