//! Stored objects and the port they leave the packager through.
//!
//! In: nothing. Out: [`Object`], [`ObjectSink`]. Does not know disks or buckets.

use bytes::Bytes;

/// Bytes under a key of `shared/wire`'s scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The key, relative to the store's root, such as `<show>/720p/lx2k9a/s12.m4s`.
    pub key: String,
    /// All of its bytes.
    pub bytes: Bytes,
}

/// Where the packager puts what it makes; the binary plugs storage in here.
///
/// None of these block or fail from the caller's view: once a call returns, a read of the key finds the bytes. What
/// cannot reach the disk is the store's to report; it never stops a live show.
pub trait ObjectSink: Send + Sync {
    /// A part: kept in memory only, for as long as a live viewer may ask for it.
    fn put_part(&self, object: Object);
    /// An immutable object, kept in memory and on disk: an init segment or a closed media segment.
    fn put(&self, object: Object);
    /// Makes a text object anew, replacing what is there (a multivariant playlist, a finished playlist).
    fn replace(&self, object: Object);
    /// Adds to the end of a text object: a recording's playlist grows by a segment at a time.
    fn append(&self, object: Object);
}
