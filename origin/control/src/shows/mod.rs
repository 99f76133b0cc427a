//! Shows and the stream keys that publish them.
//!
//! In: what creators ask, what ingest reports. Out: shows, stream keys (once), states. Does not know HTTP, tickets or
//! media.

mod board;
mod film;
mod said;
mod state;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use shared_wire::ShowId;
use shared_wire::api::{
    Broadcast, ChangeShow, CreatedShow, DVR_WINDOW_S, NewShow, Publish, ShowList, ShowState, State,
    ladder,
};
use tokio::sync::Mutex;

use crate::leases::Leases;
use crate::page::{self, Page};
use crate::rows::{self, Change, Rows, counters, shows, stream_keys};
use crate::secret::{StreamKey, new_id};
use crate::{Config, Error, captions};
use board::Board;
pub(crate) use film::FilmSays;
pub(crate) use said::ShowSaid;

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
    leases: Arc<Leases>,
    /// The version of all shows that the board is of, or a later one.
    seen: AtomicI64,
    /// Stream keys of shows that this node has, by their hashes: a database that is away keeps no encoder off the air
    /// which connects again.
    keys: Mutex<HashMap<String, ShowId>>,
}

impl Shows {
    /// Reads the shows. Whoever was on the air when the house last stopped is so no more.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Storage`].
    pub(crate) async fn open(
        rows: Rows,
        config: Config,
        leases: Arc<Leases>,
    ) -> Result<Self, Error> {
        let board = Board::new(Self::all_rows(&rows).await?);
        let (changing, seen, keys) = (Mutex::new(()), AtomicI64::new(0), Mutex::default());
        let shows = Self { rows, config, leases, board, changing, seen, keys };
        // A process that only works knows nothing of what is on the air beside it.
        let own = if shows.config.is_worker { Vec::new() } else { shows.all() };
        for show in own {
            if show.state == State::Live && !shows.leases.is_elsewhere(show.show) {
                shows.set_state(show.show, State::Interrupted).await?;
            }
        }
        Ok(shows)
    }

    async fn all_rows(rows: &Rows) -> Result<Vec<ShowState>, Error> {
        let all = shows::Entity::find().all(rows.read()).await?;
        all.iter().map(state::of_row).collect()
    }

    /// Takes over what other nodes have changed; shows that one of them has ended.
    ///
    /// # Errors
    /// [`Error::Corrupt`], storage errors.
    pub(crate) async fn catch_up(&self) -> Result<Vec<ShowId>, Error> {
        let version = counters::value(self.rows.read(), counters::SHOWS).await?;
        if version == self.seen.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let _order = self.changing.lock().await;
        let all = Self::all_rows(&self.rows).await?;
        let is_ended = |show: &ShowState| {
            let before = self.state(show.show).map(|before| before.state);
            show.state == State::Ended && before.is_some_and(|before| before != State::Ended)
        };
        let ended = all.iter().filter(|show| is_ended(show)).map(|show| show.show).collect();
        self.board.replace(all);
        self.seen.store(version, Ordering::Relaxed);
        Ok(ended)
    }

