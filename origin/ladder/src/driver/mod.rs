//! Runs one show's ladder: carries events in and out, and looks after the child.
//!
//! In: a channel of publication events. Out: a channel of staged events. The only place with clocks, channels and
//! processes; what happens when is decided in `machine::ladder`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use shared_media::{Poll, Publication, Staged};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::error::Error;
use crate::machine::capacity::Demand;
use crate::machine::frame::ToChild;
use crate::machine::ladder::{Input, Ladder, Output};
use crate::machine::plan::recall;

pub(crate) mod child;

mod capacity;

mod telemetry;

use capacity::Place;
pub use capacity::{Capacity, NoRoom};
use child::{Child, Heard};

/// Looks at a running ladder from outside.
#[derive(Debug, Clone)]
pub struct Handle(Arc<AtomicU32>);

impl Handle {
    /// The process id of the child, while one runs.
    #[must_use]
    pub fn child_pid(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }
}

/// Starts the ladder of one show. Must be called within a tokio runtime.
///
/// The task ends after [`Publication::End`], or when `input` is closed, which means the same. `show` is for the log.
/// Aborting the task, or dropping the runtime, kills the child.
#[must_use]
pub fn spawn(
    config: Config,
    input: mpsc::Receiver<Publication>,
    show: &str,
) -> (mpsc::Receiver<Staged>, JoinHandle<Result<(), Error>>) {
    let (staged, task, _) = spawn_watched(config, input, show);
    (staged, task)
}

/// [`spawn`], on a machine that may not have room for every rung.
#[must_use]
pub fn spawn_within(
    config: Config,
    capacity: &Capacity,
    input: mpsc::Receiver<Publication>,
    show: &str,
) -> Running {
    let ladder = Ladder::new(&config);
    let (staged, task, _) = start(config, ladder, capacity, input, show);
    (staged, task)
}

/// [`spawn`], with a handle to watch it by.
#[must_use]
pub fn spawn_watched(
    config: Config,
    input: mpsc::Receiver<Publication>,
    show: &str,
) -> (mpsc::Receiver<Staged>, JoinHandle<Result<(), Error>>, Handle) {
    let ladder = Ladder::new(&config);
    start(config, ladder, &Capacity::unlimited(), input, show)
}

/// What comes of a ladder, and its task.
pub type Running = (mpsc::Receiver<Staged>, JoinHandle<Result<(), Error>>);

/// The ladder of a show that an earlier process had on air, with the renditions it had: `memo` is that of its
/// [`shared_media::Plan`]. `None` if the memo cannot be read. Must be called within a tokio runtime.
#[must_use]
pub fn resume(
    config: Config,
    capacity: &Capacity,
    memo: &str,
    input: mpsc::Receiver<Publication>,
    show: &str,
) -> Option<Running> {
    let ladder = Ladder::resume(&config, recall(memo)?);
    let (staged, task, _) = start(config, ladder, capacity, input, show);
    Some((staged, task))
}

fn start(
    config: Config,
    ladder: Ladder,
    capacity: &Capacity,
    input: mpsc::Receiver<Publication>,
    show: &str,
) -> (mpsc::Receiver<Staged>, JoinHandle<Result<(), Error>>, Handle) {
    let (staged, receiver) = mpsc::channel(config.staged_queue.max(1));
    let handle = Handle(Arc::default());
    let driver = Driver {
        ladder,
        config,
        show: show.to_owned(),
        staged,
        child: None,
        pid: handle.clone(),
        epoch: Instant::now(),
        ever_started: false,
        frames: telemetry::Frames::default(),
        queue: telemetry::Queue::default(),
        resting: telemetry::Resting::default(),
        place: capacity.place(),
    };
    (receiver, tokio::spawn(driver.run(input)), handle)
}

struct Driver {
    config: Config,
    show: String,
    ladder: Ladder,
    staged: mpsc::Sender<Staged>,
    child: Option<Child>,
    pid: Handle,
    epoch: Instant,
    ever_started: bool,
    frames: telemetry::Frames,
    queue: telemetry::Queue,
    resting: telemetry::Resting,
    place: Place,
}

/// What the driver waited for.
enum Woken {
    Input(Option<Publication>),
    Heard(Heard),
    Room(Option<mpsc::OwnedPermit<ToChild>>),
    Time,
}

