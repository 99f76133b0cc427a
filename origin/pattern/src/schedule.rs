//! When each frame and each sample is due.
//!
//! In: times as microseconds. Out: the grid's start, what to do now, what time a frame shows. Does not know where a
//! clock is.
//!
//! Frame `n` is due `n / frame_rate` after the start, which lies on the grid of full seconds of UTC: so one frame falls
//! on each full second exactly, and the flash and the beep begin together. A frame shows the UTC of the moment it was
//! due, not the moment it was drawn: being late counts as delay, as in a camera.

use crate::config::LATE_US_MAX;

/// Microseconds in a second.
const SECOND_US: u64 = 1_000_000;
/// How far UTC and our own count may drift apart before we follow UTC, in microseconds.
const DRIFT_US_MAX: i64 = 20_000;

/// The frame grid of one publication.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    frame_rate: u64,
    /// Which frame of its second of UTC frame 0 is.
    offset: u64,
    /// UTC of frame 0.
    zero_utc_us: i64,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The frame is due.
    Draw,
    /// Wait so many microseconds.
    Wait(u64),
    /// Too late: leave out so many frames.
    Skip(u64),
}

impl Schedule {
    /// A schedule starting at the next point of the grid, and how many microseconds away that is.
    pub(crate) fn next_after(utc_us: i64, frame_rate: u32) -> (Self, u64) {
        let frame_rate = u64::from(frame_rate.max(1));
        let second = utc_us.div_euclid(1_000_000) * 1_000_000;
        let into = utc_us.rem_euclid(1_000_000).unsigned_abs();
        let offset = (into * frame_rate).div_ceil(SECOND_US);
        let at = offset * SECOND_US / frame_rate;
        let zero_utc_us = second + at.cast_signed();
        (Self { frame_rate, offset, zero_utc_us }, at.saturating_sub(into))
    }

    /// When frame `n` is due, in microseconds after frame 0.
    pub(crate) fn due_us(&self, n: u64) -> u64 {
        // Both are counted from the full second, so that no rounding moves a frame off the next one.
        (self.offset + n) * SECOND_US / self.frame_rate - self.offset * SECOND_US / self.frame_rate
    }

    /// What is to be done for frame `n`, `elapsed_us` after frame 0 was due.
    pub(crate) fn step(&self, n: u64, elapsed_us: u64) -> Step {
        let due = self.due_us(n);
        if due > elapsed_us {
            return Step::Wait(due - elapsed_us);
        }
        if elapsed_us - due <= LATE_US_MAX {
            return Step::Draw;
        }
        Step::Skip((elapsed_us - due) * self.frame_rate / SECOND_US)
    }

    /// Takes note of UTC at `elapsed_us`: a clock that was set is followed, jitter of reading it is not.
    pub(crate) fn follow(&mut self, utc_us: i64, elapsed_us: u64) {
        let zero = utc_us - elapsed_us.cast_signed();
        if (zero - self.zero_utc_us).abs() > DRIFT_US_MAX {
            self.zero_utc_us = zero;
        }
    }

    /// UTC at a moment `us` after frame 0, in microseconds since the Unix epoch.
    pub(crate) fn utc_us(&self, us: u64) -> i64 {
        self.zero_utc_us + us.cast_signed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_falls_on_every_full_second() {
        for now in [0, 1, 33_333, 33_334, 999_999, 1_700_000_000_512_345] {
            for rate in [24, 25, 30, 50, 60] {
                let (schedule, wait) = Schedule::next_after(now, rate);
                assert!(wait <= 1_000_000 / u64::from(rate) + 1, "{wait}");
                let mut on_second = 0;
                for n in 0..u64::from(rate) {
                    let utc = schedule.utc_us(schedule.due_us(n));
                    on_second += u32::from(utc.rem_euclid(1_000_000) == 0);
                }
                assert_eq!(on_second, 1, "{now} at {rate}");
            }
        }
    }

    #[test]
    fn frames_wait_come_and_are_left_out() {
        let (schedule, _) = Schedule::next_after(0, 30);
        assert_eq!(schedule.step(30, 999_000), Step::Wait(1000));
        assert_eq!(schedule.step(30, 1_000_000), Step::Draw);
        assert_eq!(schedule.step(30, 2_000_000), Step::Draw);
        assert_eq!(schedule.step(30, 4_000_000), Step::Skip(90));
    }

    #[test]
    fn a_set_clock_is_followed_and_jitter_is_not() {
        let (mut schedule, _) = Schedule::next_after(0, 30);
        schedule.follow(1_003_000, 1_000_000);
        assert_eq!(schedule.utc_us(0), 0);
        schedule.follow(61_000_000, 1_000_000);
        assert_eq!(schedule.utc_us(0), 60_000_000);
    }
}
