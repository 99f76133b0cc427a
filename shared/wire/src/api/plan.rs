//! Plans of assets: what an asset's file is to become.
//!
//! In: nothing. Out: serde types. Does not know how a plan is made, nor who carries it out.

use serde::{Deserialize, Serialize};

/// `GET /v1/assets/{asset}/plan`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetPlan {
    /// What is done to the pictures before they are encoded; absent: there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<PicturePlan>,
    /// The renditions with pictures, highest first; behind them one that keeps the film's range, if there is one.
    pub rungs: Vec<RungPlan>,
    /// The sounds; the one every player plays first, first.
    pub sounds: Vec<SoundPlan>,
    /// The subtitles.
    pub subtitles: Vec<SubtitlePlan>,
    /// Streams of the file that nothing is made of.
    pub left_out: Vec<LeftOut>,
}

/// What is done to pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PicturePlan {
    /// The stream they are in.
    pub stream: u32,
    /// Two fields become one picture.
    pub deinterlace: bool,
    /// By how many degrees they are turned clockwise.
    pub rotate: u16,
    /// Their range becomes the standard one, but for rungs that keep it.
    pub tone_map: bool,
    /// How much there is to encode in them, against what films have as a rule, in percent: bit rates follow it.
    pub complexity_percent: u32,
}

/// One rendition with pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungPlan {
    /// Its name: its shorter side, such as `720p`; `1080p-hdr` of one that keeps the film's range.
    pub rendition: String,
    /// Pixels of a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The codec: `h264`; of one that keeps the film's range `hevc` or `av1`.
    pub codec: String,
    /// How it keeps the film's range: `pq` or `hlg`, with 10 bits; absent: it has the standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hdr: Option<String>,
    /// What it takes, in bits per second.
    pub bits_per_s: u64,
    /// It is the file's own stream, not encoded anew.
    pub is_copy: bool,
}

/// One sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundPlan {
    /// Its name, such as `audio` or `surround-2`.
    pub rendition: String,
    /// The stream it is made of.
    pub stream: u32,
    /// Its channels, 2 or 6.
    pub channels: u16,
    /// What it takes, in bits per second.
    pub bits_per_s: u64,
    /// Its language, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its title, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It is the file's own stream, not encoded anew.
    pub is_copy: bool,
}

/// One track of subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitlePlan {
    /// Its name, such as `text-1`.
    pub rendition: String,
    /// The stream it is made of.
    pub stream: u32,
    /// Its language, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Its title, as the file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A stream that nothing is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The stream.
    pub stream: u32,
    /// Why.
    pub reason: String,
}
