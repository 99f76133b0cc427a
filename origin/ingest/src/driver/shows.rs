//! The shows on air in this process.
//!
//! In: publishers whose key was admitted, the end of shows, the clock. Out: a [`Turn`] on air for one publisher at a
//! time; shows handed to the gate. Does not know connections.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use metrics::gauge;
use shared_media::{Now, Poll, Publication};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::machine::airtime::{Airtime, Input, Output, PublisherId, Slot};
use crate::machine::intake::{self, Intake};
use crate::{Admission, Config, Error, Gate, Opening, Refusal};

/// All shows on air.
pub(super) struct Shows {
    config: Arc<Config>,
    gate: Arc<dyn Gate>,
    started: Instant,
    book: Mutex<Book>,
    /// A deadline may have changed.
    changed: Notify,
    /// Cancelled when the house closes.
    closing: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Book {
    shows: HashMap<String, Show>,
    /// Shows that are over, the latest last.
    ended: VecDeque<String>,
    publishers: u64,
}

struct Show {
    slot: Slot,
    /// Here while nobody is on air.
    carriage: Option<Carriage>,
    /// Cancelled to dismiss the publisher on air.
    dismissal: CancellationToken,
}

/// What is handed from publisher to publisher of a show.
struct Carriage {
    intake: Intake,
    /// Made with the first access unit.
    publications: Option<mpsc::Sender<Publication>>,
}

/// One publisher's time on air. It ends when this is dropped.
pub(super) struct Turn {
    shows: Arc<Shows>,
    show: String,
    publisher: PublisherId,
    /// Only missing while being dropped.
    carriage: Option<Carriage>,
    dismissed: CancellationToken,
    on_air: bool,
}

impl Shows {
    pub(super) fn new(config: Arc<Config>, gate: Arc<dyn Gate>) -> Self {
        Self {
            config,
            gate,
            started: Instant::now(),
            book: Mutex::default(),
            changed: Notify::new(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    pub(super) const fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(super) fn gate(&self) -> &dyn Gate {
        &*self.gate
    }

    /// The tasks to be waited for when the house closes.
    pub(super) const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Cancelled when the house closes.
    pub(super) const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Both clocks.
    pub(super) fn now(&self) -> Now {
        let utc = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let micros = |span: Duration| u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Now {
            monotonic_us: micros(self.started.elapsed()),
            utc_us: i64::try_from(micros(utc)).unwrap_or(i64::MAX),
        }
    }

    /// The moment a machine means.
    pub(super) fn instant(&self, monotonic_us: u64) -> Instant {
        self.started + Duration::from_micros(monotonic_us)
    }

    /// Lets a publisher on air, if it may.
    pub(super) fn claim(self: &Arc<Self>, admission: Admission) -> Result<Turn, Refusal> {
        let now = self.now();
        let mut book = self.book();
        if self.closing.is_cancelled() {
            return Err(Refusal::Unavailable);
        }
        if book.ended.contains(&admission.show) {
            return Err(Refusal::ShowEnded);
        }
        book.publishers += 1;
        let publisher = PublisherId(book.publishers);
        let show = book.shows.entry(admission.show.clone()).or_insert_with(|| {
            let intake = Intake::new(Arc::clone(&self.config), admission.resume);
            Show {
                slot: Slot::new(self.config.reconnect_window),
                carriage: Some(Carriage { intake, publications: None }),
                dismissal: CancellationToken::new(),
            }
        });
        show.slot.handle(now, Input::Claim(publisher));
        let mut answer = Err(Refusal::Unavailable);
        while let Poll::Output(output) = show.slot.poll() {
            answer = match output {
                Output::Refuse(_, refusal) => Err(refusal),
                _ => show.carriage.take().ok_or(Refusal::AlreadyPublishing),
            };
        }
        let carriage = Some(answer?);
        show.dismissal = self.closing.child_token();
        gauge!("matinee_ingest_publishers").increment(1);
        Ok(Turn {
            shows: Arc::clone(self),
            show: admission.show,
            publisher,
            carriage,
            dismissed: show.dismissal.clone(),
            on_air: false,
        })
    }

    pub(super) fn airtime(&self, show: &str) -> Option<Airtime> {
        let book = self.book();
        let on_air = book.shows.get(show).map(|show| show.slot.airtime());
        on_air.or_else(|| book.ended.iter().any(|ended| ended == show).then_some(Airtime::Ended))
    }

    pub(super) fn end(&self, show: &str) -> bool {
        let mut book = self.book();
        let known = book.shows.contains_key(show);
        if known {
            self.happen(&mut book, show, Input::End);
        } else {
            self.remember_ended(&mut book, show);
        }
        known
    }

    /// Waits for the next deadline of a show and lets it pass.
    pub(super) async fn watch(&self) {
        let deadline = self.book().shows.values().filter_map(|show| show.slot.deadline_us()).min();
        let Some(deadline) = deadline else { return self.changed.notified().await };
        tokio::select! {
            () = self.changed.notified() => return,
            () = time::sleep_until(self.instant(deadline)) => {}
        }
        let mut book = self.book();
        let shows: Vec<String> = book.shows.keys().cloned().collect();
        for show in shows {
            self.happen(&mut book, &show, Input::Tick);
        }
    }

    /// Dismisses all publishers, ends all shows, and waits until that is done.
    pub(super) async fn close(&self) {
        {
            let mut book = self.book();
            self.closing.cancel();
            let shows: Vec<String> = book.shows.keys().cloned().collect();
            for show in shows {
                self.happen(&mut book, &show, Input::End);
            }
        }
        self.tasks.close();
        if time::timeout(self.config.drain_timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "publishers or shows took too long to close");
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a show's slot what happened and does what it wants.
    fn happen(&self, book: &mut Book, name: &str, input: Input) {
        let now = self.now();
        let Some(show) = book.shows.get_mut(name) else { return };
        show.slot.handle(now, input);
        let mut over = false;
        while let Poll::Output(output) = show.slot.poll() {
            match output {
                Output::Dismiss(_) => show.dismissal.cancel(),
                Output::Tell(airtime) => self.gate.airtime(name, airtime),
                Output::Finish => {
                    over = true;
                    if let Some(carriage) = show.carriage.take() {
                        self.finish(name, carriage);
                    }
                }
                Output::Admit(_) | Output::Refuse(..) => {} // answers to a claim, taken there
            }
        }
        if show.slot.is_vacant() || over {
            book.shows.remove(name);
        }
        if over {
            self.remember_ended(book, name);
        }
        self.changed.notify_one();
    }

    /// Hands on the end, behind all that still waits in the show's channel.
    fn finish(&self, name: &str, carriage: Carriage) {
        tracing::info!(show = name, "the show has ended");
        let Some(publications) = carriage.publications else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let patience = self.config.drain_timeout;
        let handed_on = async move { publications.send(Publication::End).await };
        self.tasks.spawn_on(async move { time::timeout(patience, handed_on).await }, &runtime);
    }

    fn remember_ended(&self, book: &mut Book, name: &str) {
        if !book.ended.iter().any(|ended| ended == name) {
            book.ended.push_back(name.to_owned());
        }
        while book.ended.len() > self.config.ended_shows_max {
            book.ended.pop_front();
        }
    }
}

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shows").field("on_air", &self.book().shows.len()).finish_non_exhaustive()
    }
}

impl Turn {
    /// The show's identifier.
    pub(super) fn show(&self) -> &str {
        &self.show
    }

    /// Cancelled when the publisher shall go.
    pub(super) const fn dismissed(&self) -> &CancellationToken {
        &self.dismissed
    }

    /// What the publisher sent, and what comes of it.
    pub(super) fn take_in(&mut self, input: intake::Input) -> Vec<intake::Output> {
        let now = self.shows.now();
        let mut outputs = Vec::new();
        if let Some(carriage) = &mut self.carriage {
            carriage.intake.handle(now, input);
            while let Poll::Output(output) = carriage.intake.poll() {
                outputs.push(output);
            }
        }
        outputs
    }

    /// Hands a publication on. Waits while the show's channel is full: that is what slows the publisher down.
    ///
    /// # Errors
    /// [`Error::Abandoned`] if nobody takes the show any more; it ends then.
    pub(super) async fn hand_on(&mut self, publication: Publication) -> Result<(), Error> {
        if !self.on_air {
            self.go_on_air();
        }
        let channel = self.carriage.as_ref().and_then(|carriage| carriage.publications.as_ref());
        match channel {
            Some(channel) => match channel.send(publication).await {
                Ok(()) => Ok(()),
                Err(_) => {
                    self.shows.end(&self.show);
                    Err(Error::Abandoned)
                }
            },
            None => Err(Error::Abandoned),
        }
    }

    fn go_on_air(&mut self) {
        let Some(carriage) = &mut self.carriage else { return };
        let Some(anchor) = carriage.intake.anchor() else { return };
        self.on_air = true;
        let mut book = self.shows.book();
        if carriage.publications.is_none() {
            let (sender, publications) = mpsc::channel(self.shows.config.queue_depth.max(1));
            carriage.publications = Some(sender);
            self.shows.gate.opened(Opening { show: self.show.clone(), anchor, publications });
        }
        self.shows.happen(&mut book, &self.show, Input::Media(self.publisher));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        gauge!("matinee_ingest_publishers").decrement(1);
        let mut book = self.shows.book();
        if let Some(mut carriage) = self.carriage.take() {
            carriage.intake.handle(self.shows.now(), intake::Input::Interrupt);
            if let Some(show) = book.shows.get_mut(&self.show) {
                show.carriage = Some(carriage);
            }
        }
        self.shows.happen(&mut book, &self.show, Input::Release(self.publisher));
    }
}
