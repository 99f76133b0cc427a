//! The bucket as the store uses it: what is on disk is sent, what is not is fetched.
//!
//! In: what was written to disk, keys to read. Out: requests as the spool's machine wants them; bytes. Does not decide
//! what is sent when.

mod fetch;
pub(super) mod index;
mod marks;
mod sender;

use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared_media::{Bucket, Now, Poll};
use shared_wire::key::Key;
use tokio::sync::{Notify, Semaphore};

use self::fetch::Flights;
use self::index::Dropped;
use self::marks::Marks;
pub(super) use self::sender::run;
use super::report;
use crate::Config;
use crate::machine::spool::{Event, Spool, Step, Stored};

/// How often a drain looks whether all is sent.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A bucket, and what it is called: by that a house knows whether it has sent to it what it has.
#[derive(Clone)]
pub struct Elsewhere {
    /// The bucket.
    pub bucket: Arc<dyn Bucket>,
    /// Its name, one line.
    pub name: String,
}

/// The store's bucket.
pub(super) struct Far {
    bucket: Arc<dyn Bucket>,
    started: Instant,
    driven: Mutex<Driven>,
    /// There are steps to take.
    changed: Notify,
    marks: Marks,
    dropped: Dropped,
    flights: Flights,
    reads: Semaphore,
    object_bytes_max: usize,
}

/// The machine, and what it wants done that nobody has taken yet.
struct Driven {
    spool: Spool,
    steps: VecDeque<Step>,
}

impl Far {
    /// Finds what an earlier process has not sent.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub(super) fn open(
        root: &Path,
        config: &Config,
        started: Instant,
        elsewhere: Elsewhere,
    ) -> std::io::Result<Self> {
        report::describe_bucket();
        let found = index::find(root)?;
        let marks = Marks::open(root, &elsewhere.name, found.iter().map(|one| one.key.as_str()))?;
        let spool = Spool::new(config.spool.clone());
        let driven = Driven { spool, steps: VecDeque::new() };
        let far = Self {
            bucket: elsewhere.bucket,
            started,
            driven: Mutex::new(driven),
            changed: Notify::new(),
            dropped: Dropped::read(root)?,
            flights: Flights::default(),
            reads: Semaphore::new(config.far_reads_max),
            object_bytes_max: config.object_bytes_max,
            marks,
        };
        for stored in found {
            let is_left = far.marks.has(&stored.key);
            far.handle(if is_left { Event::Left(stored) } else { Event::Kept(stored) });
        }
        for show in far.marks.deletions() {
            far.handle(Event::Delete(show));
        }
        Ok(far)
    }

    /// To be called before an object is written: should this process be killed after that, the next one sends it.
    pub(super) fn begin(&self, key: &str) -> std::io::Result<()> {
        self.marks.begin(key)
    }

    /// The write that was begun is over; `stored` says what is on disk now, if it went well.
    pub(super) fn end(&self, key: &str, stored: Option<Stored>) {
        if let Some(stored) = stored {
            self.handle(Event::Stored(stored));
        }
        self.marks.end(key);
    }

    /// Everything of a show goes from the bucket, by and by.
    pub(super) fn delete(&self, show: &str) -> std::io::Result<()> {
        self.marks.begin_deletion(show)?;
        self.dropped.forget(show);
        self.handle(Event::Delete(show.to_owned()));
        Ok(())
    }

    /// The bucket itself.
    pub(super) fn bucket(&self) -> Arc<dyn Bucket> {
        Arc::clone(&self.bucket)
    }

    /// Whether the bucket may have a segment of a show that is on the air here.
    pub(super) fn may_have(&self, key: &Key) -> bool {
        self.dropped.may_have(key)
    }

    /// What of a show the bucket alone has.
    pub(super) fn dropped(&self, show: &str) -> std::io::Result<HashSet<String>> {
        self.dropped.of_show(show)
    }

    /// Waits until all is sent, or it cannot be.
    pub(super) async fn flush(&self, limit: Duration) {
        let begun = Instant::now();
        loop {
            let (objects, is_well) = self.waiting();
            if objects == 0 {
                return;
            }
            if !is_well || begun.elapsed() >= limit {
                let advice = "they are sent at the next start";
                tracing::warn!(objects, advice, "the bucket lacks what is on disk");
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// How many objects wait to be sent, and whether they can be.
    pub(super) fn waiting(&self) -> (usize, bool) {
        let driven = self.driven();
        (driven.spool.waiting(), driven.spool.health().is_none())
    }

    fn handle(&self, event: Event) {
        let now = self.now();
        let mut driven = self.driven();
        driven.spool.handle(now, event);
        while let Poll::Output(step) = driven.spool.poll() {
            driven.steps.push_back(step);
        }
        report::spool(&driven.spool, now);
        drop(driven);
        self.changed.notify_one();
    }

    fn take_step(&self) -> Option<Step> {
        self.driven().steps.pop_front()
    }

    fn now(&self) -> Now {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Now { monotonic_us: us, utc_us: 0 }
    }

    fn driven(&self) -> MutexGuard<'_, Driven> {
        // The machine does not panic while it is held; if it ever did, its counts are still whole.
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
