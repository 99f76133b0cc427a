//! Tracks, access units and renditions.
//!
//! In: nothing. Out: the media itself, still compressed, in the forms CMAF stores it in. Does not know containers.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Ticks;

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// H.264 pictures.
    Video,
    /// AAC sound.
    Audio,
}

/// A ratio, for frame rates: 30000/1001 stays exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rational {
    /// Numerator.
    pub num: u32,
    /// Denominator, never 0.
    pub den: u32,
}

impl Rational {
    /// The ratio as a floating-point number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den.max(1))
    }
}

/// What a decoder must know before the first picture of an H.264 track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoConfig {
    /// `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15, 5.3.3.1), the body of an `avcC` box; NAL length size 4.
    pub avcc: Bytes,
    /// Width of the picture after cropping, in luma samples.
    pub width: u32,
    /// Height of the picture after cropping, in luma samples.
    pub height: u32,
    /// Frames per second where the stream or its metadata states it.
    pub frame_rate: Option<Rational>,
}

/// What a decoder must know before the first frame of an AAC track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioConfig {
    /// `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1).
    pub asc: Bytes,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u8,
}

/// The configuration of either kind of track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackConfig {
    /// Of a video track.
    Video(VideoConfig),
    /// Of an audio track.
    Audio(AudioConfig),
}

impl TrackConfig {
    /// The kind of track this configures.
    #[must_use]
    pub const fn kind(&self) -> TrackKind {
        match self {
            Self::Video(_) => TrackKind::Video,
            Self::Audio(_) => TrackKind::Audio,
        }
    }
}

/// One coded picture, or one frame of coded sound.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessUnit {
    /// When it is shown. For a keyframe of a rung this is the same tick in every rung.
    pub pts: Ticks,
    /// When it is decoded; strictly increasing within a track between discontinuities, never above `pts`.
    pub dts: Ticks,
    /// Decodable without what came before (H.264: an IDR picture). Always true for sound.
    pub keyframe: bool,
    /// H.264: NAL units, each after its 4-byte big-endian length, no parameter sets in band needed.
    /// AAC: one raw frame, no ADTS header.
    pub data: Bytes,
}

impl fmt::Debug for AccessUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessUnit")
            .field("pts", &self.pts.0)
            .field("dts", &self.dts.0)
            .field("keyframe", &self.keyframe)
            .field("bytes", &self.data.len())
            .finish()
    }
}

/// The name of a rendition, as it stands in object keys: 1 to 16 of `a-z 0-9 -`, such as `source`, `720p`, `audio`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RenditionId(String);

impl RenditionId {
    /// A rendition's name, or `None` if it is not of the form above.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let form = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        ((1..=16).contains(&name.len()) && name.bytes().all(form)).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RenditionId {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        Self::new(&name).ok_or_else(|| format!("not a rendition name: {name:?}"))
    }
}

impl From<RenditionId> for String {
    fn from(id: RenditionId) -> Self {
        id.0
    }
}

impl fmt::Display for RenditionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of the forms in which a show is offered: a rung of the video ladder, or the sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Its name in object keys and playlists.
    pub id: RenditionId,
    /// Picture or sound.
    pub kind: TrackKind,
}
