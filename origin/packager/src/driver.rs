//! Runs a machine: its events come from a channel, its objects go into a sink, its playlists are
//! answered from memory.
//!
//! In: a channel of [`Staged`] events, an [`ObjectSink`]. Out: a [`Handle`] to ask, and a task that
//! ends with the show. Does not know HTTP; the binary turns answers into responses.

mod answer;
mod ask;
mod handle;
mod manifest;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{Histogram, counter, histogram};
use shared_media::{Anchor, Now, ObjectSink, Poll, RenditionId, Staged};
use shared_wire::ShowId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

pub use answer::{Answer, CachePolicy, Hint, Refusal};
pub use handle::{Handle, Picture, RenditionStatus, Status};
pub use manifest::{Growing, Growth};
pub use version::{gzip, gzip_playlist};

use ask::Ask;

use crate::config::Config;
use crate::error::Error;
use crate::machine::{Held, Machine, Notes, Output};

/// How often the machine hears the time.
const TICK: Duration = Duration::from_millis(250);

/// How long a playlist waits for its notes to be kept. Beyond that a slow disk would be a slow show; what is listed and
/// not noted may vanish if the process is killed within that moment.
const SETTLE_MAX: Duration = Duration::from_millis(20);

/// How long nothing waits for notes after they took too long.
const IMPATIENT: Duration = Duration::from_secs(1);

/// What is left to do when a show is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Keys of the recordings' playlists, still in their EVENT form: the store turns each into its
    /// VOD form with [`shared_playlist::recording::finish`].
    pub recordings: Vec<String>,
}

/// Starts to package a publication of a show. The task ends after [`Staged::End`], or when the
/// channel closes, which it takes for the end. `epoch` is 1 to 16 of `a-z 0-9 -` and never used twice
/// for the show.
pub fn spawn(
    config: Config,
    show: ShowId,
    epoch: String,
    anchor: Anchor,
    staged: mpsc::Receiver<Staged>,
    sink: Arc<dyn ObjectSink>,
) -> (Handle, JoinHandle<Finished>) {
    let (handle, asked) = Handle::new(&config, show, &epoch);
    let machine = Machine::new(config, show, epoch, anchor);
    let driver = Driver::new(machine, show, sink, handle.clone(), asked);
    (handle, tokio::spawn(driver.run(staged)))
}

/// Goes on with a show that an earlier process had on air, from its notes. Every playlist that was there is
/// there again when this returns; the next segment follows a discontinuity.
pub fn restore(
    config: Config,
    show: ShowId,
    notes: &Notes,
    held: &Held,
    staged: mpsc::Receiver<Staged>,
    sink: Arc<dyn ObjectSink>,
) -> (Handle, JoinHandle<Finished>) {
    let (handle, asked) = Handle::new(&config, show, notes.epoch());
    let machine = Machine::restore(config, show, notes, held);
    let mut driver = Driver::new(machine, show, sink, handle.clone(), asked);
    driver.carry_out_all();
    (handle, tokio::spawn(driver.run(staged)))
}

struct Driver {
    machine: Machine,
    show: ShowId,
    sink: Arc<dyn ObjectSink>,
    handle: Handle,
    asked: mpsc::Receiver<Ask>,
    started: Instant,
    impatient_until: Instant,
    delays: BTreeMap<RenditionId, Histogram>,
    done: Option<Finished>,
}

impl Driver {
    fn new(
        machine: Machine,
        show: ShowId,
        sink: Arc<dyn ObjectSink>,
        handle: Handle,
        asked: mpsc::Receiver<Ask>,
    ) -> Self {
        let started = Instant::now();
        let (impatient_until, delays) = (started, BTreeMap::new());
        Self { machine, show, sink, handle, asked, started, impatient_until, delays, done: None }
    }

