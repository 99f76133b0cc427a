//! What an operator may choose about the ladder, and every limit it keeps.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values come from.

use std::ffi::OsString;

use shared_media::{SoundTrack, Ticks, VideoCodec};

/// One rung that is encoded whenever the source is higher than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RungSpec {
    /// Height of the picture in lines; the width follows from the source's shape.
    pub height: u32,
    /// What the encoder aims at, in bit/s; its cap is a tenth above.
    pub bit_rate: u32,
    /// How it is encoded.
    pub codec: VideoCodec,
}

impl RungSpec {
    /// A rung in H.264.
    const fn avc(height: u32, bit_rate: u32) -> Self {
        Self { height, bit_rate, codec: VideoCodec::Avc }
    }
}

/// What encodes rungs where it can be opened; else x264, x265 or libaom do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Hardware {
    /// NVIDIA's NVENC.
    Nvenc,
    /// VAAPI, on Intel's and AMD's graphics: the first render node with a driver.
    Vaapi,
    /// Video4Linux memory-to-memory devices, as boards have them.
    V4l2,
}

/// Everything the ladder of one show is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How to start the child: program, then arguments. The program must call [`crate::child_main`].
    pub command: Vec<OsString>,
    /// The rungs, in any order; only those strictly below the source are made.
    pub rungs: Vec<RungSpec>,
    /// What the publisher's sounds are, in its order, in place of what it says of them; their numbers do not count.
    pub sounds: Vec<SoundTrack>,
    /// Bit rate of the stereo sound, in bit/s.
    pub audio_bit_rate: u32,
    /// Bit rate of the sound in 5.1, in bit/s.
    pub surround_bit_rate: u32,
    /// What encodes rungs beside software, if anything.
    pub hardware: Option<Hardware>,
    /// Threads each of decoder and larger encoders may use.
    pub threads: u8,

    /// Keyframe distance where the source's own GOP is too long, in milliseconds.
    pub cadence_ms: u32,
    /// By how much a GOP may outgrow the target duration, in milliseconds. Below 500, because
    /// `EXT-X-TARGETDURATION` is compared with the rounded duration (rfc8216bis 4.4.3.1).
    pub gop_slack_ms: u32,
    /// How long a show is held at least once its pictures come, in milliseconds. Less than a part lasts, so that it
    /// costs nothing; what comes faster than it is shown is measured all the more.
    pub probe_ms_min: u32,
    /// How much media is held at most until the length of a GOP is known, in milliseconds.
    pub probe_media_ms_max: u32,
    /// How much media is held at least to learn whether there is sound, in milliseconds.
    pub probe_audio_wait_ms: u32,
    /// How many events are held at most while probing.
    pub probe_events_max: usize,
    /// How many bytes are held at most while probing.
    pub probe_bytes_max: usize,

    /// How much unfinished media is kept for a replay, in milliseconds.
    pub replay_media_ms_max: u32,
    /// How many bytes of unfinished media are kept for a replay.
    pub replay_bytes_max: usize,
    /// After how many deaths without any output the unfinished media is given up.
    pub fruitless_deaths_max: u32,
    /// How long a second restart waits; the first is immediate, each further one waits twice as long. Milliseconds.
    pub restart_wait_ms: u32,
    /// How long a restart waits at most, in milliseconds.
    pub restart_wait_ms_max: u32,
    /// After how long a life an earlier death no longer counts, in milliseconds.
    pub settled_after_ms: u32,
    /// How long a child may leave its input unanswered before it is killed, in milliseconds. Below the packager's
    /// patience with renditions that lag (5 s), so that the next child is in time and nothing is lost.
    pub hang_ms: u32,
    /// How long a child may take until its first answer, in milliseconds: it has to be loaded first.
    pub birth_ms: u32,
    /// How much media may wait for a child that keeps up, in milliseconds.
    pub overload_lag_ms_max: u32,
    /// How long more may wait, and not become less, until a rung rests, in milliseconds. With the
    /// limit above it stays below the packager's patience with renditions that lag (5 s).
    pub overload_patience_ms: u32,
    /// After how long a calm a rung that rests is tried again, in milliseconds.
    pub overload_calm_ms: u32,
    /// How long a child may take to end after its input was closed, in milliseconds.
    pub stop_grace_ms: u32,

    /// Deviation of sound from its clock that is left alone, in milliseconds: below one AAC frame (21 ms).
    pub audio_slack_ms: u32,
    /// The longest gap that is filled with silence, in milliseconds; over a longer one the sound jumps.
    pub audio_gap_ms_max: u32,
    /// How far sound may stay behind the picture before silence takes its place, in milliseconds. Where sound keeps
    /// coming later than this it is given more time, up to `audio_gap_ms_max`.
    pub audio_lag_ms_max: u32,

    /// Events waiting for the packager.
    pub staged_queue: usize,
    /// Messages waiting for the child's standard input, and as many from its standard output.
    pub child_queue: usize,
    /// Longest line of the child's standard error that is logged, in bytes.
    pub stderr_line_bytes_max: usize,
    /// How many lines of one child are logged; later ones are only read.
    pub stderr_lines_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            rungs: vec![
                RungSpec::avc(720, 2_500_000),
                RungSpec::avc(480, 1_200_000),
                RungSpec::avc(160, 250_000),
            ],
            sounds: Vec::new(),
            audio_bit_rate: 128_000,
            surround_bit_rate: 384_000,
            hardware: None,
            threads: 2,
            cadence_ms: 2_000,
            gop_slack_ms: 490,
            probe_ms_min: 300,
            probe_media_ms_max: 4_250,
            probe_audio_wait_ms: 1_000,
            probe_events_max: 4_096,
            probe_bytes_max: 32 << 20,
            replay_media_ms_max: 30_000,
            replay_bytes_max: 64 << 20,
            fruitless_deaths_max: 3,
            restart_wait_ms: 250,
            restart_wait_ms_max: 5_000,
            settled_after_ms: 30_000,
            hang_ms: 3_000,
            birth_ms: 8_000,
            overload_lag_ms_max: 2_000,
            overload_patience_ms: 2_000,
            overload_calm_ms: 60_000,
            stop_grace_ms: 3_000,
            audio_slack_ms: 20,
            audio_gap_ms_max: 10_000,
            audio_lag_ms_max: 1_000,
            staged_queue: 256,
            child_queue: 64,
            stderr_line_bytes_max: 512,
            stderr_lines_max: 1_000,
        }
    }
}

/// Milliseconds of a setting as a span of the timeline.
pub(crate) const fn span(millis: u32) -> Ticks {
    Ticks::from_millis(millis as i64)
}

/// Milliseconds of a setting in microseconds of the monotonic clock.
pub(crate) const fn micros(millis: u32) -> u64 {
    millis as u64 * 1_000
}
