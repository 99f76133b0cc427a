//! The disk as the spool of a bucket: what is sent next, what is tried again when, which local copies may go.
//!
//! In: what stands on disk, and how requests went. Out: the next requests, local copies to drop, whether the spool is
//! full, how the bucket is doing. Does not know files, sockets or the clock.
//!
//! - Media are sent in the order they came, several at once. A text is sent as it stood at a moment of which all media
//!   are in the bucket, so no playlist there lists what is not; the multivariant playlist follows the first of those it
//!   lists.
//! - Nothing is given up: what fails is tried again, for ever, at the pace of [`pace`].
//! - Local copies of what the bucket has are dropped, the oldest first, when the spool has all it may; where that is
//!   not enough, it is full: shows are not recorded until there is room.

mod pace;
mod texts;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use shared_media::{BucketFailure, Now, Poll};

use self::pace::{Pace, pause_us};
use self::texts::Texts;

/// What the spool may take, and how hard it tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// All media on disk, in bytes; texts come on top.
    pub bytes_max: u64,
    /// Requests at the same time.
    pub at_once_max: usize,
    /// Failures in a row before the bucket is left alone for a while.
    pub failures_max: u32,
    /// The first pause after a failure, in milliseconds.
    pub pause_ms_min: u64,
    /// The longest one.
    pub pause_ms_max: u64,
    /// How long a growing text waits until it is sent again, in milliseconds.
    pub text_every_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 10 << 30,
            at_once_max: 4,
            failures_max: 4,
            pause_ms_min: 200,
            pause_ms_max: 30_000,
            text_every_ms: 10_000,
        }
    }
}

/// An object on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its size now.
    pub bytes: u64,
    /// Whether more will be added to it.
    pub grows: bool,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An object is on disk, or what it has now.
    Stored(Stored),
    /// An object of an earlier process, which the bucket does not have. To be told in the order they were made.
    Left(Stored),
    /// An object of an earlier process, which the bucket has.
    Kept(Stored),
    /// Everything of this show shall go from the bucket.
    Delete(String),
    /// The request of this number was carried out.
    Done(u64),
    /// It was not.
    Failed(u64, BucketFailure),
    /// Its object is not on disk any more: there is nothing to send.
    Missing(u64),
    /// Time went by.
    Tick,
}

/// What the driver shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Put so many bytes of an object's file into the bucket, from its beginning, and say how it went.
    Put {
        /// The request's number.
        id: u64,
        /// The object's key.
        key: String,
        /// How many bytes.
        bytes: u64,
    },
    /// Delete everything of a show from the bucket, and say how it went.
    Delete {
        /// The request's number.
        id: u64,
        /// The show.
        show: String,
    },
    /// The bucket has this object as it is on disk: note it.
    Sent(String),
    /// The bucket has nothing of this show any more: note it.
    Deleted(String),
    /// Drop the local copy.
    Drop(String),
    /// Whether shows cannot be recorded for want of room.
    Full(bool),
    /// How the bucket is doing: why requests fail, if they do.
    Health(Option<BucketFailure>),
}

/// A request that waits, or is under way.
#[derive(Debug)]
struct Job {
    key: String,
    bytes: u64,
    since_us: u64,
    failures: u32,
    not_before_us: u64,
    is_out: bool,
}

/// What a request under way is for.
#[derive(Debug, PartialEq, Eq)]
enum Out {
    Media(u64),
    /// The text, and which of its states.
    Text(String, u64),
    Delete(String),
}

/// The spool's decisions.
#[derive(Debug)]
pub struct Spool {
    limits: Limits,
    pace: Pace,
    next: u64,
    /// Media that the bucket does not have, in the order they came.
    media: BTreeMap<u64, Job>,
    /// The same by show.
    unsent: HashMap<String, BTreeSet<u64>>,
    unsent_bytes: u64,
    texts: Texts,
    deletes: BTreeMap<String, Job>,
    out: BTreeMap<u64, Out>,
    /// Media that both have, the oldest first.
    kept: VecDeque<(String, u64)>,
    kept_bytes: u64,
    is_full: bool,
    health: Option<BucketFailure>,
    steps: VecDeque<Step>,
}

impl Spool {
    /// An empty spool.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            pace: Pace::new(&limits),
            texts: Texts::new(limits.text_every_ms * 1000),
            limits,
            next: 0,
            media: BTreeMap::new(),
            unsent: HashMap::new(),
            unsent_bytes: 0,
            deletes: BTreeMap::new(),
            out: BTreeMap::new(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            is_full: false,
            health: None,
            steps: VecDeque::new(),
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Now, event: Event) {
        let now_us = now.monotonic_us;
        match event {
            Event::Stored(stored) => self.stored(now_us, stored, false),
            Event::Left(stored) => self.stored(now_us, stored, true),
            Event::Kept(stored) => self.keep(stored.key, stored.bytes),
            Event::Delete(show) => self.delete(now_us, show),
            Event::Done(id) => self.done(now_us, id),
            Event::Failed(id, failure) => self.failed(now_us, id, failure),
            Event::Missing(id) => self.missing(id),
            Event::Tick => self.texts.forget_old(now_us),
        }
        self.make_room();
        self.hand_out(now_us);
    }

