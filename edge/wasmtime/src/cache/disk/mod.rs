//! The tier on disk: what a restarted edge begins with.
//!
//! In: objects worth keeping, later their keys. Out: the same objects, their bytes proven. Does not know the origin.
//!
//! One thread writes; what it cannot keep up with stays in memory only. If the disk refuses, such as for want of room,
//! the cache goes on without it for a while. An object's file is named after its key, so that it is found before the
//! thread has looked through the files a former process left.

mod file;
mod index;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use metrics::{counter, gauge};
use tokio::sync::oneshot;
use tracing::{debug, error, info};

use super::Key;
use super::clock::{Clock, ms};
use super::memory::Stored;
use super::purges::{Purges, Verdict};
use crate::config::DiskLimits;
use crate::error::Error;
use file::Flaw;
use index::{Index, Name};

/// The tier; cheap to clone.
#[derive(Clone)]
pub(super) struct Disk {
    shared: Arc<Shared>,
    queue: SyncSender<Order>,
}

enum Order {
    Write(Key, Stored),
    Flush(oneshot::Sender<()>),
}

struct Shared {
    limits: DiskLimits,
    object_bytes_max: usize,
    confirm_time_max: std::time::Duration,
    index: Mutex<Index>,
    purges: Arc<Purges>,
    clock: Clock,
    /// Whether the index knows every file.
    is_known: AtomicBool,
    rest_until_ms: AtomicU64,
    /// Held as long as this process uses the directory.
    _lock: File,
}

impl Disk {
    /// Opens the directory and begins to look through it.
    ///
    /// # Errors
    /// It cannot be used, or another edge does.
    pub(super) fn open(
        limits: &DiskLimits,
        cache: &crate::config::CacheLimits,
        purges: Arc<Purges>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let refused = |cause| Error::CacheDirectory { path: limits.directory.clone(), cause };
        let new = limits.directory.join("new");
        fs::create_dir_all(&new).map_err(refused)?;
        let lock = File::create(limits.directory.join("lock")).map_err(refused)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                refused(io::Error::other("another edge uses it; give each its own"))
            }
            fs::TryLockError::Error(cause) => refused(cause),
        })?;
        for n in 0..=u8::MAX {
            fs::create_dir_all(limits.directory.join(format!("{n:02x}"))).map_err(refused)?;
        }
        let shared = Arc::new(Shared {
            limits: limits.clone(),
            object_bytes_max: cache.object_bytes_max,
            confirm_time_max: cache.revalidate_time_max,
            index: Mutex::new(Index::new(limits.bytes_max)),
            purges,
            clock,
            is_known: AtomicBool::new(false),
            rest_until_ms: AtomicU64::new(0),
            _lock: lock,
        });
        let (queue, orders) = sync_channel(limits.queue_max);
        let worker = Arc::clone(&shared);
        thread::Builder::new()
            .name("edge-cache-disk".to_owned())
            .spawn(move || worker.work(&orders))
            .map_err(refused)?;
        Ok(Self { shared, queue })
    }

    /// Keeps an object, unless it is too brief, or the disk is not up to it.
    pub(super) fn put(&self, key: Key, stored: Stored) {
        let limits = &self.shared.limits;
        let is_brief = stored.freshness.lifetime_ms < ms(limits.lifetime_min);
        if is_brief || stored.object.body.len() as u64 > limits.bytes_max {
            return;
        }
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Order::Write(key, stored)) {
            counter!("matinee_edge_cache_disk_skipped_total").increment(1);
        }
    }

    /// The object of `key`, if there is one and it is whole.
    pub(super) async fn get(&self, key: &Key) -> Option<Stored> {
        let name = Name::of(key);
        let since = self.shared.index().used(&name);
        if since.is_none() && self.shared.is_known.load(Ordering::Acquire) {
            return None;
        }
        let (shared, key) = (Arc::clone(&self.shared), key.clone());
        let read = tokio::task::spawn_blocking(move || shared.read(name, &key)).await;
        let stored = read.ok().flatten()?;
        Some(Stored { since: since.unwrap_or(0), ..stored })
    }

    /// Deletes the objects that have one of these surrogate keys; how many there were.
    pub(super) async fn purge(&self, keys: &[&str]) -> usize {
        let named = self.shared.index().named(keys);
        let (count, shared) = (named.len(), Arc::clone(&self.shared));
        // It cannot fail: nothing in it panics.
        let _done = tokio::task::spawn_blocking(move || shared.delete(&named)).await;
        count
    }

    /// Waits until everything is written that was to be.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let queue = self.queue.clone();
        // The queue may be full, which must not hold up the runtime.
        let sent = tokio::task::spawn_blocking(move || queue.send(Order::Flush(done))).await;
        if sent.is_ok_and(|sent| sent.is_ok()) {
            let _ended = written.await;
        }
    }
}

impl Shared {
    /// The thread: looks through the files, then writes until nobody can order any more.
    fn work(&self, orders: &Receiver<Order>) {
        self.look_through();
        self.is_known.store(true, Ordering::Release);
        for order in orders {
            match order {
                Order::Write(key, stored) => self.write(&key, &stored),
                Order::Flush(done) => drop(done.send(())),
            }
        }
    }

