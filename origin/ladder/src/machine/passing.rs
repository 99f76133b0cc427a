//! Sound that is already what every player takes: it passes, frame by frame, onto the show's grid.
//!
//! In: units of AAC-LC, 48 kHz, stereo, and how far the pictures have come. Out: the same units, each exactly 1920
//! ticks after the one before, and frames of silence where one is missing. Does not know renditions.

use bytes::Bytes;
use shared_media::{AccessUnit, AudioCodec, AudioConfig, Ticks};

use crate::config::{Config, span};
use crate::machine::sound::{FRAME, RATE, STEREO_ASC, lag_max_after};

/// What some encoders write behind it: there is no SBR (1.6.5.2, `syncExtensionType` and an `sbrPresentFlag` of 0).
const NO_SBR: [u8; 3] = [0x56, 0xe5, 0x00];
/// One AAC frame of silence: a channel pair with a common window, no codebooks and no gain, and the end.
pub(crate) const SILENCE: [u8; 9] = [0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80];

/// Whether sound of this form passes.
pub(crate) fn passes(audio: &AudioConfig) -> bool {
    let is_plain = audio
        .record
        .strip_prefix(&STEREO_ASC)
        .is_some_and(|rest| rest.is_empty() || rest == NO_SBR);
    audio.codec == AudioCodec::Aac && audio.sample_rate == RATE && audio.channels == 2 && is_plain
}

/// The form of all that passes.
pub(crate) fn plain() -> AudioConfig {
    let record = Bytes::from_static(&STEREO_ASC);
    AudioConfig { codec: AudioCodec::Aac, record, sample_rate: RATE, channels: 2 }
}

/// The way of one sound.
#[derive(Debug)]
pub(crate) struct Passing {
    slack: Ticks,
    gap_max: Ticks,
    lag_max: Ticks,
    /// Where the next frame goes; `None` until something has come since the last break.
    next: Option<Ticks>,
    /// Some timestamp of the sound; all others are a multiple of a frame away.
    grid: Option<Ticks>,
    /// The pictures since the last break: where they began, and how far they have come.
    shown: Option<(Ticks, Ticks)>,
}

impl Passing {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            slack: span(config.audio_slack_ms),
            gap_max: span(config.audio_gap_ms_max),
            lag_max: span(config.audio_lag_ms_max),
            next: None,
            grid: None,
            shown: None,
        }
    }

    /// The next unit; whether it passed.
    pub(crate) fn take(&mut self, unit: AccessUnit, out: &mut Vec<AccessUnit>) -> bool {
        let mut next = self.next.unwrap_or_else(|| self.on_grid(unit.pts));
        let off = unit.pts - next;
        if off > self.gap_max {
            // Over a gap this long the sound jumps.
            next = self.on_grid(unit.pts);
        } else if off > self.slack {
            // Within half a frame of where it belongs: the next one that is off by more than the slack moves it again.
            for _ in 0..(off.0 + FRAME.0 / 2) / FRAME.0 {
                next = put(next, Bytes::from_static(&SILENCE), out);
            }
        } else if off < Ticks(-self.slack.0) {
            if let Some((_, last)) = self.shown {
                self.lag_max = lag_max_after(unit.pts, last, self.lag_max, self.gap_max);
            }
            return false;
        }
        next = put(next, unit.data, out);
        (self.next, self.grid) = (Some(next), Some(next));
        true
    }

    /// Pictures have come this far: missing sound becomes silence, so that no player waits for it.
    pub(crate) fn follow(&mut self, shown: Ticks, out: &mut Vec<AccessUnit>) {
        let (first, last) =
            self.shown.map_or((shown, shown), |(first, last)| (first, last.max(shown)));
        self.shown = Some((first, last));
        let due = last - self.lag_max;
        if due <= first {
            // Sound has its full time to come, so that it decides itself where it begins.
            return;
        }
        let mut next = self.next.unwrap_or_else(|| self.on_grid(first));
        if due - next > self.gap_max {
            next = self.on_grid(due);
        }
        while next + FRAME <= due {
            next = put(next, Bytes::from_static(&SILENCE), out);
        }
        (self.next, self.grid) = (Some(next), Some(next));
    }

    /// What follows does not continue what came before.
    pub(crate) fn finish(&mut self) {
        (self.next, self.shown) = (None, None);
    }

    /// The first point of the grid that is not before `pts`.
    fn on_grid(&self, pts: Ticks) -> Ticks {
        self.grid.map_or(pts, |grid| pts + Ticks((grid - pts).0.rem_euclid(FRAME.0)))
    }
}

