//! Where the objects of films are put: the bucket that nodes have in common, or the disk of one house.
//!
//! In: objects, and whether whoever makes them still may. Out: word that they are where viewers find them. Does not
//! know who decides that, nor what a film is.
//!
//! Behind a bucket nothing of a film waits on a disk: what was put is there for every node when this says so, and a
//! node that dies leaves nothing behind that the next process would send.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared_media::{Answer, Bucket, BucketError, Object};
use shared_wire::key::Key;

use super::disk::{Disk, Local};
use super::{Store, is_key, report};
use crate::{Config, Error};

/// The pause after the first failure; each later one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often it is asked within a pause whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where objects of films are. Clones are the same.
#[derive(Clone)]
pub struct Shelf(Place);

#[derive(Clone)]
enum Place {
    Bucket(Arc<dyn Bucket>, usize),
    Store(Store),
    /// The disk of a house that runs beside this process.
    Beside(Arc<Local>, usize),
}

impl Shelf {
    /// That of a house: its bucket if it has one.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        let bytes_max = store.shared.config.object_bytes_max;
        match &store.shared.far {
            Some(far) => Self(Place::Bucket(far.bucket(), bytes_max)),
            None => Self(Place::Store(store.clone())),
        }
    }

    /// A bucket, for a process that has no store.
    #[must_use]
    pub fn in_bucket(bucket: Arc<dyn Bucket>) -> Self {
        Self(Place::Bucket(bucket, Config::default().object_bytes_max))
    }

    /// The directory of a store that another process of this machine has open.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotWritable`] or [`Error::Full`].
    pub fn beside(root: &Path) -> Result<Self, Error> {
        let bytes_max = Config::default().object_bytes_max;
        Ok(Self(Place::Beside(Arc::new(Local::join(root, bytes_max)?), bytes_max)))
    }

    /// The bucket, if that is what it is.
    #[must_use]
    pub fn bucket(&self) -> Option<Arc<dyn Bucket>> {
        match &self.0 {
            Place::Bucket(bucket, _) => Some(Arc::clone(bucket)),
            Place::Store(_) | Place::Beside(..) => None,
        }
    }

    /// Whether all nodes have what is here.
    #[must_use]
    pub const fn is_common(&self) -> bool {
        matches!(self.0, Place::Bucket(..))
    }

    /// Puts an object, in place of what is there; it is there when this returns. What the bucket does not take is tried
    /// again for as long as `may` says so, which is asked right before each try.
    ///
    /// # Errors
    /// [`Error::Write`] if the disk does not take it; [`Error::NotOurs`] once it may not be put any more.
    pub async fn put(&self, object: Object, may: impl Fn() -> bool) -> Result<(), Error> {
        let key = object.key.clone();
        let failed = |reason: String| Error::Write { key: key.clone(), reason };
        if !is_key(&object) {
            return Err(failed("it is no key of an object".to_owned()));
        }
        if !may() {
            return Err(Error::NotOurs { key });
        }
        match &self.0 {
            Place::Store(store) => store.save(object).await,
            Place::Beside(_, bytes_max) | Place::Bucket(_, bytes_max)
                if object.bytes.len() > *bytes_max =>
            {
                Err(failed("it is larger than any object may be".to_owned()))
            }
            Place::Beside(disk, _) => {
                let disk = Arc::clone(disk);
                // A house that starts clears what is on its way: it is put on its way once more.
                let put = move || match disk.create(&object.key, &object.bytes) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        disk.create(&object.key, &object.bytes)
                    }
                    done => done,
                };
                let put = tokio::task::spawn_blocking(put).await;
                let put = put.map_err(|error| failed(error.to_string()))?;
                put.map_err(|error| failed(error.to_string()))
            }
            Place::Bucket(bucket, _) => {
                let (size, began) = (object.bytes.len(), Instant::now());
                persist("put", &key, may, || bucket.put(&key, object.bytes.clone())).await?;
                report::sent(size, began.elapsed());
                Ok(())
            }
        }
    }

    /// Which of these objects are there. A bucket that does not answer is asked again for as long as `may` says so.
    ///
    /// # Errors
    /// [`Error::Read`] if the disk does not say; [`Error::NotOurs`] once nobody wants to know.
    pub async fn held(
        &self,
        keys: Vec<String>,
        may: impl Fn() -> bool,
    ) -> Result<HashSet<String>, Error> {
        match &self.0 {
            Place::Store(store) => {
                let Some(first) = keys.first() else { return Ok(HashSet::new()) };
                let show = first.split('/').next().unwrap_or_default().to_owned();
                store.held(&show, keys).await
            }
            Place::Beside(disk, _) => {
                let (disk, all) = (Arc::clone(disk), keys.first().cloned().unwrap_or_default());
                let failed = |reason: String| Error::Read { key: all.clone(), reason };
                let look = move || {
                    let mut held = HashSet::new();
                    for key in keys {
                        if disk.has(&key)? {
                            held.insert(key);
                        }
                    }
                    Ok::<_, std::io::Error>(held)
                };
                let looked = tokio::task::spawn_blocking(look).await;
                let looked = looked.map_err(|error| failed(error.to_string()))?;
                looked.map_err(|error| failed(error.to_string()))
            }
            Place::Bucket(bucket, _) => listed(bucket.as_ref(), keys, may).await,
        }
    }

    /// Deletes everything of a show, for whoever may have put something after somebody else had done so.
    ///
    /// # Errors
    /// [`Error::Write`] if the disk or the bucket does not do it.
    pub async fn delete(&self, show: &str) -> Result<(), Error> {
        let failed = |reason: String| Error::Write { key: format!("{show}/"), reason };
        if Key::parse(&format!("{show}/index.m3u8")).is_none() {
            return Err(failed("it is no show".to_owned()));
        }
        match &self.0 {
            Place::Store(store) => store.delete(show).await,
            Place::Beside(disk, _) => {
                let (disk, name) = (Arc::clone(disk), show.to_owned());
                let deleted = tokio::task::spawn_blocking(move || disk.delete(&name)).await;
                let deleted = deleted.map_err(|error| failed(error.to_string()))?;
                deleted.map_err(|error| failed(error.to_string()))
            }
            Place::Bucket(bucket, _) => {
                let refused = |error: BucketError| failed(error.to_string());
                loop {
                    let page = bucket.list(&format!("{show}/"), None).await.map_err(refused)?;
                    if page.objects.is_empty() {
                        return Ok(());
                    }
                    let keys = page.objects.into_iter().map(|one| one.key).collect();
                    bucket.delete(keys).await.map_err(refused)?;
                }
            }
        }
    }
}

