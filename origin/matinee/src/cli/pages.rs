//! Lists that come in pages.
//!
//! In: a list's path. Out: its rows, in the list's order. Does not know what a row is.

use serde::de::DeserializeOwned;
use shared_wire::api::{
    Account, AccountList, Asset, AssetJob, AssetJobList, AssetList, SessionList, SessionState,
    ShowList, ShowState, TicketList, TicketState, Worker, WorkerList,
};

use super::error::Error;
use super::house::House;

/// Pages that are fetched, …
const PAGES_MAX: usize = 50;
/// … of this many rows each.
const ROWS_MAX: usize = 200;

/// One page of a list.
pub(super) trait Page: DeserializeOwned {
    /// What is listed.
    type Row;

    /// Its rows, and the cursor of the next page if there is one.
    fn parts(self) -> (Vec<Self::Row>, Option<String>);
}

/// All rows of the list at `path`, up to 10,000.
///
/// # Errors
/// Any of [`Error`].
pub(super) async fn all<P: Page>(house: &House, path: &str) -> Result<Vec<P::Row>, Error> {
    let mut rows = Vec::new();
    // The path may have a query already.
    let and = if path.contains('?') { '&' } else { '?' };
    let mut page = format!("{path}{and}limit={ROWS_MAX}");
    for _ in 0..PAGES_MAX {
        let (more, next) = house.get::<P>(&page).await?.parts();
        rows.extend(more);
        let Some(next) = next else { break };
        page = format!("{path}{and}limit={ROWS_MAX}&cursor={next}");
    }
    Ok(rows)
}

impl Page for ShowList {
    type Row = ShowState;

    fn parts(self) -> (Vec<ShowState>, Option<String>) {
        (self.shows, self.next)
    }
}

impl Page for TicketList {
    type Row = TicketState;

    fn parts(self) -> (Vec<TicketState>, Option<String>) {
        (self.tickets, self.next)
    }
}

impl Page for SessionList {
    type Row = SessionState;

    fn parts(self) -> (Vec<SessionState>, Option<String>) {
        (self.sessions, self.next)
    }
}

impl Page for AccountList {
    type Row = Account;

    fn parts(self) -> (Vec<Account>, Option<String>) {
        (self.accounts, self.next)
    }
}

impl Page for AssetList {
    type Row = Asset;

    fn parts(self) -> (Vec<Asset>, Option<String>) {
        (self.assets, self.next)
    }
}

impl Page for AssetJobList {
    type Row = AssetJob;

    fn parts(self) -> (Vec<AssetJob>, Option<String>) {
        (self.jobs, self.next)
    }
}

impl Page for WorkerList {
    type Row = Worker;

    fn parts(self) -> (Vec<Worker>, Option<String>) {
        (self.workers, self.next)
    }
}
