//! Shows that are fetched from elsewhere: which, and from where. They are kept, so that a house that starts again
//! fetches them again.
//!
//! In: an administrator's wish. Out: it is kept, and whoever fetches is told. Does not know what a source is made of.

use std::fmt;

use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use sea_orm::sea_query::OnConflict;
use shared_wire::ShowId;
use shared_wire::api::{ShowState, State};
use tokio::sync::{Mutex, oneshot};

use crate::rows::{self, Rows, pulls};
use crate::{Config, Error};

/// A source's address. It may hold a secret, so `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    /// The address, for whoever fetches from it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(…)")
    }
}

/// What whoever fetches is told.
#[derive(Debug)]
pub struct Pulling {
    /// The show.
    pub show: ShowId,
    /// Where it is fetched from; `None`: it is fetched no more.
    pub from: Option<Source>,
    /// Says whether it is done, or why not.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// All that is fetched.
pub(crate) struct Pulls {
    rows: Rows,
    config: Config,
    /// What is kept and what is told change in the same order.
    changing: Mutex<()>,
}

impl Pulls {
    pub(crate) fn new(rows: Rows, config: Config) -> Self {
        Self { rows, config, changing: Mutex::default() }
    }

    /// Fetches a show from `url` from now on, until it ends.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ShowEnded`], [`Error::NotPulled`], storage errors; then it is not fetched.
    pub(crate) async fn begin(&self, show: &ShowState, url: String) -> Result<(), Error> {
        if let Some(reason) = (self.config.source_fault)(&url) {
            return Err(Error::Invalid { field: "url", reason });
        }
        if show.state == State::Ended {
            return Err(Error::ShowEnded);
        }
        let _order = self.changing.lock().await;
        let row = pulls::ActiveModel { show_id: Set(show.show.to_string()), url: Set(url.clone()) };
        let or_change =
            OnConflict::column(pulls::Column::ShowId).update_column(pulls::Column::Url).to_owned();
        let change = self.rows.write().await?;
        pulls::Entity::insert(row)
            .on_conflict(or_change)
            .exec_without_returning(change.on())
            .await?;
        change.commit().await?;
        let told = self.tell(show.show, Some(Source(url))).await;
        if told.is_err() {
            self.forget(show.show).await?;
        }
        told
    }

    /// Fetches a show no more.
    ///
    /// # Errors
    /// [`Error::NotPulled`], storage errors.
    pub(crate) async fn end(&self, show: ShowId) -> Result<(), Error> {
        let _order = self.changing.lock().await;
        self.forget(show).await?;
        self.tell(show, None).await
    }

    /// What is to be fetched, in no order; what has ended is not known here.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn all(&self) -> Result<Vec<(ShowId, Source)>, Error> {
        let found = pulls::Entity::find().all(self.rows.read()).await?;
        found.into_iter().map(|row| Ok((rows::id(&row.show_id)?, Source(row.url)))).collect()
    }

    /// Keeps a show's source no longer.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn forget(&self, show: ShowId) -> Result<(), Error> {
        let change = self.rows.write().await?;
        pulls::Entity::delete_by_id(show.to_string()).exec(change.on()).await?;
        change.commit().await
    }

    async fn tell(&self, show: ShowId, from: Option<Source>) -> Result<(), Error> {
        let unheard = || Error::NotPulled { reason: "nobody here fetches shows".to_owned() };
        let (done, answer) = oneshot::channel();
        let told = self.config.pulls.as_ref().ok_or_else(unheard)?;
        let wait = self.config.end_wait;
        told.send_timeout(Pulling { show, from, done }, wait).await.map_err(|_| unheard())?;
        let answer = tokio::time::timeout(wait, answer).await;
        let answer = answer.map_err(|_| unheard())?.map_err(|_| unheard())?;
        answer.map_err(|reason| Error::NotPulled { reason })
    }
}
