//! Shows and the stream keys that publish them.
//!
//! In: what creators ask, what ingest reports. Out: shows, stream keys (once), states. Does not know HTTP, tickets or
//! media.

mod board;
mod state;

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use shared_wire::ShowId;
use shared_wire::api::{
    Broadcast, ChangeShow, CreatedShow, DVR_WINDOW_S, NewShow, Publish, ShowList, ShowState, State,
    ladder,
};
use tokio::sync::Mutex;

use crate::page::{self, Page};
use crate::rows::{self, Rows, shows, stream_keys};
use crate::secret::{StreamKey, new_id};
use crate::{Config, Error, captions};
use board::Board;

/// Where a show's cover is, as the key scheme has it.
const COVER: &str = "cover.jpg";
/// Latest second a time may name: the end of the year 9999.
const TIME_S_MAX: i64 = 253_402_300_799;

/// A show as a publisher's stream key finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShowRecord {
    /// Its id.
    pub show: ShowId,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: State,
    /// How it goes out.
    pub broadcast: Broadcast,
}

/// All shows of the house.
pub(crate) struct Shows {
    rows: Rows,
    config: Config,
    board: Board,
    /// Held while a state goes to the database and then to the board, so that both see changes in one order.
    changing: Mutex<()>,
}

impl Shows {
    /// Reads the shows. Whoever was on the air when the house last stopped is so no more.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Storage`].
    pub(crate) async fn open(rows: Rows, config: Config) -> Result<Self, Error> {
        shows::Entity::update_many()
            .col_expr(shows::Column::State, Expr::value(state::name(State::Interrupted)))
            .filter(shows::Column::State.eq(state::name(State::Live)))
            .exec(rows.read())
            .await?;
        let all = shows::Entity::find().all(rows.read()).await?;
        let all: Vec<ShowState> = all.iter().map(state::of_row).collect::<Result<_, _>>()?;
        Ok(Self { rows, config, board: Board::new(all), changing: Mutex::new(()) })
    }

    /// Makes a show and its first stream key.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::ShowsFull`], storage errors.
    pub(crate) async fn create(&self, now: i64, new: NewShow) -> Result<CreatedShow, Error> {
        self.check(&new)?;
        let _order = self.changing.lock().await;
        if self.board.len() >= self.config.shows_max {
            return Err(Error::ShowsFull);
        }
        let show: ShowId = new_id()?;
        let key = StreamKey::random()?;
        let state = State::Scheduled;
        let when_full = new.when_full.unwrap_or_default();
        let broadcast = new.broadcast.clone().unwrap_or_default();
        let row = shows::ActiveModel {
            position: NotSet,
            id: Set(show.to_string()),
            title: Set(new.title.clone()),
            state: Set(state::name(state).to_owned()),
            starts_at: Set(new.starts_at),
            created_at: Set(now),
            when_full: Set(state::when_full_name(when_full).to_owned()),
            broadcast: Set(written(&broadcast)),
            cover: Set(None),
        };
        let key_row = stream_keys::ActiveModel {
            show_id: Set(show.to_string()),
            hash: Set(key.hash()),
            created_at: Set(now),
        };
        let change = self.rows.write().await?;
        row.insert(change.on()).await?;
        stream_keys::Entity::insert(key_row).exec_without_returning(change.on()).await?;
        change.commit().await?;
        let NewShow { title, starts_at, .. } = new;
        self.board.put(ShowState {
            show,
            title,
            state,
            starts_at,
            when_full,
            broadcast,
            cover: None,
        });
        Ok(self.created(show, &key))
    }

    fn check(&self, new: &NewShow) -> Result<(), Error> {
        page::check_text("title", &new.title, self.config.title_chars_max)?;
        if new.starts_at.is_some_and(|at| !(0..=TIME_S_MAX).contains(&at)) {
            let reason = format!("must be seconds since 1970, 0 to {TIME_S_MAX}");
            return Err(Error::Invalid { field: "starts_at", reason });
        }
        new.broadcast.as_ref().map_or(Ok(()), check_broadcast)
    }

    fn created(&self, show: ShowId, key: &StreamKey) -> CreatedShow {
        let stream_key = key.expose();
        let rtmp = format!("{}/{stream_key}", self.config.rtmp_url);
        let rtmps = self.config.rtmps_url.as_ref().map(|url| format!("{url}/{stream_key}"));
        let srt = self.config.srt_url.as_ref().map(|url| srt_address(url, &stream_key));
        let whip = self.config.whip_url.clone();
        CreatedShow { show, stream_key, publish: Publish { rtmp, rtmps, srt, whip } }
    }

    /// Gives a show a new stream key; the old one publishes no more.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors.
    pub(crate) async fn rotate_key(&self, now: i64, show: ShowId) -> Result<CreatedShow, Error> {
        self.state(show).ok_or(Error::ShowUnknown)?;
        let key = StreamKey::random()?;
        let change = self.rows.write().await?;
        stream_keys::Entity::update_many()
            .col_expr(stream_keys::Column::Hash, Expr::value(key.hash()))
            .col_expr(stream_keys::Column::CreatedAt, Expr::value(now))
            .filter(stream_keys::Column::ShowId.eq(show.to_string()))
            .exec(change.on())
            .await?;
        change.commit().await?;
        Ok(self.created(show, &key))
    }

