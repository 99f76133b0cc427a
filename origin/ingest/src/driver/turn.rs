//! One publisher's time on air.
//!
//! In: its tags. Out: its show's publications, handed on with back-pressure. Does not know connections or keys.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{counter, gauge};
use shared_media::{Poll, Publication, TrackKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::shows::{Carriage, Shows, Signals};
use crate::machine::airtime::{Input, PublisherId};
use crate::machine::intake;
use crate::{Error, Opening, Refusal};

/// One publisher's time on air. It ends when this is dropped.
pub(super) struct Turn {
    shows: Arc<Shows>,
    show: String,
    publisher: PublisherId,
    /// Only missing while being dropped.
    carriage: Option<Carriage>,
    signals: Signals,
    on_air: bool,
}

impl Turn {
    pub(super) fn new(
        shows: Arc<Shows>,
        show: String,
        publisher: PublisherId,
        carriage: Carriage,
        signals: Signals,
    ) -> Self {
        gauge!("matinee_ingest_publishers").increment(1);
        Self { shows, show, publisher, carriage: Some(carriage), signals, on_air: false }
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
        for output in self.take_in(input) {
            match output {
                intake::Output::Publish(publication) => {
                    count(&publication);
                    let dismissed = self.dismissed().clone();
                    tokio::select! {
                        biased;
                        // seen again before the next read
                        () = dismissed.cancelled() => return Ok(None),
                        handed_on = self.hand_on(publication) => handed_on?,
                    }
                }
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

    /// What the publisher sent, and what comes of it.
    fn take_in(&mut self, input: intake::Input) -> Vec<intake::Output> {
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
    async fn hand_on(&mut self, publication: Publication) -> Result<(), Error> {
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

fn count(publication: &Publication) {
    let kind = match publication {
        Publication::Unit(TrackKind::Video, _) => "video",
        Publication::Unit(TrackKind::Audio, _) => "audio",
        _ => return,
    };
    counter!("matinee_ingest_frames_total", "kind" => kind).increment(1);
}
