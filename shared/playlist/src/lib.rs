//! HLS playlists as text, and the MPD that is made of them.
//!
//! In: a snapshot of a playlist, a query string, or a playlist's bytes. Out: playlist text, an MPD's, delivery
//! directives, a verdict whether a request waits, what of a playlist a tier may see, signed URLs. Does
//! not know: sockets, clocks, who is watching, where objects are stored. Compiles for `wasm32`, imports nothing.
//!
//! Clause numbers are those of draft-pantos-hls-rfc8216bis unless another text is named.

pub mod blocking;
pub mod date_range;
pub mod directives;
pub mod media;
pub mod past;
pub mod multivariant;
pub mod read;
pub mod recording;
pub mod trim;
pub mod mpd;
pub mod rewrite;
pub mod filter;
pub mod dvr;
pub mod sign;

mod date;
mod scan;
mod write;

pub use blocking::Verdict;
pub use date_range::{DateRange, DateRanges};
pub use directives::Directives;
pub use media::MediaPlaylist;
pub use multivariant::Multivariant;
pub use past::Past;
