//! Tracks, access units and renditions.
//!
//! In: nothing. Out: the media itself, still compressed, in the forms CMAF stores it in. Does not know containers.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::hdr::Hdr;
use crate::{Language, Ticks};

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Which track of a publisher: its picture, or one of its sounds, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrackId {
    /// The picture.
    Video,
    /// A sound. The lowest number is that of the sound that is heard where nobody chooses.
    Audio(u8),
}

impl TrackId {
    /// The kind of track it is.
    #[must_use]
    pub const fn kind(self) -> TrackKind {
        match self {
            Self::Video => TrackKind::Video,
            Self::Audio(_) => TrackKind::Audio,
        }
    }
}

/// What a publisher says of one of its sounds, beside how to decode it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundTrack {
    /// Its number.
    pub number: u8,
    /// The language that is spoken, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// What listeners choose it by, if it is not the language's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// H.264, ITU-T H.264.
    Avc,
    /// HEVC, ITU-T H.265.
    Hevc,
    /// AV1.
    Av1,
}

/// How sound is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioCodec {
    /// AAC, ISO/IEC 14496-3.
    Aac,
    /// Opus, RFC 6716.
    Opus,
    /// MPEG-1 and MPEG-2 audio of any layer (MP2, MP3), ISO/IEC 11172-3 and 13818-3.
    Mpeg,
}

/// What a decoder must know before the first picture of a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoConfig {
    /// The codec.
    pub codec: VideoCodec,
    /// The decoder's configuration record, the body of its box in MP4: H.264 `avcC` (ISO/IEC 14496-15, 5.3.3.1), HEVC
    /// `hvcC` (8.3.3.1), both with NAL length size 4; AV1 `av1C` (AV1 in ISO-BMFF, 2.3).
    pub record: Bytes,
    /// Width of the picture after cropping, in luma samples.
    pub width: u32,
    /// Height of the picture after cropping, in luma samples.
    pub height: u32,
    /// Frames per second where the stream or its metadata states it.
    pub frame_rate: Option<Rational>,
    /// That its pictures are beyond the standard range, where that is known; nothing is said of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<Hdr>,
}

/// What a decoder must know before the first frame of a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioConfig {
    /// The codec.
    pub codec: AudioCodec,
    /// AAC: `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1). Opus: the identification header (RFC 7845, 5.1). MPEG
    /// audio: its frames' header without what changes from frame to frame.
    pub record: Bytes,
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
    /// Decodable without what came before (H.264: an IDR picture), and nothing after it needs that. Always true for
    /// sound.
    pub keyframe: bool,
    /// H.264 and HEVC: NAL units, each after its 4-byte big-endian length, no parameter sets in band needed. AV1: a
    /// temporal unit without its delimiter. AAC: one raw frame, no ADTS header. Opus: one packet. MPEG: one frame.
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
