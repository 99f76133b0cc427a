//! What a load is told, and every limit of it.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values came from.

use std::time::Duration;

/// Most viewers of one process.
pub(crate) const VIEWERS_MAX: usize = 20_000;
/// Largest playlist read, in bytes.
pub(crate) const PLAYLIST_BYTES_MAX: usize = 8 << 20;
/// How long a connection may take.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long an answer may take; a server gives up after three target durations.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How long a viewer stays away after an error.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How many of the newest parts have the time of their first arrival remembered.
pub(crate) const FIRSTS_MAX: usize = 4096;

/// How many viewers, of what kind.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// The address of a multivariant or media playlist. It may hold a token: it is never logged.
    pub url: String,
    /// How many viewers.
    pub viewers: usize,
    /// How long the last of them watches.
    pub duration: Duration,
    /// Over how long they come, one after the other.
    pub ramp: Duration,
    /// Whether they change rungs by what their connection carries; else all take the first.
    pub choose_rungs: bool,
    /// Whether they ask for a part as soon as it is hinted, as Apple's players do; else when it is listed, as hls.js
    /// does.
    pub take_hints: bool,
    /// HTTP/2, a connection for each viewer; without TLS it is begun without asking.
    pub http2: bool,
    /// `Cookie` of every request, if any.
    pub cookie: Option<String>,
    /// Take certificates of any authority.
    pub insecure: bool,
}
