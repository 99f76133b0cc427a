//! Shows, stream keys, tickets and sessions: the REST API and the rows behind it.
//!
//! In: a data directory, requests of creators and viewers, what ingest reports. Out: [`Control::router`] for `/v1/*`
//! and `/openapi.json`; the deny list and the states of shows, from memory; the keys edges need. Does not know media,
//! publishers' protocols or how edges decide. Nothing a viewer asks per request reaches the database, but for the one
//! swap of a ticket for a token.

mod accounts;
mod api;
mod assets;
mod captions;
mod config;
mod deleting;
mod denied;
mod error;
mod filmed;
mod files;
mod films;
mod keys;
mod leases;
mod on_air;
mod page;
mod playback;
mod postgres;
mod pulls;
mod quota;
mod rows;
mod secret;
mod shows;
mod stored;
mod subtitles;
mod tiers;
mod tickets;
mod uploads;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use shared_wire::ShowId;
use shared_wire::api::{IssuedTicket, NewShow, NewTicket, ShowState, State};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use keys::Keys;

pub use assets::FoundRecording;
pub use captions::{Cue, of_vtt as cues_of_vtt};
pub use config::{Clock, Config};
pub use denied::Listing;
pub use error::{Closed, Error, Fault};
pub use files::{Files, NewFile, NewImport, Origin};
pub use films::{
    Film, FilmJob, FilmJobKind, FilmLease, FilmLeft, FilmListed, FilmListing, FilmSpent,
    FilmSubtitles, FilmsDue, FilmsWaiting, NewFilmJob,
};
pub use keys::{ADMIN_TOKEN_FILE, EdgeEnvironment};
pub use leases::{Claim, Ownership};
pub use on_air::{OnAir, Reply};
pub use postgres::Postgres;
pub use pulls::{Pulling, Source};
pub use shared_wire::api::CreatedShow;
pub use shows::ShowRecord;
pub use subtitles::SubtitleCue;
pub use uploads::{NewUpload, UploadChange, UploadLock};

/// The house's control, open. Clones are handles to the same one.
#[derive(Clone)]
pub struct Control {
    house: Arc<House>,
}

/// What all handles share.
struct House {
    config: Config,
    keys: Arc<Keys>,
    shows: Arc<shows::Shows>,
    leases: Arc<leases::Leases>,
    pulls: pulls::Pulls,
    tiers: tiers::Tiers,
    tickets: tickets::Tickets,
    uploads: uploads::Uploads,
    accounts: accounts::Accounts,
    assets: assets::Assets,
    films: films::Films,
    /// Comes after the rest, as what is on the air does.
    files: OnceLock<Weak<dyn Files>>,
    sessions: Arc<playback::Sessions>,
    denied: Arc<denied::Denials>,
    captions: Mutex<captions::Paces>,
    /// Comes after the rest: the stages are opened with a handle to this.
    on_air: OnceLock<Arc<dyn OnAir>>,
    #[cfg(test)]
    rows: rows::Rows,
    /// Held, and so locked, until the last handle is gone. A process that only works locks nothing.
    _lock: Option<File>,
}

impl Control {
    /// Opens the house in `config.data_dir`; makes it on the first start. Needs a tokio runtime. A process that only
    /// works makes none: it has the rows of one, or those that nodes share.
    ///
    /// # Errors
    /// By configuration: [`Error::DataDir`], [`Error::InUse`], [`Error::NewerSchema`]. By the disk:
    /// [`Error::StorageFull`], [`Error::Corrupt`], [`Error::KeyFile`], [`Error::Storage`]. By us: [`Error::Random`].
    pub async fn open(config: Config) -> Result<Self, Error> {
        let (lock, keys) = if config.is_worker {
            (None, Keys::of_worker(&config.data_dir)?)
        } else {
            keys::make_dir(&config.data_dir)?;
            (Some(lock(&config.data_dir)?), Keys::open(&config.data_dir)?)
        };
        let keys = Arc::new(keys);
        let rows = rows::Rows::open(&config).await?;
        let denied = Arc::new(denied::Denials::open(rows.clone(), &config).await?);
        let now = (config.clock)();
        let (own, shared) = (config.clone(), (keys.clone(), denied.clone()));
        let sessions = playback::Sessions::open(rows.clone(), own, shared.0, shared.1, now);
        let sessions = Arc::new(sessions.await?);
        let pulls = pulls::Pulls::new(rows.clone(), config.clone());
        let tiers = tiers::Tiers::new(rows.clone(), config.clone());
        let tickets =
            tickets::Tickets::new(rows.clone(), config.clone(), sessions.clone(), denied.clone());
        let uploads = uploads::Uploads::new(rows.clone(), config.clone(), keys.node())?;
        let accounts = accounts::Accounts::new(rows.clone(), config.clone());
        let node = keys.node().to_owned();
        let leases = leases::Leases::open(rows.clone(), config.clone(), node).await?;
        let leases = Arc::new(leases);
        let shows = shows::Shows::open(rows.clone(), config.clone(), leases.clone()).await?;
        let shows = Arc::new(shows);
        let assets = assets::Assets::new(rows.clone(), config.clone(), shows.clone());
        let changed = assets.uploaded.clone();
        let films = films::Films::new(rows.clone(), &config, keys.node(), changed)?;
        if rows.is_shared() {
            tokio::spawn(leases::Leases::keep(Arc::downgrade(&leases)));
            tokio::spawn(leases::Leases::watch(Arc::downgrade(&leases)));
            let rooms = (Arc::downgrade(&shows), Arc::downgrade(&denied), Arc::downgrade(&leases));
            tokio::spawn(follow(config.clone(), rooms));
        } else {
            tokio::spawn(follow_shows(config.follow_every, Arc::downgrade(&shows)));
        }
        let swept = (Arc::downgrade(&denied), Arc::downgrade(&sessions));
        if !config.is_worker {
            tokio::spawn(sweep(config.sweep_every, config.clock.clone(), swept.0, swept.1));
        }
        let paces = captions::Paces::new(config.captions_per_s_max, config.captions_burst_max);
        let house = Arc::new(House {
            config,
            keys,
            shows,
            leases,
            pulls,
            tiers,
            tickets,
            uploads,
            accounts,
            assets,
            films,
            files: OnceLock::new(),
            sessions,
            denied,
            captions: Mutex::new(paces),
            on_air: OnceLock::new(),
            #[cfg(test)]
            rows,
            _lock: lock,
        });
        Ok(Self { house })
    }

