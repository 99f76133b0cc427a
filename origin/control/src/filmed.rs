//! Films, for whoever makes them.
//!
//! In: what runners and listers ask. Out: [`Control`]'s answers. Does not know media.

use std::sync::Arc;

use shared_wire::AssetId;
use shared_wire::api::AssetState;
use tokio::sync::Notify;

use crate::films::{
    Film, FilmJob, FilmJobKind, FilmLease, FilmLeft, FilmListed, FilmListing, FilmSpent,
    FilmSubtitles, FilmsDue, FilmsWaiting, NewFilmJob,
};
use crate::shows::FilmSays;
use crate::subtitles::SubtitleCue;
use crate::{Control, Error};

impl Control {
    /// Told when there may be a film to work at.
    #[must_use]
    pub fn films_changed(&self) -> Arc<Notify> {
        self.house.films.changed.clone()
    }

    /// To be called before anybody works at films: what an earlier process of this node had is free, and shows say what
    /// their assets do.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn recover_films(&self) -> Result<(), Error> {
        self.house.films.free_own().await?;
        for show in self.shows().iter().filter(|show| show.is_growing) {
            let Some(asset) = show.asset else { continue };
            let is_going = match self.asset(asset).await {
                Ok(asset) => matches!(asset.state, AssetState::Uploaded | AssetState::Transcoding),
                Err(Error::AssetUnknown) => false,
                Err(error) => return Err(error),
            };
            if !is_going {
                self.house.shows.set_film(show.show, true, false).await?;
            }
        }
        Ok(())
    }

    /// Begins to make the films of assets that are uploaded; how many it began.
    ///
    /// # Errors
    /// [`Error::ShowsFull`], storage errors.
    pub async fn begin_films(&self) -> Result<usize, Error> {
        let uploaded = self.house.films.uploaded().await?;
        for id in &uploaded {
            let asset = self.asset(*id).await?;
            let show = self.house.shows.of_asset(self.house.now(), &asset).await?;
            self.house.films.begin(*id, show).await?;
        }
        Ok(uploaded.len())
    }

    /// Jobs of these kinds that can be done now; of films that this node began alone, if it is said so.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn films_due(
        &self,
        kinds: &[FilmJobKind],
        own_only: bool,
    ) -> Result<FilmsDue, Error> {
        self.house.films.due(kinds, own_only).await
    }

    /// Says that this process is there, of so many hands, and whether it takes jobs: to be said every few seconds. What
    /// it leaves to others, since it was begun by another encoder than [`Config::encoder`](crate::Config::encoder).
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_worker_is_here(
        &self,
        hands: u32,
        is_draining: bool,
        own_only: bool,
    ) -> Result<Vec<FilmLeft>, Error> {
        self.house.films.is_here(hands, is_draining, own_only).await
    }

    /// Says that this process makes films no more.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_worker_is_over(&self) -> Result<(), Error> {
        self.house.films.is_over().await
    }

    /// Adds what a job took, before it is said what became of it. `false`: the lease is lost, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_job_spent(&self, lease: &FilmLease, spent: FilmSpent) -> Result<bool, Error> {
        self.house.films.spent(lease, spent).await
    }

    /// Takes a job as it was seen; `None` if somebody else was faster, or its film is another encoder's by now.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn claim_film_job(&self, job: &FilmJob) -> Result<Option<FilmLease>, Error> {
        self.house.films.claim(job).await
    }

    /// Says that a job is still being done, and how many milliseconds of its piece are made; `false` if it is somebody
    /// else's, or nobody wants it any more.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn keep_film_job(&self, lease: &FilmLease, done_ms: i64) -> Result<bool, Error> {
        self.house.films.keep(lease, done_ms).await
    }

    /// Gives a job back that was not done to its end, through no fault of its own.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn give_film_job_back(&self, lease: &FilmLease) -> Result<(), Error> {
        self.house.films.give_back(lease).await
    }

    /// A film was looked through: how it is cut is kept, and these jobs are to be done. `false`: the lease is lost, and
    /// nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_planned(
        &self,
        lease: &FilmLease,
        made: &str,
        jobs: &[NewFilmJob],
    ) -> Result<bool, Error> {
        self.house.films.planned(lease, made, jobs).await
    }

    /// A job is done, and what it came to is to be kept. `false`: the lease is lost, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_job_done(&self, lease: &FilmLease, result: &str) -> Result<bool, Error> {
        self.house.films.done(lease, result).await
    }

    /// A job that goes on has come so far: it can be listed, in the place of what an earlier attempt said. `false`: the
    /// lease is lost, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_job_came(&self, lease: &FilmLease, so_far: &str) -> Result<bool, Error> {
        self.house.films.came(lease, so_far).await
    }

    /// A film was listed as far as it is made. `false`: the lease is lost, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_listed(&self, lease: &FilmLease, listed: FilmListed) -> Result<bool, Error> {
        let show = self.film(lease.asset).await?.show;
        let (is_playable, is_growing) = (listed.is_playable, !listed.is_complete);
        let says = FilmSays { is_playable, is_growing, has_cover: listed.has_cover };
        // Both at once, under the fence: a lister that stood still says nothing of the show any more.
        let turn = self.house.shows.turn().await;
        let Some(change) = self.house.films.listed(lease, listed).await? else { return Ok(false) };
        self.house.shows.set_film_in(turn, change, show, says).await?;
        self.house.films.changed.notify_one();
        Ok(true)
    }

    /// Which listing of a film is the last, and whether nothing has come since; `None` if nobody lists it yet.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_listing(&self, asset: AssetId) -> Result<Option<FilmListing>, Error> {
        self.house.films.listing(asset).await
    }

    /// Whether anybody may want what a job makes: not once its asset is deleted, or is about to be.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn is_film_wanted(&self, asset: AssetId) -> Result<bool, Error> {
        self.house.films.is_wanted(asset).await
    }

    /// What some jobs came to is nowhere any more: they are done again. `lease` is the lister's.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn redo_film_jobs(&self, lease: &FilmLease, numbers: &[u32]) -> Result<bool, Error> {
        self.house.films.redo(lease, numbers).await
    }

    /// A job came to nothing. It is tried again after so long; or never, and the asset has failed. `false`: the lease
    /// is lost, and nothing was kept.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_job_failed(
        &self,
        lease: &FilmLease,
        reason: &str,
        again_after_ms: Option<i64>,
    ) -> Result<bool, Error> {
        let is_kept = self.house.films.failed(lease, reason, again_after_ms).await?;
        if is_kept && again_after_ms.is_none() && lease.kind != FilmJobKind::Texts {
            let asset = self.asset(lease.asset).await?;
            if let Some(show) = asset.show {
                self.house.shows.set_film(show, asset.is_playable, false).await?;
            }
        }
        Ok(is_kept)
    }

    /// A film.
    ///
    /// # Errors
    /// [`Error::AssetUnknown`], [`Error::AssetNotReady`] if nobody began to make it, storage errors.
    pub async fn film(&self, asset: AssetId) -> Result<Film, Error> {
        self.house.films.get(asset).await
    }

    /// What the jobs of a film came to that are done, by their numbers, in order.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_results(&self, asset: AssetId) -> Result<Vec<(u32, String)>, Error> {
        self.house.films.results(asset).await
    }

    /// How far the jobs of a film came that are not done, by their numbers, in order. To be asked for before
    /// [`Self::film_results`]: what is in neither otherwise was done in between.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_so_far(&self, asset: AssetId) -> Result<Vec<(u32, String)>, Error> {
        self.house.films.so_far(asset).await
    }

    /// The subtitles that were uploaded for a film, in the order in which they came.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_subtitles(&self, asset: AssetId) -> Result<Vec<FilmSubtitles>, Error> {
        self.house.films.subtitles(asset).await
    }

    /// Those that a job makes, with their cues; `None` if they are there no more.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_subtitles_of(
        &self,
        lease: &FilmLease,
    ) -> Result<Option<(FilmSubtitles, Vec<SubtitleCue>)>, Error> {
        self.house.films.subtitles_of(lease).await
    }

    /// How many jobs wait, of each kind and priority.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn film_jobs_waiting(&self) -> Result<Vec<FilmsWaiting>, Error> {
        self.house.films.waiting().await
    }
}
