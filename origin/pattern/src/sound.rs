//! The beep: 1 kHz for the first 100 ms of every second of UTC, silence else.
//!
//! In: a time. Out: a sample. Does not know encoders.

use std::f32::consts::TAU;

/// Samples per second.
pub const SAMPLE_RATE: u32 = 48_000;
/// The beep's pitch, in Hz.
pub const BEEP_HZ: u32 = 1000;
/// How long a beep, and the flash with it, lasts, in microseconds from each full second.
pub const BEEP_US: i64 = 100_000;
/// How long it takes to swell and to fade, in microseconds: without it the beep would click.
const FADE_US: f32 = 2000.0;
/// Its height; full scale is 1.
const LEVEL: f32 = 0.25;

/// Whether a moment, in microseconds since the Unix epoch, is within a beep.
#[must_use]
pub const fn is_beep(utc_us: i64) -> bool {
    utc_us.rem_euclid(1_000_000) < BEEP_US
}

/// Fills one block: `first_utc_us` is the moment of its first sample.
pub fn fill(block: &mut [f32], first_utc_us: i64) {
    let into_us = first_utc_us.rem_euclid(1_000_000) as f32;
    let step_us = 1_000_000.0 / SAMPLE_RATE as f32;
    for (i, sample) in block.iter_mut().enumerate() {
        *sample = value((into_us + i as f32 * step_us) % 1_000_000.0);
    }
}

fn value(into_us: f32) -> f32 {
    let length = BEEP_US as f32;
    if into_us >= length {
        return 0.0;
    }
    let fade = (into_us / FADE_US).min((length - into_us) / FADE_US).min(1.0);
    let phase = into_us * BEEP_HZ as f32 / 1_000_000.0;
    LEVEL * fade * (TAU * phase.fract()).sin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beeps_in_the_first_tenth_of_a_second_only() {
        let mut second = vec![0.0; SAMPLE_RATE as usize];
        fill(&mut second, 1_700_000_000_000_000);
        let loud = |samples: &[f32]| samples.iter().any(|sample| sample.abs() > 0.2);
        assert!(loud(&second[..4800]));
        assert!(second[4800..].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn blocks_join_without_a_seam() {
        let mut whole = vec![0.0; 2048];
        fill(&mut whole, 0);
        let mut second = vec![0.0; 1024];
        fill(&mut second, 21_333);
        for (a, b) in whole[1024..].iter().zip(&second) {
            assert!((a - b).abs() < 0.01);
        }
    }

    #[test]
    fn the_pitch_is_a_kilohertz() {
        let mut beep = vec![0.0; 4800];
        fill(&mut beep, 0);
        let rising = beep.windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
        assert!((98..=100).contains(&rising), "{rising}");
    }
}