/// Which of these objects a bucket lists: of each folder no more than lies between the first and the last.
async fn listed(
    bucket: &dyn Bucket,
    keys: Vec<String>,
    may: impl Fn() -> bool,
) -> Result<HashSet<String>, Error> {
    let mut folders: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for key in keys {
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(format!("{folder}/")).or_default().insert(key);
    }
    let mut held = HashSet::new();
    for (folder, wanted) in &folders {
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { continue };
        // What a key begins with stands before it, and before nothing else that is not behind that.
        let mut after = first[..first.len().saturating_sub(1)].to_owned();
        loop {
            let list = || bucket.list(folder, Some(&after));
            let page = persist("list", folder, &may, list).await?;
            let end = page.objects.last().map(|one| one.key.clone());
            let found = page.objects.into_iter().map(|one| one.key);
            held.extend(found.filter(|key| wanted.contains(key)));
            match end {
                Some(end) if page.more && end < *last => after = end,
                _ => break,
            }
        }
    }
    Ok(held)
}

/// One thing asked of a bucket until it is done, or may not be any more.
async fn persist<'a, T>(
    what: &'static str,
    name: &str,
    may: impl Fn() -> bool,
    ask: impl Fn() -> Answer<'a, T>,
) -> Result<T, Error> {
    let mut pause = PAUSE_MIN;
    loop {
        match ask().await {
            Ok(done) => {
                report::asked(what, "done");
                return Ok(done);
            }
            Err(error) => {
                report::asked(what, error.failure.name());
                report::not_done(what, name, &error);
            }
        }
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if !may() {
                return Err(Error::NotOurs { key: name.to_owned() });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if !may() {
            return Err(Error::NotOurs { key: name.to_owned() });
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests;
