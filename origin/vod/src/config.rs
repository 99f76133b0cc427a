//! What an operator may choose about films, and every limit that is kept.
//!
//! In: nothing. Out: [`Config`]. Does not know where the values come from.

/// How films are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The shorter sides of rungs, in pixels, in any order; those below the film's own are made, and the film's own.
    pub sides: Vec<u32>,
    /// What a picture of 1280 × 720, thirty a second, takes where there is as much in it as films have as a rule, in
    /// bits per second.
    pub reference_bits_per_s: u64,
    /// The most a rung takes.
    pub bits_per_s_max: u64,
    /// The least a rung takes.
    pub bits_per_s_min: u64,
    /// A rung that takes no more than this is for the slowest of lines: none is made below it.
    pub slowest_bits_per_s: u64,
    /// What pictures of HDR take where those of the standard range take a hundred bits, in the same codec.
    pub hdr_percent: u64,
    /// Bits of stereo sound per second.
    pub stereo_bits_per_s: u64,
    /// Bits of sound in 5.1 per second.
    pub surround_bits_per_s: u64,
    /// The longest way between keyframes of pictures that are not encoded anew, in milliseconds.
    pub copied_keyframe_ms_max: u64,
    /// How much more than its rung's share pictures may take that are not encoded anew, in percent.
    pub copied_percent_max: u64,
    /// Sounds of the file that are taken.
    pub sounds_max: usize,
    /// Subtitles of the file that are taken.
    pub subtitles_max: usize,
    /// Pictures are encoded in chunks that are hardly shorter than this, in milliseconds, …
    pub chunk_ms: u32,
    /// … but for the first, which is hardly shorter than this, and those after it: each is twice as long as the one
    /// before.
    pub head_ms: u32,
    /// Towards its end a film's chunks become shorter, down to about this: so workers are through with their last ones
    /// at about the same time.
    pub tail_ms: u32,
    /// Segments last about as long, in milliseconds.
    pub segment_ms: u32,
    /// Segments of a film.
    pub segments_max: usize,
    /// How often a job is begun, all in all, before its film is given up.
    pub attempts_max: u32,
    /// How long a job that failed waits at most, in milliseconds; after each further failure twice as long, …
    pub attempt_wait_ms: u32,
    /// … up to this.
    pub attempt_wait_ms_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sides: vec![2160, 1440, 1080, 720, 480, 360, 160],
            reference_bits_per_s: 2_500_000,
            bits_per_s_max: 16_000_000,
            bits_per_s_min: 100_000,
            slowest_bits_per_s: 320_000,
            hdr_percent: 120,
            stereo_bits_per_s: 128_000,
            surround_bits_per_s: 384_000,
            copied_keyframe_ms_max: 4_000,
            copied_percent_max: 150,
            sounds_max: 8,
            subtitles_max: 32,
            chunk_ms: 24_000,
            head_ms: 2_000,
            tail_ms: 2_000,
            segment_ms: 2_000,
            segments_max: 50_000,
            attempts_max: 5,
            attempt_wait_ms: 5_000,
            attempt_wait_ms_max: 300_000,
        }
    }
}
