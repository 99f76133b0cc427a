//! Assets: what people can be let watch that is not on the air.
//!
//! In: nothing. Out: serde types. Does not know where the bytes are, nor how they were looked into.

use serde::{Deserialize, Serialize};

use super::{Priority, Retention, Trim};
use crate::{AssetId, ShowId};

/// Tags of one asset.
pub const TAGS_MAX: usize = 32;
/// Characters of a tag.
pub const TAG_CHARS_MAX: usize = 64;

/// What an asset is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetKind {
    /// A file, of which a film is made.
    #[default]
    Upload,
    /// A show that is over: the objects that were live.
    Recording,
}

impl AssetKind {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Recording => "recording",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Upload, Self::Recording].into_iter().find(|one| one.name() == name)
    }
}

/// Where an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssetState {
    /// Its bytes are there, and are being looked into.
    Probing,
    /// It was looked into, and can be taken.
    Uploaded,
    /// It cannot be taken; its bytes are deleted, and `reason` says why.
    Refused,
    /// What is played is being made of it; its beginning can be played as soon as `is_playable`.
    Transcoding,
    /// All of it can be played.
    Ready,
    /// Not all of it could be made, and `reason` says why; it can be tried again.
    Failed,
    /// It is not made any further, for somebody said so; it can be tried again.
    Cancelled,
}

impl AssetState {
    /// All of them, in the order in which an asset may pass through them.
    pub const ALL: [Self; 7] = [
        Self::Probing,
        Self::Uploaded,
        Self::Refused,
        Self::Transcoding,
        Self::Ready,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Probing => "probing",
            Self::Uploaded => "uploaded",
            Self::Refused => "refused",
            Self::Transcoding => "transcoding",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// Who may find an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Administrators alone.
    #[default]
    Private,
    /// Whoever has its link.
    Unlisted,
    /// Everybody.
    Public,
}

impl Visibility {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Unlisted => "unlisted",
            Self::Public => "public",
        }
    }

    /// The visibility of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Private, Self::Unlisted, Self::Public].into_iter().find(|one| one.name() == name)
    }
}

/// Whether the film of an HDR file has a rendition that keeps its range, beside those for all screens; and how that is
/// coded. Other files do not mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepHdr {
    /// It has none.
    #[default]
    None,
    /// In HEVC, Main 10.
    Hevc,
    /// In AV1 with 10 bits.
    Av1,
}

impl KeepHdr {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Hevc, Self::Av1];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// `GET /v1/assets/{asset}`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// The asset.
    pub asset: AssetId,
    /// What it is made of.
    pub kind: AssetKind,
    /// Its title, which is that of its show as well.
    pub title: String,
    /// What is said about it.
    pub description: String,
    /// What it is found by.
    pub tags: Vec<String>,
    /// Who may find it.
    pub visibility: Visibility,
    /// Where it stands.
    pub state: AssetState,
    /// Whether it is made before others.
    pub priority: Priority,
    /// How the range of its HDR is kept beside what is made for all screens, if it has any; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_hdr: Option<KeepHdr>,
    /// Why it was refused, or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The show under which it is played, once it is transcoded: tickets are issued for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<ShowId>,
    /// How much of it is transcoded, from 0 to 100; what is not done to its end counts as far as it is.
    pub progress_percent: u8,
    /// About how long the rest takes, in seconds, if it goes on as it did lately; absent: nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_s: Option<u64>,
    /// Whether its beginning, at least, can be played.
    pub is_playable: bool,
    /// Where its cover is, relative to what a playback session of its show opens, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<String>,
    /// Name of the file that was uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// Bytes of it.
    pub bytes: u64,
    /// When its last byte came.
    pub created_at: i64,
    /// The account that owns it; absent: the house does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When the show began of which it is the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// How long it plays, in milliseconds, once that is known: what of it is shown, if it is trimmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// How long it is kept, if it says so itself; absent: as long as the house has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// When it is deleted by itself; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<i64>,
    /// From where to where it is shown; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim: Option<Trim>,
    /// What is in it, once it was looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaInfo>,
}

/// `GET /v1/assets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetList {
    /// A page of them, newest first.
    pub assets: Vec<Asset>,
    /// The cursor of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PATCH /v1/assets/{asset}`: what is to change; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeAsset {
    /// Title, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Description, up to 5000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Tags, in the place of those it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Who may find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Whether what is still to be made of it goes before others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

/// `DELETE /v1/assets/{asset}`: what is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The asset that was.
    pub asset: AssetId,
    /// Bytes that were freed.
    pub bytes: u64,
}

/// `POST /v1/assets/import`: a file elsewhere, or the recording of a show that is over. One of both is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Where it is, `http://` or `https://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The recording, which stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetId>,
    /// Its title; absent: the end of the address, or the recording's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it is made before others; absent: `bulk`, of a recording `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// How the range of its HDR is kept, if it has any; absent: as the house does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_hdr: Option<KeepHdr>,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// The container's names, as FFmpeg has them: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// How long it plays, in milliseconds.
    pub duration_ms: u64,
    /// Bits per second, over all.
    pub bits_per_s: u64,
    /// Its streams, in the file's order.
    pub streams: Vec<StreamInfo>,
    /// Its chapters, in order.
    pub chapters: Vec<Chapter>,
}

/// One stream of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInfo {
    /// `video`, `audio`, `subtitle`, `attachment` or `data`.
    pub kind: String,
    /// The codec, as FFmpeg names it.
    pub codec: String,
    /// Its language, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its title, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether players take it unless told otherwise.
    pub is_default: bool,
    /// Bits per second, where the file says so of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits_per_s: Option<u64>,
    /// Of pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoInfo>,
    /// Of sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioInfo>,
}

/// What the pictures are like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoInfo {
    /// Pixels of a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The form of its pixels: `yuv420p10le`.
    pub pixel_format: String,
    /// Pictures in a thousand seconds, on average: 29970.
    pub frames_per_1000_s: u32,
    /// Whether that rate seems to change: the container's two rates differ.
    pub is_vfr: bool,
    /// Whether the first picture is two fields.
    pub is_interlaced: bool,
    /// By how many degrees it is to be turned clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
    /// `pq`, `hlg` or `dolby-vision`; absent: standard range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
    /// Of Dolby Vision: `pq` or `hlg`, which its pictures have where a screen knows no more than that; absent: neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr_base: Option<String>,
    /// Whether it is the file's cover, not its film.
    pub is_cover: bool,
    /// Pixels of a line as it is shown, where pixels are not square.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_width: Option<u32>,
    /// How much there is to encode in them, against what films have as a rule, in percent; absent: it was not found
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complexity_percent: Option<u32>,
    /// The longest way from keyframe to keyframe, of what was looked at, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyframe_ms_max: Option<u64>,
    /// Whether the file says only when pictures are decoded, not when they are shown, as AVI does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_untimed: bool,
}

/// What the sound is like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioInfo {
    /// Channels.
    pub channels: u16,
    /// Their places: `stereo`, `5.1`.
    pub layout: String,
    /// Samples per second.
    pub samples_per_s: u32,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Its title.
    pub title: String,
}
