//! Captions within the pictures: which there are.
//!
//! In: the leader's units. Out: what the multivariant playlist says. Does not know what the captions say; the other
//! rungs carry the same (`origin/ladder`).
//!
//! While a show is on the air captions may begin at any time, so that there are none is said only when it is over:
//! players believe it and look no more.

use shared_media::closed_captions::{Channels, Listener};
use shared_media::{AccessUnit, Language, TrackConfig, VideoCodec};
use shared_playlist::multivariant::{self, ClosedCaption};

/// What one channel is to a viewer, as its creator says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedCaptionName {
    /// `CC1` to `CC4`, `SERVICE1` to `SERVICE63`.
    pub channel: String,
    /// Its language.
    pub language: Language,
    /// What viewers choose it by; the language's own name, if absent.
    pub name: Option<String>,
}

/// What is known of a show's captions.
#[derive(Debug, Default)]
pub(super) struct ClosedCaptions {
    /// How the leader's pictures are coded.
    codec: Option<VideoCodec>,
    listener: Listener,
    known: Channels,
    named: Vec<ClosedCaptionName>,
}

impl ClosedCaptions {
    pub(super) fn new(named: Vec<ClosedCaptionName>) -> Self {
        Self { named, ..Self::default() }
    }

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
        let mut all: Vec<ClosedCaption> = Vec::new();
        for instream_id in self.known.names() {
            let (language, mut name) = self.name(&instream_id);
            // Each has a name of its own in the group (rfc8216bis, 4.4.6.1.1).
            while all.iter().any(|before| before.name == name) {
                name = format!("{name} {instream_id}");
            }
            all.push(ClosedCaption { instream_id, name, language, default: false });
        }
        multivariant::ClosedCaptions::Some(all)
    }

    /// A channel's language and name: the channel's own, where nobody gave one.
    fn name(&self, channel: &str) -> (Option<String>, String) {
        let Some(given) = self.named.iter().find(|one| one.channel == channel) else {
            return (None, channel.to_owned());
        };
        let name = given.name.clone().unwrap_or_else(|| given.language.name());
        (Some(given.language.to_string()), name)
    }
}
