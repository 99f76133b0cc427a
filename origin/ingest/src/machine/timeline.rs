//! From a publisher's clock to the show's own timeline.
//!
//! In: a protocol's timestamps (which wrap, jitter, step back and jump), when they came. Out: DTS and PTS in 90 kHz
//! ticks, which only grow for the whole life of the show. Does not know what the frames hold.
//!
//! A *stretch* is a time in which the publisher's clock runs on evenly. In it, all tracks share one offset, so sound
//! and picture keep their distance. A stretch ends when the publisher goes or its clock jumps; the next one begins at
//! the tick of the wall-clock time its first frame came at, so that anchor + PTS is UTC again.

use std::collections::BTreeMap;
use std::time::Duration;

use shared_media::{Anchor, Now, TICKS_PER_SECOND, Ticks, TrackId, TrackKind};

use super::arrival::Stamp;
use crate::{Config, Resume};

/// A video timestamp may step back this far and still be only moved, not taken for a jump.
const VIDEO_STEP_BACK: Ticks = Ticks::from_millis(100);
/// For this long after a stretch began, timestamps that do not fit are dropped: they are left over from before, or
/// the clock has not settled. So a broken clock costs one discontinuity a second at most.
const SETTLING_US: u64 = 1_000_000;

/// Where a frame belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// When it is decoded; above all earlier ones of its track.
    pub dts: Ticks,
    /// When it is shown; never below `dts`.
    pub pts: Ticks,
    /// A new stretch begins with it, which does not continue what came before.
    pub broke: bool,
}

/// A frame with no place on the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misplaced {
    /// It belongs before what has been placed already.
    Late,
    /// Its clock is not the one the stretch has just begun with.
    Stale,
}

/// The timeline of one show.
#[derive(Debug)]
pub struct Timeline {
    jump_max: Ticks,
    snap_max: Ticks,
    anchor: Option<Anchor>,
    /// The next stretch begins above this.
    floor: Option<Ticks>,
    stretch: Option<Stretch>,
    video: Track,
    /// By number; whoever places sounds sees to it that they are few.
    sounds: BTreeMap<u8, Track>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    clock: Clock,
    /// The latest time heard on the shared clock.
    last: Ticks,
    began_us: u64,
}

/// A time of a publisher's clock, and the tick of the show it is.
#[derive(Debug, Clone, Copy)]
struct Clock {
    time: Ticks,
    tick: Ticks,
}

#[derive(Debug, Default)]
struct Track {
    /// The last timestamp in this stretch, and when it came.
    heard: Option<(Ticks, u64)>,
    /// Set if this track runs on a clock of its own.
    own: Option<Clock>,
    last_dts: Option<Ticks>,
    grid: Grid,
}

impl Timeline {
    /// The timeline of a show that begins, or of one that goes on from an earlier process.
    #[must_use]
    pub fn new(config: &Config, resume: Option<Resume>) -> Self {
        Self {
            jump_max: span(config.jump_max),
            snap_max: span(config.snap_max),
            anchor: resume.map(|resume| resume.anchor),
            floor: resume.map(|resume| resume.last_dts),
            stretch: None,
            video: Track::default(),
            sounds: BTreeMap::new(),
        }
    }

    /// The UTC of tick 0, once the first frame was placed.
    #[must_use]
    pub const fn anchor(&self) -> Option<Anchor> {
        self.anchor
    }

    /// Frames of this track last `samples` of `samples_per_second` each: timestamps next to that grid are put on it.
    pub fn set_frame_duration(&mut self, of: TrackId, samples: u32, samples_per_second: u32) {
        let (num, den) = (TICKS_PER_SECOND * i64::from(samples), i64::from(samples_per_second));
        let grid = &mut self.track(of).grid;
        if num > 0 && den > 0 && grid.frame != Some((num, den)) {
            *grid = Grid { frame: Some((num, den)), origin: None };
        }
    }

    /// The tick of a time of the publisher's shared clock, or of what it said last; `None` before anything was placed.
    #[must_use]
    pub fn when(&self, at: Option<Stamp>) -> Option<Ticks> {
        let stretch = self.stretch?;
        Some(stretch.clock.at(at.map_or(stretch.last, |at| at.next_to(stretch.last))))
    }

    /// The publisher is gone: whatever comes next begins a new stretch.
    pub fn interrupt(&mut self) {
        self.stretch = None;
    }

