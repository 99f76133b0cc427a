//! One publisher's time on air.
//!
//! In: its tags. Out: its show's publications, handed on with back-pressure. Does not know connections or keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{Counter, counter, gauge};
use shared_media::{Now, Poll, Publication, TrackId};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::shows::{Carriage, Shows, Signals};
use crate::machine::airtime::{Input, PublisherId};
use crate::machine::intake;
use crate::machine::standby::Standby;
use crate::{Error, Opening, Refusal};

/// One publisher's time on air, or its standing by for another. It ends when this is dropped.
pub(super) struct Turn {
    shows: Arc<Shows>,
    show: String,
    publisher: PublisherId,
    /// What it has on air. Missing while it stands by, and while being dropped.
    carriage: Option<Carriage>,
    standby: Standby,
    signals: Signals,
    on_air: bool,
    frames: Frames,
}

/// How many frames came. Looked up once, and not for each of them.
struct Frames {
    video: Counter,
    audio: Counter,
}

impl Turn {
    pub(super) fn new(
        shows: Arc<Shows>,
        show: String,
        publisher: PublisherId,
        carriage: Option<Carriage>,
        signals: Signals,
    ) -> Self {
        gauge!("matinee_ingest_publishers").increment(1);
        let standby = Standby::new(Arc::clone(shows.config()));
        let frames = Frames::new();
        Self { shows, show, publisher, carriage, standby, signals, on_air: false, frames }
    }

    /// Whether another publisher is on air.
    pub(super) const fn stands_by(&self) -> bool {
        self.carriage.is_none()
    }

    /// What the publisher is told when it is dismissed.
    pub(super) fn parting(&self) -> Refusal {
        match self.signals.taken_over.load(Ordering::Relaxed) {
            true => Refusal::TakenOver,
            false => self.shows.parting(),
        }
    }

    /// The publisher is being waited for from now on, or no longer.
    pub(super) fn wait(&self, waits: bool) {
        let since_us = if waits { self.shows.now().monotonic_us } else { u64::MAX };
        self.signals.waited_for_since_us.store(since_us, Ordering::Relaxed);
    }

    /// The show's identifier.
    pub(super) fn show(&self) -> &str {
        &self.show
    }

    /// Cancelled when the publisher shall go.
    pub(super) const fn dismissed(&self) -> &CancellationToken {
        &self.signals.dismissed
    }

    /// Takes in what the publisher sent, counts it and hands it on. Why the publisher must go, if it must.
    ///
    /// # Errors
    /// See [`Turn::hand_on`].
    pub(super) async fn deliver(&mut self, input: intake::Input) -> Result<Option<Refusal>, Error> {
        if self.signals.yields.swap(false, Ordering::Relaxed) {
            self.yield_place();
        }
        let now = self.shows.now();
        if !self.stands_by() {
            self.standby.overhear(now, &input);
            return self.broadcast(now, input).await;
        }
        if let Some(refusal) = self.standby.take(now, input) {
            return Ok(Some(refusal));
        }
        if !self.standby.is_ready() {
            return Ok(None);
        }
        self.carriage = self.shows.step_up(&self.show, self.publisher);
        if self.stands_by() {
            return Ok(None);
        }
        tracing::info!(show = self.show, "the publisher that stood by goes on air");
        counter!("matinee_ingest_switches_total").increment(1);
        for (came, input) in self.standby.go_on_air() {
            if let Some(refusal) = self.broadcast(came, input).await? {
                return Ok(Some(refusal));
            }
        }
        Ok(None)
    }

    /// Stands by again: what it has on air goes to another.
    fn yield_place(&mut self) {
        let Some(mut carriage) = self.carriage.take() else { return };
        carriage.intake.handle(self.shows.now(), intake::Input::Interrupt);
        let mut book = self.shows.book();
        book.put_back(&self.show, carriage);
        self.shows.happen(&mut book, &self.show, Input::Yielded(self.publisher));
        self.on_air = false;
    }

    /// Puts on air what came then.
    async fn broadcast(
        &mut self,
        came: Now,
        input: intake::Input,
    ) -> Result<Option<Refusal>, Error> {
        for output in self.take_in(came, input) {
            match output {
                intake::Output::Publish(publication) => {
                    self.frames.count(&publication);
                    self.remember(&publication);
                    if self.dismissed().is_cancelled() || !self.hand_on(publication).await? {
                        return Ok(None); // seen again before the next read
                    }
                }
                intake::Output::Splice(splice) if self.on_air => {
                    counter!("matinee_ingest_splices_total").increment(1);
                    self.shows.gate().spliced(&self.show, splice);
                }
                intake::Output::Splice(_) => {}
                intake::Output::Dropped(reason) => {
                    let reason = reason.as_str();
                    counter!("matinee_ingest_frames_dropped_total", "reason" => reason)
                        .increment(1);
                }
                intake::Output::Refuse(refusal) => return Ok(Some(refusal)),
            }
        }
        Ok(None)
    }

    fn remember(&mut self, publication: &Publication) {
        if let Publication::Picture(picture) = publication
            && let Some(carriage) = &mut self.carriage
        {
            carriage.picture = Some(picture.clone());
        }
    }

    /// What the publisher sent, and what comes of it.
    fn take_in(&mut self, now: Now, input: intake::Input) -> Vec<intake::Output> {
        let mut outputs = Vec::new();
        if let Some(carriage) = &mut self.carriage {
            carriage.intake.handle(now, input);
            while let Poll::Output(output) = carriage.intake.poll() {
                outputs.push(output);
            }
        }
        outputs
    }

    /// Hands a publication on; false if the publisher was dismissed meanwhile. Waits while the show's channel is full:
    /// that is what slows the publisher down.
    ///
    /// # Errors
    /// [`Error::Abandoned`] if nobody takes the show any more; it ends then.
    async fn hand_on(&mut self, publication: Publication) -> Result<bool, Error> {
        if !self.on_air {
            self.go_on_air();
        }
        let channel = self.carriage.as_ref().and_then(|carriage| carriage.publications.as_ref());
        let Some(channel) = channel else { return Err(Error::Abandoned) };
        let is_taken = match channel.try_send(publication) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(publication)) => tokio::select! {
                biased;
                () = self.signals.dismissed.cancelled() => return Ok(false),
                sent = channel.send(publication) => sent.is_ok(),
            },
        };
        if !is_taken {
            self.shows.end(&self.show);
            return Err(Error::Abandoned);
        }
        Ok(true)
    }

    fn go_on_air(&mut self) {
        let Some(carriage) = &mut self.carriage else { return };
        let Some(anchor) = carriage.intake.anchor() else { return };
        self.on_air = true;
        let mut book = self.shows.book();
        if carriage.publications.is_none() {
            let (sender, publications) = mpsc::channel(self.shows.config().queue_depth.max(1));
            carriage.publications = Some(sender);
            self.shows.gate().opened(Opening { show: self.show.clone(), anchor, publications });
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
            book.put_back(&self.show, carriage);
        }
        self.shows.happen(&mut book, &self.show, Input::Release(self.publisher));
        self.signals.gone.cancel();
    }
}

impl Frames {
    fn new() -> Self {
        let of = |kind: &'static str| counter!("matinee_ingest_frames_total", "kind" => kind);
        Self { video: of("video"), audio: of("audio") }
    }

    fn count(&self, publication: &Publication) {
        match publication {
            Publication::Unit(TrackId::Video, _) => self.video.increment(1),
            Publication::Unit(TrackId::Audio(_), _) => self.audio.increment(1),
            _ => {}
        }
    }
}
