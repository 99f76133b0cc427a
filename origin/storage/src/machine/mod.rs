//! What stays in memory, what goes to disk next, and what is lost: decided here, carried out by the driver.
//!
//! In: objects, and how the last write went. Out: the next write, losses, changes of health. Does not know files,
//! threads or the clock.

mod gap;
mod queue;
pub mod retention;
pub mod spool;
mod stopped;
mod window;

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use shared_media::{Now, Object, Poll};

use self::gap::Lost;
use self::queue::Queue;
pub use self::queue::{Operation, Write};
use self::stopped::Stopped;
use self::window::Window;
use crate::Config;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A part came: memory only.
    Part(Object),
    /// An object came that is whole: memory and disk.
    Whole(Object),
    /// A piece of a text came: it stands behind what is there.
    Append(Object),
    /// The write handed out last is on disk.
    Written,
    /// The write handed out last failed; nothing of it is on disk.
    Failed(Failure),
    /// These shows are not recorded behind their newest segment, all others are.
    Stop(HashSet<String>),
    /// Whether the disk, as a bucket's spool, has all it may: then no show is recorded.
    SpoolFull(bool),
    /// Time went by.
    Tick,
}

/// Why a write failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No space, or no quota.
    DiskFull,
    /// The system refuses this user or this path.
    Refused,
    /// Anything else the disk answers.
    Io,
}

/// How the recording is doing. Live is well in both states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The last write reached the disk.
    Good,
    /// The last write failed; it is tried again.
    Degraded(Failure),
}

/// Why an object will never be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Too much waits for the disk.
    QueueFull,
    /// Too much waits for a disk that failed.
    Disk(Failure),
    /// Memory ran over while it waited.
    Memory,
    /// It is larger than any object may be. It is not in memory either.
    TooLarge,
    /// Its show is not recorded any more.
    Stopped,
    /// The disk has all it may that the bucket does not take.
    SpoolFull,
}

/// What the driver shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Carry this to the disk, then answer [`Input::Written`] or [`Input::Failed`]. There is one at a time.
    Write(Write),
    /// This object is lost to the recording: count it.
    Lost {
        /// Its key.
        key: String,
        /// Why.
        loss: Loss,
    },
    /// The health changed: tell people.
    Health(Health),
}

/// A text whose newest pieces are not on disk yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// What stands in place of the file, if it is being replaced.
    pub base: Option<Bytes>,
    /// What stands behind it, in order.
    pub pieces: Vec<Bytes>,
}

/// The store's decisions.
#[derive(Debug)]
pub struct Machine {
    config: Config,
    window: Window,
    queue: Queue,
    lost: Lost,
    health: Health,
    /// Shows that are not recorded any more.
    stopped: Stopped,
    is_spool_full: bool,
    /// Keys of segments that neither disk nor memory has, until they are asked for.
    gone: VecDeque<String>,
    retry_at_us: u64,
    outputs: VecDeque<Output>,
}

