//! CMAF (ISO/IEC 23000-19): the boxes of init segments and fragments, and codec strings.
//!
//! In: a decoder configuration, timed samples. Out: bytes. Does not know playlists, parts' limits
//! or where a segment starts. One track per object; track id 1 everywhere.

mod emsg;
mod fragment;
mod header;
mod join;
mod picture;

pub use emsg::id3;
pub use fragment::{TimedSample, fragment};
pub use header::{Header, HeaderError, header};
pub use join::{Track, join, renumber};

/// The only track of every object.
const TRACK_ID: u32 = 1;
/// Sample flags (ISO/IEC 14496-12, 8.8.3.1): depends on no other sample.
const SYNC: u32 = 0x0200_0000;
/// Depends on others, and is no sync sample.
const NOT_SYNC: u32 = 0x0101_0000;
