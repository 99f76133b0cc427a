//! What the machine wants carried out.
//!
//! In: nothing. Out: [`Output`]. Outputs stand in the order they must be carried out in: bytes come
//! before the playlist that lists them.

use bytes::Bytes;
use shared_media::{Note, Object, RenditionId};
use shared_playlist::MediaPlaylist;

use crate::error::Error;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Keep a part in memory.
    PutPart(Object),
    /// Keep an init segment or a closed segment, in memory and on disk.
    Put(Object),
    /// Write a text object anew: the head of a recording's playlist.
    Replace(Object),
    /// Add to a text object: a segment of a recording's playlist.
    Append(Object),
    /// The multivariant playlist is another now: write it anew, under this key.
    Multivariant(Object),
    /// A rendition's live playlist is another now, or its I-frame playlist.
    View {
        /// Whose playlist.
        rendition: RenditionId,
        /// The playlist; it says itself which of the two it is.
        playlist: MediaPlaylist,
        /// When the newest unit that it lists came in, in microseconds of the monotonic clock;
        /// `None` if it lists no new part.
        arrived_us: Option<u64>,
    },
    /// Keep this for the process after this one.
    Note(Note),
    /// Something went wrong; the show goes on.
    Trouble(Error),
    /// The show is over. These are the keys of its recordings' playlists, still in their EVENT form:
    /// [`shared_playlist::recording::finish`] makes each the VOD playlist it is to stay.
    Finished {
        /// One key per rendition that has anything, and one for its pictures.
        recordings: Vec<String>,
    },
}

/// An object from whatever bytes it is made of.
pub(super) fn object(key: String, bytes: impl Into<Bytes>) -> Object {
    Object { key, bytes: bytes.into() }
}
