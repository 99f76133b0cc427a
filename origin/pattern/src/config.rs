//! What the publisher is told, and every limit of it.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values came from.

use std::path::PathBuf;
use std::time::Duration;

use crate::Error;
use crate::fault::Fault;

/// Longest address, in bytes.
pub(crate) const URL_BYTES_MAX: usize = 2048;
/// Standard output, as libavformat names it.
const PIPE: &str = "pipe:1";
/// Smallest picture, in luma samples: below it the clock strip's cells are too narrow to read.
pub const WIDTH_MIN: u32 = 284;
/// Smallest height, in luma samples.
pub const HEIGHT_MIN: u32 = 160;
/// Largest picture, in luma samples.
pub const WIDTH_MAX: u32 = 3840;
/// Largest height, in luma samples.
pub const HEIGHT_MAX: u32 = 2160;
/// Most frames per second.
pub const FRAME_RATE_MAX: u32 = 120;
/// Longest wait for the network, opening or sending, in microseconds.
pub(crate) const NETWORK_WAIT_US_MAX: u64 = 10_000_000;
/// How far frames may be late before some are left out, in microseconds.
pub(crate) const LATE_US_MAX: u64 = 1_000_000;
/// How long reading two clocks may take for them to be compared, in microseconds.
pub(crate) const READING_US_MAX: u64 = 1000;
/// How often a sleeping publisher looks whether it is to stop.
pub(crate) const STOP_LOOK_EVERY: Duration = Duration::from_millis(50);

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// H.264, Main profile.
    #[default]
    Avc,
    /// HEVC; by SRT only: FLV as this FFmpeg writes it has no place for it.
    Hevc,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Picture {
    /// The test card.
    #[default]
    Card,
    /// A slate, for whoever waits: with words, or the first picture of a file.
    Slate(Option<PathBuf>),
}

/// What to publish, and where to.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `rtmp://host:port/live/<stream key>`, the same by `rtmps://`, or `srt://host:port?streamid=…`. It holds a
    /// secret: it is never logged. `pipe:1` is a transport stream on standard output.
    pub url: String,
    /// What is shown.
    pub picture: Picture,
    /// Width in luma samples, even, 284 to 3840.
    pub width: u32,
    /// Height in luma samples, even, 160 to 2160.
    pub height: u32,
    /// Frames per second, 1 to 120.
    pub frame_rate: u32,
    /// Frames from one keyframe to the next; every group is closed.
    pub gop_frames: u32,
    /// What the video encoder aims at, in bit/s.
    pub video_bit_rate: u32,
    /// What the AAC encoder aims at, in bit/s.
    pub audio_bit_rate: u32,
    /// How pictures are encoded.
    pub codec: Codec,
    /// Whether there is a beep at every full second; else silence.
    pub beep: bool,
    /// Whether the clock stands in captions within the picture, too: CEA-608, channel CC1.
    pub captions: bool,
    /// What to do wrong.
    pub faults: Vec<Fault>,
    /// How long to publish; `None`: until stopped.
    pub duration: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            picture: Picture::Card,
            width: 1280,
            height: 720,
            frame_rate: 30,
            gop_frames: 30,
            video_bit_rate: 2_500_000,
            audio_bit_rate: 128_000,
            codec: Codec::Avc,
            beep: true,
            captions: false,
            faults: Vec::new(),
            duration: None,
        }
    }
}

impl Config {
    /// Whether it is published by SRT.
    pub(crate) fn is_srt(&self) -> bool {
        self.url.starts_with("srt://")
    }

    /// Whether it is published as a transport stream.
    pub(crate) fn is_transport_stream(&self) -> bool {
        self.is_srt() || self.url == PIPE
    }

    /// Whether everything is within its limits.
    ///
    /// # Errors
    /// [`Error::Config`] names the first value that is not.
    pub fn check(&self) -> Result<(), Error> {
        let even = |n: u32| n.is_multiple_of(2);
        let known = ["rtmp://", "rtmps://", "srt://"].iter().any(|one| self.url.starts_with(one));
        let known = known || self.url == PIPE;
        let address = known && self.url.len() <= URL_BYTES_MAX && !self.url.contains('\0');
        let carried = self.codec == Codec::Avc || self.is_transport_stream();
        let rules = [
            (address, "url: rtmp://host:port/live/<stream key>, rtmps:// or srt://"),
            (carried, "codec: HEVC goes by SRT only"),
            (
                even(self.width) && (WIDTH_MIN..=WIDTH_MAX).contains(&self.width),
                "width: even, 284 to 3840",
            ),
            (
                even(self.height) && (HEIGHT_MIN..=HEIGHT_MAX).contains(&self.height),
                "height: even, 160 to 2160",
            ),
            ((1..=FRAME_RATE_MAX).contains(&self.frame_rate), "frame_rate: 1 to 120"),
            ((1..=1000).contains(&self.gop_frames), "gop_frames: 1 to 1000"),
            (
                (50_000..=50_000_000).contains(&self.video_bit_rate),
                "video_bit_rate: 50 kbit/s to 50 Mbit/s",
            ),
            ((32_000..=320_000).contains(&self.audio_bit_rate), "audio_bit_rate: 32 to 320 kbit/s"),
        ];
        match rules.iter().find(|(kept, _)| !kept) {
            Some((_, rule)) => Err(Error::Config { rule }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_needs_only_an_address() {
        let url = "rtmp://127.0.0.1:1935/live/k".to_owned();
        assert_eq!(Config { url, ..Config::default() }.check(), Ok(()));
    }

    #[test]
    fn a_value_out_of_its_limits_is_named() {
        let good = Config { url: "rtmp://h/live/k".to_owned(), ..Config::default() };
        for (bad, name) in [
            (Config { url: "http://h/".to_owned(), ..good.clone() }, "url"),
            (Config { url: "rtmp://h/\0".to_owned(), ..good.clone() }, "url"),
            (Config { codec: Codec::Hevc, ..good.clone() }, "codec"),
            (Config { width: 1281, ..good.clone() }, "width"),
            (Config { height: 100, ..good.clone() }, "height"),
            (Config { frame_rate: 0, ..good.clone() }, "frame_rate"),
            (Config { gop_frames: 0, ..good }, "gop_frames"),
        ] {
            let Err(Error::Config { rule }) = bad.check() else { panic!("{name} was taken") };
            assert!(rule.starts_with(name), "{rule}");
        }
    }
}