    /// The routes of `/v1/*` and `/openapi.json`, each answering errors as `application/problem+json`. It has no
    /// fallback, so that it can be merged into a larger router.
    pub fn router(&self) -> axum::Router {
        api::router(self.house.clone())
    }

    /// Says who has the shows that are on the air; the first to be named stays.
    pub fn set_on_air(&self, on_air: Arc<dyn OnAir>) {
        let _ = self.house.on_air.set(on_air);
    }

    /// The show that a publisher's stream key publishes; `None` for whatever is no key of this house. A show that is
    /// [`State::Ended`] is found too: whether it may go live again is the caller's to decide.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn show_by_stream_key(&self, key: &str) -> Result<Option<ShowRecord>, Error> {
        self.house.shows.by_stream_key(key).await
    }

    /// Moves a show to a state; `false` if nothing changed. An ended show goes live again or stays ended.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], [`Error::Elsewhere`], storage errors.
    pub async fn set_state(&self, show: ShowId, state: State) -> Result<bool, Error> {
        self.house.shows.set_state(show, state).await
    }

    /// Takes a show for this node, which has it until it gives it back or loses it. Where another node has it and
    /// `takes_over`, that one is asked to let go, and waited for. What this node has already, it has.
    ///
    /// # Errors
    /// Storage errors, where nodes share a database.
    pub async fn claim(&self, show: ShowId, takes_over: bool) -> Result<Ownership, Error> {
        self.house.leases.claim(show, takes_over).await
    }

    /// The claim of a show that this node has.
    #[must_use]
    pub fn claimed(&self, show: ShowId) -> Option<Claim> {
        self.house.leases.held(show)
    }

    /// The show of a claim is on the air: the claim is kept until it is given back.
    pub fn opened(&self, claim: &Claim) {
        self.house.leases.opened(claim);
    }

    /// Gives a show back: other nodes may have it.
    pub async fn give_back(&self, claim: &Claim) {
        self.house.leases.give_back(claim).await;
    }

    /// Whether another node has this show, or had it when it was last heard of, as far as is known.
    #[must_use]
    pub fn is_elsewhere(&self, show: ShowId) -> bool {
        self.house.leases.is_elsewhere(show)
    }

    /// Says that a show has a cover.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors.
    pub async fn set_cover(&self, show: ShowId) -> Result<(), Error> {
        self.house.shows.set_cover(show).await
    }

    /// All shows, from memory, in no order.
    #[must_use]
    pub fn shows(&self) -> Vec<ShowState> {
        self.house.shows.all()
    }

    /// One show, from memory.
    #[must_use]
    pub fn show_state(&self, show: ShowId) -> Option<ShowState> {
        self.house.shows.state(show)
    }

    /// Shows that are to be fetched from elsewhere and have not ended, and from where. The sources of those that have
    /// are forgotten.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn pulls(&self) -> Result<Vec<(ShowId, Source)>, Error> {
        let mut going = Vec::new();
        for (show, source) in self.house.pulls.all().await? {
            match self.show_state(show) {
                Some(known) if known.state != State::Ended => going.push((show, source)),
                _ => self.house.pulls.forget(show).await?,
            }
        }
        Ok(going)
    }

    /// Makes a show, as `POST /v1/shows` does.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ShowsFull`], storage errors.
    pub async fn create_show(&self, new: NewShow) -> Result<CreatedShow, Error> {
        self.house.shows.create(self.house.now(), new).await
    }

    /// Issues a ticket, as `POST /v1/shows/{show}/tickets` does.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], [`Error::Invalid`], storage errors.
    pub async fn issue_ticket(&self, show: ShowId, new: NewTicket) -> Result<IssuedTicket, Error> {
        self.house.shows.state(show).ok_or(Error::ShowUnknown)?;
        self.house.tickets.issue(self.house.now(), show, new).await
    }

    /// Who may no longer watch, from memory.
    #[must_use]
    pub fn denied(&self) -> Arc<Listing> {
        self.house.denied.list()
    }

    /// The same list, and word of every one that comes after it. It goes on for as long as the house is open.
    #[must_use]
    pub fn follow_denied(&self) -> watch::Receiver<Arc<Listing>> {
        self.house.denied.follow()
    }

    /// Whether this is the key of our edges (`matinee-edge-key`), compared in a time that tells nothing about it.
    #[must_use]
    pub fn is_edge(&self, presented: &[u8]) -> bool {
        self.house.keys.is_edge(presented)
    }

    /// The secret by which receivers of hooks know this house: `whsec_` and base64 (Standard Webhooks).
    #[must_use]
    pub fn hook_secret(&self) -> &str {
        self.house.keys.hook_secret()
    }

    /// What an edge must be told to work for this house, but for `MATINEE_ORIGIN`.
    #[must_use]
    pub fn edge_environment(&self) -> EdgeEnvironment {
        self.house.keys.edge_environment()
    }
}

