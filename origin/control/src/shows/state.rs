//! A show's row and its state as the rest of the house sees them.
//!
//! In: rows. Out: ids and [`ShowState`]s, or word that the row is damaged. Does not know how rows are found.

use shared_wire::api::{ShowState, State, WhenFull};

use crate::Error;
use crate::rows::{self, shows};

/// Every state and its name in the database, which is also its name on the wire.
const NAMES: [(State, &str); 4] = [
    (State::Scheduled, "scheduled"),
    (State::Live, "live"),
    (State::Interrupted, "interrupted"),
    (State::Ended, "ended"),
];

/// A state's name in the database.
pub(super) fn name(state: State) -> &'static str {
    NAMES.iter().find(|(named, _)| *named == state).map_or("", |(_, name)| name)
}

/// The same for what happens to a device too many.
const WHEN_FULL_NAMES: [(WhenFull, &str); 2] =
    [(WhenFull::Displace, "displace"), (WhenFull::Refuse, "refuse")];

/// Its name in the database.
pub(super) fn when_full_name(when_full: WhenFull) -> &'static str {
    WHEN_FULL_NAMES.iter().find(|(named, _)| *named == when_full).map_or("", |(_, name)| name)
}

/// The show in a row.
///
/// # Errors
/// [`Error::Corrupt`] if the row is not one we wrote.
pub(super) fn of_row(row: &shows::Model) -> Result<ShowState, Error> {
    let state = NAMES.iter().find(|(_, name)| *name == row.state).map(|(state, _)| *state);
    let what = || Error::Corrupt { what: format!("`{}` is no state of a show", row.state) };
    let when_full = WHEN_FULL_NAMES.iter().find(|(_, name)| *name == row.when_full);
    let neither = || Error::Corrupt { what: format!("`{}` is no rule of a show", row.when_full) };
    Ok(ShowState {
        show: rows::id(&row.id)?,
        title: row.title.clone(),
        state: state.ok_or_else(what)?,
        starts_at: row.starts_at,
        when_full: when_full.map(|(when_full, _)| *when_full).ok_or_else(neither)?,
        cover: row.cover.clone(),
        asset: row.asset_id.as_deref().map(rows::id).transpose()?,
        is_growing: row.is_growing != 0,
        has_chapters: row.has_chapters != 0,
        trim: row.trim.as_deref().map(serde_json::from_str).transpose().map_err(|error| {
            Error::Corrupt { what: format!("what of a show is shown cannot be read: {error}") }
        })?,
        broadcast: serde_json::from_str(&row.broadcast).map_err(|error| Error::Corrupt {
            what: format!("a show's settings cannot be read: {error}"),
        })?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_stored_under_their_names_on_the_wire() {
        for (state, stored) in NAMES {
            assert_eq!(name(state), stored);
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{stored}\""));
        }
        for (when_full, stored) in WHEN_FULL_NAMES {
            assert_eq!(when_full_name(when_full), stored);
            assert_eq!(serde_json::to_string(&when_full).unwrap(), format!("\"{stored}\""));
        }
    }
}
