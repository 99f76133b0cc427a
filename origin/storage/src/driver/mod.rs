//! The store as others hold it: puts from the packager, reads by key, one writer task.
//!
//! In: objects and keys. Out: bytes, metrics, log lines. Does not decide anything: that is the machine's.

mod afterlife;
mod bulk;
mod disk;
mod far;
mod report;
mod shelf;
mod usage;
mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use shared_media::{Note, Now, Object, ObjectSink, Poll, Settled};
use shared_wire::key::{Key, KeyObject, MediaFile};
use tokio::sync::{Notify, RwLock, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::afterlife::Afterlife;
pub use self::afterlife::Left;
use self::disk::{Disk, Local};
pub use self::far::Elsewhere;
use self::far::Far;
pub use self::shelf::Shelf;
use self::usage::Ledger;
pub use self::usage::{Space, Usage};
use crate::machine::{Health, Input, Machine, Output, Write};
use crate::{Config, Error};

/// The store. Clones are the same store; with the last one the writer stops and the directory is free again.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    _hold: Arc<Hold>,
}

/// What ends with the last clone.
struct Hold {
    _lock: Option<File>,
    _writer: DropGuard,
}

/// What the store and its writer share.
struct Shared {
    config: Config,
    disk: Box<dyn Disk>,
    started: Instant,
    driven: Mutex<Driven>,
    /// A write is ready, or one is done.
    changed: Notify,
    /// Held while a text changes on disk, so that a reader sees each piece exactly once.
    texts: RwLock<()>,
    reads: Semaphore,
    ledger: Ledger,
    levels: report::Levels,
    afterlife: Option<Afterlife>,
    /// The bucket that all goes to, if there is one.
    far: Option<Arc<Far>>,
    /// What an earlier process left, until it is asked for.
    left: Mutex<Vec<Left>>,
}

/// The machine, and the write it has handed out until the writer takes it.
struct Driven {
    machine: Machine,
    ready: Option<Write>,
}

impl Store {
    /// Opens the directory, clears what a crash left half written and starts the writer. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Missing`], [`Error::NotWritable`], [`Error::Full`] or [`Error::Locked`].
    pub fn open(config: Config) -> Result<Self, Error> {
        Self::open_before(config, None)
    }

