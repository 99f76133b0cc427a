//! The shows on air in this process.
//!
//! In: publishers whose key was admitted, the end of shows, the clock. Out: a [`Turn`] on air for one publisher at a
//! time, the end of shows. Does not know connections.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use shared_media::{Now, Poll, Publication, VideoConfig};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::turn::Turn;
use crate::machine::airtime::{Airtime, Input, Output, PublisherId, Slot};
use crate::machine::intake::Intake;
use crate::{Admission, Config, Gate, Refusal, Resume, StreamKey};

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

/// What is written down about the shows.
#[derive(Default)]
pub(super) struct Book {
    shows: HashMap<String, Show>,
    /// Shows that are over, the latest last.
    ended: VecDeque<String>,
    publishers: u64,
}

impl Book {
    /// Keeps what a publisher leaves behind for the next one.
    pub(super) fn put_back(&mut self, show: &str, carriage: Carriage) {
        if let Some(show) = self.shows.get_mut(show) {
            show.carriage = Some(carriage);
        }
    }
}

struct Show {
    slot: Slot,
    /// Here while nobody is on air.
    carriage: Option<Carriage>,
    /// Of the publisher on air and of those who stand by.
    signals: HashMap<PublisherId, Signals>,
    /// It is over here, and may come back.
    is_let_go: bool,
}

/// What a show's book entry and one of its publishers say to each other.
#[derive(Clone)]
pub(super) struct Signals {
    /// Cancelled to dismiss the publisher.
    pub(super) dismissed: CancellationToken,
    /// Cancelled when it has gone.
    pub(super) gone: CancellationToken,
    /// Since when the publisher is being waited for, in microseconds of the monotonic clock; [`u64::MAX`] while there
    /// is something of it to be done.
    pub(super) waited_for_since_us: Arc<AtomicU64>,
    /// Another one goes on air: it shall stand by again.
    pub(super) yields: Arc<AtomicBool>,
    /// It is dismissed since another one takes over.
    pub(super) taken_over: Arc<AtomicBool>,
}

/// A claim that was turned down.
struct Refused {
    refusal: Refusal,
    /// Cancelled when the one on air has gone, if it was told to make room: then the claim may be made again.
    room: Option<CancellationToken>,
}

/// What is handed from publisher to publisher of a show.
pub(super) struct Carriage {
    pub(super) intake: Intake,
    /// Made with the first access unit.
    pub(super) publications: Option<mpsc::Sender<Publication>>,
    /// What its pictures were like the last time.
    pub(super) picture: Option<VideoConfig>,
}

