//! Shows that are fetched from elsewhere: a child process each, which writes a transport stream.
//!
//! In: a show and how to start its child. Out: its media, as if its publisher had come. Does not know addresses or
//! protocols: the child does.
//!
//! A source takes its show's place on air only while media comes, by the same rules as any publisher: who publishes
//! with the show's key meanwhile is not disturbed, and the source is tried again later. A slate is fetched the same
//! way, for as long as its show waits for someone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;
use shared_media::{Poll, VideoConfig};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStdout, Command};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use super::shows::Shows;
use super::turn::Turn;
use crate::machine::pull::Backoff;
use crate::machine::srt::demux::Demuxer;
use crate::{Airtime, Error, Refusal};

/// What is read of the child at once, in bytes.
const READ_BYTES: usize = 64 << 10;

/// How a source's child is started. What is secret goes into its environment: arguments can be read by every user.
#[derive(Clone)]
pub struct Pull {
    /// The program and its arguments. It writes MPEG-TS to standard output.
    pub command: Vec<OsString>,
    /// What it is told besides.
    pub environment: Vec<(OsString, OsString)>,
}

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The sources there are, by show.
#[derive(Debug, Default)]
pub(super) struct Pulls(Mutex<HashMap<String, CancellationToken>>);

/// Why a source is not fetched any more for now.
enum Parting {
    /// The show is over, or the source is no longer wanted.
    Over,
    /// It may be tried again.
    Failed(Error),
    /// Another has the show's place.
    Refused(Refusal),
}

impl From<Error> for Parting {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Pulls {
    /// Fetches a show from now on, in the place of any earlier source of it.
    ///
    /// # Errors
    /// [`Refusal::HouseFull`] and [`Refusal::Unavailable`].
    pub(super) fn begin(&self, shows: &Arc<Shows>, show: &str, pull: Pull) -> Result<(), Refusal> {
        if shows.closing().is_cancelled() {
            return Err(Refusal::Unavailable);
        }
        let mut pulls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulls.retain(|_, stop| !stop.is_cancelled());
        if !pulls.contains_key(show) && pulls.len() >= shows.config().connections_max {
            return Err(Refusal::HouseFull);
        }
        let stop = shows.closing().child_token();
        if let Some(earlier) = pulls.insert(show.to_owned(), stop.clone()) {
            earlier.cancel();
        }
        let (shows, show) = (Arc::clone(shows), show.to_owned());
        shows
            .tasks()
            .clone()
            .spawn(async move { keep_fetching(&shows, &show, &pull, &stop).await });
        Ok(())
    }

    /// Fetches a slate for as long as the show is interrupted and nobody else is there. `pull` makes it for pictures
    /// such as the show's last ones.
    pub(super) fn fill(
        shows: &Arc<Shows>,
        show: &str,
        pull: impl FnOnce(Option<VideoConfig>) -> Option<Pull>,
    ) {
        let Some(pull) = pull(shows.last_picture(show)) else { return };
        let (shows, show) = (Arc::clone(shows), show.to_owned());
        shows.tasks().clone().spawn(async move {
            let stop = shows.closing().child_token();
            keep_filling(&shows, &show, &pull, &stop).await;
        });
    }