    /// Takes up what a former process left; deletes what is torn or of no more use.
    fn look_through(&self) {
        for left in files(&self.limits.directory.join("new")) {
            self.deleted(&left);
        }
        let mut found = Vec::new();
        for n in 0..=u8::MAX {
            for path in files(&self.limits.directory.join(format!("{n:02x}"))) {
                let name = path.file_name().and_then(|name| name.to_str()).and_then(Name::parse);
                match (name, file::label(&path)) {
                    (Some(name), Ok((label, bytes)))
                        if !self.is_used_up(label.at_ms, &label.freshness) =>
                    {
                        let used = fs::metadata(&path).and_then(|data| data.modified()).ok();
                        found.push((used, name, bytes, label.surrogate_keys));
                    }
                    _ => self.deleted(&path),
                }
            }
        }
        found.sort_by_key(|one| (one.0, one.1));
        let count = found.len();
        for (_, name, bytes, keys) in found {
            let gone = self.index().insert(name, bytes, keys, 0);
            self.delete(&gone);
        }
        let bytes = self.measured();
        if count > 0 {
            info!(objects = count, bytes, "the edge's cache on disk is taken up");
        }
    }

    fn is_used_up(&self, at_ms: u64, freshness: &super::freshness::Freshness) -> bool {
        let resident_ms = self.clock.now_ms().saturating_sub(at_ms);
        resident_ms >= freshness.use_ms(self.confirm_time_max)
    }

    fn write(&self, key: &Key, stored: &Stored) {
        let now_ms = self.clock.now_ms();
        let resting = now_ms < self.rest_until_ms.load(Ordering::Relaxed);
        let keys = &stored.object.head.surrogate_keys;
        if resting || self.purges.verdict(keys, stored.since) == Verdict::Gone {
            return;
        }
        let name = Name::of(key);
        let body_bytes = stored.object.body.len() as u64;
        let gone = self.index().make_room(body_bytes);
        self.delete(&gone);
        let new = self.limits.directory.join("new").join("object");
        match file::write(&new, &self.path(&name), key, stored) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let gone = self.index().insert(name, bytes, keys.to_vec(), stored.since);
                self.delete(&gone);
                // A purge that came meanwhile did not see this file.
                if self.purges.verdict(keys, stored.since) == Verdict::Gone {
                    self.delete(&[name]);
                }
                self.measured();
                if self.rest_until_ms.swap(0, Ordering::Relaxed) > 0 {
                    gauge!("matinee_edge_cache_disk_degraded").set(0.0);
                    info!("the edge's cache writes to the disk again");
                }
            }
            Err(cause) => self.refused(&cause, now_ms),
        }
    }

    fn refused(&self, cause: &io::Error, now_ms: u64) {
        let until_ms = now_ms.saturating_add(ms(self.limits.rest)).max(1);
        if self.rest_until_ms.swap(until_ms, Ordering::Relaxed) == 0 {
            error!(
                %cause,
                directory = %self.limits.directory.display(),
                "the edge's cache cannot write to the disk and goes on in memory"
            );
        }
        counter!("matinee_edge_cache_disk_failures_total").increment(1);
        gauge!("matinee_edge_cache_disk_degraded").set(1.0);
    }

    fn read(&self, name: Name, key: &Key) -> Option<Stored> {
        let path = self.path(&name);
        match file::read(&path, key, self.object_bytes_max) {
            Ok(stored) if self.is_used_up(stored.at_ms, &stored.freshness) => {
                self.delete(&[name]);
                None
            }
            Ok(stored) => {
                // So that the next process knows what was used last; it may guess, too.
                let now = super::clock::system_time(self.clock.now_ms());
                let _guess = File::open(&path).and_then(|file| file.set_modified(now));
                Some(stored)
            }
            Err(Flaw::Io(cause)) if cause.kind() == io::ErrorKind::NotFound => {
                self.index().remove(&name);
                None
            }
            Err(flaw) => {
                debug!(?flaw, "a file of the edge's cache was bad");
                counter!("matinee_edge_cache_disk_bad_total").increment(1);
                self.delete(&[name]);
                None
            }
        }
    }

    fn delete(&self, names: &[Name]) {
        for name in names {
            self.index().remove(name);
            self.deleted(&self.path(name));
        }
    }

    fn deleted(&self, path: &std::path::Path) {
        if let Err(cause) = fs::remove_file(path)
            && cause.kind() != io::ErrorKind::NotFound
        {
            debug!(%cause, "a file of the edge's cache stays");
        }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.limits.directory.join(name.path())
    }

    /// Tells how full it is.
    fn measured(&self) -> u64 {
        let bytes = self.index().bytes();
        let kib = u32::try_from(bytes / 1024).unwrap_or(u32::MAX);
        gauge!("matinee_edge_cache_bytes", "tier" => "disk").set(f64::from(kib) * 1024.0);
        bytes
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a folder; none if it cannot be read.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