    /// The show a stream key publishes; `None` for whatever is no key of ours.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn by_stream_key(&self, key: &str) -> Result<Option<ShowRecord>, Error> {
        let Some(key) = StreamKey::parse(key) else { return Ok(None) };
        let found = stream_keys::Entity::find()
            .filter(stream_keys::Column::Hash.eq(key.hash()))
            .one(self.rows.read())
            .await?;
        let Some(row) = found else { return Ok(None) };
        let show = rows::id(&row.show_id)?;
        let known = self.state(show);
        Ok(known.map(|known| ShowRecord {
            show,
            title: known.title,
            state: known.state,
            broadcast: known.broadcast,
        }))
    }

    /// A show, from memory.
    pub(crate) fn state(&self, show: ShowId) -> Option<ShowState> {
        self.board.get(show)
    }

    /// All shows, from memory, in no order.
    pub(crate) fn all(&self) -> Vec<ShowState> {
        self.board.all()
    }

    /// Moves a show to a state; `false` if it stands there already, or has ended and is not going live again. What
    /// ingest reports late about a publisher that was sent away so cannot bring an ended show back.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn set_state(&self, show: ShowId, to: State) -> Result<bool, Error> {
        let _order = self.changing.lock().await;
        let from = self.state(show).ok_or(Error::ShowUnknown)?.state;
        if from == to || (from == State::Ended && to != State::Live) {
            return Ok(false);
        }
        let change = self.rows.write().await?;
        shows::Entity::update_many()
            .col_expr(shows::Column::State, Expr::value(state::name(to)))
            .filter(shows::Column::Id.eq(show.to_string()))
            .exec(change.on())
            .await?;
        change.commit().await?;
        self.board.set(show, to);
        Ok(true)
    }

    /// Says that a show has a cover.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn set_cover(&self, show: ShowId) -> Result<(), Error> {
        let _order = self.changing.lock().await;
        if self.state(show).ok_or(Error::ShowUnknown)?.cover.is_some() {
            return Ok(());
        }
        let change = self.rows.write().await?;
        shows::Entity::update_many()
            .col_expr(shows::Column::Cover, Expr::value(COVER))
            .filter(shows::Column::Id.eq(show.to_string()))
            .exec(change.on())
            .await?;
        change.commit().await?;
        self.board.set_cover(show, COVER);
        Ok(())
    }

    /// Changes what is said of a show.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], storage errors; then nothing has changed.
    pub(crate) async fn change(&self, show: ShowId, to: ChangeShow) -> Result<ShowState, Error> {
        to.broadcast.as_ref().map_or(Ok(()), check_broadcast)?;
        let _order = self.changing.lock().await;
        let when_full = to
            .when_full
            .map(|rule| (shows::Column::WhenFull, Expr::value(state::when_full_name(rule))));
        let broadcast = to.broadcast.as_ref();
        let broadcast =
            broadcast.map(|chosen| (shows::Column::Broadcast, Expr::value(written(chosen))));
        if when_full.is_some() || broadcast.is_some() {
            let change = self.rows.write().await?;
            let columns = when_full.into_iter().chain(broadcast);
            let update = columns.fold(shows::Entity::update_many(), |update, (column, value)| {
                update.col_expr(column, value)
            });
            update.filter(shows::Column::Id.eq(show.to_string())).exec(change.on()).await?;
            change.commit().await?;
            self.board.change(show, to);
        }
        self.state(show).ok_or(Error::ShowUnknown)
    }

    /// Ends a show and tells ingest so. Doing it again tells ingest again.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], [`Error::EndUnheard`] (the show is ended all the same), storage errors.
    pub(crate) async fn end(&self, show: ShowId) -> Result<ShowState, Error> {
        self.set_state(show, State::Ended).await?;
        if let Some(ends) = &self.config.ends {
            let heard = ends.send_timeout(show, self.config.end_wait).await;
            heard.map_err(|_| Error::EndUnheard)?;
        }
        self.state(show).ok_or(Error::ShowUnknown)
    }

    /// A page of shows, newest first.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn list(&self, page: Page) -> Result<ShowList, Error> {
        let query = shows::Entity::find();
        let rows = page.of(query, shows::Column::Position).all(self.rows.read()).await?;
        let (rows, next) = page.cut(rows, |row| row.position);
        // The board is what counts; a row can be a moment behind it.
        let show = |row: &shows::Model| {
            let stored = state::of_row(row)?;
            Ok::<_, Error>(self.state(stored.show).unwrap_or(stored))
        };
        Ok(ShowList { shows: rows.iter().map(show).collect::<Result<_, _>>()?, next })
    }
}

/// Refuses settings out of bounds.
///
/// # Errors
/// [`Error::Invalid`], naming the field.
fn check_broadcast(chosen: &Broadcast) -> Result<(), Error> {
    let rungs = chosen.ladder.as_deref().unwrap_or_default();
    ladder::check(rungs).map_err(|reason| Error::Invalid { field: "broadcast.ladder", reason })?;
    captions::check(chosen.captions.as_deref().unwrap_or_default())?;
    captions::check_sounds(chosen.sounds.as_deref().unwrap_or_default())?;
    match chosen.dvr_window_s {
        Some(seconds) if !DVR_WINDOW_S.contains(&seconds) => Err(Error::Invalid {
            field: "broadcast.dvr_window_s",
            reason: format!("must be {} to {} seconds", DVR_WINDOW_S.start(), DVR_WINDOW_S.end()),
        }),
        _ => Ok(()),
    }
}

/// Settings as they stand in a row.
fn written(chosen: &Broadcast) -> String {
    // Numbers and names only: this cannot fail.
    serde_json::to_string(chosen).unwrap_or_else(|_| "{}".to_owned())
}

/// An address that encoders take as it is: `publish:<key>` needs none of the escapes that `#!::…` would.
fn srt_address(url: &str, stream_key: &str) -> String {
    format!("{url}?streamid=publish:{stream_key}")
}
