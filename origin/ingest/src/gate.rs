//! The port through which the binary tells ingest who may publish, and receives the shows.
//!
//! In: stream keys, as publishers state them. Out: what the binary must supply ([`Gate`]) and what it is handed
//! ([`Opening`]). Does not know where keys are stored.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use shared_media::{Anchor, Publication, Ticks};
use tokio::sync::mpsc;

use crate::{Airtime, SecondPublisher};

/// A publisher's secret, as it was sent. It never shows itself in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamKey {
    key: String,
    backup: bool,
}

impl StreamKey {
    /// Longest key taken, in bytes; what is longer is cut, and so fits no show.
    pub const BYTES_MAX: usize = 256;

    /// The key in a publisher's stream name: without slashes around it, without a query string. With `backup=1` in its
    /// query string it is the backup's.
    #[must_use]
    pub fn new(stream_name: &str) -> Self {
        let (name, query) = stream_name.split_once('?').unwrap_or((stream_name, ""));
        let name = name.trim_matches(['/', ' ']);
        let backup = query.split('&').any(|pair| pair == "backup=1");
        Self { key: name.chars().take(Self::BYTES_MAX).collect(), backup }
    }

    /// Whether its publisher stands by for another with the same key.
    #[must_use]
    pub const fn is_backup(&self) -> bool {
        self.backup
    }

    /// The secret itself, for whoever checks it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(…)")
    }
}

/// Where a show that an earlier process had on air goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// The show's anchor, which never changes.
    pub anchor: Anchor,
    /// The last point of the timeline that is taken; the show goes on above it.
    pub last_dts: Ticks,
}

/// The gate's yes: the show the key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The show's identifier.
    pub show: String,
    /// Where it goes on, if it was on air before this process began. Not needed for a publisher who comes back to the
    /// same process: ingest remembers.
    pub resume: Option<Resume>,
    /// What becomes of a second publisher of this show; absent: as the configuration has it.
    pub second_publisher: Option<SecondPublisher>,
}

/// Why a publisher is turned away. The words reach the publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No show has this stream key.
    WrongKey,
    /// Someone is on air with this stream key.
    AlreadyPublishing,
    /// Another publisher with this stream key has taken over.
    TakenOver,
    /// Whoever runs the house does not let it.
    NotAllowed,
    /// The show is over.
    ShowEnded,
    /// A codec ingest does not take; what it is called.
    UnsupportedCodec(String),
    /// As many publishers as the house can serve are connected.
    HouseFull,
    /// The machine has not the processor time to encode another show; how much is missing.
    NoRoom(String),
    /// The connection asked for an application that does not exist.
    UnknownApp {
        /// The one that exists.
        expected: String,
    },
    /// The peer wants to play, not to publish.
    NotAViewersDoor,
    /// The house cannot judge the key now, or is closing.
    Unavailable,
}

impl Refusal {
    /// The RTMP status code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongKey | Self::NotAllowed | Self::ShowEnded => "NetStream.Publish.Denied",
            Self::AlreadyPublishing | Self::TakenOver => "NetStream.Publish.BadName",
            Self::UnsupportedCodec(_) | Self::NoRoom(_) | Self::Unavailable => {
                "NetStream.Publish.Rejected"
            }
            Self::HouseFull => "NetConnection.Connect.Rejected",
            Self::UnknownApp { .. } => "NetConnection.Connect.InvalidApp",
            Self::NotAViewersDoor => "NetStream.Play.Failed",
        }
    }

    /// One word for metrics and logs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::AlreadyPublishing => "already_publishing",
            Self::TakenOver => "taken_over",
            Self::NotAllowed => "not_allowed",
            Self::ShowEnded => "show_ended",
            Self::UnsupportedCodec(_) => "unsupported_codec",
            Self::HouseFull => "house_full",
            Self::NoRoom(_) => "no_room",
            Self::UnknownApp { .. } => "unknown_app",
            Self::NotAViewersDoor => "play",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => {
                f.write_str("wrong stream key: no show has it, check it for typing errors")
            }
            Self::AlreadyPublishing => f.write_str(
                "already publishing: someone is on air with this stream key, stop that one first",
            ),
            Self::TakenOver => {
                f.write_str("taken over: another publisher is on air with this stream key now")
            }
            Self::NotAllowed => f.write_str("not allowed: this show may not go on air now"),
            Self::ShowEnded => {
                f.write_str("the show has ended: create a new show for a new stream key")
            }
            Self::UnsupportedCodec(codec) => {
                write!(
                    f,
                    "unsupported codec: {codec} is not taken, publish H.264 video and AAC audio \
                     (or HEVC, AV1; Opus)"
                )
            }
            Self::HouseFull => {
                f.write_str("the house is full: no more publishers can be served now")
            }
            Self::NoRoom(why) => write!(f, "no room to encode this show now: {why}"),
            Self::UnknownApp { expected } => {
                write!(f, "unknown application: publish to rtmp://<host>/{expected}/<stream key>")
            }
            Self::NotAViewersDoor => {
                f.write_str("RTMP is for publishers here; viewers watch by HLS")
            }
            Self::Unavailable => {
                f.write_str("the house cannot take publishers now, try again soon")
            }
        }
    }
}

/// A show goes on air for the first time in this process.
#[derive(Debug)]
pub struct Opening {
    /// The show's identifier.
    pub show: String,
    /// The UTC of its tick 0.
    pub anchor: Anchor,
    /// Its media, ending with [`Publication::End`]. Whoever drops this gives the show up: its publisher is dismissed.
    pub publications: mpsc::Receiver<Publication>,
}

/// A judgement to come.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Admission, Refusal>> + Send + 'a>>;

/// What the binary supplies: who may publish, and where shows go.
///
/// `opened` and `airtime` come in the order in which things happen to a show. They are called from async tasks while
/// the shows are being changed: they must not block, and must not call the [`crate::Desk`].
pub trait Gate: Send + Sync + 'static {
    /// Judges a stream key before any media is taken. Ingest itself sees to it that a show has one publisher.
    fn admit<'a>(&'a self, key: &'a StreamKey, peer: SocketAddr) -> Verdict<'a>;

    /// Takes over a show whose first access unit has come. Called before its first [`Airtime::Live`].
    fn opened(&self, opening: Opening);

    /// Learns that a show's state changed.
    fn airtime(&self, show: &str, airtime: Airtime);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_every_form_encoders_send_it() {
        for name in ["k1", "/k1", "//k1/", "k1?auth=x&b=/", "/k1?x"] {
            assert_eq!(StreamKey::new(name).expose(), "k1", "{name}");
            assert!(!StreamKey::new(name).is_backup(), "{name}");
        }
        for name in ["k1?backup=1", "/k1?a&backup=1"] {
            assert_eq!(StreamKey::new(name).expose(), "k1", "{name}");
            assert!(StreamKey::new(name).is_backup(), "{name}");
        }
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let debugged = format!("{:?}", StreamKey::new("secret"));
        assert!(!debugged.contains("secret"), "{debugged}");
    }
}
