//! What a request gets.
//!
//! In: nothing. Out: [`Answer`], [`Refusal`], [`Hint`], [`CachePolicy`]. Does not know HTTP libraries;
//! statuses are numbers, header values text.

use std::fmt;

use bytes::Bytes;
use shared_playlist::blocking::TooFar;

/// A playlist, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its bytes.
    pub body: Bytes,
    /// They are compressed: send `Content-Encoding: gzip`. Send `Vary: Accept-Encoding` always.
    pub gzip: bool,
    /// How long it may be cached.
    pub cache: CachePolicy,
}

/// How long an answer may be cached. [`Display`](fmt::Display) is the `Cache-Control` value.
///
/// The lifetimes are those of the draft's Appendix B.1: a playlist that was waited for has a URL of
/// its own and is good for six target durations, a plain one for half of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// In seconds.
    pub max_age_s: u32,
}

impl CachePolicy {
    /// Of a media playlist; `waited` if the request named a segment to wait for.
    #[must_use]
    pub const fn playlist(target_duration_s: u32, waited: bool) -> Self {
        let half = if target_duration_s < 2 { 1 } else { target_duration_s / 2 };
        Self { max_age_s: if waited { target_duration_s * 6 } else { half } }
    }
}

impl fmt::Display for CachePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "public, max-age={}", self.max_age_s)
    }
}

/// Why a request gets no playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It asks for what lies too far ahead.
    TooFar(TooFar),
    /// There is no such rendition, or it has nothing yet.
    NotFound,
    /// What it waited for did not come within three target durations.
    Late,
    /// Too many requests wait already.
    Busy,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooFar(_) => 400,
            Self::NotFound => 404,
            Self::Late | Self::Busy => 503,
        }
    }

    /// The stable name for the error's body.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooFar(_) => "directive_too_far",
            Self::NotFound => "not_started",
            Self::Late => "playlist_late",
            Self::Busy => "too_many_waiting",
        }
    }

    /// The `Cache-Control` value: only what is not there yet may be remembered, and briefly.
    #[must_use]
    pub const fn cache_control(&self) -> &'static str {
        match self {
            Self::NotFound => "public, max-age=1",
            Self::TooFar(_) | Self::Late | Self::Busy => "no-store",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFar(why) => why.fmt(f),
            Self::NotFound => f.write_str("the rendition has nothing to play yet"),
            Self::Late => f.write_str("what was waited for did not come in time"),
            Self::Busy => f.write_str("too many requests wait for this show"),
        }
    }
}

impl std::error::Error for Refusal {}

/// What became of a part that was asked for before it was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// It is in the store now.
    Ready,
    /// It is not the part hinted at, or will never come: answer 404.
    Absent,
    /// It did not come in time: answer 503.
    Late,
    /// Too many requests wait already: answer 503.
    Busy,
}
