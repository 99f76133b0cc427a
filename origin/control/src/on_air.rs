//! What can be asked of a show while it is on the air.
//!
//! In: a show and what its creator wants. Out: [`OnAir`], which the house's stages answer. Does not know the stages.

use std::future::Future;
use std::pin::Pin;

use shared_playlist::DateRange;
use shared_wire::ShowId;

use crate::{Cue, Error};

/// An answer that takes a moment.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Whoever has the shows that are on the air.
pub trait OnAir: Send + Sync {
    /// Lists a date range, or says more of one; gives all that is known of it.
    ///
    /// # Errors
    /// [`Error::NotLive`], [`Error::DateRange`], [`Error::DateRangesFull`].
    fn put_date_range(&self, show: ShowId, range: DateRange) -> Reply<'_, DateRange>;

    /// Takes a date range back; gives it as it was.
    ///
    /// # Errors
    /// [`Error::NotLive`], [`Error::DateRangeUnknown`].
    fn drop_date_range(&self, show: ShowId, id: String) -> Reply<'_, DateRange>;

    /// Puts an ID3 tag into the next part of the show.
    ///
    /// # Errors
    /// [`Error::NotLive`], [`Error::MetadataFull`].
    fn put_id3(&self, show: ShowId, tag: Vec<u8>) -> Reply<'_, ()>;

    /// Shows cues on a track of captions, which is named by its rendition; all of them or none.
    ///
    /// # Errors
    /// [`Error::NotLive`], [`Error::CaptionTrackUnknown`], [`Error::CaptionLate`], [`Error::CaptionsFull`].
    fn put_captions(&self, show: ShowId, track: String, cues: Vec<Cue>) -> Reply<'_, ()>;

    /// When the show's media began to count, in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`Error::NotLive`].
    fn begun_us(&self, show: ShowId) -> Reply<'_, i64>;

    /// The date ranges that playlists list.
    ///
    /// # Errors
    /// [`Error::NotLive`].
    fn date_ranges(&self, show: ShowId) -> Reply<'_, Vec<DateRange>>;
}
