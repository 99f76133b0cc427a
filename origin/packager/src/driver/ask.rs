//! What is asked of a running machine from outside.
//!
//! In: date ranges, captions and ID3 tags, from whoever runs the show; splices, from its publisher. Out: the machine's
//! answer, once it has taken them. Does not know HTTP.
//!
//! Questions wait in a short queue, which stands before the media: each takes the machine microseconds.

use bytes::Bytes;
use shared_media::{Now, RenditionId, Splice};
use shared_playlist::DateRange;
use tokio::sync::oneshot;

use super::handle::Handle;
use crate::machine::{Caption, CaptionRefusal, DateRangeRefusal, Machine, TooManyTags};

/// Questions that wait at a time; whoever comes after them waits too.
pub(super) const ASKED_MAX: usize = 16;

/// A question; it sends its answer itself.
pub(super) type Ask = Box<dyn FnOnce(&mut Machine, Now) + Send>;

impl Handle {
    /// Lists a date range, or says more of one, in every playlist. Gives all that is known of it; `None` if the show is
    /// over.
    ///
    /// # Errors
    /// [`DateRangeRefusal`]; then nothing has changed.
    pub async fn put_date_range(
        &self,
        range: DateRange,
    ) -> Option<Result<DateRange, DateRangeRefusal>> {
        self.ask(move |machine, now| machine.put_date_range(now, range)).await
    }

    /// Takes a date range back, and gives it if there is one of this id; `None` if the show is over.
    pub async fn remove_date_range(&self, id: String) -> Option<Option<DateRange>> {
        self.ask(move |machine, now| machine.remove_date_range(now, &id)).await
    }

    /// Puts an ID3 tag into the next part of every rendition with pictures; `None` if the show is over.
    ///
    /// # Errors
    /// [`TooManyTags`] if as many wait for it as may.
    pub async fn put_id3(&self, tag: Bytes) -> Option<Result<(), TooManyTags>> {
        self.ask(|machine, _| machine.put_id3(tag)).await
    }

    /// Shows cues on a track of captions, all or none; `None` if the show is over.
    ///
    /// # Errors
    /// [`CaptionRefusal`]; then nothing has changed.
    pub async fn put_captions(
        &self,
        track: RenditionId,
        captions: Vec<Caption>,
    ) -> Option<Result<(), CaptionRefusal>> {
        self.ask(move |machine, _| machine.put_captions(&track, captions)).await
    }

    /// When the show's media began to count, in microseconds since the Unix epoch; `None` if the show is over.
    pub async fn begun_us(&self) -> Option<i64> {
        self.ask(|machine, _| machine.begun_us()).await
    }

    /// The date ranges that playlists list; `None` if the show is over.
    pub async fn date_ranges(&self) -> Option<Vec<DateRange>> {
        self.ask(|machine, _| machine.date_ranges()).await
    }

    /// Lists what a splice of the publisher says. Does not wait; `false` if too much waits already, or the show is
    /// over.
    #[must_use]
    pub fn splice(&self, splice: Splice) -> bool {
        let ask: Ask = Box::new(move |machine, now| {
            machine.splice(now, &splice);
        });
        self.asks().try_send(ask).is_ok()
    }

    /// The machine's answer; `None` if it runs no more.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Machine, Now) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let ask: Ask = Box::new(move |machine, now| {
            // Whoever asked may have gone.
            let _ = answer.send(question(machine, now));
        });
        self.asks().send(ask).await.ok()?;
        answered.await.ok()
    }
}
