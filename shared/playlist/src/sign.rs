//! Signed URLs for media that lives on another host: a second CDN, or a bare bucket.
//!
//! In: the place of a playlist, a way to sign, and the time. Out: a [`Place`](crate::rewrite::Place) that turns the
//! URIs of media into signed URLs there. Does not know clocks, nor who watches: everyone gets the same URLs, so that
//! caches on the way hold one copy.
//!
//! Signed are the URI lines of media playlists, `EXT-X-MAP`, `EXT-X-PART` and `EXT-X-PRELOAD-HINT`. Keys, reports of
//! other playlists and interstitials stay: they are not media, and the edge answers for them.

use thiserror::Error;

use crate::rewrite::{Place, Site};

pub mod directory;
pub mod s3;

mod path;
mod window;

pub use window::{VALID_S_MAX, Window};

/// What is wrong with a way to sign: the operator's fault. None of the texts holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    /// The URL of the other host has not the form it must have.
    #[error("must be http(s)://host[:port], where a path is allowed with no query")]
    Base,
    /// The times are out of range.
    #[error(
        "URLs must be good for 1 to {VALID_S_MAX} s in all, and stay the same for 1 s at least"
    )]
    Window,
    /// The key's id has another form.
    #[error("a key's id must be 1 to {chars} of A-Z a-z 0-9 - _", chars = directory::KID_CHARS_MAX)]
    Kid,
    /// The secret is too short.
    #[error("a secret must have {bytes} bytes at least", bytes = directory::SECRET_BYTES_MIN)]
    Secret,
    /// The bucket, the region or the credentials are empty or hold what cannot stand in a URL.
    #[error("bucket, region and access key must be plain words")]
    Bucket,
}

/// Where a playlist stands among what is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The absolute path on the playlist's own host that is the other host's root, with `/` at both ends: `/o/`.
    pub root: String,
    /// The playlist's directory below it, with a `/` at its end: `<show>/720p/`.
    pub directory: String,
    /// What paths must begin with to be signed: `<show>/`. A playlist that points elsewhere does not get a signature
    /// for that; its URI stays.
    pub within: String,
}

/// A way to sign.
pub trait Scheme {
    /// Appends the signed URL of an object. `path` is percent-encoded, without a slash at its start; `query` is without
    /// its `?`.
    fn put(&mut self, path: &[u8], query: &[u8], out: &mut Vec<u8>);
}

/// Turns the URIs of media into signed URLs. Give it to a [`Rewriter`](crate::rewrite::Rewriter).
#[derive(Debug, Clone)]
pub struct Signer<S> {
    location: Location,
    scheme: S,
    path: Vec<u8>,
}

impl<S: Scheme> Signer<S> {
    /// For the playlist at `location`.
    #[must_use]
    pub const fn new(location: Location, scheme: S) -> Self {
        Self { location, scheme, path: Vec::new() }
    }
}

impl<S: Scheme> Place for Signer<S> {
    fn takes(&self, site: Site) -> bool {
        matches!(site, Site::Line | Site::Media)
    }

    fn put(&mut self, uri: &[u8], out: &mut Vec<u8>) -> bool {
        let (uri, fragment) = path::split(uri, b'#');
        let (path, query) = path::split(uri, b'?');
        let directory = self.location.directory.as_bytes();
        let below = match path.strip_prefix(b"/") {
            None => (directory, path),
            Some(_) => match path.strip_prefix(self.location.root.as_bytes()) {
                Some(path) => (&b""[..], path),
                None => return false,
            },
        };
        path::resolve(below.0, below.1, &mut self.path);
        if !self.path.starts_with(self.location.within.as_bytes()) {
            return false;
        }
        self.scheme.put(&self.path, query.get(1..).unwrap_or_default(), out);
        out.extend_from_slice(fragment);
        true
    }
}

#[cfg(test)]
mod tests;