impl Driver {
    async fn run(mut self, mut input: mpsc::Receiver<Publication>) -> Result<(), Error> {
        loop {
            let (event, room) = match self.wait(&mut input).await {
                Woken::Input(event) => {
                    (Input::Publication(event.unwrap_or(Publication::End)), None)
                }
                Woken::Heard(Heard::Said(message)) => (Input::Said(message), None),
                Woken::Heard(Heard::Ended(why)) => {
                    self.bury(why).await;
                    (Input::Died, None)
                }
                Woken::Room(Some(permit)) => (Input::Room, Some(permit)),
                // The pipe to the child is closed; its output will end too.
                Woken::Room(None) => {
                    self.child.iter_mut().for_each(Child::close_input);
                    continue;
                }
                Woken::Time => (Input::Time, None),
            };
            self.ladder.handle(self.now(), event);
            self.queue.holds(self.ladder.unsent());
            if self.carry_out(room).await? {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self, input: &mut mpsc::Receiver<Publication>) -> Woken {
        let deadline = self.ladder.deadline().map(|at| self.epoch + Duration::from_micros(at));
        let (wants_input, wants_room) = (self.ladder.wants_input(), self.ladder.wants_room());
        let sender = self.child.as_ref().and_then(Child::input).filter(|_| wants_room);
        let heard = async {
            match &mut self.child {
                Some(child) => child.heard().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // What the child said comes before the deadline that asks whether it says anything.
            biased;
            heard = heard => Woken::Heard(heard),
            () = sleep_until(deadline) => Woken::Time,
            room = reserve(sender) => Woken::Room(room),
            event = input.recv(), if wants_input => Woken::Input(event),
        }
    }

    /// Carries out what the machine wants; `true` at the end of the show.
    async fn carry_out(
        &mut self,
        mut room: Option<mpsc::OwnedPermit<ToChild>>,
    ) -> Result<bool, Error> {
        while let Poll::Output(output) = self.ladder.poll() {
            match output {
                Output::Stage { event, delay_us } => {
                    self.frames.staged(&event, delay_us);
                    self.resting.staged(&event, &self.show);
                    self.hand_on(event).await?;
                }
                Output::Send(message) => {
                    if let Some(permit) = room.take() {
                        permit.send(message);
                    }
                }
                Output::Admit(demand) => self.admit(demand),
                Output::Measured { rendition, kind, pixels, cpu_us } => {
                    self.place.measured(kind, pixels, cpu_us);
                    telemetry::measured(&rendition, kind, cpu_us);
                }
                Output::Start => self.start().await?,
                Output::Kill => self.child.iter_mut().for_each(Child::kill),
                Output::Fallback(rendition) => telemetry::fell_back(&rendition, &self.show),
                Output::Restarted => telemetry::restarted(),
                Output::GaveUp => {
                    tracing::error!(
                        show = self.show,
                        "rungs have a gap: unfinished media given up"
                    );
                }
                Output::Refused(units) => telemetry::refused(units),
                Output::Finish => {
                    self.finish().await;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Hands an event on; waits only where there is no room for it.
    async fn hand_on(&self, event: Staged) -> Result<(), Error> {
        match self.staged.try_send(event) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(event)) => {
                self.staged.send(event).await.map_err(|_| Error::Downstream)
            }
            Err(TrySendError::Closed(_)) => Err(Error::Downstream),
        }
    }

    /// Asks for room, and goes on with what there is.
    fn admit(&mut self, demand: Demand) {
        let (left_out, whole) = self.place.admit(demand);
        if let Err(why) = whole {
            telemetry::left_out(left_out);
            tracing::warn!(show = self.show, left_out, %why, "the show gets fewer rungs");
        }
        self.ladder.handle(self.now(), Input::Admitted(left_out));
    }

    /// Starts a child. If none ever started, the configuration is wrong; later failures count as deaths.
    async fn start(&mut self) -> Result<(), Error> {
        match Child::start(&self.config, &self.show) {
            Ok(child) => {
                tracing::info!(show = self.show, pid = child.pid(), "encoder started");
                self.pid.0.store(child.pid(), Ordering::Relaxed);
                self.child = Some(child);
                self.ever_started = true;
                self.ladder.handle(self.now(), Input::Started);
            }
            Err(error) if self.ever_started => {
                tracing::error!(show = self.show, %error, "encoder does not start");
                self.ladder.handle(self.now(), Input::Died);
            }
            Err(error) => return Err(Error::Command(error.kind())),
        }
        Ok(())
    }

    async fn bury(&mut self, why: String) {
        self.pid.0.store(0, Ordering::Relaxed);
        if let Some(child) = self.child.take() {
            let status = child.buried().await;
            tracing::warn!(show = self.show, status, why, "encoder died");
        }
    }

    async fn finish(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.close_input();
            let grace = Duration::from_millis(self.config.stop_grace_ms.into());
            if !child.ends_within(grace).await {
                tracing::warn!(show = self.show, "encoder does not end; killed");
            }
        }
        self.pid.0.store(0, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

async fn reserve(sender: Option<mpsc::Sender<ToChild>>) -> Option<mpsc::OwnedPermit<ToChild>> {
    match sender {
        Some(sender) => sender.reserve_owned().await.ok(),
        None => std::future::pending().await,
    }
}
