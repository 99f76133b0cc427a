//! A show's row and its state as the rest of the house sees them.
//!
//! In: rows. Out: ids and [`ShowState`]s, or word that the row is damaged. Does not know how rows are found.

use shared_wire::api::{ShowState, State};

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

/// The show in a row.
///
/// # Errors
/// [`Error::Corrupt`] if the row is not one we wrote.
pub(super) fn of_row(row: &shows::Model) -> Result<ShowState, Error> {
    let state = NAMES.iter().find(|(_, name)| *name == row.state).map(|(state, _)| *state);
    let what = || Error::Corrupt { what: format!("`{}` is no state of a show", row.state) };
    Ok(ShowState {
        show: rows::id(&row.id)?,
        title: row.title.clone(),
        state: state.ok_or_else(what)?,
        starts_at: row.starts_at,
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
    }
}
