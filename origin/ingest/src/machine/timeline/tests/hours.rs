//! Whole shows of hours on a virtual clock: sound and picture stay together whatever their clocks do.
//!
//! In: frames as encoders send them, with what networks and clocks do to them. Out: nothing.

use super::*;

/// How far sound and picture may be apart, in ticks: 40 ms.
const APART_MAX: i64 = 40 * 90;
const HOUR_MS: u64 = 3_600_000;
/// Of the clocks of RTMP and of MPEG-TS.
const WRAPS: [u64; 2] = [(1 << 32) * 90, 1 << 33];

/// One encoder: a picture every 1/30 s, a sound every 1024/48 000 s, both of the moment they are sent.
struct Encoder {
    timeline: Timeline,
    /// Where each clock stands at the beginning, in ticks: picture, sound.
    clocks: [u64; 2],
    wrap: u64,
    breaks: u32,
    /// Frames that found no place.
    dropped: u32,
    /// The tick of the latest frame of each kind beyond the moment it was of, in ticks.
    off: [i64; 2],
    apart_max: i64,
}

impl Encoder {
    fn new(wrap: u64, clocks: [u64; 2]) -> Self {
        let mut timeline = timeline();
        timeline.set_frame_duration(VIDEO, 1, 30);
        timeline.set_frame_duration(AUDIO, 1024, 48_000);
        Self { timeline, clocks, wrap, breaks: 0, dropped: 0, off: [0; 2], apart_max: 0 }
    }

    fn stamp(&self, kind: TrackId, moment: u64) -> Stamp {
        let ticks = (self.clocks[usize::from(kind == AUDIO)] + moment) % self.wrap;
        match self.wrap {
            wrap if wrap == WRAPS[0] => {
                Stamp::Millis(u32::try_from((ticks + 45) / 90).unwrap_or(0))
            }
            _ => Stamp::Ticks(ticks),
        }
    }

    /// Sends a frame of this moment (in ticks), which arrives so much later.
    fn send(&mut self, kind: TrackId, moment: u64, late_ms: u64) -> Option<Placed> {
        let stamp = self.stamp(kind, moment);
        let now = at(moment / 90 + late_ms);
        let Ok(placed) = self.timeline.place(now, kind, stamp, Ticks::ZERO) else {
            self.dropped += 1;
            return None;
        };
        self.breaks += u32::from(placed.broke);
        let off = placed.dts.0 - moment.cast_signed();
        if placed.broke {
            self.off = [off; 2]; // what came before is of another stretch
        }
        self.off[usize::from(kind == AUDIO)] = off;
        Some(placed)
    }

    /// Sends both kinds from one moment to another, in milliseconds.
    fn run(&mut self, from_ms: u64, until_ms: u64, kinds: &[TrackId]) {
        let frames = |kind: TrackId| {
            let distance = if kind == VIDEO { 3000 } else { 1920 };
            let first = (from_ms * 90).div_ceil(distance);
            (first..until_ms * 90 / distance).map(move |frame| (frame * distance, kind))
        };
        let mut all: Vec<_> = kinds.iter().flat_map(|kind| frames(*kind)).collect();
        all.sort_by_key(|(moment, _)| *moment);
        for (moment, kind) in all {
            let jitter_ms = moment.wrapping_mul(2_654_435_761) >> 7 & 63;
            if self.send(kind, moment, jitter_ms).is_some() && kinds.len() == 2 {
                self.apart_max = self.apart_max.max((self.off[0] - self.off[1]).abs());
            }
        }
    }

    fn assert_together(&self) {
        assert!(self.apart_max <= APART_MAX, "{} ms apart", self.apart_max / 90);
    }
}

const BOTH: [TrackId; 2] = [VIDEO, AUDIO];

#[test]
fn eight_hours_with_a_wrap_in_the_middle_neither_break_nor_drift() {
    for wrap in WRAPS {
        let begin = wrap - 4 * HOUR_MS * 90;
        let mut encoder = Encoder::new(wrap, [begin, begin]);
        encoder.run(0, 8 * HOUR_MS, &BOTH);
        assert_eq!((encoder.breaks, encoder.dropped), (0, 0));
        assert!(encoder.apart_max <= 90, "rounding alone: {} ticks", encoder.apart_max);
    }
}

#[test]
fn one_kind_alone_is_exact_for_hours() {
    for kind in BOTH {
        let mut encoder = Encoder::new(WRAPS[0], [77, 77]);
        encoder.run(0, 3 * HOUR_MS, &[kind]);
        assert_eq!((encoder.breaks, encoder.dropped), (0, 0));
        assert!(encoder.off[usize::from(kind == AUDIO)].abs() <= 90);
    }
}

#[test]
fn jumps_of_the_whole_clock_break_once_each_and_keep_both_together() {
    for wrap in WRAPS {
        let mut encoder = Encoder::new(wrap, [1_000_000_000; 2]);
        encoder.run(0, 60_000, &BOTH);
        for (minute, jump_s) in [(1, 3600), (2, -1800), (3, 10), (4, -3)] {
            let jump = u64::try_from(i64::from(jump_s) * 90_000 + wrap.cast_signed()).unwrap_or(0);
            encoder.clocks = encoder.clocks.map(|clock| (clock + jump) % wrap);
            encoder.run(minute * 60_000, (minute + 1) * 60_000, &BOTH);
            assert_eq!(encoder.breaks, u32::try_from(minute).unwrap_or(0), "after {jump_s} s");
        }
        encoder.assert_together();
    }
}

