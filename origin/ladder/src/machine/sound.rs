//! Puts decoded sound on the show's grid of AAC frames, without gaps and without overlaps.
//!
//! In: timestamps and sample counts of decoded sound at 48 kHz. Out: how much silence to put before it and how much of
//! it to skip. Does not know samples.

use shared_media::Ticks;

/// One AAC frame: 1024 samples at 48 kHz.
pub(crate) const FRAME: Ticks = Ticks(1920);
/// Samples of one AAC frame.
pub(crate) const FRAME_SAMPLES: usize = 1024;
/// The rate of the sound rendition, in samples per second.
pub(crate) const RATE: u32 = 48_000;

/// `AudioSpecificConfig` of AAC-LC, 48 kHz, two channels (ISO/IEC 14496-3, 1.6.2.1): what the encoder makes of stereo,
/// and what passes.
pub(crate) const STEREO_ASC: [u8; 2] = [0x11, 0x90];
/// The same of 5.1 (channel configuration 6).
pub(crate) const SURROUND_ASC: [u8; 2] = [0x11, 0xb0];
/// What late sound gets beyond the lag it was seen with.
const LATE_MARGIN: Ticks = Ticks::from_millis(300);

/// How far sound may lag from now on, of which silence has just taken the place when pictures had come to `shown`. A
/// publisher that sends sound this late will go on doing so: it gets the time it needs, or nothing of it would ever be
/// heard.
pub(crate) fn lag_max_after(pts: Ticks, shown: Ticks, lag_max: Ticks, gap_max: Ticks) -> Ticks {
    lag_max.max((shown - pts + LATE_MARGIN).min(gap_max))
}

/// Frames that a continued run encodes and throws away, so that the first kept one overlaps with true sound.
const RUN_IN_FRAMES: i64 = 2;

/// What to do before a stretch of sound is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Write so many samples of silence, then the stretch without its first samples.
    Here { silence: usize, skip: usize },
    /// The gap is too long to fill: end the run, then ask again.
    Elsewhere,
}

/// Where the written sound has come to.
#[derive(Debug)]
pub(crate) struct Timeline {
    slack: i64,
    gap_max: i64,
    /// Some timestamp of the show's sound; all others are a multiple of a frame away.
    grid: Option<Ticks>,
    /// Where the run being written continues an earlier one.
    resume: Option<Ticks>,
    run: Option<Run>,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    origin: Ticks,
    samples: i64,
    /// What comes next joins no sound: it is placed to the sample. Within sound, deviations within the slack are a
    /// publisher's rounding.
    exact: bool,
}

impl Timeline {
    /// Spans in ticks. `resume` is the last frame an earlier encoder delivered.
    pub(crate) fn new(
        slack: Ticks,
        gap_max: Ticks,
        grid: Option<Ticks>,
        resume: Option<Ticks>,
    ) -> Self {
        Self { slack: samples(slack), gap_max: samples(gap_max), grid, resume, run: None }
    }

    /// Timestamp of the run's first sample.
    pub(crate) fn origin(&self) -> Option<Ticks> {
        self.run.map(|run| run.origin)
    }

    /// The frame up to which everything was delivered before this run.
    pub(crate) const fn resume(&self) -> Option<Ticks> {
        self.resume
    }

    /// Where a stretch of `count` samples that sounds at `pts` goes. Begins a run if there is none.
    pub(crate) fn place(&mut self, pts: Ticks, count: usize) -> Place {
        let run = self.begin(pts);
        let off = samples(pts - run.origin) - run.samples;
        if !run.exact && off.abs() <= self.slack {
            return Place::Here { silence: 0, skip: 0 };
        }
        if off > self.gap_max {
            return Place::Elsewhere;
        }
        let silence = usize::try_from(off).unwrap_or(0);
        let skip = usize::try_from(-off).unwrap_or(0).min(count);
        Place::Here { silence, skip }
    }

    /// Samples of silence that bring the run up to `point`. Begins a run there if there is none.
    pub(crate) fn silence_until(&mut self, point: Ticks) -> usize {
        let run = self.begin(point);
        let missing = samples(point - run.origin) - run.samples;
        usize::try_from(missing.clamp(0, self.gap_max)).unwrap_or(0)
    }