/// In which place a publisher wants to be on air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Primary,
    Backup,
    /// That of nobody else, while the show waits for one.
    Slate,
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

    /// Lets a publisher on air, or stand by, if it may.
    fn claim(self: &Arc<Self>, admission: &Admission, place: Place) -> Result<Turn, Refused> {
        let now = self.now();
        let mut book = self.book();
        if self.closing.is_cancelled() {
            return Err(Refusal::Unavailable.into());
        }
        if book.ended.contains(&admission.show) {
            return Err(Refusal::ShowEnded.into());
        }
        if place == Place::Slate && !book.shows.contains_key(&admission.show) {
            return Err(Refusal::ShowEnded.into());
        }
        book.publishers += 1;
        let publisher = PublisherId(book.publishers);
        let show = book
            .shows
            .entry(admission.show.clone())
            .or_insert_with(|| Show::new(&self.config, admission.resume));
        let silent = show.silence(now) >= self.config.takeover_silence;
        let input = if place == Place::Slate {
            Input::Fill(publisher)
        } else {
            let second = admission.second_publisher.unwrap_or(self.config.second_publisher);
            show.slot.set_second(second);
            Input::Claim { publisher, silent, backup: place == Place::Backup }
        };
        show.slot.handle(now, input);
        let mut room = None;
        let mut answer = Err(Refusal::Unavailable);
        while let Poll::Output(output) = show.slot.poll() {
            match output {
                Output::Admit(_) => {
                    answer = show.carriage.take().map(Some).ok_or(Refusal::AlreadyPublishing);
                }
                Output::StandBy(_) => answer = Ok(None),
                Output::Refuse(_, refusal) => answer = Err(refusal),
                Output::Dismiss(dismissed) => {
                    if let Some(signals) = show.signals.get(&dismissed) {
                        signals.take_over();
                        room = Some(signals.gone.clone());
                    }
                }
                // Never follow from a claim.
                Output::Tell(_) | Output::Finish | Output::Yield(_) => {}
            }
        }
        let carriage = answer.map_err(|refusal| Refused { refusal, room })?;
        let signals = Signals::new(self.closing.child_token());
        show.signals.insert(publisher, signals.clone());
        Ok(Turn::new(Arc::clone(self), admission.show.clone(), publisher, carriage, signals))
    }

    /// Takes a show's place on air for a source that needs no key. `resume` is ingest's own to remember.
    pub(super) fn enter(self: &Arc<Self>, show: &str) -> Result<Turn, Refusal> {
        let admission = Admission { show: show.to_owned(), resume: None, second_publisher: None };
        self.claim(&admission, Place::Primary).map_err(|refused| refused.refusal)
    }

    /// Puts a slate on air, if the show is interrupted and nobody is there.
    pub(super) fn fill(self: &Arc<Self>, show: &str) -> Result<Turn, Refusal> {
        let admission = Admission { show: show.to_owned(), resume: None, second_publisher: None };
        self.claim(&admission, Place::Slate).map_err(|refused| refused.refusal)
    }

    /// What the pictures of a show were like that nobody is on air of.
    pub(super) fn last_picture(&self, show: &str) -> Option<VideoConfig> {
        self.book().shows.get(show)?.carriage.as_ref()?.picture.clone()
    }

    /// Lets a publisher on air that stands by, if it is its turn. It can begin with a keyframe.
    pub(super) fn step_up(&self, name: &str, publisher: PublisherId) -> Option<Carriage> {
        let now = self.now();
        let mut book = self.book();
        let show = book.shows.get_mut(name)?;
        let silent = show.silence(now) >= self.config.failover_silence;
        show.slot.handle(now, Input::StepUp { publisher, silent });
        let mut carriage = None;
        while let Poll::Output(output) = show.slot.poll() {
            match output {
                Output::Admit(_) => carriage = show.carriage.take(),
                Output::Dismiss(on_air) => {
                    if let Some(signals) = show.signals.get(&on_air) {
                        signals.take_over();
                    }
                }
                Output::Yield(on_air) => {
                    if let Some(signals) = show.signals.get(&on_air) {
                        signals.yields.store(true, Ordering::Relaxed);
                    }
                }
                // Never follow from stepping up.
                Output::StandBy(_) | Output::Refuse(..) | Output::Tell(_) | Output::Finish => {}
            }
        }
        carriage
    }

    /// Asks the gate whose key it is, and takes that show's place on air.
    pub(super) async fn admit(
        self: &Arc<Self>,
        key: &StreamKey,
        peer: SocketAddr,
    ) -> Result<Turn, Refusal> {
        let patience = self.config.admission_timeout;
        let verdict = time::timeout(patience, self.gate.admit(key, peer)).await;
        let admission = verdict.map_err(|_| Refusal::Unavailable)??;
        let place = if key.is_backup() { Place::Backup } else { Place::Primary };
        let turn = match self.claim(&admission, place) {
            Ok(turn) => turn,
            Err(refused) => {
                let room = refused.room.ok_or(refused.refusal)?;
                // Made in time or not, the second answer counts.
                let _ = time::timeout(self.config.takeover_timeout, room.cancelled()).await;
                self.claim(&admission, place).map_err(|refused| refused.refusal)?
            }
        };
        let standby = turn.stands_by();
        tracing::info!(%peer, show = turn.show(), standby, "publisher admitted");
        Ok(turn)
    }

    /// Waits from now on for the publisher of a show that an earlier process had on air.
    pub(super) fn wait_for(&self, show: &str, resume: Resume) -> mpsc::Receiver<Publication> {
        let (sender, publications) = mpsc::channel(self.config.queue_depth.max(1));
        let mut expected = Show::new(&self.config, Some(resume));
        expected.slot = Slot::interrupted(
            self.config.reconnect_window,
            self.config.second_publisher,
            self.now(),
        );
        expected.carriage =
            expected.carriage.map(|carriage| Carriage { publications: Some(sender), ..carriage });
        self.book().shows.insert(show.to_owned(), expected);
        self.changed.notify_one();
        publications
    }

    /// What a publisher is told that has to go.
    pub(super) fn parting(&self) -> Refusal {
        if self.closing.is_cancelled() { Refusal::Unavailable } else { Refusal::ShowEnded }
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

    /// Ends a show that may come back; its publishers are told that another one has taken over.
    pub(super) fn let_go(&self, name: &str) -> bool {
        let mut book = self.book();
        let Some(show) = book.shows.get_mut(name) else { return false };
        show.is_let_go = true;
        show.signals.values().for_each(Signals::take_over);
        self.happen(&mut book, name, Input::End);
        true
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

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a show's slot what happened and does what it wants.
    pub(super) fn happen(&self, book: &mut Book, name: &str, input: Input) {
        let now = self.now();
        let Some(show) = book.shows.get_mut(name) else { return };
        if let Input::Release(publisher) = &input {
            show.signals.remove(publisher);
        }
        show.slot.handle(now, input);
        let mut over = false;
        while let Poll::Output(output) = show.slot.poll() {
            match output {
                Output::Dismiss(publisher) => {
                    if let Some(signals) = show.signals.get(&publisher) {
                        signals.dismissed.cancel();
                    }
                }
                Output::Tell(airtime) => {
                    if airtime == Airtime::Interrupted {
                        show.break_off();
                    }
                    self.gate.airtime(name, airtime);
                }
                Output::Finish => {
                    over = true;
                    if let Some(carriage) = show.carriage.take() {
                        self.finish(name, carriage);
                    }
                }
                // Answers to claims and to stepping up, taken there.
                Output::Admit(_) | Output::StandBy(_) | Output::Yield(_) | Output::Refuse(..) => {}
            }
        }
        let is_let_go = show.is_let_go;
        if show.slot.is_vacant() || over {
            book.shows.remove(name);
        }
        if over && !is_let_go {
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

impl Show {
    fn new(config: &Arc<Config>, resume: Option<Resume>) -> Self {
        let intake = Intake::new(Arc::clone(config), resume);
        Self {
            slot: Slot::new(config.reconnect_window, config.second_publisher),
            carriage: Some(Carriage { intake, publications: None, picture: None }),
            signals: HashMap::new(),
            is_let_go: false,
        }
    }

    /// Says at once that what comes next will not continue what came before, so that the rest of it is worked off now.
    /// It is said again when the next publisher begins: a channel that is full need not be waited for.
    fn break_off(&self) {
        let carriage = self.carriage.as_ref();
        if let Some(publications) = carriage.and_then(|carriage| carriage.publications.as_ref()) {
            let _ = publications.try_send(Publication::Discontinuity);
        }
    }

    /// How long the publisher on air has been waited for.
    fn silence(&self, now: Now) -> Duration {
        let on_air = self.slot.publisher().and_then(|publisher| self.signals.get(&publisher));
        let since_us = on_air.map(|signals| signals.waited_for_since_us.load(Ordering::Relaxed));
        let since_us = since_us.unwrap_or(u64::MAX);
        Duration::from_micros(now.monotonic_us.saturating_sub(since_us))
    }
}

impl Signals {
    fn new(dismissed: CancellationToken) -> Self {
        let waited_for_since_us = Arc::new(AtomicU64::new(u64::MAX));
        Self {
            dismissed,
            gone: CancellationToken::new(),
            waited_for_since_us,
            yields: Arc::default(),
            taken_over: Arc::default(),
        }
    }

    /// Dismisses the publisher, for another one takes over.
    fn take_over(&self) {
        self.taken_over.store(true, Ordering::Relaxed);
        self.dismissed.cancel();
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, room: None }
    }
}

impl fmt::Debug for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shows").field("on_air", &self.book().shows.len()).finish_non_exhaustive()
    }
}