/// Puts a frame at a place; where the next one goes.
fn put(at: Ticks, data: Bytes, out: &mut Vec<AccessUnit>) -> Ticks {
    out.push(AccessUnit { pts: at, dts: at, keyframe: true, data });
    at + FRAME
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passing() -> Passing {
        Passing::new(&Config::default())
    }

    fn unit(pts: i64) -> AccessUnit {
        let data = Bytes::from_static(b"sound");
        AccessUnit { pts: Ticks(pts), dts: Ticks(pts), keyframe: true, data }
    }

    /// Where frames went, and whether each is sound.
    fn places(out: &[AccessUnit]) -> Vec<(i64, bool)> {
        out.iter().map(|unit| (unit.pts.0, unit.data != SILENCE[..])).collect()
    }

    #[test]
    fn only_plain_stereo_at_48_khz_passes() {
        let audio = |record: &'static [u8]| AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::from_static(record),
            sample_rate: 48_000,
            channels: 2,
        };
        assert!(passes(&audio(&[0x11, 0x90])) && passes(&audio(&[0x11, 0x90, 0x56, 0xe5, 0x00])));
        for other in [
            &[0x12, 0x10][..],
            &[0x11, 0x88],
            &[0x11, 0x94],
            &[0x11, 0x90, 0x56, 0xe5, 0x80],
            &[0x11],
            &[],
        ] {
            assert!(!passes(&audio(other)), "{other:x?}");
        }
        assert!(!passes(&AudioConfig { codec: AudioCodec::Opus, ..audio(&[0x11, 0x90]) }));
    }

    #[test]
    fn even_sound_passes_whatever_its_rounding() {
        let (mut passing, mut out) = (passing(), Vec::new());
        for n in 0..1000 {
            assert!(passing.take(unit(n * 1920 / 90 * 90 + 90), &mut out)); // whole milliseconds
        }
        assert!(places(&out).into_iter().eq((0..1000).map(|n| (90 + n * 1920, true))));
    }

    #[test]
    fn gaps_are_filled_and_what_comes_late_is_left_out() {
        let (mut passing, mut out) = (passing(), Vec::new());
        passing.take(unit(0), &mut out);
        passing.take(unit(1920 * 4 + 900), &mut out);
        let silent = [(1920, false), (3840, false), (5760, false), (7680, true)];
        assert_eq!(places(&out)[1..], silent);
        assert!(!passing.take(unit(1920), &mut out), "its place is taken");
        assert!(passing.take(unit(1920 * 5), &mut out));
        out.clear();
        assert!(passing.take(unit(3_000_000), &mut out), "over a long gap it jumps");
        assert_eq!(places(&out), [(3_000_960, true)], "on its grid");
    }

    #[test]
    fn a_clock_that_runs_fast_or_slow_stays_within_a_frame() {
        for drift in [-1, 1] {
            let (mut passing, mut out) = (passing(), Vec::new());
            for n in 0..20_000 {
                let pts = n * 1920 + drift * n / 5;
                passing.take(unit(pts), &mut out);
                let off = out.last().map_or(0, |last| last.pts.0 - pts);
                assert!(off.abs() <= 1920, "{off} ticks off after {n} frames");
            }
            assert!(out.windows(2).all(|pair| pair[1].pts - pair[0].pts == FRAME));
        }
    }

    #[test]
    fn silence_takes_the_place_of_sound_that_does_not_come_and_gives_way_to_late_sound() {
        let (mut passing, mut out) = (passing(), Vec::new());
        for shown in 0..=50 {
            passing.follow(Ticks(shown * 3600), &mut out);
        }
        assert_eq!(out.len(), 46, "up to a second behind the picture");
        assert_eq!(places(&out)[0], (0, false), "from where the pictures began");
        // It comes 1.5 s late, again and again.
        let mut heard = 0;
        for shown in 51..200 {
            passing.follow(Ticks(shown * 3600), &mut out);
            let late = shown * 3600 - 135_000;
            heard += usize::from(passing.take(unit(late), &mut out));
        }
        assert!(heard > 50, "{heard}");
        assert!(out.windows(2).all(|pair| pair[1].pts - pair[0].pts == FRAME));
    }

    #[test]
    fn after_a_break_it_begins_anew_on_its_grid() {
        let (mut passing, mut out) = (passing(), Vec::new());
        passing.take(unit(7), &mut out);
        passing.finish();
        passing.take(unit(1920 * 50), &mut out);
        assert_eq!(places(&out), [(7, true), (1920 * 50 + 7, true)]);
    }

    proptest! {
        #[test]
        fn frames_only_go_forward_and_few_are_made_up(
            times in proptest::collection::vec(-(1_i64 << 50)..1 << 50, 1..40),
        ) {
            let (mut passing, mut out) = (passing(), Vec::new());
            for (n, time) in times.iter().enumerate() {
                if n % 2 == 0 {
                    passing.follow(Ticks(*time), &mut out);
                } else {
                    passing.take(unit(*time), &mut out);
                }
            }
            prop_assert!(out.windows(2).all(|pair| pair[1].pts - pair[0].pts >= FRAME));
            prop_assert!(out.len() <= 600 * times.len());
        }
    }
}
