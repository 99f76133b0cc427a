//! What the ladder counts.
//!
//! In: what happened. Out: metrics. Does not know who reads them.

use shared_media::Staged;

pub(super) fn staged(event: &Staged, delay_us: Option<u64>) {
    let Staged::Unit(id, _) = event else { return };
    let rendition = id.to_string();
    metrics::counter!("matinee_ladder_frames_total", "rendition" => rendition.clone()).increment(1);
    if let Some(delay_us) = delay_us {
        let delay = std::time::Duration::from_micros(delay_us);
        metrics::histogram!("matinee_ladder_delay_seconds", "rendition" => rendition).record(delay);
    }
}

pub(super) fn restarted() {
    metrics::counter!("matinee_ladder_restarts_total").increment(1);
}

pub(super) fn refused(units: u32) {
    metrics::counter!("matinee_ladder_refused_units_total").increment(units.into());
}

/// How much waits for one child, as part of the sum over all shows.
#[derive(Default)]
pub(super) struct Queue(u32);

impl Queue {
    pub(super) fn holds(&mut self, steps: usize) {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let change = f64::from(steps) - f64::from(std::mem::replace(&mut self.0, steps));
        if change != 0.0 {
            metrics::gauge!("matinee_ladder_queue_steps").increment(change);
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.holds(0);
    }
}
