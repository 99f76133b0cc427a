//! How a show goes out: what its creator chose, in place of what the house does by itself.
//!
//! In: nothing. Out: serde types. Does not know who obeys them.

use serde::{Deserialize, Serialize};

/// Shortest and longest live window, in seconds: a minute, a day.
pub const DVR_WINDOW_S: std::ops::RangeInclusive<u32> = 60..=86_400;

/// A show's own settings; what is absent is as the house has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broadcast {
    /// How far back viewers may go while it is live, in seconds, 60 to 86,400. It holds from the next time on the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dvr_window_s: Option<u32>,
    /// How much its recording may take, in bytes. Beyond it the recording stops; the show goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_bytes_max: Option<u64>,
    /// Its encoded rungs, of which those below its source are made. They count until its first picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Vec<super::Rung>>,
    /// What becomes of a second publisher with its stream key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_publisher: Option<SecondPublisher>,
    /// What viewers see while nobody publishes and the show waits for someone. It holds from the next time nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub while_away: Option<WhileAway>,
    /// Its tracks of captions, 8 at most. They hold from the next time on the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captions: Option<Vec<super::CaptionTrack>>,
    /// What its sounds are, in its publisher's order, 8 at most; in place of what the publisher says of them. It holds
    /// from the next time on the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sounds: Option<Vec<SoundName>>,
    /// What the captions within its pictures are, 16 at most. It holds from the next time on the air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_captions: Option<Vec<ClosedCaptionName>>,
}

/// Sounds of a show that can be named, at most.
pub const SOUNDS_MAX: usize = 8;

/// What one of a show's sounds is to a listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundName {
    /// The language that is spoken (BCP 47).
    pub language: String,
    /// What listeners choose it by; the language's own name, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Channels of captions within the pictures that can be named, at most.
pub const CLOSED_CAPTIONS_MAX: usize = 16;

/// What one channel of the captions within a show's pictures is to a viewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedCaptionName {
    /// `CC1` to `CC4` of CEA-608, `SERVICE1` to `SERVICE63` of CEA-708.
    pub channel: String,
    /// The language that is written (BCP 47).
    pub language: String,
    /// What viewers choose it by; the language's own name, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What viewers see while nobody publishes and a show waits for someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhileAway {
    /// Nothing new: gaps in the playlists.
    Gap,
    /// A slate.
    Slate,
}

/// What becomes of a second publisher with a stream key that is on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondPublisher {
    /// It is refused.
    Refuse,
    /// It takes over.
    TakeOver,
}

impl Broadcast {
    /// Whether all is as the house has it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// `GET /v1/status`: how the house keeps what it records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HouseStatus {
    /// Whether somebody has to do something: `ok`, `disk_low`, `disk_full`, `disk_broken`, `recording_stopped`.
    pub alarm: Alarm,
    /// The disk's free space, in bytes.
    pub disk_free_bytes: u64,
    /// All of the disk, in bytes.
    pub disk_bytes: u64,
    /// Below this much free space there is an alarm, in bytes.
    pub disk_low_bytes: u64,
    /// What all recordings take, in bytes.
    pub recordings_bytes: u64,
    /// What they may take, in bytes, where there is a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recordings_bytes_max: Option<u64>,
    /// Shows on the air.
    pub on_air: Vec<OnAir>,
}

/// What somebody has to look after, the most urgent thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// Nothing.
    Ok,
    /// The disk has little space left.
    DiskLow,
    /// A show on the air is not recorded any more: it, or the house, has used what recordings may take.
    RecordingStopped,
    /// The disk is full: shows go on, recordings do not.
    DiskFull,
    /// The disk does not take what is written: shows go on, recordings do not.
    DiskBroken,
}

/// A show on the air, and its recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnAir {
    /// The show.
    pub show: crate::ShowId,
    /// What its recording takes so far, in bytes.
    pub recording_bytes: u64,
    /// Whether it is recorded.
    pub is_recorded: bool,
}
