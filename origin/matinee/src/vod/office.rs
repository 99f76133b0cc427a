//! Who does which job when: as many at a time as the house says, as many of sounds beside them, and one that lists.
//! Sounds take one thread of many, and nothing can be played without their beginning: they wait for no pictures, and no
//! pictures for them.
//!
//! In: jobs that are due. Out: jobs that are taken, kept, and ended one way or another. Does not know what they do.
//!
//! A job that goes on says so at least six times within its lease, and how far it is. Who cannot say so for four fifths
//! of it, by its own clock, or hears that nobody wants it any more, stops: by then somebody else may do the same. If
//! its film was deleted, it takes away what it may have put since.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};
use origin_control::{FilmJobKind, FilmLease, FilmsWaiting};
use origin_vod::machine::work;
use shared_wire::api::Priority;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Films;
use super::error::Failure;
use super::hold::Hold;

/// How often it is looked whether there is something to do, whoever made it so.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Renewals within one lease.
const RENEWALS: u32 = 6;
/// A job goes on for as long after its film was cancelled, elsewhere: it is heard of when it is renewed.
const RENEW_EVERY_MAX: Duration = Duration::from_secs(2);
/// How long what is on its way is waited for when a job is over.
const PUTS_MAX: Duration = Duration::from_secs(5);
/// The kinds of jobs that hardly take the processor.
const LIGHT: [FilmJobKind; 2] = [FilmJobKind::List, FilmJobKind::Texts];
/// The kinds of jobs that take the processor.
const HEAVY: [FilmJobKind; 2] = [FilmJobKind::Index, FilmJobKind::Chunk];
/// The kind of jobs that takes a part of it.
const SOUNDS: [FilmJobKind; 1] = [FilmJobKind::Sounds];

/// What a job came to.
pub(super) enum Outcome {
    /// It is done, and that is to be kept.
    Done(super::made::Done),
    /// It came to nothing.
    Failed(Failure),
    /// The house drains, or its asset is cancelled or deleted.
    Stopped,
    /// It is somebody else's by now.
    Lost,
}

/// Finds work until the house stops.
pub(super) async fn work(films: Arc<Films>) {
    let count = usize::try_from(films.transcodes).unwrap_or(1);
    let [heavy, sounds, lists] = [count, count, 1].map(|hands| Arc::new(Semaphore::new(hands)));
    loop {
        if let Err(error) = films.control.begin_films().await {
            tracing::warn!(%error, "films are not begun");
        }
        let looked = async {
            films.tell().await?;
            films.take(&LIGHT, &lists).await?;
            films.take(&HEAVY, &heavy).await?;
            films.take(&SOUNDS, &sounds).await
        };
        if let Err(error) = looked.await {
            tracing::warn!(%error, "what is to be transcoded is not known");
        }
        tokio::select! {
            () = films.wake.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = films.rest.cancelled() => return,
        }
    }
}

