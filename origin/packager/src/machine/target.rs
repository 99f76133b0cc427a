//! How long parts are.
//!
//! In: what was configured, and how long the leader's frames are. Out: the part target. Does not know parts.

use shared_media::{TICKS_PER_SECOND, Ticks};

/// The part target of a show whose leader has frames of this length, in microseconds.
///
/// A part closes before the sample that would cross the target, so it may fall short of it by a
/// frame; it must not fall short by more than 15 % (4.4.4.9). Where frames are too long for that,
/// the target is made of whole frames, of one second at most, and 2 ms for jitter.
pub(super) fn part_target_us(configured_us: u32, frame: Ticks) -> u32 {
    const JITTER_US: i64 = 2000;
    let frame_us = frame.min(Ticks(TICKS_PER_SECOND)).as_micros() + 1; // rounded up
    let configured = i64::from(configured_us);
    if frame_us * 100 <= configured * 15 {
        return configured_us;
    }
    let frames = ((configured + frame_us / 2) / frame_us).max(1);
    u32::try_from(frames * frame_us + JITTER_US).unwrap_or(configured_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_target_fits_whole_frames() {
        for (frame, target_us) in [
            (1500, 333_340), // 60 Hz
            (3000, 333_340),
            (3600, 333_340),
            (6000, 335_335), // 15 Hz: five frames
            (9000, 302_003), // 10 Hz: three
            (90_000, 1_002_001),
            (900_000, 1_002_001),
            (0, 333_340),
        ] {
            assert_eq!(part_target_us(333_340, Ticks(frame)), target_us, "{frame}");
        }
    }
}
