//! Films: what is uploaded becomes what is played, piece by piece, and is listed as it comes.
//!
//! In: settings, a house or the rows of one, files. Out: objects where viewers find them, assets
//! that are ready; at a house, the playlists that it lists. Does not know how jobs are kept (control), what a piece is
//! (`origin/vod`), how it is encoded (`origin/ladder`) or packaged (`origin/packager`): it joins them.

mod ask;
mod board;
mod bring;
mod error;
mod hold;
mod index;
mod list;
mod made;
mod office;
mod piece;
mod texts;
mod word;

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use origin_control::Control;
use origin_storage::{Shelf, Store};
use shared_wire::{AssetId, ShowId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bring::Brought;
use self::error::Failure;
use self::hold::Hold;
use crate::error::Error;
use crate::pen::Pen;
use crate::source::{Source, Sources};

pub(crate) use self::piece::film;
pub(crate) use self::word::host;

/// How often it is looked whether the jobs of an asset that is deleted have ended.
const ENDED_MAX: Duration = Duration::from_millis(100);
/// How long that is waited for: a bucket may take its time to answer for what is on its way to it.
const UNMAKE_MAX: Duration = Duration::from_secs(10);
/// How much longer than its lease whoever has a job may have something on its way.
const ON_ITS_WAY_MAX: Duration = Duration::from_secs(60);

/// Threads of each encoder of a piece. What they make depends on it, so it is the same on every machine; whoever has
/// more processors makes several pieces at a time.
pub(crate) const THREADS: u8 = 4;

/// What the house says of films.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Pieces that are transcoded at the same time.
    pub(crate) transcodes: u32,
    /// How long one of them is, in seconds.
    pub(crate) chunk_s: u32,
}

/// Whoever makes films.
pub(crate) struct Films {
    control: Control,
    /// Where objects go.
    shelf: Shelf,
    /// Where this house's playlists are; a process that only works lists nothing.
    lists: Option<Arc<Store>>,
    sources: Sources,
    ladder: origin_ladder::film::Config,
    packager: origin_packager::Config,
    vod: origin_vod::Config,
    pen: Pen,
    /// What encodes here.
    encoder: String,
    transcodes: u32,
    /// How long a job is had after it was last said so.
    lease: Duration,
    /// Films of other nodes are left alone: their objects are elsewhere.
    own_only: bool,
    /// Has jobs given back.
    stop: CancellationToken,
    /// Has no more of them taken.
    rest: CancellationToken,
    /// Has nothing more said of this process.
    over: CancellationToken,
    wake: Arc<Notify>,
    tasks: TaskTracker,
    running: Mutex<Vec<Arc<Hold>>>,
    /// Told when one of those ends.
    ended: Notify,
    /// Results whose objects were found to be there.
    seen: Mutex<HashSet<(AssetId, u32)>>,
    /// How far this house lists each film.
    brought: Mutex<HashMap<ShowId, Brought>>,
}

/// What a house that makes films is told of itself.
pub(crate) struct Place<'a> {
    /// This program.
    pub(crate) program: &'a Path,
    /// What encodes here, as control was told.
    pub(crate) encoder: String,
    /// How long a job is had after it was last said so.
    pub(crate) lease: Duration,
    /// Whether other nodes have the same database, and not the same objects.
    pub(crate) own_only: bool,
    /// Where objects go.
    pub(crate) shelf: Shelf,
    /// Where a house has its playlists.
    pub(crate) lists: Option<Arc<Store>>,
}

impl Films {
    /// Gets ready; `stop` has jobs given back.
    pub(crate) fn open(
        rules: Rules,
        place: Place<'_>,
        (control, sources): (Control, Sources),
        stop: CancellationToken,
    ) -> Arc<Self> {
        let command = vec![place.program.as_os_str().to_owned(), OsString::from("film")];
        Arc::new(Self {
            wake: control.films_changed(),
            control,
            shelf: place.shelf,
            lists: place.lists,
            sources,
            ladder: origin_ladder::film::Config { command, ..Default::default() },
            packager: origin_packager::Config::default(),
            vod: origin_vod::Config { chunk_ms: rules.chunk_s * 1000, ..Default::default() },
            pen: Pen::new(place.program.to_owned()),
            encoder: place.encoder,
            transcodes: rules.transcodes,
            lease: place.lease,
            own_only: place.own_only,
            rest: stop.child_token(),
            over: CancellationToken::new(),
            stop,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            ended: Notify::new(),
            seen: Mutex::default(),
            brought: Mutex::default(),
        })
    }