impl Films {
    /// Takes as many jobs as there are hands for.
    async fn take(
        self: &Arc<Self>,
        kinds: &[FilmJobKind],
        hands: &Arc<Semaphore>,
    ) -> Result<(), origin_control::Error> {
        while let Ok(hand) = Arc::clone(hands).try_acquire_owned() {
            if self.rest.is_cancelled() {
                return Ok(());
            }
            let due = self.control.films_due(kinds, self.own_only).await?;
            let Some(job) = due.jobs.first() else { return Ok(()) };
            let asked = Instant::now();
            if let Some(lease) = self.control.claim_film_job(job).await? {
                let hold = self.enter(&lease, asked);
                self.tasks.spawn(Arc::clone(self).carry_out(hold, hand));
            }
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 jobs, or milliseconds, are many")]
    async fn tell(&self) -> Result<(), origin_control::Error> {
        let waiting = self.control.film_jobs_waiting().await?;
        for kind in FilmJobKind::ALL {
            for priority in Priority::ALL {
                let is_it = |one: &&FilmsWaiting| (one.kind, one.priority) == (kind, priority);
                let found = waiting.iter().find(is_it);
                let (jobs, ms) = found.map_or((0, 0), |one| (one.jobs, one.oldest_ms));
                let labels = [("kind", kind.name()), ("priority", priority.name())];
                gauge!("matinee_film_jobs_waiting", &labels).set(jobs as f64);
                let seconds = ms.max(0) as f64 / 1000.0;
                gauge!("matinee_film_jobs_oldest_seconds", &labels).set(seconds);
            }
        }
        Ok(())
    }

    async fn carry_out(self: Arc<Self>, hold: Arc<Hold>, hand: OwnedSemaphorePermit) {
        let lease = hold.lease;
        let (asset, number, kind) = (lease.asset, lease.number, lease.kind.name());
        let (began, attempt) = (Instant::now(), lease.attempts);
        if lease.kind != FilmJobKind::List {
            tracing::info!(%asset, number, kind, attempt, "a job is begun");
        }
        let outcome = tokio::select! {
            biased;
            () = hold.stopped() => Outcome::Stopped,
            () = self.keep(&hold) => Outcome::Lost,
            done = self.job(&hold) => done.map_or_else(Outcome::Failed, Outcome::Done),
        };
        let outcome = match outcome {
            Outcome::Failed(_) if !hold.lasts() => Outcome::Lost,
            Outcome::Failed(_) if !hold.may() => Outcome::Stopped,
            other => other,
        };
        hold.stop();
        self.spend(&hold, began, &outcome).await;
        let result = self.settle(&lease, outcome).await.unwrap_or_else(|error| {
            tracing::warn!(%asset, number, kind, %error, "what became of a job was not kept");
            "unknown"
        });
        if lease.kind != FilmJobKind::List {
            let seconds = began.elapsed().as_secs_f64();
            tracing::info!(%asset, number, kind, result, seconds, "a job is over");
        }
        counter!("matinee_film_jobs_total", "kind" => kind, "result" => result).increment(1);
        histogram!("matinee_film_job_seconds", "kind" => kind, "result" => result)
            .record(began.elapsed());
        hold.puts.close();
        // What takes longer is deleted once more, if it is of a film that is deleted.
        let _ = tokio::time::timeout(PUTS_MAX, hold.puts.wait()).await;
        if result == "lost" {
            self.clear(&hold).await;
        }
        self.leave(&lease);
        drop(hand);
        self.wake.notify_one();
    }

    /// Takes away what was put for a film after it was deleted.
    async fn clear(&self, hold: &Hold) {
        let asset = hold.lease.asset;
        let (Some(show), Ok(false)) = (hold.show(), self.control.is_film_wanted(asset).await)
        else {
            return;
        };
        match self.shelf.delete(&show.to_string()).await {
            Ok(()) => tracing::info!(%asset, "what was made of a film that is deleted is gone"),
            Err(error) => {
                tracing::warn!(%asset, %error, "a film that is deleted may have objects left");
            }
        }
    }

    async fn job(&self, hold: &Arc<Hold>) -> Result<super::made::Done, Failure> {
        let lease = &hold.lease;
        // It brought down whoever did it, as often as it may.
        if lease.attempts > self.vod.attempts_max {
            return Err(Failure::Endless(lease.attempts - 1));
        }
        match lease.kind {
            FilmJobKind::List => return self.list(lease, hold).await,
            FilmJobKind::Texts => return self.subtitles(hold).await,
            FilmJobKind::Index | FilmJobKind::Sounds | FilmJobKind::Chunk => {}
        }
        let file = self.file(lease.asset).await?;
        let made = match lease.kind {
            FilmJobKind::Index => self.index(lease, &file).await,
            _ => self.piece(hold, &file).await,
        };
        // A child takes a file to end where nothing comes.
        file.lacks().map_or(made, |lacks| Err(Failure::House(lacks)))
    }

    /// Keeps what a job came to; its name among results.
    async fn settle(
        &self,
        lease: &FilmLease,
        outcome: Outcome,
    ) -> Result<&'static str, origin_control::Error> {
        use super::made::Done;
        let is_kept = match outcome {
            Outcome::Done(Done::Index(made, jobs)) => {
                self.control.film_planned(lease, &made, &jobs).await?
            }
            Outcome::Done(Done::Media(result, length_ms)) => {
                let is_kept = self.control.film_job_done(lease, &result).await?;
                let ms = if is_kept { length_ms } else { 0 };
                counter!("matinee_film_media_milliseconds_total", "kind" => lease.kind.name())
                    .increment(ms);
                is_kept
            }
            Outcome::Done(Done::List(listed)) => {
                let is_kept = self.control.film_listed(lease, listed).await?;
                if listed.is_complete {
                    self.forget(lease.asset);
                }
                is_kept
            }
            Outcome::Failed(failure) => return self.failed(lease, &failure).await,
            Outcome::Stopped => {
                self.control.give_film_job_back(lease).await?;
                return Ok("given back");
            }
            Outcome::Lost => false,
        };
        if is_kept {
            return Ok("done");
        }
        tracing::warn!(asset = %lease.asset, number = lease.number, "a job is not ours any more");
        Ok("lost")
    }

    async fn failed(
        &self,
        lease: &FilmLease,
        failure: &Failure,
    ) -> Result<&'static str, origin_control::Error> {
        let (asset, number, kind) = (lease.asset, lease.number, lease.kind.name());
        let reason = failure.to_string();
        // Without chance it waits, too.
        let chance = getrandom::u32().unwrap_or_default();
        let again = work::again(&self.vod, lease.attempts, failure.is_hopeless(), chance);
        match again {
            Some(after_ms) => {
                tracing::warn!(%asset, number, kind, reason, after_ms, "a job failed")
            }
            None => tracing::error!(%asset, number, kind, reason, "a film could not be made"),
        }
        if !self.control.film_job_failed(lease, &reason, again).await? {
            return Ok("lost");
        }
        Ok(if again.is_some() { "failed" } else { "dead" })
    }

    /// Says that a job goes on, for as long as it may.
    async fn keep(&self, hold: &Hold) {
        loop {
            tokio::time::sleep((self.lease / RENEWALS).min(RENEW_EVERY_MAX)).await;
            let asked = Instant::now();
            match self.control.keep_film_job(&hold.lease, hold.made_ms()).await {
                Ok(true) => hold.renew(asked),
                Ok(false) => return,
                Err(_) if hold.lasts() => {}
                Err(error) => {
                    tracing::warn!(%error, "nobody knows that a job goes on: it stops");
                    return;
                }
            }
        }
    }

    fn enter(&self, lease: &FilmLease, asked: Instant) -> Arc<Hold> {
        let hold = Arc::new(Hold::new(*lease, asked, self.lease, self.stop.child_token()));
        self.running().push(Arc::clone(&hold));
        hold
    }

    fn leave(&self, lease: &FilmLease) {
        self.running().retain(|one| one.lease != *lease);
        self.ended.notify_waiters();
    }
}
