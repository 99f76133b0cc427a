//! What is said of a show by way of its asset.
//!
//! In: what is to be said of an asset that is played under a show. Out: the same of the show. Does not know assets.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use shared_wire::ShowId;
use shared_wire::api::Trim;
use tokio::sync::MutexGuard;

use super::Shows;
use crate::Error;
use crate::rows::{Change, shows};

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShowSaid {
    /// Its title.
    pub(crate) title: Option<String>,
    /// What of it is shown; `Some(None)`: all.
    pub(crate) trim: Option<Option<Trim>>,
    /// Whether it has chapters.
    pub(crate) has_chapters: Option<bool>,
}

impl Shows {
    /// Makes a change of an asset true together with what it says of the asset's show, for which `_turn` is held. A
    /// show that is there no more is told nothing.
    ///
    /// # Errors
    /// Storage errors; then nothing has changed.
    pub(crate) async fn say_in(
        &self,
        _turn: MutexGuard<'_, ()>,
        change: Change,
        show: Option<ShowId>,
        said: ShowSaid,
    ) -> Result<(), Error> {
        let Some(show) = show else { return change.commit().await };
        let title = said.title.clone().map(|title| (shows::Column::Title, Expr::value(title)));
        // Two numbers: this cannot fail.
        let text = |trim: Option<Trim>| trim.and_then(|trim| serde_json::to_string(&trim).ok());
        let trim = said.trim.map(|trim| (shows::Column::Trim, Expr::value(text(trim))));
        let has_chapters =
            said.has_chapters.map(|has| (shows::Column::HasChapters, Expr::value(i64::from(has))));
        let columns: Vec<_> = title.into_iter().chain(trim).chain(has_chapters).collect();
        if columns.is_empty() {
            return change.commit().await;
        }
        let update = columns
            .into_iter()
            .fold(shows::Entity::update_many(), |update, one| update.col_expr(one.0, one.1));
        update.filter(shows::Column::Id.eq(show.to_string())).exec(change.on()).await?;
        self.commit(change).await?;
        self.board.say(show, said);
        Ok(())
    }
}
