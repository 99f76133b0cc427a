//! A job that goes on here: for how long it is counted on, and what of it is on its way.
//!
//! In: a lease, and each word that it was renewed. Out: whether anything may still be put for it. Does not know what it
//! does.
//!
//! It is asked at every object: a process that stood still may go on in the middle of a piece, long after another has
//! made it, or after its film was deleted.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use origin_control::FilmLease;
use shared_wire::ShowId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Whoever has a job counts on this part of its lease: clocks do not run alike.
const COUNTED: (u32, u32) = (4, 5);

/// A job, had.
pub(super) struct Hold {
    pub(super) lease: FilmLease,
    counted: Duration,
    /// When it was asked for, the last time that it was granted.
    renewed: Mutex<Instant>,
    stop: CancellationToken,
    /// The show that its objects are of, once it is known.
    show: OnceLock<ShowId>,
    /// How much of its piece is made, in milliseconds.
    made_ms: AtomicI64,
    /// What its processes took of processors, in milliseconds.
    cpu_ms: AtomicI64,
    /// Bytes of what was put for it.
    bytes: AtomicI64,
    /// What is on its way, which cannot be called off.
    pub(super) puts: TaskTracker,
}

impl Hold {
    /// `asked` is when the job was asked for, `lasts` how long its lease is; `stop` has it given back.
    pub(super) fn new(
        lease: FilmLease,
        asked: Instant,
        lasts: Duration,
        stop: CancellationToken,
    ) -> Self {
        let counted = lasts * COUNTED.0 / COUNTED.1;
        let (renewed, show) = (Mutex::new(asked), OnceLock::new());
        let [made_ms, cpu_ms, bytes] = [(); 3].map(|()| AtomicI64::new(0));
        let puts = TaskTracker::new();
        Self { lease, counted, renewed, stop, show, made_ms, cpu_ms, bytes, puts }
    }

    /// Its objects are of this show.
    pub(super) fn is_of(&self, show: ShowId) {
        // A job is of one film.
        let _ = self.show.set(show);
    }

    /// The show that its objects are of, if there are any.
    pub(super) fn show(&self) -> Option<ShowId> {
        self.show.get().copied()
    }

    /// So much of its piece is made, in milliseconds.
    pub(super) fn is_made(&self, ms: i64) {
        self.made_ms.store(ms.max(0), Ordering::Relaxed);
    }

    /// How much of its piece is made, in milliseconds.
    pub(super) fn made_ms(&self) -> i64 {
        self.made_ms.load(Ordering::Relaxed)
    }

    /// Its processes took so much of processors so far, in milliseconds.
    pub(super) fn took(&self, ms: i64) {
        self.cpu_ms.store(ms, Ordering::Relaxed);
    }

    /// What its processes took of processors, in milliseconds.
    pub(super) fn cpu_ms(&self) -> i64 {
        self.cpu_ms.load(Ordering::Relaxed)
    }

    /// So many bytes more are put for it.
    pub(super) fn puts_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Bytes of what was put for it.
    pub(super) fn bytes(&self) -> i64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Its lease was renewed, which was asked for then.
    pub(super) fn renew(&self, asked: Instant) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    }

    /// Whether nobody else can have it yet, by this machine's clock.
    pub(super) fn lasts(&self) -> bool {
        // An instant is whole, whoever panicked.
        self.renewed.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < self.counted
    }

    /// Whether something may be put for it.
    pub(super) fn may(&self) -> bool {
        self.lasts() && !self.stop.is_cancelled()
    }

    /// Nothing is put for it from now on.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Resolves when it is to be given back.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use origin_control::FilmJobKind;
    use shared_wire::AssetId;

    use super::*;

    #[test]
    fn a_job_is_counted_on_for_less_than_its_lease_and_not_when_it_is_stopped() {
        let asset: AssetId = "0123456789abcdef".parse().unwrap();
        let kind = FilmJobKind::Chunk;
        let lease = FilmLease { asset, number: 3, kind, attempts: 1, fence: 1 };
        let (lasts, began) = (Duration::from_secs(10), Instant::now());
        let ago = |seconds| began.checked_sub(Duration::from_secs(seconds)).unwrap();
        let hold = Hold::new(lease, ago(9), lasts, CancellationToken::new());
        assert!(!hold.may() && !hold.lasts(), "nine seconds of ten are over");
        hold.renew(ago(1));
        assert!(hold.may());
        hold.stop();
        assert!(hold.lasts() && !hold.may());
    }
}