    /// Finds the place of a frame that came now and is shown `composition` after it is decoded.
    ///
    /// # Errors
    /// [`Misplaced`] if it has none and is to be dropped.
    pub fn place(
        &mut self,
        now: Now,
        of: TrackId,
        at: Stamp,
        composition: Ticks,
    ) -> Result<Placed, Misplaced> {
        let mut broke = false;
        let mut stretch = match self.stretch {
            Some(stretch) => stretch,
            None => self.begin(now, at, &mut broke),
        };
        let last = self.track(of).heard.map_or(stretch.last, |(last, _)| last);
        let mut time = at.next_to(last);
        if self.jumped(now, of, time, stretch) {
            if young(now, stretch) {
                return Err(Misplaced::Stale);
            }
            stretch = self.begin(now, at, &mut broke);
            time = at.first();
        }
        let jump_max = self.jump_max;
        let snap_max = self.snap_max;
        let track = self.track(of);
        if track.heard.is_none() && (time - stretch.last).0.abs() > jump_max.0 {
            if young(now, stretch) {
                return Err(Misplaced::Stale);
            }
            // It keeps a clock of its own, which is tied to where the others are now.
            track.own = Some(Clock { time, tick: stretch.clock.at(stretch.last) });
        }
        track.heard = Some((time, now.monotonic_us));
        let raw = track.own.unwrap_or(stretch.clock).at(time);
        let snapped = track.grid.snap(raw, snap_max);
        let shown = composition.clamp(Ticks::ZERO, jump_max) + raw;
        let shown = track.grid.near(shown, snap_max);

        let lowest = match track.last_dts {
            Some(last) => (last + Ticks(1)).max(stretch.clock.tick),
            None => stretch.clock.tick,
        };
        if snapped < lowest && of.kind() == TrackKind::Audio {
            return Err(Misplaced::Late);
        }
        let dts = snapped.max(lowest);
        let pts = shown.max(dts);
        track.last_dts = Some(dts);
        if track.own.is_none() {
            stretch.last = stretch.last.max(time);
        }
        self.floor = self.floor.max(Some(pts));
        self.stretch = Some(stretch);
        Ok(Placed { dts, pts, broke })
    }

    /// A new stretch, at tick 0 if it is the show's first.
    fn begin(&mut self, now: Now, at: Stamp, broke: &mut bool) -> Stretch {
        let tick = match (self.anchor, self.floor) {
            (Some(anchor), floor) => {
                *broke = true;
                let above = floor.map_or(Ticks::ZERO, |floor| floor + Ticks(1));
                anchor.ticks_at(now.utc_us).max(above)
            }
            (None, _) => Ticks::ZERO,
        };
        self.anchor.get_or_insert(Anchor { utc_us: now.utc_us });
        for track in std::iter::once(&mut self.video).chain(self.sounds.values_mut()) {
            track.heard = None;
            track.own = None;
            track.grid.origin = None;
        }
        let time = at.first();
        let stretch =
            Stretch { clock: Clock { time, tick }, last: time, began_us: now.monotonic_us };
        self.stretch = Some(stretch);
        stretch
    }

    /// Whether the track's clock stepped further than time, or the other tracks, can explain: a gap in one track is
    /// no jump.
    fn jumped(&mut self, now: Now, of: TrackId, time: Ticks, stretch: Stretch) -> bool {
        let jump_max = self.jump_max;
        let back_max = match of.kind() {
            TrackKind::Video => VIDEO_STEP_BACK.min(jump_max),
            TrackKind::Audio => jump_max,
        };
        let track = self.track(of);
        let Some((last, last_us)) = track.heard else { return false };
        let ahead = if track.own.is_none() { (time - stretch.last).0 } else { i64::MAX };
        let step = (time - last).0;
        let passed_us = now.monotonic_us.saturating_sub(last_us);
        let passed = Ticks::from_micros(i64::try_from(passed_us).unwrap_or(i64::MAX)).0;
        step < -back_max.0 || step.saturating_sub(passed).min(ahead) > jump_max.0
    }

    fn track(&mut self, of: TrackId) -> &mut Track {
        match of {
            TrackId::Video => &mut self.video,
            TrackId::Audio(number) => self.sounds.entry(number).or_default(),
        }
    }
}

impl Clock {
    fn at(self, time: Ticks) -> Ticks {
        self.tick + (time - self.time)
    }
}

fn young(now: Now, stretch: Stretch) -> bool {
    now.monotonic_us.saturating_sub(stretch.began_us) < SETTLING_US
}

fn span(duration: Duration) -> Ticks {
    Ticks::from_micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

/// The exact times frames would have at a constant rate. RTMP rounds to milliseconds: on the grid 30 frames a second
/// are 3000 ticks apart again, and parts get their exact durations.
#[derive(Debug, Default)]
struct Grid {
    /// Ticks per frame, as a fraction: 44.1 kHz AAC has 2089.795….
    frame: Option<(i64, i64)>,
    /// The tick of one frame.
    origin: Option<Ticks>,
}

impl Grid {
    /// The grid's point next to `raw`, or `raw` itself as the new origin if it is off the grid.
    fn snap(&mut self, raw: Ticks, snap_max: Ticks) -> Ticks {
        match self.nearest(raw) {
            Some(point) if (point - raw).0.abs() <= snap_max.0 => point,
            _ => {
                self.origin = Some(raw);
                raw
            }
        }
    }

    /// Like [`Grid::snap`], for times that must not move the grid.
    fn near(&self, raw: Ticks, snap_max: Ticks) -> Ticks {
        self.nearest(raw).filter(|point| (*point - raw).0.abs() <= snap_max.0).unwrap_or(raw)
    }

    fn nearest(&self, raw: Ticks) -> Option<Ticks> {
        let (num, den) = self.frame?;
        let origin = self.origin?;
        let frames = rounded_quotient(i128::from((raw - origin).0) * i128::from(den), num.into());
        let offset = rounded_quotient(frames * i128::from(num), den.into());
        Some(origin + Ticks(i64::try_from(offset).ok()?))
    }
}

/// `divisor` is above 0: [`Timeline::set_frame_duration`] sees to it.
fn rounded_quotient(dividend: i128, divisor: i128) -> i128 {
    (dividend + divisor / 2).div_euclid(divisor)
}

#[cfg(test)]
mod tests;
