//! What the ladder counts.
//!
//! In: what happened. Out: metrics. Does not know who reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use shared_media::{RenditionId, Staged};

use crate::machine::capacity::Kind;

/// What one show stages. The meters of a rendition are looked up once, and not for each frame.
#[derive(Default)]
pub(super) struct Frames(BTreeMap<RenditionId, (Counter, Histogram)>);

impl Frames {
    pub(super) fn staged(&mut self, event: &Staged, delay_us: Option<u64>) {
        let Staged::Unit(id, _) = event else { return };
        let (frames, delays) = match self.0.get(id) {
            Some(known) => known,
            None => self.0.entry(id.clone()).or_insert_with(|| meters(id)),
        };
        frames.increment(1);
        if let Some(delay_us) = delay_us {
            delays.record(Duration::from_micros(delay_us));
        }
    }
}

fn meters(id: &RenditionId) -> (Counter, Histogram) {
    let rendition = id.to_string();
    let frames = counter!("matinee_ladder_frames_total", "rendition" => rendition.clone());
    (frames, histogram!("matinee_ladder_delay_seconds", "rendition" => rendition))
}

pub(super) fn restarted() {
    metrics::counter!("matinee_ladder_restarts_total").increment(1);
}

pub(super) fn fell_back(rendition: &RenditionId, show: &str) {
    tracing::warn!(show, %rendition, "no encoder in hardware opens: software encodes the rung");
    let rendition = rendition.to_string();
    metrics::counter!("matinee_ladder_hardware_fallbacks_total", "rendition" => rendition)
        .increment(1);
}

pub(super) fn refused(units: u32) {
    metrics::counter!("matinee_ladder_refused_units_total").increment(units.into());
}

/// Rungs that the machine had no room for.
pub(super) fn left_out(rungs: usize) {
    metrics::counter!("matinee_ladder_left_out_rungs_total").increment(rungs as u64);
}

/// The processor time that a piece of work took, in microseconds.
pub(super) fn measured(rendition: &RenditionId, kind: Kind, cpu_us: u64) {
    let work = if kind == Kind::Decode { "decoding".to_owned() } else { rendition.to_string() };
    metrics::counter!("matinee_ladder_cpu_microseconds_total", "work" => work).increment(cpu_us);
}

/// Which rungs of one show rest, as part of the sum over all shows.
#[derive(Default)]
pub(super) struct Resting(u32);

impl Resting {
    pub(super) fn staged(&mut self, event: &Staged, show: &str) {
        let Staged::Offer(rendition, is_offered) = event else { return };
        let gauge = metrics::gauge!("matinee_ladder_resting_rungs");
        if *is_offered {
            tracing::info!(show, %rendition, "the rung is encoded again");
            self.0 = self.0.saturating_sub(1);
            gauge.decrement(1.0);
        } else {
            tracing::warn!(show, %rendition, "too much to encode: the rung rests");
            metrics::counter!("matinee_ladder_shed_rungs_total").increment(1);
            self.0 += 1;
            gauge.increment(1.0);
        }
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        metrics::gauge!("matinee_ladder_resting_rungs").decrement(f64::from(self.0));
    }
}

/// How much waits for one child, as part of the sum over all shows.
pub(super) struct Queue {
    steps: u32,
    sum: Gauge,
}

impl Default for Queue {
    fn default() -> Self {
        Self { steps: 0, sum: gauge!("matinee_ladder_queue_steps") }
    }
}

impl Queue {
    pub(super) fn holds(&mut self, steps: usize) {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let change = f64::from(steps) - f64::from(std::mem::replace(&mut self.steps, steps));
        if change != 0.0 {
            self.sum.increment(change);
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.holds(0);
    }
}
