//! One version of a media playlist and the forms it is sent in.
//!
//! In: a snapshot. Out: its bytes, whole or delta, plain or compressed; each form is made once, when
//! it is first asked for. Does not know who asks.

use std::io::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use shared_playlist::MediaPlaylist;
use shared_playlist::blocking::Edge;
use shared_playlist::directives::Skip;

/// A version of a media playlist.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) playlist: MediaPlaylist,
    pub(super) edge: Edge,
    /// Plain and compressed, of the whole, of the delta, and of that without date ranges.
    forms: [[OnceLock<Bytes>; 2]; 3],
}

impl Version {
    pub(super) fn new(playlist: MediaPlaylist) -> Self {
        Self { edge: playlist.edge(), playlist, forms: Default::default() }
    }

    /// Its bytes in one form.
    pub(super) fn body(&self, skip: Option<Skip>, compressed: bool) -> Bytes {
        let [whole, segments, date_ranges] = &self.forms;
        let [plain, packed] = match skip {
            None => whole,
            Some(Skip::Segments) => segments,
            Some(Skip::SegmentsAndDateRanges) => date_ranges,
        };
        let playlist = &self.playlist;
        let render = || skip.map_or_else(|| playlist.render(), |skip| playlist.render_delta(skip));
        let text = || plain.get_or_init(|| render().into()).clone();
        if compressed { packed.get_or_init(|| gzip(&text())).clone() } else { text() }
    }
}

/// The bytes of a playlist, compressed (RFC 1952).
#[must_use]
pub fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::default());
    // Writing into a `Vec` cannot fail, so the stream is always whole.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}
