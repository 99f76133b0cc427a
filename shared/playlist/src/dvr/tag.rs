//! What a media playlist's tags belong to.
//!
//! In: a tag's name. Out: its [`Scope`]. Does not know where it stood.

/// What a tag belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The playlist, wherever it stands.
    Playlist,
    /// The segment that follows it, or all that follow.
    Segment,
    /// Unknown here: before the first segment's tags the playlist, after it a segment.
    Unknown,
}

pub(super) const EXTINF: &[u8] = b"EXTINF";
pub(super) const BYTE_RANGE: &[u8] = b"EXT-X-BYTERANGE";
pub(super) const DISCONTINUITY: &[u8] = b"EXT-X-DISCONTINUITY";
pub(super) const KEY: &[u8] = b"EXT-X-KEY";
pub(super) const MAP: &[u8] = b"EXT-X-MAP";
pub(super) const DATE: &[u8] = b"EXT-X-PROGRAM-DATE-TIME";
pub(super) const BITRATE: &[u8] = b"EXT-X-BITRATE";
pub(super) const PART: &[u8] = b"EXT-X-PART";

pub(super) const VERSION: &[u8] = b"EXT-X-VERSION";
pub(super) const TARGET: &[u8] = b"EXT-X-TARGETDURATION";
pub(super) const CONTROL: &[u8] = b"EXT-X-SERVER-CONTROL";
pub(super) const SEQUENCE: &[u8] = b"EXT-X-MEDIA-SEQUENCE";
pub(super) const DISCONTINUITY_SEQUENCE: &[u8] = b"EXT-X-DISCONTINUITY-SEQUENCE";
pub(super) const TYPE: &[u8] = b"EXT-X-PLAYLIST-TYPE";
pub(super) const SKIP: &[u8] = b"EXT-X-SKIP";
pub(super) const END: &[u8] = b"EXT-X-ENDLIST";
pub(super) const VARIANT: &[u8] = b"EXT-X-STREAM-INF";

const OF_PLAYLIST: [&[u8]; 18] = [
    VERSION,
    TARGET,
    CONTROL,
    SEQUENCE,
    DISCONTINUITY_SEQUENCE,
    TYPE,
    SKIP,
    END,
    b"EXTM3U",
    b"EXT-X-ALLOW-CACHE",
    b"EXT-X-DATERANGE",
    b"EXT-X-DEFINE",
    b"EXT-X-I-FRAMES-ONLY",
    b"EXT-X-INDEPENDENT-SEGMENTS",
    b"EXT-X-PART-INF",
    b"EXT-X-PRELOAD-HINT",
    b"EXT-X-RENDITION-REPORT",
    b"EXT-X-START",
];

const OF_SEGMENT: [&[u8]; 9] =
    [EXTINF, DATE, PART, BYTE_RANGE, DISCONTINUITY, KEY, MAP, BITRATE, b"EXT-X-GAP"];

/// How tags begin that packagers put before the segment they speak of: advertisement cues, thumbnails.
const OF_SEGMENT_TOO: [&[u8]; 6] = [
    b"EXT-X-CUE",
    b"EXT-OATCLS-SCTE35",
    b"EXT-X-SCTE35",
    b"EXT-X-SPLICE",
    b"EXT-X-ASSET",
    b"EXT-X-TILES",
];

impl Scope {
    pub(super) fn of(name: &[u8]) -> Self {
        if OF_SEGMENT.contains(&name) {
            Self::Segment
        } else if OF_PLAYLIST.contains(&name) {
            Self::Playlist
        } else if OF_SEGMENT_TOO.iter().any(|one| name.starts_with(one)) {
            Self::Segment
        } else {
            Self::Unknown
        }
    }
}