    async fn run(mut self, mut staged: mpsc::Receiver<Staged>) -> Finished {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let event = tokio::select! {
                biased;
                // They are few, and none waits for what comes in all the time.
                Some(ask) = self.asked.recv() => {
                    let now = self.now();
                    ask(&mut self.machine, now);
                    self.carry_out_all();
                    continue;
                }
                event = staged.recv() => event.unwrap_or(Staged::End),
                _ = ticks.tick() => {
                    self.machine.tick(self.now());
                    let gone = self.sink.gone(&self.show.to_string());
                    if !gone.is_empty() {
                        self.machine.lose(&gone.into_iter().collect());
                    }
                    self.carry_out_settled().await;
                    continue;
                }
            };
            let is_end = event == Staged::End;
            self.machine.handle(self.now(), event);
            self.carry_out_settled().await;
            if is_end {
                tracing::info!(show = %self.show, "packaging ended");
                return self.done.unwrap_or(Finished { recordings: Vec::new() });
            }
        }
    }

    fn now(&self) -> Now {
        let utc = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            monotonic_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            utc_us: i64::try_from(utc.as_micros()).unwrap_or(i64::MAX),
        }
    }

    /// Carries everything out; what was noted is kept before a playlist lists it.
    async fn carry_out_settled(&mut self) {
        let mut is_noted = false;
        while let Poll::Output(output) = self.machine.poll() {
            is_noted |= matches!(output, Output::Note(_));
            if matches!(output, Output::View { .. }) && std::mem::take(&mut is_noted) {
                self.settle().await;
            }
            self.carry_out(output);
        }
        if is_noted {
            // Nobody waits for it, but it is not left lying either.
            drop(self.sink.settled());
        }
    }

    /// Waits for the notes, but not for a disk that was too slow a moment ago.
    async fn settle(&mut self) {
        let settled = self.sink.settled();
        if Instant::now() < self.impatient_until {
            return;
        }
        if tokio::time::timeout(SETTLE_MAX, settled).await.is_err() {
            self.impatient_until = Instant::now() + IMPATIENT;
        }
    }

    fn carry_out_all(&mut self) {
        while let Poll::Output(output) = self.machine.poll() {
            self.carry_out(output);
        }
        drop(self.sink.settled());
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::PutPart(object) => self.sink.put_part(object),
            Output::Put(object) => self.sink.put(object),
            Output::Replace(object) => self.sink.replace(object),
            Output::Append(object) => self.sink.append(object),
            Output::Multivariant(object) => {
                self.handle.publish_multivariant(object.bytes.clone());
                self.sink.replace(object);
            }
            Output::View { rendition, playlist, arrived_us } => {
                self.handle.publish(rendition.as_str(), playlist);
                if let Some(arrived_us) = arrived_us {
                    let delay_us = self.now().monotonic_us.saturating_sub(arrived_us);
                    self.delays(&rendition).record(Duration::from_micros(delay_us));
                }
            }
            Output::Note(note) => self.sink.note(&self.show.to_string(), note),
            Output::Trouble(trouble) => self.report(&trouble),
            Output::Finished { recordings } => self.done = Some(Finished { recordings }),
        }
    }

    /// The meter of a rendition, looked up once.
    fn delays(&mut self, rendition: &RenditionId) -> &Histogram {
        self.delays.entry(rendition.clone()).or_insert_with(|| {
            let rendition = rendition.to_string();
            histogram!("matinee_part_publish_delay_seconds", "rendition" => rendition)
        })
    }

    fn report(&self, trouble: &Error) {
        match trouble {
            Error::Dropped { rendition, why } => {
                let why = why.name();
                counter!("matinee_packager_units_dropped_total", "why" => why).increment(1);
                tracing::debug!(show = %self.show, %rendition, why, "unit dropped");
            }
            Error::Gap { rendition, msn } => {
                counter!("matinee_packager_gaps_total").increment(1);
                tracing::warn!(show = %self.show, %rendition, msn, "segment without media");
            }
            Error::Configuration { .. } | Error::OutOfOrder(_) => {
                counter!("matinee_packager_troubles_total").increment(1);
                tracing::warn!(show = %self.show, "{trouble}");
            }
        }
    }
}