    /// Fetches a show no more. False if it was not.
    pub(super) fn end(&self, show: &str) -> bool {
        let mut pulls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulls.remove(show).is_some_and(|stop| {
            let was = !stop.is_cancelled();
            stop.cancel();
            was
        })
    }
}

async fn keep_fetching(shows: &Arc<Shows>, show: &str, pull: &Pull, stop: &CancellationToken) {
    let mut backoff = Backoff::default();
    loop {
        let begun = Instant::now();
        let parting = tokio::select! {
            () = stop.cancelled() => Parting::Over,
            parting = fetch(shows, show, pull, Shows::enter) => parting,
        };
        let result = match &parting {
            Parting::Over => {
                tracing::info!(show, "the source is fetched no more");
                return stop.cancel();
            }
            Parting::Failed(error) => {
                tracing::warn!(show, %error, "the source failed");
                "failed"
            }
            Parting::Refused(refusal) => {
                tracing::info!(show, %refusal, "the source has to wait");
                refusal.reason()
            }
        };
        counter!("matinee_ingest_pulls_failed_total", "reason" => result).increment(1);
        tokio::select! {
            () = stop.cancelled() => {}
            () = time::sleep(backoff.wait_after(begun.elapsed())) => {}
        }
    }
}

async fn keep_filling(shows: &Arc<Shows>, show: &str, pull: &Pull, stop: &CancellationToken) {
    let mut backoff = Backoff::default();
    // One who came meanwhile may be gone again without having shown anything.
    while shows.airtime(show) == Some(Airtime::Interrupted) {
        let begun = Instant::now();
        let parting = tokio::select! {
            () = stop.cancelled() => Parting::Over,
            parting = fetch(shows, show, pull, Shows::fill) => parting,
        };
        match parting {
            Parting::Over => return,
            Parting::Refused(_) => {}
            Parting::Failed(error) => {
                tracing::warn!(show, %error, "the slate failed");
                counter!("matinee_ingest_slates_failed_total").increment(1);
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = time::sleep(backoff.wait_after(begun.elapsed())) => {}
        }
    }
}

/// How a source takes its show's place on air.
type Enter = fn(&Arc<Shows>, &str) -> Result<Turn, Refusal>;

/// Fetches until the source ends.
async fn fetch(shows: &Arc<Shows>, show: &str, pull: &Pull, enter: Enter) -> Parting {
    let Some((program, arguments)) = pull.command.split_first() else { return Parting::Over };
    let child = Command::new(program)
        .args(arguments)
        .envs(pull.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return Parting::Failed(error.into()),
    };
    let Some(mut output) = child.stdout.take() else { return Parting::Over };
    match serve(shows, show, &mut output, enter).await {
        Ok(parting) => parting,
        Err(error) => Parting::Failed(error),
    }
}

async fn serve(
    shows: &Arc<Shows>,
    show: &str,
    output: &mut ChildStdout,
    enter: Enter,
) -> Result<Parting, Error> {
    let mut demuxer = Demuxer::new(shows.config().access_unit_bytes_max);
    let mut buffer = vec![0; READ_BYTES];
    let mut turn: Option<Turn> = None;
    loop {
        let dismissed = turn.as_ref().map(|turn| turn.dismissed().clone());
        let read = tokio::select! {
            biased;
            () = until(dismissed) => {
                // If the show is over, the next attempt is told so.
                return Ok(Parting::Refused(shows.parting()));
            }
            read = time::timeout(shows.config().idle_timeout, output.read(&mut buffer)) => read,
        };
        let count = read.map_err(|_| Error::Timeout("the source sends nothing"))??;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        counter!("matinee_ingest_bytes_total").increment(bytes.len() as u64);
        demuxer.handle(bytes);
        while let Poll::Output(input) = demuxer.poll() {
            let on_air = match &mut turn {
                Some(turn) => turn,
                None => match enter(shows, show) {
                    Ok(entered) => {
                        tracing::info!(show, "the source is on the air");
                        turn.insert(entered)
                    }
                    Err(Refusal::ShowEnded) => return Ok(Parting::Over),
                    Err(refusal) => return Ok(Parting::Refused(refusal)),
                },
            };
            on_air.wait(false);
            let refused = on_air.deliver(input).await?;
            on_air.wait(true);
            if let Some(refusal) = refused {
                return Ok(Parting::Refused(refusal));
            }
        }
    }
    demuxer.finish();
    while let (Poll::Output(input), Some(turn)) = (demuxer.poll(), &mut turn) {
        turn.deliver(input).await?;
    }
    Err(Error::Connection(std::io::ErrorKind::UnexpectedEof))
}

async fn until(cancelled: Option<CancellationToken>) {
    match cancelled {
        Some(cancelled) => cancelled.cancelled().await,
        None => std::future::pending().await,
    }
}
