//! Stored objects and the port they leave the packager through.
//!
//! In: nothing. Out: [`Object`], [`ObjectSink`]. Does not know disks or buckets.

use std::pin::Pin;

use bytes::Bytes;

/// Bytes under a key of `shared/wire`'s scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The key, relative to the store's root, such as `<show>/720p/lx2k9a/s12.m4s`.
    pub key: String,
    /// All of its bytes.
    pub bytes: Bytes,
}

/// What is to be found again by the process after this one, should this one be killed while a show is on the air.
/// The text is the packager's own; nobody else reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The show's notes begin, or begin anew: this stands in place of all there was.
    Begin(String),
    /// This stands behind what there is.
    Append(String),
    /// The show is over: nothing of it needs to be found again.
    End,
}

/// What was noted is kept once this is ready.
pub type Settled = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the packager puts what it makes; the binary plugs storage in here.
///
/// None of these block or fail from the caller's view: once a call returns, a read of the key finds the bytes. What
/// cannot reach the disk is the store's to report; it never stops a live show.
pub trait ObjectSink: Send + Sync {
    /// A part: kept in memory for as long as a live viewer may ask for it, and so that it outlives the process.
    fn put_part(&self, object: Object);
    /// An immutable object, kept in memory and on disk: an init segment or a closed media segment.
    fn put(&self, object: Object);
    /// Makes a text object anew, replacing what is there (a multivariant playlist, a finished playlist).
    fn replace(&self, object: Object);
    /// Adds to the end of a text object: a recording's playlist grows by a segment at a time.
    fn append(&self, object: Object);
    /// Keys of segments of a show that were put and are nowhere any more: the disk never took them, and memory dropped
    /// them. Each is told once; a sink that loses nothing has none to tell.
    fn gone(&self, _show: &str) -> Vec<String> {
        Vec::new()
    }
    /// A note about a show, in order with its parts: once a note is found again, so are the parts before it.
    fn note(&self, show: &str, note: Note);
    /// Waits until what was noted so far would be found again; a sink that keeps nothing has nothing to wait for.
    fn settled(&self) -> Settled {
        Box::pin(std::future::ready(()))
    }
}