    /// What to do next.
    pub fn poll(&mut self) -> Poll<Step> {
        self.steps.pop_front().map_or(Poll::Wait, Poll::Output)
    }

    /// Whether a request under way is still for what is on disk: a text may have been made anew.
    #[must_use]
    pub fn is_current(&self, id: u64) -> bool {
        match self.out.get(&id) {
            Some(Out::Text(key, state)) => self.texts.has(key, *state),
            Some(_) => true,
            None => false,
        }
    }

    /// How many requests are to be made at least, until all is sent.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.media.len() + self.texts.waiting() + self.deletes.len()
    }

    /// Why requests fail, if they do.
    #[must_use]
    pub const fn health(&self) -> Option<BucketFailure> {
        self.health
    }

    /// Media on disk: bytes that the bucket does not have, and bytes that it has as well.
    #[must_use]
    pub const fn bytes(&self) -> (u64, u64) {
        (self.unsent_bytes, self.kept_bytes)
    }

    /// For how long the oldest has waited, in microseconds.
    #[must_use]
    pub fn oldest_us(&self, now: Now) -> u64 {
        let media = self.media.values().next().map(|job| job.since_us);
        let deletes = self.deletes.values().map(|job| job.since_us).min();
        let oldest = media.into_iter().chain(self.texts.since_us()).chain(deletes).min();
        oldest.map_or(0, |since| now.monotonic_us.saturating_sub(since))
    }

    fn stored(&mut self, now_us: u64, stored: Stored, is_left: bool) {
        let id = self.next;
        self.next += 1;
        if is_text(&stored.key) {
            self.texts.changed(now_us, id, stored, is_left);
            return;
        }
        let Stored { key, bytes, .. } = stored;
        self.unsent.entry(show_of(&key).to_owned()).or_default().insert(id);
        self.unsent_bytes += bytes;
        self.media.insert(id, Job::new(key, bytes, now_us));
    }

    fn keep(&mut self, key: String, bytes: u64) {
        if may_be_dropped(&key) {
            self.kept_bytes += bytes;
            self.kept.push_back((key, bytes));
        }
    }

    /// A show's objects need not be sent any more; those on their way are waited for.
    fn delete(&mut self, now_us: u64, show: String) {
        for id in self.unsent.remove(&show).unwrap_or_default() {
            if let Some(job) = self.media.remove(&id) {
                self.unsent_bytes -= job.bytes;
            }
        }
        self.texts.forget(&show);
        let mut freed = 0;
        self.kept.retain(|(key, bytes)| {
            let stays = show_of(key) != show;
            freed += if stays { 0 } else { *bytes };
            stays
        });
        self.kept_bytes -= freed;
        self.deletes.insert(show, Job::new(String::new(), 0, now_us));
    }

    fn done(&mut self, now_us: u64, id: u64) {
        self.pace.succeeded(&self.limits);
        self.turn(None);
        match self.out.remove(&id) {
            Some(Out::Media(media)) => {
                if let Some(job) = self.take(media) {
                    self.steps.push_back(Step::Sent(job.key.clone()));
                    self.keep(job.key, job.bytes);
                }
            }
            Some(Out::Text(key, state)) => {
                let is_newest = self.texts.sent(now_us, &key, state);
                self.steps.extend(is_newest.then_some(Step::Sent(key)));
            }
            Some(Out::Delete(show)) => {
                // It may have been asked for anew since; then it is done anew.
                let is_done = self.deletes.get(&show).is_some_and(|job| job.is_out);
                if is_done {
                    self.deletes.remove(&show);
                    self.steps.push_back(Step::Deleted(show));
                }
            }
            None => {}
        }
    }

    fn failed(&mut self, now_us: u64, id: u64, failure: BucketFailure) {
        self.pace.failed(&self.limits, now_us);
        if self.pace.is_spent() || failure == BucketFailure::Refused {
            self.turn(Some(failure));
        }
        let limits = &self.limits;
        match self.out.remove(&id) {
            Some(Out::Media(media)) => {
                if let Some(job) = self.media.get_mut(&media) {
                    job.failed(limits, now_us, id);
                }
            }
            Some(Out::Text(key, _)) => {
                self.texts.failed(&key, |failures| now_us + pause_us(limits, failures, id));
            }
            Some(Out::Delete(show)) => {
                if let Some(job) = self.deletes.get_mut(&show) {
                    job.failed(limits, now_us, id);
                }
            }
            None => {}
        }
    }

    fn missing(&mut self, id: u64) {
        match self.out.remove(&id) {
            Some(Out::Media(media)) => drop(self.take(media)),
            Some(Out::Text(key, state)) => self.texts.missing(&key, state),
            Some(Out::Delete(_)) | None => {}
        }
    }

    fn take(&mut self, media: u64) -> Option<Job> {
        let job = self.media.remove(&media)?;
        self.unsent_bytes -= job.bytes;
        let show = show_of(&job.key);
        if let Some(unsent) = self.unsent.get_mut(show) {
            unsent.remove(&media);
            if unsent.is_empty() {
                self.unsent.remove(show);
            }
        }
        Some(job)
    }

    fn make_room(&mut self) {
        while self.unsent_bytes + self.kept_bytes > self.limits.bytes_max
            && let Some((key, bytes)) = self.kept.pop_front()
        {
            self.kept_bytes -= bytes;
            self.steps.push_back(Step::Drop(key));
        }
        // A tenth is to be free again before it goes on: not a segment here and a gap there.
        let room = self.limits.bytes_max / 10 * 9;
        let is_full = self.unsent_bytes > if self.is_full { room } else { self.limits.bytes_max };
        if is_full != self.is_full {
            self.is_full = is_full;
            self.steps.push_back(Step::Full(is_full));
        }
    }

    fn hand_out(&mut self, now_us: u64) {
        while self.out.len() < self.pace.at_once(&self.limits, now_us) {
            let id = self.next;
            let Some((out, step)) = self.next_step(now_us, id) else { return };
            self.next += 1;
            self.out.insert(id, out);
            self.steps.push_back(step);
        }
    }

    /// Texts first, since they wait for media and are few; then media, then deletions.
    fn next_step(&mut self, now_us: u64, id: u64) -> Option<(Out, Step)> {
        let first_unsent = |show: &str| {
            let first = self.unsent.get(show).and_then(BTreeSet::first).copied();
            (!self.deletes.contains_key(show)).then(|| first.unwrap_or(u64::MAX))
        };
        if let Some((key, state, bytes)) = self.texts.hand_out(now_us, first_unsent) {
            return Some((Out::Text(key.clone(), state), Step::Put { id, key, bytes }));
        }
        let deletes = &self.deletes;
        let ready = self
            .media
            .iter_mut()
            .find(|(_, job)| job.is_ready(now_us) && !deletes.contains_key(show_of(&job.key)));
        if let Some((media, job)) = ready {
            job.is_out = true;
            let step = Step::Put { id, key: job.key.clone(), bytes: job.bytes };
            return Some((Out::Media(*media), step));
        }
        let under_way = |show: &str| {
            self.out.values().any(|out| match out {
                Out::Media(media) => {
                    self.media.get(media).is_none_or(|job| show_of(&job.key) == show)
                }
                Out::Text(key, _) => show_of(key) == show,
                Out::Delete(_) => false,
            })
        };
        let mut ready = self.deletes.iter().filter(|(_, job)| job.is_ready(now_us));
        let show = ready.find(|(show, _)| !under_way(show)).map(|(show, _)| show.clone())?;
        self.deletes.get_mut(&show)?.is_out = true;
        Some((Out::Delete(show.clone()), Step::Delete { id, show }))
    }

    fn turn(&mut self, health: Option<BucketFailure>) {
        if self.health != health {
            self.health = health;
            self.steps.push_back(Step::Health(health));
        }
    }
}

impl Job {
    const fn new(key: String, bytes: u64, since_us: u64) -> Self {
        Self { key, bytes, since_us, failures: 0, not_before_us: 0, is_out: false }
    }

    const fn is_ready(&self, now_us: u64) -> bool {
        !self.is_out && self.not_before_us <= now_us
    }

    fn failed(&mut self, limits: &Limits, now_us: u64, spread: u64) {
        self.is_out = false;
        self.failures = self.failures.saturating_add(1);
        self.not_before_us = now_us + pause_us(limits, self.failures, spread);
    }
}

/// Whether an object's bytes change under its key.
#[must_use]
pub fn is_text(key: &str) -> bool {
    key.ends_with(".m3u8") || key.split('/').nth(2).is_none()
}

/// Whether an object's local copy may go: segments and strips of pictures, which come without end. Texts grow where
/// they are, and without an init segment nobody could begin to watch.
fn may_be_dropped(key: &str) -> bool {
    let file = key.split('/').nth(3).unwrap_or_default();
    file.starts_with('s') || file.starts_with('b')
}

fn show_of(key: &str) -> &str {
    key.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
