//! Every limit of this stage, by name.

use crate::machine::{CaptionTrack, ClosedCaptionName};

/// How a show is cut, and what may be held for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `PART-TARGET`, in microseconds. 333.34 ms hold 10 frames of 30 Hz exactly. Sources below
    /// 20 Hz get a target that fits whole frames instead, see `machine::part_target`.
    pub part_target_us: u32,
    /// A segment ends at the first keyframe of the leader after this long, in milliseconds.
    pub segment_ms_min: u32,
    /// Pictures of the I-frame playlist lie at least this far apart within a segment, in milliseconds:
    /// about two a second at most, also where every picture is a keyframe.
    pub i_frame_ms_min: u32,
    /// How much of the show the live playlists list, in milliseconds. Whoever stores the objects
    /// keeps segments this long and parts for six target durations at least: three they are listed
    /// for, three more for clients that hold an older playlist (6.2.2). What they list may be longer by a minute: old
    /// segments leave a piece of text at a time.
    pub window_ms: u32,
    /// A rendition this far ahead of the leader no longer waits for it, in milliseconds.
    pub lead_ms_max: u32,
    /// A rendition this far behind the leader loses the segment it did not fill, in milliseconds.
    pub lag_ms_max: u32,
    /// A leader that jumps ahead further than this starts anew, after a discontinuity, in
    /// milliseconds.
    pub jump_ms_max: u32,
    /// A publisher that has been away for this long beyond a target duration is stood for by gaps, in milliseconds.
    pub away_ms_min: u32,
    /// Largest distance between decoding and presentation of a unit, in milliseconds.
    pub reorder_ms_max: u32,
    /// Access units of one rendition that wait for the leader's decision; the oldest are dropped.
    pub held_units_max: usize,
    /// Largest media segment, in bytes; units beyond it are dropped.
    pub segment_bytes_max: usize,
    /// Cues of one track of captions that wait for their end.
    pub cues_max: usize,
    /// Its tracks of captions.
    pub captions: Vec<CaptionTrack>,
    /// What is known of the captions within its pictures, should there be some.
    pub closed_captions: Vec<ClosedCaptionName>,
    /// Playlist and part requests of one show that may wait at a time.
    pub waiting_requests_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            part_target_us: 333_340,
            segment_ms_min: 2_000,
            i_frame_ms_min: 400,
            window_ms: 2 * 60 * 60 * 1000,
            lead_ms_max: 5_000,
            lag_ms_max: 5_000,
            jump_ms_max: 30_000,
            away_ms_min: 1_000,
            reorder_ms_max: 10_000,
            held_units_max: 2_048,
            segment_bytes_max: 128 << 20,
            cues_max: 256,
            captions: Vec::new(),
            closed_captions: Vec::new(),
            waiting_requests_max: 20_000,
        }
    }
}
