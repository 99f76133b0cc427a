//! Films: what is uploaded becomes what is played, piece by piece, and is listed as it comes.
//!
//! In: settings, a house, the directory of uploads. Out: objects and playlists in the store, assets that are ready.
//! Does not know how jobs are kept (control), what a piece is (`origin/vod`), how it is encoded (`origin/ladder`) or
//! packaged (`origin/packager`): it joins them.

mod ask;
mod error;
mod index;
mod list;
mod made;
mod office;
mod piece;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use origin_control::{Control, FilmLease};
use origin_storage::Store;
use origin_upload::Disk;
use shared_media::Object;
use shared_wire::{AssetId, ShowId};
use tokio::sync::{Notify, RwLock};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::error::Failure;
use crate::error::Error;

pub(crate) use self::piece::film;

/// How often it is looked whether the jobs of an asset that is deleted have ended.
const ENDED_MAX: Duration = Duration::from_millis(100);

/// Threads of one piece: beyond them it does not go faster.
const THREADS_MAX: u8 = 16;

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
    store: Arc<Store>,
    disk: Disk,
    ladder: origin_ladder::film::Config,
    packager: origin_packager::Config,
    vod: origin_vod::Config,
    transcodes: u32,
    /// Threads that encode a piece.
    threads: u8,
    /// How long a job is had after it was last said so.
    lease: Duration,
    /// Films of other nodes are left alone: their objects are elsewhere.
    own_only: bool,
    stop: CancellationToken,
    wake: Arc<Notify>,
    tasks: TaskTracker,
    running: Mutex<Vec<Running>>,
    /// Told when one of those ends.
    ended: Notify,
    /// Held while an object is on its way to the disk, for its way cannot be called off.
    saving: Arc<RwLock<()>>,
    /// Results whose objects were found in the store.
    seen: Mutex<HashSet<(AssetId, u32)>>,
}

/// A job that goes on here.
struct Running {
    lease: FilmLease,
    stop: CancellationToken,
}

/// What a house that makes films is told of itself.
pub(crate) struct Place<'a> {
    /// This program.
    pub(crate) program: &'a Path,
    /// How long a job is had after it was last said so.
    pub(crate) lease: Duration,
    /// Whether other nodes have the same database, and not the same objects.
    pub(crate) own_only: bool,
}

impl Films {
    /// Gets ready; `stop` has jobs given back.
    pub(crate) fn open(
        rules: Rules,
        place: &Place<'_>,
        (control, store, disk): (Control, Arc<Store>, Disk),
        stop: CancellationToken,
    ) -> Arc<Self> {
        let command = vec![place.program.as_os_str().to_owned(), OsString::from("film")];
        Arc::new(Self {
            wake: control.films_changed(),
            control,
            store,
            disk,
            ladder: origin_ladder::film::Config { command, ..Default::default() },
            packager: origin_packager::Config::default(),
            vod: origin_vod::Config { chunk_ms: rules.chunk_s * 1000, ..Default::default() },
            transcodes: rules.transcodes,
            threads: threads(),
            lease: place.lease,
            own_only: place.own_only,
            stop,
            tasks: TaskTracker::new(),
            running: Mutex::default(),
            ended: Notify::new(),
            saving: Arc::default(),
            seen: Mutex::default(),
        })
    }

    /// Takes up what there is to do, from now on.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        self.control.recover_films().await?;
        if self.transcodes > 0 {
            self.tasks.spawn(office::work(Arc::clone(self)));
        }
        Ok(())
    }

    /// Waits until jobs that went on are given back.
    pub(crate) async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Stops what is done for an asset, and deletes the objects of its show.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) async fn unmake(
        &self,
        asset: AssetId,
        show: ShowId,
    ) -> Result<(), origin_storage::Error> {
        loop {
            let ended = self.ended.notified();
            if !self.stop_jobs(asset) {
                break;
            }
            // It may have ended before this listened.
            let _ = tokio::time::timeout(ENDED_MAX, ended).await;
        }
        drop(self.saving.write().await);
        self.forget(asset);
        self.store.delete(&show.to_string()).await
    }

    /// Has the jobs of an asset end; whether there are any.
    pub(crate) fn stop_jobs(&self, asset: AssetId) -> bool {
        let running = self.running();
        let own = || running.iter().filter(|one| one.lease.asset == asset);
        own().for_each(|one| one.stop.cancel());
        own().next().is_some()
    }

    fn running(&self) -> MutexGuard<'_, Vec<Running>> {
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

    /// Brings an object to the disk, also if nobody waits for it any more.
    async fn save(&self, object: Object) -> Result<(), Failure> {
        let (store, way) = (Arc::clone(&self.store), Arc::clone(&self.saving).read_owned().await);
        let saved = tokio::spawn(async move {
            let saved = store.save(object).await;
            drop(way);
            saved
        });
        let saved = saved.await.map_err(|error| Failure::House(error.to_string()))?;
        saved.map_err(|error| Failure::House(error.to_string()))
    }
}

/// Threads that a piece is encoded in: all there are, within reason.
fn threads() -> u8 {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u8::try_from(all).unwrap_or(u8::MAX).min(THREADS_MAX)
}
