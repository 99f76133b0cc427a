//! What a house lists of films: it makes their playlists by itself, from the rows, as it is asked for them.
//!
//! In: the show of a film. Out: its playlists on this house's disk, as far as the film is made. Does not know who made
//! it.
//!
//! No playlist of a film is in the bucket that nodes share. What is there never changes under its name, so whoever is
//! late can take nothing back; what does change stands in rows, under fences.

use std::sync::Arc;
use std::time::{Duration, Instant};

use origin_control::{Error as Told, FilmListing};
use origin_storage::Store;
use shared_media::Object;
use shared_wire::{AssetId, ShowId};
use tokio::sync::Mutex;

use super::Films;
use super::error::Failure;
use super::hold::Hold;
use super::list::{Listed, Lists};
use super::made::{Made, read};

/// How long a house lists a film that grows as it is, at least.
const GROWING: Duration = Duration::from_secs(1);
/// How long one that is whole: somebody may have given it subtitles, or deleted it at another node.
const WHOLE: Duration = Duration::from_secs(10);
/// How long after the rows could not be read they are left alone.
const FAILED: Duration = Duration::from_secs(5);

/// How far a film is listed here, for whoever waits to bring it further.
pub(super) type Brought = Arc<Mutex<Shown>>;

/// How far a film is listed here.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// When it was looked at the rows.
    looked: Option<Instant>,
    /// Which listing these are of; `None` if more has come meanwhile.
    listing: Option<i64>,
    is_last: bool,
    has_failed: bool,
}

impl Shown {
    /// Whether they need not be looked at now.
    fn is_fresh(&self, is_growing: bool) -> bool {
        let lasts = match (self.has_failed, self.is_last, is_growing) {
            (true, ..) => FAILED,
            (_, true, _) => WHOLE,
            (_, _, true) => GROWING,
            // It has just ended, or failed: an edge keeps what is told now for a minute.
            _ => return false,
        };
        self.looked.is_some_and(|looked| looked.elapsed() < lasts)
    }
}

impl Films {
    /// Brings what this house lists of a show up to date, if it is a film. If the rows are away it stays as it is.
    pub(crate) async fn bring(&self, show: ShowId) {
        let Some(known) = self.control.show_state(show) else { return };
        let Some(asset) = known.asset else { return };
        let brought = Arc::clone(self.brought().entry(show).or_default());
        let mut brought = brought.lock().await;
        if brought.is_fresh(known.is_growing) {
            return;
        }
        brought.looked = Some(Instant::now());
        let done = self.bring_up(asset, show, &mut brought).await;
        brought.has_failed = done.is_err();
        if let Err(failure) = done {
            tracing::warn!(%asset, %failure, "a film is listed as it was");
        }
    }

    /// Brings what a lister of this house is about to say of a show: it is there before that is said. Who asks for it
    /// next has it looked at again.
    pub(super) async fn bring_listed(
        &self,
        show: ShowId,
        lists: Lists,
        hold: &Hold,
    ) -> Result<(), Failure> {
        let Some(store) = &self.lists else { return Ok(()) };
        let brought = Arc::clone(self.brought().entry(show).or_default());
        let mut shown = brought.lock().await;
        *shown = Shown::default();
        if hold.may() { write(store, lists).await } else { Ok(()) }
    }

    async fn bring_up(
        &self,
        asset: AssetId,
        show: ShowId,
        brought: &mut Shown,
    ) -> Result<(), Failure> {
        let Some(store) = &self.lists else { return Ok(()) };
        let film = match self.control.film(asset).await {
            Err(Told::AssetUnknown) => {
                self.forget(asset);
                *brought = Shown { looked: brought.looked, is_last: true, ..Shown::default() };
                return Ok(store.delete(&show.to_string()).await?);
            }
            film => film?,
        };
        // Before the results: what has come since is looked at next time.
        let listing = self.control.film_listing(asset).await?;
        let (Some(FilmListing { number, is_settled }), Some(made)) = (listing, film.made) else {
            return Ok(());
        };
        if brought.listing == Some(number) && is_settled {
            return Ok(());
        }
        let made: Made = read(&made)?;
        let subtitles = self.control.film_subtitles(asset).await?;
        let results = self.results(asset).await?.all;
        let pieces = if self.shelf.is_common() {
            // They were there for everybody before their results were kept.
            let read = |(number, text): (u32, String)| Ok::<_, Failure>((number, read(&text)?));
            results.into_iter().map(read).collect::<Result<_, _>>()?
        } else {
            self.there(asset, show, results, || true).await?.0
        };
        let film = Listed::of(made, pieces, subtitles);
        let Some(lists) = film.lists(show)? else { return Ok(()) };
        let is_last = lists.is_last;
        write(store, lists).await?;
        brought.listing = is_settled.then_some(number);
        brought.is_last = is_last && is_settled;
        Ok(())
    }
}

async fn write(store: &Store, lists: Lists) -> Result<(), Failure> {
    for (key, text) in lists.texts {
        store.save_here(Object { key, bytes: text.into() }).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_just_ended_is_looked_at_and_what_is_whole_or_failed_now_and_then() {
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        let of = |seconds, is_last, has_failed| Shown {
            looked: ago(seconds),
            listing: None,
            is_last,
            has_failed,
        };
        assert!(!Shown::default().is_fresh(true));
        assert!(of(0, false, false).is_fresh(true) && !of(2, false, false).is_fresh(true));
        assert!(!of(0, false, false).is_fresh(false), "it ended since");
        assert!(of(8, true, false).is_fresh(false) && !of(12, true, false).is_fresh(false));
        assert!(of(2, false, true).is_fresh(false) && !of(8, false, true).is_fresh(false));
    }
}
