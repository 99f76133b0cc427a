//! What of a recording or film is shown: its playlists, MPD and storyboard between the two points of its trim.
//!
//! In: what the store has of a show that is over, whole. Out: what viewers get. Does not know who said where it begins
//! and ends. Nothing is kept: it is done anew whenever an edge asks, so what is served follows the trim at once, and
//! its entity tag changes with it.

use bytes::Bytes;
use origin_storage::{Error, Store};
use shared_playlist::recording;
use shared_playlist::trim::{Borders, after_header};
use shared_wire::ShowId;
use shared_wire::api::Trim;
use shared_wire::key::{Key, KeyObject};

use crate::chapters;
use crate::stage::Stages;

/// A show's trim, as its playlists have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// All of it.
    Whole,
    /// What lies between.
    Between(Borders),
    /// Nothing of it: its film is not made so far yet.
    Nothing,
}

impl Shown {
    /// What of a show is shown.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn of(stages: &Stages, store: &Store, show: ShowId) -> Result<Self, Error> {
        let Some(Trim { in_ms, out_ms }) = stages.trim(show) else { return Ok(Self::Whole) };
        let Some(leader) = leader(store, show).await? else { return Ok(Self::Nothing) };
        let micros = |ms: u64| ms.saturating_mul(1000);
        let in_us = micros(in_ms.unwrap_or_default());
        let found = Borders::find(&leader, in_us, out_ms.map(micros));
        Ok(found.map_or(Self::Nothing, Self::Between))
    }

    /// An object of the show with what is shown; `None` if it has none of that.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn cut(
        &self,
        store: &Store,
        key: &Key,
        bytes: Bytes,
    ) -> Result<Option<Bytes>, Error> {
        let borders = match self {
            Self::Whole => return Ok(Some(bytes)),
            Self::Between(borders) => borders,
            Self::Nothing => return Ok(None),
        };
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(None) };
        let cut = match &key.object {
            KeyObject::Multivariant => Some(borders.multivariant(text)),
            KeyObject::Playlist { .. } => borders.media(text),
            KeyObject::IFrames { rendition } => {
                let beside = playlist(store, key.show, rendition).await?;
                beside.and_then(|beside| borders.i_frames(text, &beside))
            }
            KeyObject::Storyboard => {
                let span = borders.begin_utc_us.zip(borders.end_utc_us());
                span.map(|(from, to)| origin_storyboard::machine::trimmed(text, from, to))
            }
            KeyObject::Manifest { .. }
            | KeyObject::Cover
            | KeyObject::ChapterList
            | KeyObject::ChapterCues
            | KeyObject::Media { .. } => return Ok(Some(bytes)),
        };
        Ok(cut.map(Bytes::from))
    }
}

/// The multivariant playlist of a show, with what it says of chapters.
pub(crate) fn with_chapters(stages: &Stages, key: &Key, bytes: Bytes) -> Bytes {
    let is_all = key.object == KeyObject::Multivariant;
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_all && stages.has_chapters(key.show) => {
            after_header(text, &chapters::line()).into()
        }
        _ => bytes,
    }
}

/// The playlist by which a show is measured: of the rendition that is named first.
async fn leader(store: &Store, show: ShowId) -> Result<Option<String>, Error> {
    let key = Key { show, object: KeyObject::Multivariant };
    let all = store.read_text(&key).await?;
    match all.as_deref().and_then(recording::leader) {
        Some(rendition) => playlist(store, show, rendition).await,
        None => Ok(None),
    }
}

async fn playlist(store: &Store, show: ShowId, rendition: &str) -> Result<Option<String>, Error> {
    let rendition = rendition.to_owned();
    store.read_text(&Key { show, object: KeyObject::Playlist { rendition } }).await
}

/// When the recording of a show began, and how long it plays; `None` as long as it is not whole.
///
/// # Errors
/// Storage errors.
pub(crate) async fn length(
    store: &Store,
    show: ShowId,
) -> Result<Option<recording::Length>, Error> {
    Ok(leader(store, show).await?.as_deref().and_then(recording::length))
}
