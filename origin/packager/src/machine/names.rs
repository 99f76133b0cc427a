//! What the objects of a publication are called.
//!
//! In: a rendition and a number. Out: store keys, and URIs relative to the media playlist. Does not
//! know what is stored.

use shared_media::RenditionId;
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject, MediaFile};

/// A show and its publication epoch.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) show: ShowId,
    pub(super) epoch: String,
}

impl Names {
    /// The key of the multivariant playlist.
    pub(super) fn multivariant(&self) -> String {
        self.key(KeyObject::Multivariant)
    }

    /// The key of a rendition's playlist.
    pub(super) fn playlist(&self, rendition: &RenditionId) -> String {
        self.key(KeyObject::Playlist { rendition: rendition.to_string() })
    }

    /// The key of a rendition's I-frame playlist.
    pub(super) fn i_frames(&self, rendition: &RenditionId) -> String {
        self.key(KeyObject::IFrames { rendition: rendition.to_string() })
    }

    /// The key of a media object.
    pub(super) fn media(&self, rendition: &RenditionId, file: MediaFile) -> String {
        let (rendition, epoch) = (rendition.to_string(), self.epoch.clone());
        self.key(KeyObject::Media { rendition, epoch, file })
    }

    /// The key of what a rendition's playlist lists as `uri`.
    pub(super) fn part(&self, rendition: &RenditionId, uri: &str) -> String {
        format!("{}/{rendition}/{uri}", self.show)
    }

    /// A media object's URI, relative to its rendition's playlist.
    pub(super) fn uri(&self, file: MediaFile) -> String {
        format!("{}/{file}", self.epoch)
    }

    fn key(&self, object: KeyObject) -> String {
        Key { show: self.show, object }.to_string()
    }
}

/// A rendition's playlist, relative to the multivariant playlist.
pub(super) fn child(rendition: &RenditionId) -> String {
    format!("{rendition}/{}", own(false))
}

/// A rendition's I-frame playlist, relative to the multivariant playlist.
pub(super) fn child_i_frames(rendition: &RenditionId) -> String {
    format!("{rendition}/{}", own(true))
}

/// A rendition's playlist, or its I-frame playlist, relative to its other one.
pub(super) const fn own(i_frames: bool) -> &'static str {
    if i_frames { "iframes.m3u8" } else { "index.m3u8" }
}

/// Another rendition's playlist, or its I-frame playlist, relative to any of this one's.
pub(super) fn sibling(rendition: &RenditionId, i_frames: bool) -> String {
    format!("../{rendition}/{}", own(i_frames))
}
