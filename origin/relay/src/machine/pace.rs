//! When a packet is due: as far after the first as it was decoded after it.
//!
//! In: decoding times, the clock. Out: how long to wait. Does not know packets.
//!
//! HLS comes by the segment. Handed on as it comes, a show would be fast for a moment and stand for the rest.

use crate::config::JUMP_US_MAX;

/// The clock of a source, tied to ours.
#[derive(Debug, Default)]
pub struct Pace {
    /// What ours shows when the source's shows 0, both in microseconds.
    zero_us: Option<i64>,
}

impl Pace {
    /// How long a packet of this time has to wait, in microseconds.
    pub fn wait_us(&mut self, dts_us: i64, now_us: i64) -> u64 {
        let zero_us = *self.zero_us.get_or_insert(now_us.saturating_sub(dts_us));
        let wait_us = zero_us.saturating_add(dts_us).saturating_sub(now_us);
        // Late: the source stood still, or we did, and what follows keeps that distance. Far ahead: its clock jumped.
        if !(0..=JUMP_US_MAX).contains(&wait_us) {
            self.zero_us = Some(now_us.saturating_sub(dts_us));
        }
        u64::try_from(wait_us).ok().filter(|wait| *wait <= JUMP_US_MAX.unsigned_abs()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_handed_on_in_the_time_it_lasts() {
        let mut pace = Pace::default();
        let waits: Vec<u64> = (0..4).map(|at| pace.wait_us(500 + at * 40_000, 9_000)).collect();
        assert_eq!(waits, [0, 40_000, 80_000, 120_000]);
        assert_eq!(pace.wait_us(160_500, 500_000), 0, "it came too late to wait");
        assert_eq!(pace.wait_us(200_500, 500_000), 40_000, "and the next keeps its distance");
    }

    #[test]
    fn a_clock_that_jumps_is_followed() {
        let mut pace = Pace::default();
        assert_eq!(pace.wait_us(0, 0), 0);
        assert_eq!(pace.wait_us(3_600_000_000, 40_000), 0);
        assert_eq!(pace.wait_us(3_600_040_000, 40_000), 40_000);
        assert_eq!(pace.wait_us(0, 80_000), 0);
        assert_eq!(pace.wait_us(40_000, 80_000), 40_000);
        for dts_us in [i64::MIN, i64::MAX] {
            pace.wait_us(dts_us, i64::MAX);
        }
    }
}
