//! The cache's time: the world's, but never going back.
//!
//! In: the system's two clocks. Out: milliseconds since the Unix epoch. Does not know what they are for.
//!
//! Ages must survive a restart, so they are counted in the world's time; a clock that is set while the house runs must
//! not age anything, so the world is asked once.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Tells the time; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<Source>);

#[derive(Debug)]
struct Source {
    wall_ms: u64,
    start: Instant,
    #[cfg(test)]
    ahead_ms: std::sync::atomic::AtomicU64,
}

impl Clock {
    /// The system's clock.
    pub(crate) fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(Arc::new(Source {
            wall_ms: ms(since),
            start: Instant::now(),
            #[cfg(test)]
            ahead_ms: std::sync::atomic::AtomicU64::new(0),
        }))
    }

    /// Milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        let now_ms = self.0.wall_ms.saturating_add(ms(self.0.start.elapsed()));
        #[cfg(test)]
        let now_ms = now_ms + self.0.ahead_ms.load(std::sync::atomic::Ordering::Relaxed);
        now_ms
    }

    /// Lets time pass.
    #[cfg(test)]
    pub(crate) fn pass(&self, time: Duration) {
        self.0.ahead_ms.fetch_add(ms(time), std::sync::atomic::Ordering::Relaxed);
    }
}

/// Whole milliseconds.
pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// As libraries have it.
pub(crate) fn system_time(at_ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(at_ms)).unwrap_or(UNIX_EPOCH)
}
