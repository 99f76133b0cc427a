//! What a rendition is made of, and what follows from it for its objects.
//!
//! In: a kind of track. Out: names of segments and parts; a segment's bytes. Does not know what is in them.

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use shared_media::TrackKind;
use shared_wire::key::MediaFile;

use super::captions;

/// What a rendition is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Captions.
    Text,
}

impl From<TrackKind> for Form {
    fn from(kind: TrackKind) -> Self {
        match kind {
            TrackKind::Video => Self::Video,
            TrackKind::Audio => Self::Audio,
        }
    }
}

impl Form {
    /// What a segment of it is called.
    pub(super) const fn segment(self, msn: u64) -> MediaFile {
        match self {
            Self::Video | Self::Audio => MediaFile::Segment(msn),
            Self::Text => MediaFile::Text(msn),
        }
    }

    /// What a part of it is called.
    pub(super) const fn part(self, msn: u64, part: u32) -> MediaFile {
        match self {
            Self::Video | Self::Audio => MediaFile::Part(msn, part),
            Self::Text => MediaFile::TextPart(msn, part),
        }
    }

    /// A segment of these parts.
    pub(super) fn whole<'a>(self, parts: impl Iterator<Item = &'a Bytes>) -> Bytes {
        if self == Self::Text {
            return captions::segment(parts);
        }
        let mut whole = BytesMut::new();
        parts.for_each(|part| whole.extend_from_slice(part));
        whole.freeze()
    }
}