impl Machine {
    /// An empty store with these limits.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            window: Window::new(config.memory_bytes_max),
            queue: Queue::new(config.write_queue_max, config.write_queue_bytes_max),
            lost: Lost::new(config.lost_names_max),
            config: config.clone(),
            health: Health::Good,
            stopped: Stopped::default(),
            is_spool_full: false,
            gone: VecDeque::new(),
            retry_at_us: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Part(object) => self.part(now, object),
            Input::Whole(object) => self.whole(now, object),
            Input::Append(object) => self.append(object),
            Input::Written => self.written(),
            Input::Failed(failure) => self.failed(now, failure),
            Input::Stop(shows) => self.stopped.change(shows, |show| self.window.newest(show)),
            Input::SpoolFull(is_full) => self.is_spool_full = is_full,
            Input::Tick => {}
        }
        for evicted in self.window.evict(now.monotonic_us, self.queue.written()) {
            self.forget(&evicted.key);
            if let Some(write) = evicted.write {
                self.queue.withdraw(write);
                self.lose(evicted.key, Loss::Memory);
            }
        }
        if now.monotonic_us >= self.retry_at_us
            && let Some(mut write) = self.queue.hand_out()
        {
            self.lost.mark(&write.key, &mut write.bytes);
            self.outputs.push_back(Output::Write(write));
        }
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Output> {
        self.outputs.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    /// The object of this key, if memory has all of it.
    #[must_use]
    pub fn held(&self, key: &str) -> Option<Bytes> {
        self.window.get(key)
    }

    /// What of this text the disk does not have.
    #[must_use]
    pub fn unwritten(&self, key: &str) -> Text {
        self.queue.text(key)
    }

    /// How the recording is doing.
    #[must_use]
    pub const fn health(&self) -> Health {
        self.health
    }

    /// Whether the disk has all it may that the bucket does not take.
    #[must_use]
    pub const fn is_spool_full(&self) -> bool {
        self.is_spool_full
    }

    /// Objects and bytes in memory.
    #[must_use]
    pub fn memory(&self) -> (usize, usize) {
        (self.window.len(), self.window.bytes())
    }

    /// Objects waiting for the disk.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Keys of segments of a show that are nowhere any more, though they were put; each is told once.
    #[must_use]
    pub fn take_gone(&mut self, show: &str) -> Vec<String> {
        let is_own = |key: &String| key.split('/').next() == Some(show);
        let (own, others): (Vec<_>, Vec<_>) = self.gone.drain(..).partition(is_own);
        self.gone = others.into();
        own
    }

    fn forget(&mut self, key: &str) {
        if is_segment(key) {
            self.gone.push_back(key.to_owned());
            if self.gone.len() > self.config.lost_names_max {
                self.gone.pop_front();
            }
        }
    }

    fn part(&mut self, now: Now, object: Object) {
        if self.fits(&object) {
            let until_us = now.monotonic_us + self.config.part_retention_s * 1_000_000;
            self.window.put(object, until_us, None);
        }
    }

    fn whole(&mut self, now: Now, object: Object) {
        if self.fits(&object) {
            let key = object.key.clone();
            let refused = if !is_segment(&key) {
                None
            } else if self.stopped.refuses(&key) {
                Some(Loss::Stopped)
            } else {
                self.is_spool_full.then_some(Loss::SpoolFull)
            };
            let write = if let Some(loss) = refused {
                self.lose(key.clone(), loss);
                None
            } else {
                self.enqueue(Operation::Create, object.clone())
            };
            let kept_s = match write {
                Some(_) => self.config.segment_memory_s,
                None => self.config.lost_memory_s,
            };
            self.window.put(object, now.monotonic_us + kept_s * 1_000_000, write);
            if write.is_none() {
                self.window.never_saved(&key);
            }
        }
    }

    /// Memory keeps no growing text: the disk has most of it, the queue the rest.
    fn append(&mut self, object: Object) {
        if self.fits(&object) {
            self.window.remove(&object.key);
            self.enqueue(Operation::Append, object);
        }
    }

    fn written(&mut self) {
        if let Some(write) = self.queue.done() {
            self.window.saved(&write.key, write.id);
        }
        self.retry_at_us = 0;
        self.turn(Health::Good);
    }

    fn failed(&mut self, now: Now, failure: Failure) {
        self.retry_at_us = now.monotonic_us + self.config.write_retry_ms * 1000;
        let attempts = self.queue.take_back(failure != Failure::DiskFull);
        if attempts >= self.config.write_attempts_max
            && let Some(write) = self.queue.done()
        {
            let until_us = now.monotonic_us + self.config.lost_memory_s * 1_000_000;
            self.window.lost(&write.key, write.id, until_us);
            self.lose(write.key, Loss::Disk(failure));
        }
        self.turn(Health::Degraded(failure));
    }

    fn fits(&mut self, object: &Object) -> bool {
        let fits = object.bytes.len() <= self.config.object_bytes_max;
        if !fits {
            self.forget(&object.key);
            self.lose(object.key.clone(), Loss::TooLarge);
        }
        fits
    }

    fn enqueue(&mut self, operation: Operation, object: Object) -> Option<u64> {
        let key = object.key.clone();
        let write = self.queue.push(operation, object);
        if write.is_none() {
            let loss = match self.health {
                Health::Good => Loss::QueueFull,
                Health::Degraded(failure) => Loss::Disk(failure),
            };
            self.lose(key, loss);
        }
        write
    }

    fn lose(&mut self, key: String, loss: Loss) {
        self.lost.remember(&key);
        self.outputs.push_back(Output::Lost { key, loss });
    }

    fn turn(&mut self, health: Health) {
        if self.health != health {
            self.health = health;
            self.outputs.push_back(Output::Health(health));
        }
    }
}

/// Whether a key names a media segment.
fn is_segment(key: &str) -> bool {
    stopped::number(key).is_some()
}

#[cfg(test)]
mod tests;
