//! What a check is told, and every limit of it.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values came from.

use std::time::Duration;

/// Most playlists looked at; a multivariant playlist may name any number.
pub(crate) const PLAYLISTS_MAX: usize = 24;
/// Most versions kept of one playlist.
pub(crate) const VERSIONS_MAX: usize = 2000;
/// Largest playlist read, in bytes.
pub(crate) const PLAYLIST_BYTES_MAX: usize = 8 << 20;
/// Largest media object read, in bytes.
pub(crate) const MEDIA_BYTES_MAX: usize = 64 << 20;
/// Most parts that are fetched in each rendition.
pub(crate) const PARTS_MAX: usize = 4000;
/// How long a connection may take.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a watch must be to see a segment begin and end, and a part go.
pub(crate) const WATCH_MIN: Duration = Duration::from_secs(3);
/// How often a playlist without blocking reload is looked at.
pub(crate) const POLL_EVERY: Duration = Duration::from_millis(250);
/// How long a whole check may take beyond its watch: the questions before and after it.
pub(crate) const MARGIN: Duration = Duration::from_secs(45);

/// What to check, and for how long.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// The address of a multivariant or media playlist. It may hold a token: it is never logged.
    pub url: String,
    /// How long to follow the live edge, 3 s at least.
    pub watch: Duration,
    /// `Cookie` of every request, if any.
    pub cookie: Option<String>,
    /// Take certificates of any authority, as one that is not known here.
    pub insecure: bool,
}