#[test]
fn a_reset_of_one_clock_alone_keeps_both_together() {
    for reset in [0, 1] {
        let mut encoder = Encoder::new(WRAPS[1], [900_000_000; 2]);
        encoder.run(0, 60_000, &BOTH);
        encoder.clocks[reset] = WRAPS[1] - 60_000 * 90; // so that it begins at zero
        encoder.run(60_000, 120_000, &BOTH);
        assert!(encoder.breaks <= 1, "{} breaks", encoder.breaks);
        // How late frames came (up to 63 ms) is all there is to tell the clocks' distance by.
        let apart_max = APART_MAX + 63 * 90;
        assert!((encoder.off[0] - encoder.off[1]).abs() <= apart_max, "{:?}", encoder.off);
    }
}

#[test]
fn sound_that_comes_late_or_pauses_has_its_place() {
    let mut encoder = Encoder::new(WRAPS[0], [0, 0]);
    encoder.run(0, 5_000, &[VIDEO]);
    encoder.run(5_000, 20_000, &BOTH);
    encoder.run(20_000, 50_000, &[VIDEO]);
    encoder.run(50_000, 60_000, &BOTH);
    encoder.run(60_000, 90_000, &[AUDIO]);
    encoder.run(90_000, 100_000, &BOTH);
    assert_eq!((encoder.breaks, encoder.dropped), (0, 0));
    encoder.assert_together();
}

#[test]
fn decode_times_that_step_back_are_mended_without_a_break() {
    let mut encoder = Encoder::new(WRAPS[0], [0, 0]);
    let mut last = None;
    for frame in 0..30_000_u64 {
        // every tenth frame is stamped up to 60 ms too early, every 25th like the one before
        let wrong =
            if frame % 10 == 9 { frame % 7 * 900 } else { u64::from(frame % 25 == 24) * 3000 };
        let moment = (frame * 3000 + 9000) - wrong;
        let placed = encoder.send(VIDEO, moment, 0).expect("a picture is moved, not dropped");
        assert!(Some(placed.dts) > last, "{frame}");
        assert!((placed.dts.0 - (frame * 3000 + 9000).cast_signed() + 9000).abs() <= 2 * APART_MAX);
        last = Some(placed.dts);
    }
    assert_eq!(encoder.breaks, 0);
}

#[test]
fn a_variable_rate_keeps_every_time() {
    let mut encoder = Encoder::new(WRAPS[0], [123_400; 2]);
    let mut moment = 0;
    for frame in 0..50_000_u64 {
        encoder.send(VIDEO, moment, 0).expect("it grows");
        // a millisecond's rounding, and what the grid of the stated rate moves
        assert!(encoder.off[0].abs() <= 90 * 3, "{frame}: {} ticks", encoder.off[0]);
        moment += 90 * (7 + frame.wrapping_mul(2_654_435_761) % 60);
    }
    assert_eq!((encoder.breaks, encoder.dropped), (0, 0));
}

#[test]
fn b_frames_stay_exact_across_a_wrap() {
    let mut timeline = timeline();
    let begin = WRAPS[1] - 3000 * 500;
    let mut shown = Vec::new();
    for frame in 0..1000_u64 {
        let composition = [2, 4, 1, 0][usize::try_from(frame % 4).unwrap_or(0)] * 3000 + 3000;
        let stamp = Stamp::Ticks((begin + frame * 3000) % WRAPS[1]);
        let placed = timeline.place(at(frame * 33), VIDEO, stamp, Ticks(composition));
        let placed = placed.expect("it grows");
        assert_eq!((placed.dts, placed.broke), (Ticks(frame.cast_signed() * 3000), false));
        assert_eq!(placed.pts - placed.dts, Ticks(composition));
        shown.push(placed.pts);
    }
    assert_eq!(shown.len(), 1000);
}

#[test]
fn clocks_that_run_wrong_for_hours_are_followed_without_a_break() {
    // both 300 ppm fast against ours, and so against the stated rates
    let mut encoder = Encoder::new(WRAPS[0], [0, 0]);
    let mut apart_max = 0;
    for frame in 0..8 * 3600 * 30_u64 {
        let moment = frame * 3000;
        let fast = moment + moment * 3 / 10_000;
        let now = at(moment / 90);
        for kind in BOTH {
            let stamp = encoder.stamp(kind, fast);
            if let Ok(placed) = encoder.timeline.place(now, kind, stamp, Ticks::ZERO) {
                encoder.breaks += u32::from(placed.broke);
                apart_max = apart_max.max((placed.dts.0 - fast.cast_signed()).abs());
            }
        }
    }
    assert_eq!(encoder.breaks, 0);
    assert!(apart_max <= 90 * 3, "{apart_max} ticks off the publisher's own time");
}