    /// Makes what was changed true, and others look at it.
    async fn commit(&self, change: Change) -> Result<(), Error> {
        if self.rows.is_shared() || self.config.is_worker {
            counters::next(&change, counters::SHOWS).await?;
        }
        change.commit().await
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
            asset_id: Set(None),
            is_growing: Set(0),
            trim: Set(None),
            has_chapters: Set(0),
        };
        let key_row = stream_keys::ActiveModel {
            show_id: Set(show.to_string()),
            hash: Set(key.hash()),
            created_at: Set(now),
        };
        let change = self.rows.write().await?;
        if self.rows.is_shared() {
            // One node at a time, so that there are never too many.
            counters::hold(&change, counters::SHOWS).await?;
            let count = shows::Entity::find().count(change.on()).await?;
            if count >= u64::try_from(self.config.shows_max).unwrap_or(u64::MAX) {
                return Err(Error::ShowsFull);
            }
        }
        row.insert(change.on()).await?;
        stream_keys::Entity::insert(key_row).exec_without_returning(change.on()).await?;
        self.commit(change).await?;
        let NewShow { title, starts_at, .. } = new;
        self.board.put(ShowState {
            show,
            title,
            state,
            starts_at,
            when_full,
            broadcast,
            cover: None,
            asset: None,
            is_growing: false,
            trim: None,
            has_chapters: false,
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
        self.keys.lock().await.retain(|_, of| *of != show);
        Ok(self.created(show, &key))
    }

    /// The show a stream key publishes; `None` for whatever is no key of ours.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn by_stream_key(&self, key: &str) -> Result<Option<ShowRecord>, Error> {
        let Some(key) = StreamKey::parse(key) else { return Ok(None) };
        let show = match self.find_key(&key.hash()).await {
            Err(Error::Unreachable { reason }) => {
                let known = self.keys.lock().await.get(&key.hash()).copied();
                let own = known.filter(|show| self.leases.held(*show).is_some());
                own.ok_or(Error::Unreachable { reason })?
            }
            found => match found? {
                Some(show) => show,
                None => return Ok(None),
            },
        };
        let known = self.state(show);
        Ok(known.map(|known| ShowRecord {
            show,
            title: known.title,
            state: known.state,
            broadcast: known.broadcast,
        }))
    }

    /// The show of a key, as the database has it: the board of a node is a moment behind what others do.
    async fn find_key(&self, hash: &str) -> Result<Option<ShowId>, Error> {
        let key = stream_keys::Entity::find().filter(stream_keys::Column::Hash.eq(hash));
        let Some(row) = key.one(self.rows.read()).await? else { return Ok(None) };
        let show = rows::id(&row.show_id)?;
        if self.rows.is_shared() {
            let _order = self.changing.lock().await;
            let row = shows::Entity::find().filter(shows::Column::Id.eq(&row.show_id));
            if let Some(row) = row.one(self.rows.read()).await? {
                self.board.put(state::of_row(&row)?);
            }
            let mut keys = self.keys.lock().await;
            keys.retain(|_, show| self.leases.held(*show).is_some());
            keys.insert(hash.to_owned(), show);
        }
        Ok(Some(show))
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
    /// [`Error::ShowUnknown`], [`Error::Elsewhere`], storage errors; then nothing has changed.
    pub(crate) async fn set_state(&self, show: ShowId, to: State) -> Result<bool, Error> {
        self.set_state_as(show, to, true).await
    }

    async fn set_state_as(&self, show: ShowId, to: State, is_owners: bool) -> Result<bool, Error> {
        let _order = self.changing.lock().await;
        let from = self.state(show).ok_or(Error::ShowUnknown)?.state;
        if from == to || (from == State::Ended && to != State::Live) {
            return Ok(false);
        }
        let change = self.rows.write().await?;
        if is_owners {
            self.leases.fence(&change, show).await?;
        }
        let mut update = shows::Entity::update_many()
            .col_expr(shows::Column::State, Expr::value(state::name(to)))
            .filter(shows::Column::Id.eq(show.to_string()));
        if to != State::Live {
            // Another node may have ended it.
            update = update.filter(shows::Column::State.ne(state::name(State::Ended)));
        }
        let updated = update.exec(change.on()).await?;
        self.commit(change).await?;
        if updated.rows_affected > 0 {
            self.board.set(show, to);
        }
        Ok(updated.rows_affected > 0)
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
        self.leases.fence(&change, show).await?;
        shows::Entity::update_many()
            .col_expr(shows::Column::Cover, Expr::value(COVER))
            .filter(shows::Column::Id.eq(show.to_string()))
            .exec(change.on())
            .await?;
        self.commit(change).await?;
        self.board.set_cover(show, Some(COVER));
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
            self.commit(change).await?;
            self.board.change(show, to);
        }
        self.state(show).ok_or(Error::ShowUnknown)
    }

    /// Ends a show and tells ingest so. Doing it again tells ingest again.
    ///
    /// # Errors
    /// [`Error::ShowUnknown`], [`Error::EndUnheard`] (the show is ended all the same), storage errors.
    pub(crate) async fn end(&self, show: ShowId) -> Result<ShowState, Error> {
        self.set_state_as(show, State::Ended, false).await?;
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
    captions::check_closed(chosen.closed_captions.as_deref().unwrap_or_default())?;
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