    /// Takes up what there is to do, from now on. What an earlier process of this house had is free.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        if self.lists.is_some() {
            self.control.recover_films().await?;
        }
        if self.transcodes > 0 {
            self.tasks.spawn(office::work(Arc::clone(self)));
            // It goes on while jobs are done to their end.
            tokio::spawn(Arc::clone(self).beat());
        }
        Ok(())
    }

    /// Takes no more jobs; those that go on are done to their end.
    pub(crate) fn rest(&self) {
        self.rest.cancel();
    }

    /// Waits until jobs that went on are given back.
    pub(crate) async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.over.cancel();
        if self.transcodes > 0
            && let Err(error) = self.control.film_worker_is_over().await
        {
            tracing::debug!(%error, "nobody heard that this process ends");
        }
    }

    /// Stops what is done for an asset, and deletes the objects of its show from this house's store: now, and once
    /// more when nobody can have anything of it on its way any more.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) async fn unmake(
        &self,
        asset: AssetId,
        show: ShowId,
    ) -> Result<(), origin_storage::Error> {
        let deadline = tokio::time::Instant::now() + UNMAKE_MAX;
        loop {
            let ended = self.ended.notified();
            if !self.stop_jobs(asset) || tokio::time::Instant::now() > deadline {
                break;
            }
            // It may have ended before this listened.
            let _ = tokio::time::timeout(ENDED_MAX, ended).await;
        }
        self.forget(asset);
        self.brought().remove(&show);
        let Some(store) = self.lists.clone() else { return Ok(()) };
        let (later, name) = (self.lease + ON_ITS_WAY_MAX, show.to_string());
        store.delete(&name).await?;
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            if let Err(error) = store.delete(&name).await {
                tracing::warn!(show = name, %error, "a film was not deleted once more");
            }
        });
        Ok(())
    }

    /// Where this house's playlists are, and the objects of its shows; a process that only works has none.
    pub(crate) fn store(&self) -> Option<Arc<Store>> {
        self.lists.clone()
    }

    /// Whether objects of a show are on this house's disk.
    pub(crate) fn has_recording(&self, show: ShowId) -> bool {
        let name = show.to_string();
        let usage = self.lists.as_ref().map(|store| store.usage()).unwrap_or_default();
        usage.iter().any(|one| one.show == name)
    }

    /// Whether the objects of all films can be reached from here, whichever node had them made.
    pub(crate) const fn has_all(&self) -> bool {
        !self.own_only
    }

    /// Deletes the objects of a show that is over.
    pub(crate) async fn delete_recording(&self, show: ShowId) -> Result<(), origin_storage::Error> {
        match &self.lists {
            Some(store) => store.delete(&show.to_string()).await,
            // A process that only works has no recordings.
            None => Ok(()),
        }
    }

    /// Has the jobs of an asset end; whether there are any.
    pub(crate) fn stop_jobs(&self, asset: AssetId) -> bool {
        let running = self.running();
        let own = || running.iter().filter(|one| one.lease.asset == asset);
        own().for_each(|one| one.stop());
        own().next().is_some()
    }

    /// The file of an asset. That it is not there is this process's fault, not the file's: another may have it.
    async fn file(&self, asset: AssetId) -> Result<Source, Failure> {
        self.sources.open(asset).await.map_err(Failure::House)
    }

    fn running(&self) -> MutexGuard<'_, Vec<Arc<Hold>>> {
        // Each holder does one operation.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the objects of a result were found.
    fn is_seen(&self, result: (AssetId, u32)) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(&result)
    }

    fn see(&self, result: (AssetId, u32)) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(result);
    }

    /// What was found of an asset is of no use any more.
    fn forget(&self, asset: AssetId) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|(of, _)| *of != asset);
    }

    fn brought(&self) -> MutexGuard<'_, HashMap<ShowId, Brought>> {
        // Each holder does one operation.
        self.brought.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