    /// The same, before a bucket that all goes to, if there is one.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_before(config: Config, elsewhere: Option<Elsewhere>) -> Result<Self, Error> {
        config.check()?;
        let (disk, lock) = Local::open(&config.root, config.object_bytes_max)?;
        let opened = Afterlife::open(&config.root, &config);
        let (afterlife, left) = opened.map_err(|error| Error::opening(&config.root, &error))?;
        let started = Instant::now();
        let far = elsewhere.map(|elsewhere| Far::open(&config.root, &config, started, elsewhere));
        let far = far.transpose().map_err(|error| Error::opening(&config.root, &error))?;
        let hold = (Some(lock), started);
        let store = Self::start(config, Box::new(disk), hold, Some(afterlife), far.map(Arc::new));
        for part in left.iter().flat_map(|left| &left.parts) {
            store.shared.drive(Input::Part(part.clone()));
        }
        store.shared.left.lock().unwrap_or_else(PoisonError::into_inner).extend(left);
        Ok(store)
    }

    fn start(
        config: Config,
        disk: Box<dyn Disk>,
        (lock, started): (Option<File>, Instant),
        afterlife: Option<Afterlife>,
        far: Option<Arc<Far>>,
    ) -> Self {
        report::describe();
        let shared = Arc::new(Shared {
            disk,
            started,
            driven: Mutex::new(Driven { machine: Machine::new(&config), ready: None }),
            changed: Notify::new(),
            texts: RwLock::new(()),
            reads: Semaphore::new(config.reads_max),
            ledger: Ledger::default(),
            levels: report::Levels::default(),
            afterlife,
            far,
            left: Mutex::default(),
            config,
        });
        let stop = CancellationToken::new();
        tokio::spawn(writer::run(Arc::clone(&shared), stop.clone()));
        if let Some(far) = &shared.far {
            tokio::spawn(far::run(Arc::clone(&shared), Arc::clone(far), stop.clone()));
        }
        Self { shared, _hold: Arc::new(Hold { _lock: lock, _writer: stop.drop_guard() }) }
    }

    /// The object's bytes; `None` if there is no such object (any more).
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Far`] if it is there and cannot be had.
    pub async fn get(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        let near = self.near(key).await?;
        match self.shared.far.as_ref().filter(|_| near.is_none() && is_stored(key)) {
            Some(far) => from("bucket", far.get(&key.to_string()).await),
            None => from("none", Ok(near)),
        }
    }

    /// As [`Self::get`], of a show that is on the air here: the bucket is not asked for what it cannot have yet, so a
    /// player that is early need not wait for it.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_live(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        let near = self.near(key).await?;
        let far = self.shared.far.as_ref().filter(|far| near.is_none() && far.may_have(key));
        match far {
            Some(far) => from("bucket", far.get(&key.to_string()).await),
            None => from("none", Ok(near)),
        }
    }

    /// What memory or the disk has.
    async fn near(&self, key: &Key) -> Result<Option<Bytes>, Error> {
        let name = key.to_string();
        if let Some(bytes) = self.shared.driven().machine.held(&name) {
            report::read("memory");
            return Ok(Some(bytes));
        }
        let bytes = match &key.object {
            _ if !is_stored(key) => None,
            KeyObject::Media { .. } | KeyObject::Cover | KeyObject::Storyboard => {
                self.shared.read(name).await?
            }
            _ => self.shared.text(name).await?,
        };
        if bytes.is_some() {
            report::read("disk");
        }
        Ok(bytes)
    }

    /// The text of a show that is on the air here, or was when it broke off: nobody else has a newer one, so the bucket
    /// is not asked.
    ///
    /// # Errors
    /// [`Error::Read`] if it is there and the disk does not give it, and [`Error::NotText`].
    pub async fn own_text(&self, key: &Key) -> Result<Option<String>, Error> {
        as_text(key, self.near(key).await?)
    }

    /// The object's bytes as text.
    ///
    /// # Errors
    /// As [`Self::get`], and [`Error::NotText`].
    pub async fn read_text(&self, key: &Key) -> Result<Option<String>, Error> {
        as_text(key, self.get(key).await?)
    }

    /// The playlists of recordings that no `#EXT-X-ENDLIST` closes: shows that a crash cut off. Ask before the first
    /// show of this run goes on air. What a crash cut off within a line is removed from them.
    ///
    /// # Errors
    /// [`Error::Read`] if the directory cannot be read.
    pub async fn open_recordings(&self) -> Result<Vec<Key>, Error> {
        self.shared.on_disk("the list of recordings", |disk| disk.open_recordings()).await
    }

    /// What an earlier process left of the shows it had on air when it was killed; told once. What is not gone on with
    /// is forgotten with [`Note::End`].
    #[must_use]
    pub fn left_behind(&self) -> Vec<Left> {
        std::mem::take(&mut *self.shared.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Which of these objects of a show are there: in memory, on disk, or in the bucket alone.
    ///
    /// # Errors
    /// [`Error::Read`] if the disk does not say.
    pub async fn held(&self, show: &str, keys: Vec<String>) -> Result<HashSet<String>, Error> {
        let (name, shared) = (show.to_owned(), Arc::clone(&self.shared));
        let look = move |disk: &dyn Disk| {
            let far = shared.far.as_ref().map(|far| far.dropped(&name)).transpose()?;
            let far = far.unwrap_or_default();
            let mut held = HashSet::new();
            for key in keys {
                let in_memory = shared.driven().machine.held(&key).is_some();
                if in_memory || far.contains(&key) || disk.has(&key)? {
                    held.insert(key);
                }
            }
            Ok(held)
        };
        self.shared.on_disk(show, look).await
    }

    /// How the recording is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.shared.driven().machine.health()
    }

    /// Sums up what stands on the disk from before. To be asked once; until then [`Self::usage`] knows only what was
    /// written since.
    ///
    /// # Errors
    /// [`Error::Read`] if the directory cannot be read.
    pub async fn sum_up(&self) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        let sum_up = move |_: &dyn Disk| shared.ledger.read(&shared.config.root);
        self.shared.on_disk("the size of recordings", sum_up).await
    }

    /// What each show takes on disk, in no order.
    #[must_use]
    pub fn usage(&self) -> Vec<Usage> {
        self.shared.ledger.all()
    }

    /// The space of the disk.
    ///
    /// # Errors
    /// [`Error::Read`] if the disk does not say.
    pub async fn space(&self) -> Result<Space, Error> {
        let root = self.shared.config.root.clone();
        self.shared.on_disk("the disk's free space", move |_| usage::space(&root)).await
    }

    /// These shows are not recorded from now on, all others are.
    pub fn stop_recording(&self, shows: HashSet<String>) {
        self.shared.drive(Input::Stop(shows));
    }

    /// Deletes everything of a show that is not on the air; from the bucket as soon as that takes it.
    ///
    /// # Errors
    /// [`Error::Read`] if the disk refuses.
    pub async fn delete(&self, show: &str) -> Result<(), Error> {
        let (name, far) = (show.to_owned(), self.shared.far.clone());
        let delete = move |disk: &dyn Disk| {
            far.map_or(Ok(()), |far| far.delete(&name))?;
            disk.delete(&name)
        };
        self.shared.on_disk(show, delete).await?;
        self.shared.ledger.deleted(show);
        Ok(())
    }

    /// Waits until all that was put is on disk, for a drain; and in the bucket, while that takes it. What it does not
    /// take in time is sent by the next process.
    ///
    /// # Errors
    /// [`Error::Unsaved`] if the disk did not take it within `drain_ms_max`.
    pub async fn flush(&self) -> Result<(), Error> {
        let limit = Duration::from_millis(self.shared.config.drain_ms_max);
        let empty = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.shared.driven().machine.waiting() == 0 {
                    return;
                }
                // The writer looks every tick at the latest, so this ends even if a notification goes to it alone.
                let _ = tokio::time::timeout(writer::TICK, changed).await;
            }
        };
        let begun = Instant::now();
        if tokio::time::timeout(limit, empty).await.is_err() {
            return Err(Error::Unsaved { objects: self.shared.driven().machine.waiting() });
        }
        if let Some(far) = &self.shared.far {
            far.flush(limit.saturating_sub(begun.elapsed())).await;
        }
        Ok(())
    }

    fn put_as(&self, object: Object, input: impl FnOnce(Object) -> Input) {
        if is_key(&object) {
            self.shared.drive(input(object));
        } else {
            report::not_a_key(&object.key);
        }
    }
}

