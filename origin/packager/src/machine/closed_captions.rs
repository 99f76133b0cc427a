//! Captions within the pictures: which there are.
//!
//! In: the leader's units. Out: what the multivariant playlist says. Does not know what the captions say; the other
//! rungs carry the same (`origin/ladder`).
//!
//! While a show is on the air captions may begin at any time, so that there are none is said only when it is over:
//! players believe it and look no more.

use shared_media::closed_captions::{Channels, Listener};
use shared_media::{AccessUnit, TrackConfig, VideoCodec};
use shared_playlist::multivariant::{self, ClosedCaption};

/// What is known of a show's captions.
#[derive(Debug, Default)]
pub(super) struct ClosedCaptions {
    /// How the leader's pictures are coded.
    codec: Option<VideoCodec>,
    listener: Listener,
    known: Channels,
}

impl ClosedCaptions {
    /// The leader's configuration.
    pub(super) const fn configure(&mut self, config: &TrackConfig) {
        self.codec = match config {
            TrackConfig::Video(video) => Some(video.codec),
            TrackConfig::Audio(_) => None,
        };
    }

    /// Takes the leader's next unit; all there are, if there are more than before.
    pub(super) fn take(&mut self, unit: &AccessUnit) -> Option<Channels> {
        self.listener.take(self.codec?, unit);
        let known = self.known.and(self.listener.heard());
        (std::mem::replace(&mut self.known, known) != known).then_some(known)
    }

    /// An earlier process knew of these.
    pub(super) const fn replay(&mut self, known: Channels) {
        self.known = self.known.and(known);
    }

    /// All there are.
    pub(super) const fn known(&self) -> Channels {
        self.known
    }

    /// What the multivariant playlist says.
    pub(super) fn said(&self, has_pictures: bool, ended: bool) -> multivariant::ClosedCaptions {
        if self.known.is_empty() {
            return match has_pictures && ended {
                true => multivariant::ClosedCaptions::None,
                false => multivariant::ClosedCaptions::Unknown,
            };
        }
        let one = |instream_id: String| {
            let name = instream_id.clone();
            ClosedCaption { instream_id, name, language: None, default: false }
        };
        multivariant::ClosedCaptions::Some(self.known.names().map(one).collect())
    }
}
