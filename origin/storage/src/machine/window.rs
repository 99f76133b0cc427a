//! The objects in memory, and which of them goes when.
//!
//! In: objects with the time they are kept until. Out: their bytes; what was dropped. Does not know the disk, only
//! whether a write of the object is still under way.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use shared_media::Object;

use super::stopped::number;

/// How often objects past their time are looked for, in microseconds.
const SWEEP_US: u64 = 1_000_000;

/// Objects in the order they came.
#[derive(Debug)]
pub(super) struct Window {
    bytes_max: usize,
    bytes: usize,
    next: u64,
    sweep_at_us: u64,
    by_age: BTreeMap<u64, Held>,
    by_key: HashMap<String, u64>,
}

#[derive(Debug)]
struct Held {
    key: String,
    bytes: Bytes,
    until_us: u64,
    /// The write that has not reached the disk yet.
    write: Option<u64>,
    /// The disk will never have it.
    is_lost: bool,
}

/// An object that was dropped and is not on disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Evicted {
    pub(super) key: String,
    /// The write it waited for; `None` if the disk was never to have it.
    pub(super) write: Option<u64>,
}

impl Window {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            bytes: 0,
            next: 0,
            sweep_at_us: 0,
            by_age: BTreeMap::new(),
            by_key: HashMap::new(),
        }
    }

    /// Takes an object, in place of an older one of its key. `write` is its way to the disk, if it has one.
    pub(super) fn put(&mut self, object: Object, until_us: u64, write: Option<u64>) {
        self.remove(&object.key);
        self.bytes += object.bytes.len();
        self.by_key.insert(object.key.clone(), self.next);
        let held = Held { key: object.key, bytes: object.bytes, until_us, write, is_lost: false };
        self.by_age.insert(self.next, held);
        self.next += 1;
    }

    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        let age = self.by_key.get(key)?;
        self.by_age.get(age).map(|held| held.bytes.clone())
    }

    /// The newest number of any segment of this show.
    pub(super) fn newest(&self, show: &str) -> Option<u64> {
        let is_own = |key: &&String| key.split('/').next() == Some(show);
        self.by_key.keys().filter(is_own).filter_map(|key| number(key)).max()
    }

    pub(super) fn remove(&mut self, key: &str) {
        if let Some(held) = self.by_key.remove(key).and_then(|age| self.by_age.remove(&age)) {
            self.bytes -= held.bytes.len();
        }
    }

    /// The write of this object is done: nothing holds it in memory but its time.
    pub(super) fn saved(&mut self, key: &str, write: u64) {
        if let Some(held) = self.waiting(key, write) {
            held.write = None;
        }
    }

    /// The write of this object is given up: memory alone has it, until then.
    pub(super) fn lost(&mut self, key: &str, write: u64, until_us: u64) {
        if let Some(held) = self.waiting(key, write) {
            held.write = None;
            held.until_us = until_us;
            held.is_lost = true;
        }
    }

    /// This object will not be written: memory alone has it.
    pub(super) fn never_saved(&mut self, key: &str) {
        let held = self.by_key.get(key).and_then(|age| self.by_age.get_mut(age));
        if let Some(held) = held {
            held.is_lost = true;
        }
    }

    fn waiting(&mut self, key: &str, write: u64) -> Option<&mut Held> {
        let held = self.by_key.get(key).and_then(|age| self.by_age.get_mut(age));
        held.filter(|held| held.write == Some(write))
    }

    /// Drops what is past its time and not waiting for the disk. Over the limit, drops the oldest that do not wait;
    /// and only if that is not enough, the oldest that do: those are answered. What is being `written` stays.
    pub(super) fn evict(&mut self, now_us: u64, written: Option<u64>) -> Vec<Evicted> {
        let mut gone = Vec::new();
        if now_us >= self.sweep_at_us {
            self.sweep_at_us = now_us + SWEEP_US;
            gone = self.drop_down_to(0, |held| held.write.is_none() && held.until_us <= now_us);
        }
        gone.extend(self.drop_down_to(self.bytes_max, |held| held.write.is_none()));
        let may_go = |held: &Held| held.write.is_none() || held.write != written;
        gone.extend(self.drop_down_to(self.bytes_max, may_go));
        gone.into_iter()
            .filter(|held| held.is_lost || held.write.is_some())
            .map(|held| Evicted { key: held.key, write: held.write })
            .collect()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }

    /// Drops objects that may go, oldest first, until no more than so many bytes are held.
    fn drop_down_to(&mut self, bytes_goal: usize, may_go: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut gone = Vec::new();
        let mut ages = self.by_age.iter();
        while self.bytes > bytes_goal
            && let Some((age, held)) = ages.next()
        {
            if may_go(held) {
                self.bytes -= held.bytes.len();
                gone.push(*age);
            }
        }
        gone.iter()
            .filter_map(|age| self.by_age.remove(age))
            .inspect(|held| {
                self.by_key.remove(&held.key);
            })
            .collect()
    }
}
