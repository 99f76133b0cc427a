//! Every show as the watch page asks for it, in memory, so that no viewer's question reaches the database.
//!
//! In: shows as they are made and change. Out: [`ShowState`]s. Does not know the database.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use shared_wire::ShowId;
use shared_wire::api::{ChangeShow, ShowState, State};

use super::ShowSaid;

/// The shows. Bounded by `Config::shows_max`, which is checked where shows are made.
pub(super) struct Board {
    shows: RwLock<HashMap<ShowId, ShowState>>,
}

impl Board {
    /// The board of these shows.
    pub(super) fn new(shows: impl IntoIterator<Item = ShowState>) -> Self {
        Self { shows: RwLock::new(shows.into_iter().map(|show| (show.show, show)).collect()) }
    }

    // A poisoned lock is read on: no writer leaves the map half changed, each does one operation.

    /// One show.
    pub(super) fn get(&self, show: ShowId) -> Option<ShowState> {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).get(&show).cloned()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All, in no order.
    pub(super) fn all(&self) -> Vec<ShowState> {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Has these shows from now on.
    pub(super) fn replace(&self, all: Vec<ShowState>) {
        let all = all.into_iter().map(|show| (show.show, show)).collect();
        *self.shows.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    /// Adds a show.
    pub(super) fn put(&self, show: ShowState) {
        self.shows.write().unwrap_or_else(PoisonError::into_inner).insert(show.show, show);
    }

    /// Moves a show to another state.
    pub(super) fn set(&self, show: ShowId, state: State) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get_mut(&show) {
            known.state = state;
        }
    }

    /// Says where a show's cover is, if it has one.
    pub(super) fn set_cover(&self, show: ShowId, cover: Option<&str>) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get_mut(&show) {
            known.cover = cover.map(str::to_owned);
        }
    }

    /// Says how far a film is.
    pub(super) fn set_film(&self, show: ShowId, state: State, is_growing: bool) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get_mut(&show) {
            (known.state, known.is_growing) = (state, is_growing);
        }
    }

    /// Says of a show what is said of its asset.
    pub(super) fn say(&self, show: ShowId, said: ShowSaid) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get_mut(&show) {
            known.title = said.title.unwrap_or_else(|| known.title.clone());
            known.has_chapters = said.has_chapters.unwrap_or(known.has_chapters);
            known.trim = said.trim.unwrap_or(known.trim);
        }
    }

    /// Changes what is said of a show.
    pub(super) fn change(&self, show: ShowId, to: ChangeShow) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get_mut(&show) {
            known.when_full = to.when_full.unwrap_or(known.when_full);
            known.broadcast = to.broadcast.unwrap_or_else(|| known.broadcast.clone());
        }
    }
}
