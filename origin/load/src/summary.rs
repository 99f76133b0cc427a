//! What the viewers met.
//!
//! In: counts. Out: a table, JSON. Does not know how they were counted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::machine::{Histogram, Signed};

/// Percentiles of a time, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many were measured.
    pub count: u64,
    /// Half took no longer.
    pub p50_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Share {
    pub(crate) fn of(all: &Histogram) -> Self {
        let ms = |per_mille| all.percentile(per_mille) as f64 / 1000.0;
        let count = all.count();
        Self { count, p50_ms: ms(500), p95_ms: ms(950), p99_ms: ms(990), max_ms: ms(1000) }
    }

    pub(crate) fn of_signed(all: &Signed) -> Self {
        let ms = |per_mille| all.percentile(per_mille) as f64 / 1000.0;
        let count = all.count();
        Self { count, p50_ms: ms(500), p95_ms: ms(950), p99_ms: ms(990), max_ms: ms(1000) }
    }
}

/// The sum of all viewers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// How many came.
    pub viewers: usize,
    /// How many saw a picture.
    pub playing: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// From asking for the show to the first picture.
    pub startup: Share,
    /// From when a part was complete in the show's own clock (PROGRAM-DATE-TIME) to when a viewer had it. It has
    /// the encoder in it, and the difference of two machines' clocks. A part comes with its last frame, which is before
    /// that frame has been shown: without an encoder it is negative.
    pub part_latency: Share,
    /// From when the first viewer had a part to when another had it: what the crowd costs.
    pub part_delay: Share,
    /// How far what viewers see is behind the show's clock.
    pub behind: Share,
    /// From asking for a playlist that waits for nothing to having it.
    pub playlist: Share,
    /// How often players stood.
    pub stalls: u64,
    /// How long together, in milliseconds.
    pub stalled_ms: u64,
    /// How often what came next was gone, or a part was given up.
    pub jumps: u64,
    /// How often viewers changed rungs.
    pub switches: u64,
    /// Requests, with those that failed.
    pub requests: u64,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Failed requests, by status or reason.
    pub errors: BTreeMap<String, u64>,
}

impl Summary {
    /// Whether nobody stood, nothing failed, and everybody saw something.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.stalls == 0 && self.errors.is_empty() && self.playing == self.viewers as u64
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.bytes as f64 * 8.0 / self.seconds.max(0.001) / 1e6;
        let asked = self.requests as f64 / self.seconds.max(0.001);
        writeln!(
            f,
            "viewers       {} ({} saw a picture) for {:.0} s",
            self.viewers, self.playing, self.seconds
        )?;
        writeln!(
            f,
            "              {:>9} {:>9} {:>9} {:>9} {:>9}",
            "count", "p50", "p95", "p99", "max"
        )?;
        for (name, one) in [
            ("start-up", self.startup),
            ("part latency", self.part_latency),
            ("part delay", self.part_delay),
            ("behind live", self.behind),
            ("playlist", self.playlist),
        ] {
            let ms = [one.p50_ms, one.p95_ms, one.p99_ms, one.max_ms];
            write!(f, "{name:<13} {:>9}", one.count)?;
            for figure in ms {
                write!(f, " {:>6.0} ms", figure)?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "stalls        {} ({} ms), {} jumps, {} changes of rung",
            self.stalls, self.stalled_ms, self.jumps, self.switches
        )?;
        writeln!(f, "requests      {} ({asked:.0}/s), {rate:.1} Mbit/s", self.requests)?;
        let errors: Vec<String> =
            self.errors.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        write!(
            f,
            "errors        {}",
            if errors.is_empty() { "none".to_owned() } else { errors.join(", ") }
        )
    }
}
