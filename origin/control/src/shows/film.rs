//! Shows that are films of assets: nobody publishes to them.
//!
//! In: assets that are to be transcoded, and how far that is. Out: their shows. Does not know jobs.

use sea_orm::ActiveValue::NotSet;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use shared_wire::api::{Asset, Broadcast, State, WhenFull};
use shared_wire::{AssetId, ShowId};
use tokio::sync::MutexGuard;

use super::{COVER, Shows, state, written};
use crate::Error;
use crate::assets::chapters;
use crate::rows::{self, Change, counters, shows};
use crate::secret::new_id;

/// What a lister says of the show of a film.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilmSays {
    /// Its beginning can be played.
    pub(crate) is_playable: bool,
    /// There is more to come.
    pub(crate) is_growing: bool,
    /// There is a cover. One that there was stays.
    pub(crate) has_cover: bool,
}

impl Shows {
    /// The show of an asset; made if there is none. It has no stream key.
    ///
    /// # Errors
    /// [`Error::ShowsFull`], storage errors.
    pub(crate) async fn of_asset(&self, now: i64, asset: &Asset) -> Result<ShowId, Error> {
        let _order = self.changing.lock().await;
        let change = self.rows.write().await?;
        // One node at a time, so that there are never too many, nor two of one asset.
        counters::hold(&change, counters::SHOWS).await?;
        let of_asset = shows::Column::AssetId.eq(asset.asset.to_string());
        if let Some(row) = shows::Entity::find().filter(of_asset).one(change.on()).await? {
            return rows::id(&row.id);
        }
        let count = shows::Entity::find().count(change.on()).await?;
        if count >= u64::try_from(self.config.shows_max).unwrap_or(u64::MAX) {
            return Err(Error::ShowsFull);
        }
        let show: ShowId = new_id()?;
        let row = row(now, show, asset);
        let known = state::of_row(&row)?;
        let row = shows::ActiveModel { position: NotSet, ..row.into() };
        shows::Entity::insert(row).exec_without_returning(change.on()).await?;
        self.commit(change).await?;
        self.board.put(known);
        Ok(show)
    }

    /// Says how far the film of an asset is: whether its beginning can be played, and whether there is more to come.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn set_film(
        &self,
        show: ShowId,
        is_playable: bool,
        is_growing: bool,
    ) -> Result<(), Error> {
        let turn = self.turn().await;
        let change = self.rows.write().await?;
        let says = FilmSays { is_playable, is_growing, has_cover: false };
        self.set_film_in(turn, change, show, says).await
    }

    /// What is to be held before a change is begun that [`Self::set_film_in`] makes true.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// The same as [`Self::set_film`], together with whatever else is in the change.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn set_film_in(
        &self,
        _turn: MutexGuard<'_, ()>,
        change: Change,
        show: ShowId,
        says: FilmSays,
    ) -> Result<(), Error> {
        let FilmSays { is_playable, is_growing, has_cover } = says;
        let to = if is_playable { State::Ended } else { State::Scheduled };
        let mut update = shows::Entity::update_many()
            .col_expr(shows::Column::State, Expr::value(state::name(to)))
            .col_expr(shows::Column::IsGrowing, Expr::value(i64::from(is_growing)));
        if has_cover {
            update = update.col_expr(shows::Column::Cover, Expr::value(COVER));
        }
        let updated =
            update.filter(shows::Column::Id.eq(show.to_string())).exec(change.on()).await?;
        if updated.rows_affected == 0 {
            return Err(Error::ShowUnknown);
        }
        self.commit(change).await?;
        self.board.set_film(show, to, is_growing);
        if has_cover {
            self.board.set_cover(show, Some(COVER));
        }
        Ok(())
    }

    /// The film has no cover any more. Nobody has such a show on the air: there is no lease to look at.
    ///
    /// # Errors
    /// Storage errors; then nothing has changed.
    pub(crate) async fn drop_film_cover(&self, show: ShowId) -> Result<(), Error> {
        let _order = self.changing.lock().await;
        if self.state(show).is_some_and(|known| known.cover.is_none()) {
            return Ok(());
        }
        let change = self.rows.write().await?;
        shows::Entity::update_many()
            .col_expr(shows::Column::Cover, Expr::value(None::<String>))
            .filter(shows::Column::Id.eq(show.to_string()))
            .exec(change.on())
            .await?;
        self.commit(change).await?;
        self.board.set_cover(show, None);
        Ok(())
    }

    /// Refuses what cannot be done with a show that nobody publishes to.
    ///
    /// # Errors
    /// [`Error::ShowIsFilm`].
    pub(crate) fn check_published(&self, show: ShowId) -> Result<(), Error> {
        let asset: Option<AssetId> = self.state(show).and_then(|known| known.asset);
        asset.map_or(Ok(()), |_| Err(Error::ShowIsFilm))
    }
}

fn row(now: i64, show: ShowId, asset: &Asset) -> shows::Model {
    shows::Model {
        position: 0,
        id: show.to_string(),
        title: asset.title.clone(),
        state: state::name(State::Scheduled).to_owned(),
        starts_at: None,
        created_at: now,
        when_full: state::when_full_name(WhenFull::default()).to_owned(),
        broadcast: written(&Broadcast::default()),
        cover: None,
        asset_id: Some(asset.asset.to_string()),
        is_growing: 1,
        trim: None,
        has_chapters: i64::from(chapters::are_in(asset.media.as_ref())),
    }
}
