//! What all shows of a house may take of its machine, shared by their ladders.
//!
//! In: what a show asks, what work was measured to take. Out: rungs that do not fit, metrics. What fits is decided in
//! `machine::capacity`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared_media::{Rational, VideoCodec};

use crate::config::{Config, RungSpec};
use crate::machine::capacity::{Book, Demand, Kind, Lack};
use crate::machine::plan::{Seen, decide};

/// The processor time that encoding may take. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Capacity {
    book: Arc<Mutex<Book>>,
    next: Arc<AtomicU64>,
}

/// Why another show does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it needs {needed_millicores} thousandths of a processor, and {free_millicores} are free")]
pub struct NoRoom {
    /// What it would take, in thousandths of a processor.
    pub needed_millicores: u64,
    /// What is left, in thousandths of a processor.
    pub free_millicores: u64,
}

/// The source that a show is taken to have before it was seen.
const EXPECTED: (u32, Rational) = (1080, Rational { num: 30, den: 1 });

impl Capacity {
    /// So many thousandths of a processor.
    #[must_use]
    pub fn millicores(millicores: u64) -> Self {
        Self { book: Arc::new(Mutex::new(Book::new(millicores))), next: Arc::default() }
    }

    /// More than any machine has: every show fits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::millicores(u64::MAX)
    }

    /// Whether a show with these rungs would fit whole, if its source were of 1080p at 30 Hz, or as high as its highest
    /// rung wants.
    ///
    /// # Errors
    /// It would not.
    pub fn check(&self, rungs: &[RungSpec]) -> Result<(), NoRoom> {
        let highest = rungs.iter().map(|rung| rung.height + 2).max().unwrap_or_default();
        let height = EXPECTED.0.max(highest);
        let video = shared_media::VideoConfig {
            codec: VideoCodec::Avc,
            record: bytes::Bytes::new(),
            width: height / 9 * 16,
            height,
            frame_rate: Some(EXPECTED.1),
            hdr: None,
        };
        let config = Config { rungs: rungs.to_vec(), ..Config::default() };
        let seen = Seen { video: Some(video), ..Seen::default() };
        self.book().check(&decide(&config, &seen).demand()).map_err(NoRoom::from)
    }

    /// A place for one show, empty at first.
    pub(super) fn place(&self) -> Place {
        Place { capacity: self.clone(), key: self.next.fetch_add(1, Ordering::Relaxed) }
    }

    // A poisoned lock is read on: every change of the book is whole.
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Lack> for NoRoom {
    fn from(Lack { needed, free }: Lack) -> Self {
        Self { needed_millicores: needed, free_millicores: free }
    }
}

/// What one show takes. Dropping it makes room.
pub(super) struct Place {
    capacity: Capacity,
    key: u64,
}

impl Place {
    /// How many of the highest rungs do not fit, and why.
    pub(super) fn admit(&self, demand: Demand) -> (usize, Result<(), NoRoom>) {
        let mut book = self.capacity.book();
        let (left_out, whole) = book.admit(self.key, demand);
        tell(&book);
        (left_out, whole.map_err(NoRoom::from))
    }

    pub(super) fn measured(&self, kind: Kind, pixels: u64, cpu_us: u64) {
        let mut book = self.capacity.book();
        book.measured(kind, pixels, cpu_us);
        tell(&book);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.capacity.book();
        book.release(self.key);
        tell(&book);
    }
}

fn tell(book: &Book) {
    let taken = u32::try_from(book.taken()).unwrap_or(u32::MAX);
    metrics::gauge!("matinee_ladder_taken_millicores").set(f64::from(taken));
}