/// What an edge must be told to work for the house in `data_dir`, whether it runs or not; `None` if none was ever
/// started there.
///
/// # Errors
/// Those of the key files.
pub fn edge_environment(data_dir: &Path) -> Result<Option<EdgeEnvironment>, Error> {
    if !data_dir.join(ADMIN_TOKEN_FILE).is_file() {
        return Ok(None);
    }
    Ok(Some(Keys::open(data_dir)?.edge_environment()))
}

impl House {
    fn now(&self) -> i64 {
        (self.config.clock)()
    }

    /// Whoever has the shows that are on the air; while nobody does, none is.
    fn on_air(&self) -> Result<&Arc<dyn OnAir>, Error> {
        self.on_air.get().ok_or(Error::NotLive)
    }

    /// Whoever has the bytes of assets.
    fn files(&self) -> Result<Arc<dyn Files>, Error> {
        self.files.get().and_then(Weak::upgrade).ok_or(Error::NoFiles)
    }
}

/// Keeps a second house out of the same directory; the system lets go when the process ends, however it ends.
fn lock(data_dir: &Path) -> Result<File, Error> {
    let path = data_dir.join("lock");
    let opened = File::options().write(true).create(true).truncate(false).open(&path);
    let file = opened.map_err(|error| Error::file(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: data_dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(Error::file(&path, &error)),
    }
}

/// What follows the database that nodes share.
type Followers = (Weak<shows::Shows>, Weak<denied::Denials>, Weak<leases::Leases>);

/// Takes over what other nodes change in the database they share, for as long as the house is open.
async fn follow(config: Config, (shows, denied, leases): Followers) {
    let mut ticks = tokio::time::interval(config.follow_every.max(SWEEP_EVERY_MIN));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_away = false;
    loop {
        ticks.tick().await;
        let rooms = (shows.upgrade(), denied.upgrade(), leases.upgrade());
        let (Some(shows), Some(denied), Some(leases)) = rooms else { return };
        let caught_up = async {
            denied.catch_up().await?;
            leases.look_around().await?;
            for show in shows.catch_up().await? {
                if let Some(ends) = config.ends.as_ref().filter(|_| leases.held(show).is_some()) {
                    ends.send_timeout(show, config.end_wait)
                        .await
                        .map_err(|_| Error::EndUnheard)?;
                }
            }
            Ok::<_, Error>(())
        };
        let caught_up = caught_up.await;
        match &caught_up {
            Ok(()) if is_away => tracing::info!("the database is there again"),
            Err(error) if !is_away => {
                tracing::error!(?error, "what other nodes do is not known: the database is away");
            }
            Ok(()) | Err(_) => {}
        }
        is_away = caught_up.is_err();
    }
}

/// Takes over what processes that work beside this one change in its file, for as long as the house is open.
async fn follow_shows(every: Duration, shows: Weak<shows::Shows>) {
    let mut ticks = tokio::time::interval(every.max(SWEEP_EVERY_MIN));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shows) = shows.upgrade() else { return };
        if let Err(error) = shows.catch_up().await {
            tracing::debug!(%error, "what processes beside this one did is not known yet");
        }
    }
}

/// Shortest time between two sweeps; an interval of zero would be none.
const SWEEP_EVERY_MIN: Duration = Duration::from_millis(1);

/// Drops what has expired, now and then, for as long as the house is open. It holds no handle to the house itself, and
/// so never keeps the directory locked.
async fn sweep(
    every: Duration,
    clock: Clock,
    denied: Weak<denied::Denials>,
    sessions: Weak<playback::Sessions>,
) {
    let mut ticks = tokio::time::interval(every.max(SWEEP_EVERY_MIN));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (Some(denied), Some(sessions)) = (denied.upgrade(), sessions.upgrade()) else { return };
        let now = clock();
        let swept = denied.sweep(now).await;
        if let Err(error) = swept.and(sessions.sweep(now).await) {
            tracing::warn!(%error, "expired sessions could not be dropped; trying again later");
        }
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
