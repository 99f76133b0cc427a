//! How a film's child is run, and every limit that is kept.
//!
//! In: nothing. Out: [`Config`], constants. Does not know where the values come from.

use std::ffi::OsString;

/// How films are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How to start the child: program, then arguments. The program must call [`super::film_child_main`].
    pub command: Vec<OsString>,
    /// Messages of the child that may wait; it makes no more until they are taken.
    pub queue: usize,
    /// How far the child gives way to everything else on the machine: 0 not at all, 19 wholly.
    pub niceness: u8,
    /// How long a child may say nothing, in milliseconds, while it is waited for; it is killed then. One that works
    /// says something every second of its own time; but it has little of that where it gives way to much.
    pub hang_ms: u32,
    /// How long a child may take to be gone after its last word, in milliseconds.
    pub stop_grace_ms: u32,
    /// Keyframes of a file that are taken.
    pub keyframes_max: u32,
    /// Files up to so many bytes are read from beginning to end to know where keyframes are, also where their format
    /// says it.
    pub whole_bytes_max: u64,
    /// Longest line of the child's standard error that is logged, in bytes.
    pub stderr_line_bytes_max: usize,
    /// How many lines of one child are logged; later ones are only read.
    pub stderr_lines_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            queue: 64,
            niceness: 19,
            hang_ms: 600_000,
            stop_grace_ms: 3_000,
            keyframes_max: 1_000_000,
            whole_bytes_max: 128 << 20,
            stderr_line_bytes_max: 512,
            stderr_lines_max: 100,
        }
    }
}

/// The one protocol that libavformat may speak.
pub(super) const PROTOCOLS: &str = "file";
/// The same where the house gives the file by an address.
pub(super) const PROTOCOLS_OF_HOUSE: &str = "http,tcp";
/// How such an address begins.
pub(super) const HOUSE: &str = "http://127.0.0.1:";
/// Demuxers of files that hold their media themselves, as a film's first look has them: none that opens other files,
/// none of bare pictures, none that takes any bytes for samples.
pub(super) const DEMUXERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,mpegvideo,avi,\
    flv,live_flv,ogg,wav,w64,aiff,mp3,aac,ac3,eac3,flac,mxf,asf,asf_o,h264,hevc,obu,av1,ivf,dv,gxf,\
    nut,vob,mpegps,rm,caf,amr,dts,truehd,mlp,tta,wv,ape,swf,nsv,y4m,yuv4mpegpipe";
/// How much is looked into until the streams must be known, in bytes.
pub(super) const PROBE_BYTES_MAX: u64 = 32 << 20;
/// How much is looked into until the streams must be known, in microseconds of media.
pub(super) const PROBE_US_MAX: u64 = 20_000_000;
/// Streams of a file.
pub(super) const STREAMS_MAX: usize = 128;
/// Reads in a row that may fail before a file is taken to end there.
pub(super) const BROKEN_READS_MAX: u32 = 1_000;
/// How far from the first thing shown another may be, in ticks: two days.
pub(super) const LENGTH_MAX: i64 = 48 * 3_600 * shared_media::TICKS_PER_SECOND;
/// How much of a film's beginning is read in any case, in ticks, before what follows is skipped.
pub(super) const HEAD: i64 = 900_000;
/// Keyframes that a file tells of are believed if they are no further apart, in ticks.
pub(super) const KEYFRAMES_APART_MAX: i64 = 1_080_000;
/// Where each keyframe is looked up by itself, those that are closer to the one before, in ticks, are left out; …
pub(super) const KEYFRAMES_APART_MIN: i64 = 90_000;
/// … and no more than so many are looked up: each takes longer the longer a file's tables are.
pub(super) const KEYFRAMES_SOUGHT_MAX: usize = 8_192;
/// How far behind the first keyframe pictures are told one by one, in ticks.
pub(super) const EARLY: i64 = 450_000;
/// Pictures that follow one another closely do so within so many ticks.
pub(super) const EARLY_APART_MAX: i64 = 18_000;
/// Longest record of a stream that is copied, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 64 << 10;
/// Longest unit of a stream that is copied, in bytes.
pub(super) const UNIT_BYTES_MAX: usize = 16 << 20;
/// Longest side of a rung, in pixels; a picture that is decoded has no more than a square of it.
pub(super) const SIDE_MAX: u32 = 8_192;
/// How much earlier than a keyframe's time it is looked for, in ticks, where formats seek by guessing.
pub(super) const SEEK_MARGINS: [i64; 4] = [0, 450_000, 1_800_000, 10_800_000];
/// How much of a sound is decoded before the part that is made, in ticks: decoders must have heard something, and of
/// two sounds of a file one may be written further ahead.
pub(super) const SOUND_RUN_IN: i64 = 180_000;
/// How much after it: an AAC frame is made of what stands around it.
pub(super) const SOUND_RUN_OUT: i64 = 3 * 1_920;
/// How far one stream is read beyond a span while others of its kind have not come to the span's end, in ticks: they
/// have ended, or are written further behind.
pub(super) const APART_MAX: i64 = 900_000;
/// Errors in a row after which a decoder is given the next packet.
pub(super) const DECODE_ERRORS_MAX: u64 = 32;
/// Gaps and overlaps of sound up to this many ticks are a file's rounding: 20 ms.
pub(super) const SOUND_SLACK: i64 = 1_800;
/// Silence that is written at once, in ticks.
pub(super) const SILENCE_MAX: i64 = 900_000;
/// Samples per second of a sound that is taken.
pub(super) const RATES: std::ops::RangeInclusive<u32> = 2_000..=768_000;
/// How much before a span pictures are given to a filter that looks back, in ticks.
pub(super) const FILTER_RUN_IN: i64 = 18_000;
/// Characters of one cue.
pub(super) const CUE_CHARS_MAX: usize = 2_000;
/// How long a cue is shown whose file does not say it, in ticks.
pub(super) const CUE_SHOWN: i64 = 450_000;
/// A child says how far it is at least this often, in milliseconds.
pub(super) const PROGRESS_MS: u64 = 500;
/// Rungs lower than this are too small to be worth a second thread.
pub(super) const THREADED_LINES_MIN: u32 = 360;