impl ObjectSink for Store {
    fn put_part(&self, object: Object) {
        if let Some(afterlife) = self.shared.afterlife.as_ref().filter(|_| is_key(&object)) {
            afterlife.part(object.clone());
        }
        self.put_as(object, Input::Part);
    }

    fn put(&self, object: Object) {
        self.put_as(object, Input::Whole);
    }

    fn replace(&self, object: Object) {
        self.put_as(object, Input::Whole);
    }

    fn append(&self, object: Object) {
        self.put_as(object, Input::Append);
    }

    fn gone(&self, show: &str) -> Vec<String> {
        self.shared.driven().machine.take_gone(show)
    }

    fn note(&self, show: &str, note: Note) {
        // A show's name is the first step of its keys.
        let is_name = Key::parse(&format!("{show}/index.m3u8")).is_some();
        if let Some(afterlife) = self.shared.afterlife.as_ref().filter(|_| is_name) {
            afterlife.note(show, note);
        }
    }

    fn settled(&self) -> Settled {
        match &self.shared.afterlife {
            None => Box::pin(std::future::ready(())),
            Some(afterlife) => {
                let settled = afterlife.settled();
                Box::pin(async move { drop(settled.await) })
            }
        }
    }
}

fn as_text(key: &Key, bytes: Option<Bytes>) -> Result<Option<String>, Error> {
    let text = bytes.map(|bytes| String::from_utf8(bytes.into())).transpose();
    text.map_err(|_| Error::NotText(key.to_string()))
}

/// Counts a read by where it was answered from.
fn from(place: &'static str, answer: Result<Option<Bytes>, Error>) -> Result<Option<Bytes>, Error> {
    match &answer {
        Ok(Some(_)) if place == "none" => {} // counted by memory or the disk
        Ok(Some(_)) => report::read(place),
        Ok(None) => report::read("none"),
        Err(_) => {}
    }
    answer
}

/// Whether an object of this kind outlives the process: parts do not, and MPDs are made anew.
fn is_stored(key: &Key) -> bool {
    !matches!(
        key.object,
        KeyObject::Media { file: MediaFile::Part(..) | MediaFile::TextPart(..), .. }
            | KeyObject::Manifest { .. }
    )
}

fn is_key(object: &Object) -> bool {
    Key::parse(&object.key).is_some()
}

impl Shared {
    fn driven(&self) -> MutexGuard<'_, Driven> {
        // The machine does not panic while it is held; if it ever did, its counts are still whole.
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The law of machines: handle, then poll until it waits.
    fn drive(&self, input: Input) {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let is_done = matches!(input, Input::Written | Input::Failed(_));
        let mut driven = self.driven();
        driven.machine.handle(Now { monotonic_us: us, utc_us: 0 }, input);
        while let Poll::Output(output) = driven.machine.poll() {
            match output {
                Output::Write(write) => driven.ready = Some(write),
                Output::Lost { key, loss } => report::lost(&key, loss),
                Output::Health(health) => report::health(health),
            }
        }
        self.levels.set(&driven.machine);
        let is_ready = driven.ready.is_some();
        drop(driven);
        // Most inputs are parts, of which nobody need wake.
        if is_done {
            self.changed.notify_waiters();
        }
        if is_ready {
            self.changed.notify_one();
        }
    }

    async fn text(self: &Arc<Self>, name: String) -> Result<Option<Bytes>, Error> {
        let _between_writes = self.texts.read().await;
        let unwritten = self.driven().machine.unwritten(&name);
        let base = match unwritten.base {
            Some(base) => Some(base),
            None => self.read(name).await?,
        };
        if unwritten.pieces.is_empty() {
            return Ok(base);
        }
        let mut text = BytesMut::from(base.unwrap_or_default().as_ref());
        unwritten.pieces.iter().for_each(|piece| text.extend_from_slice(piece));
        Ok(Some(text.freeze()))
    }

    async fn read(self: &Arc<Self>, name: String) -> Result<Option<Bytes>, Error> {
        let key = name.clone();
        self.on_disk(&name, move |disk| disk.read(&key)).await
    }

    /// Does one thing on the disk, on a thread that may wait for it.
    async fn on_disk<T: Send + 'static>(
        self: &Arc<Self>,
        what: &str,
        step: impl FnOnce(&dyn Disk) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let failed = |reason: String| Error::Read { key: what.to_owned(), reason };
        let _permit = self.reads.acquire().await.map_err(|error| failed(error.to_string()))?;
        let shared = Arc::clone(self);
        tokio::task::spawn_blocking(move || step(shared.disk.as_ref()))
            .await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
