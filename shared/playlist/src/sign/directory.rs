//! One signature for a directory: HMAC-SHA-256 over its path and when it ends.
//!
//! In: a key, and a path. Out: a URL; or whether one is good. Does not know clocks.
//!
//! ```text
//! https://media.example/live/<show>/720p/<epoch>/s12.m4s?exp=1795245300&kid=k1&sig=<43 characters>
//!
//! sig = base64url without padding( HMAC-SHA-256( secret, "matinee-directory-1" LF exp LF directory ) )
//! ```
//!
//! `directory` is the path of the URL as it was requested, percent-encoding and all, from its first slash to its last,
//! both included; `exp` is in decimal seconds since the Unix epoch, and the URL is good before it. One signature is
//! good for all that lies in the directory itself and nothing below it, and is the same for everyone for the length of
//! a bucket.

use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::HMAC;
use memchr::memrchr;
use thiserror::Error;

use super::{Scheme, SignError, Window, path};

/// Longest id of a key, in characters.
pub const KID_CHARS_MAX: usize = 8;
/// Shortest secret, in bytes.
pub const SECRET_BYTES_MIN: usize = 32;
/// Longest query that is looked into, in bytes.
pub const QUERY_BYTES_MAX: usize = 2048;

/// What is signed begins with this.
const CONTEXT: &[u8] = b"matinee-directory-1\n";

/// A key that signs directories.
#[derive(Clone)]
pub struct Key {
    kid: String,
    /// Has taken the secret already.
    mac: HMAC,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// Why a signed URL is refused: its bearer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// `exp`, `kid` or `sig` is missing, there twice or of another form; or the path tries to leave its directory.
    #[error("the URL is not signed")]
    Malformed,
    /// Its time is over.
    #[error("the signed URL has expired")]
    Expired,
    /// No key of ours signed it.
    #[error("the URL was signed for another directory, or by nobody here")]
    Forged,
}

impl Key {
    /// A key by its id and its secret.
    ///
    /// # Errors
    /// If either has not the form it must have.
    pub fn new(kid: &str, secret: &[u8]) -> Result<Self, SignError> {
        let form = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if kid.is_empty() || kid.len() > KID_CHARS_MAX || !kid.bytes().all(form) {
            return Err(SignError::Kid);
        }
        if secret.len() < SECRET_BYTES_MIN {
            return Err(SignError::Secret);
        }
        Ok(Self { kid: kid.to_owned(), mac: HMAC::new(secret) })
    }

    fn mac(&self, directory: &[u8], expires: &[u8]) -> HMAC {
        let mut mac = self.mac.clone();
        for piece in [CONTEXT, expires, b"\n", directory] {
            mac.update(piece);
        }
        mac
    }
}

/// Signs the directories below a base.
#[derive(Debug, Clone)]
pub struct Directories {
    base: String,
    /// How many bytes of the base come before its path.
    origin_bytes: usize,
    key: Key,
    expires: String,
    /// The directory that was signed last, and the end of its URLs.
    last: (Vec<u8>, Vec<u8>),
}

impl Directories {
    /// Below `base`, such as `https://media.example/live`, in the bucket of `now`, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// If the base is no URL of a host.
    pub fn new(base: &str, key: &Key, window: Window, now: i64) -> Result<Self, SignError> {
        let (_, path) = path::base(base).ok_or(SignError::Base)?;
        let base = base.strip_suffix('/').unwrap_or(base);
        Ok(Self {
            base: base.to_owned(),
            origin_bytes: base.len().saturating_sub(path.len()),
            key: key.clone(),
            expires: window.at(now).expires().to_string(),
            last: (Vec::new(), Vec::new()),
        })
    }

    /// The end of the URLs of a directory, by its path: `exp=…&kid=…&sig=…`.
    fn query(&mut self, directory: &[u8]) -> &[u8] {
        let (of, query) = &mut self.last;
        if of != directory || query.is_empty() {
            let tag = self.key.mac(directory, self.expires.as_bytes()).finalize();
            of.clear();
            of.extend_from_slice(directory);
            let sig = BASE64URL_NOPAD.encode(&tag);
            *query = format!("exp={}&kid={}&sig={sig}", self.expires, self.key.kid).into_bytes();
        }
        query
    }
}

impl Scheme for Directories {
    fn put(&mut self, path: &[u8], query: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.base.as_bytes());
        out.push(b'/');
        out.extend_from_slice(path);
        let url = out.get(start + self.origin_bytes..).unwrap_or_default();
        let directory = memrchr(b'/', url).and_then(|at| url.get(..=at)).unwrap_or_default();
        let signature = self.query(directory);
        out.push(b'?');
        if !query.is_empty() {
            out.extend_from_slice(query);
            out.push(b'&');
        }
        out.extend_from_slice(signature);
    }
}

/// Whether a request for `path` with `query` is signed and its time not over at `now`, in seconds since the Unix epoch.
/// Takes the same time whichever byte of the signature is wrong.
///
/// # Errors
/// Why it is refused; a good signature whose time is over is `Expired`, a bad one is `Forged` at any time.
pub fn verify(keys: &[Key], path: &str, query: &str, now: i64) -> Result<(), UrlError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(UrlError::Malformed);
    }
    let one = |name: &str| {
        let named = |pair: &'_ str| pair.split_once('=').is_some_and(|(key, _)| key == name);
        let mut values = query.split('&').filter(|pair| named(pair));
        match (values.next(), values.next()) {
            (Some(pair), None) => pair.split_once('=').map(|(_, value)| value),
            _ => None,
        }
    };
    let (Some(exp), Some(kid), Some(sig)) = (one("exp"), one("kid"), one("sig")) else {
        return Err(UrlError::Malformed);
    };
    let expires = crate::scan::integer(exp.as_bytes()).and_then(|exp| i64::try_from(exp).ok());
    let tag = BASE64URL_NOPAD.decode(sig.as_bytes()).ok();
    let tag: Option<[u8; 32]> = tag.and_then(|tag| tag.try_into().ok());
    let cut = path.rfind('/').and_then(|at| path.split_at_checked(at + 1));
    let (Some(expires), Some(tag), Some((directory, file))) = (expires, tag, cut) else {
        return Err(UrlError::Malformed);
    };
    if !path.starts_with('/') || leaves_its_directory(file) {
        return Err(UrlError::Malformed);
    }
    let key = keys.iter().find(|key| key.kid == kid).ok_or(UrlError::Forged)?;
    if !key.mac(directory.as_bytes(), exp.as_bytes()).finalize_verify(&tag) {
        return Err(UrlError::Forged);
    }
    if now >= expires { Err(UrlError::Expired) } else { Ok(()) }
}

/// Whether a server that decodes before it looks would find a file elsewhere.
fn leaves_its_directory(file: &str) -> bool {
    let mut decoded = Vec::new();
    path::canonical(file.as_bytes(), false, &mut decoded);
    let holds = |what: &[u8]| memchr::memmem::find(&decoded, what).is_some();
    decoded == b"." || decoded == b".." || holds(b"%2F") || holds(b"%5C") || holds(b"%00")
}