    /// So many samples of sound were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        if let Some(run) = self.run.as_mut().filter(|_| count > 0) {
            run.samples += i64::try_from(count).unwrap_or(0);
            run.exact = false;
        }
    }

    /// So many samples of silence were written.
    pub(crate) fn wrote_silence(&mut self, count: usize) {
        if let Some(run) = self.run.as_mut().filter(|_| count > 0) {
            run.samples += i64::try_from(count).unwrap_or(0);
            run.exact = true;
        }
    }

    /// The run is over; the next one begins wherever its sound does, on the same grid.
    pub(crate) fn finish(&mut self) {
        self.resume = None;
        if let Some(run) = self.run.take() {
            self.grid = Some(run.origin);
        }
    }

    fn begin(&mut self, pts: Ticks) -> Run {
        let origin = match (self.run, self.resume, self.grid) {
            (Some(run), ..) => return run,
            (None, Some(resume), _) => resume + FRAME - Ticks(FRAME.0 * RUN_IN_FRAMES),
            (None, None, Some(grid)) => {
                pts + Ticks((grid - pts).0.rem_euclid(FRAME.0)) // the next point of the grid
            }
            (None, None, None) => pts,
        };
        *self.run.insert(Run { origin, samples: 0, exact: true })
    }
}

/// A span in samples at 48 kHz, rounded to the nearest.
fn samples(span: Ticks) -> i64 {
    span.in_timescale(RATE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timeline(grid: Option<i64>, resume: Option<i64>) -> Timeline {
        Timeline::new(Ticks(1800), Ticks(900_000), grid.map(Ticks), resume.map(Ticks))
    }

    fn here(silence: usize, skip: usize) -> Place {
        Place::Here { silence, skip }
    }

    #[test]
    fn continuous_sound_is_left_alone_whatever_its_rounding() {
        let mut timeline = timeline(None, None);
        for n in 0..1000 {
            let pts = n * 1920 / 90 * 90 + 90; // whole milliseconds, as RTMP has them
            assert_eq!(timeline.place(Ticks(pts), 1024), here(0, 0));
            timeline.wrote(1024);
        }
        assert_eq!(timeline.origin(), Some(Ticks(90)));
        assert_eq!(timeline.run.unwrap().samples, 1_024_000);
    }

    #[test]
    fn gaps_are_filled_and_overlaps_skipped() {
        let mut timeline = timeline(None, None);
        timeline.place(Ticks(0), 1024);
        timeline.wrote(1024);
        assert_eq!(timeline.place(Ticks(1920 + 9000), 1024), here(4800, 0));
        timeline.wrote(4800 + 1024);
        assert_eq!(timeline.place(Ticks(1920), 1024), here(0, 1024));
        assert_eq!(timeline.place(Ticks(900_000 * 2), 1024), Place::Elsewhere);
    }

    #[test]
    fn silence_takes_the_place_of_missing_sound() {
        let mut timeline = timeline(None, None);
        assert_eq!(timeline.silence_until(Ticks(500)), 0);
        assert_eq!(timeline.silence_until(Ticks(500 + 1920)), 1024);
        timeline.wrote(1024);
        assert_eq!(timeline.silence_until(Ticks(0)), 0);
    }

    #[test]
    fn a_continued_run_is_on_the_grid_and_runs_in() {
        let mut timeline = timeline(Some(500), Some(500 + 1920 * 10));
        assert_eq!(timeline.place(Ticks(500 + 1920 * 8), 1024), here(0, 1024));
        assert_eq!(timeline.origin(), Some(Ticks(500 + 1920 * 9)));
        assert_eq!(timeline.place(Ticks(500 + 1920 * 9 + 1890), 1024), here(1008, 0));
    }

    #[test]
    fn a_new_run_skips_to_the_grid() {
        let mut timeline = timeline(None, None);
        timeline.place(Ticks(7), 1024);
        timeline.finish();
        assert_eq!(timeline.place(Ticks(1920 * 50 + 1927 - 15), 1024), here(0, 8));
        assert_eq!(timeline.origin(), Some(Ticks(1920 * 51 + 7)));
    }

    proptest! {
        #[test]
        fn nothing_overflows(pts in -(1i64 << 50)..1 << 50, grid in -(1i64 << 50)..1 << 50) {
            let mut timeline = timeline(Some(grid), None);
            timeline.place(Ticks(0), 1024);
            timeline.wrote(1024);
            timeline.place(Ticks(pts), 1024);
            timeline.silence_until(Ticks(pts));
            timeline.finish();
            timeline.place(Ticks(pts), 1024);
            prop_assert_eq!((timeline.origin().unwrap() - Ticks(grid)).0.rem_euclid(1920), 0);
        }
    }
}
