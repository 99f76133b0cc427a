//! One version of a media playlist and the forms it is sent in.
//!
//! In: a snapshot. Out: its bytes, whole or delta, plain or compressed; each form is made once, when
//! it is first asked for. Does not know who asks.

use std::io::Write as _;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
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
        if compressed && skip.is_none() && !playlist.past.is_empty() {
            return packed.get_or_init(|| gzip_playlist(playlist)).clone();
        }
        let render = || skip.map_or_else(|| playlist.render(), |skip| playlist.render_delta(skip));
        let text = || plain.get_or_init(|| render().into()).clone();
        if compressed { packed.get_or_init(|| gzip(&text())).clone() } else { text() }
    }
}

/// A playlist's whole text, compressed (RFC 1952): what is settled of it was compressed before, a piece at a time.
///
/// A stream of DEFLATE is a row of blocks (RFC 1951, 2.3). Each piece is compressed by itself and ends, flushed, with
/// an empty block at a whole byte, so that pieces can be put behind one another in one member of RFC 1952: unlike a
/// row of members, every browser reads that.
#[must_use]
pub fn gzip_playlist(playlist: &MediaPlaylist) -> Bytes {
    let (head, past, tail) = playlist.pieces();
    let mut bytes = Vec::with_capacity(past.len() * 1024 + 8192);
    bytes.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut crc = Crc::new();
    crc.update(head.as_bytes());
    bytes.extend_from_slice(&deflated(&head, FlushCompress::Full));
    for piece in past {
        crc.update(piece.text().as_bytes());
        bytes.extend_from_slice(piece.packed(|text| deflated(text, FlushCompress::Full)));
    }
    crc.update(tail.as_bytes());
    bytes.extend_from_slice(&deflated(&tail, FlushCompress::Finish));
    bytes.extend_from_slice(&crc.sum().to_le_bytes());
    bytes.extend_from_slice(&crc.amount().to_le_bytes());
    bytes.into()
}

/// A stretch of a DEFLATE stream that refers to nothing before it.
fn deflated(text: &str, end: FlushCompress) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() / 2 + 64);
    let mut compress = Compress::new(Compression::default(), false);
    loop {
        let rest = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = text.as_bytes().get(rest..).unwrap_or_default();
        // Neither a sound stream nor memory that grows can fail.
        let status = compress.compress_vec(rest, &mut packed, end);
        let has_room = packed.len() < packed.capacity();
        let is_whole = status.is_err() || matches!(status, Ok(Status::StreamEnd));
        let is_flushed = matches!(end, FlushCompress::Full) && has_room;
        if is_whole || is_flushed {
            packed.shrink_to_fit();
            return packed;
        }
        packed.reserve(text.len() / 2 + 64);
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
