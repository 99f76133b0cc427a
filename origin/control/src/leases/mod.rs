//! Which shows this node has: leases in the database, renewed while a show is on the air.
//!
//! In: who wants a show. Out: [`Claim`]s, and word when one is lost. Does not know publishers or stages; [`decide`]
//! decides.
//!
//! In a database that is this node's own nobody else can have a show: the same leases are written, none expires, and a
//! database that fails keeps nobody off the air.

mod decide;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use shared_wire::ShowId;
use tokio::sync::{Mutex as Turn, watch};

use crate::rows::{self, Change, Rows, leases};
use crate::{Config, Error};
use decide::{Claimed, Lease, Renewed, Tenure};

/// An owner counts on this part of what the database grants: clocks do not run alike.
const COUNTED: (u32, u32) = (4, 5);
/// Renewals within one lease.
const RENEWALS: u32 = 6;
/// How often an owner looks whether it still is one.
const WATCH_EVERY: Duration = Duration::from_millis(100);
/// How often a lease that another node is asked to give back is looked at.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// A show that this node has. Clones are the same; it is given back by [`crate::Control::give_back`].
#[derive(Clone)]
pub struct Claim(Arc<Held>);

struct Held {
    show: ShowId,
    epoch: i64,
    began: Instant,
    tenure: Mutex<Tenure>,
    /// When it was last asked for, for as long as the show is not on the air.
    unopened_since: Mutex<Option<Instant>>,
    lost: watch::Sender<bool>,
}

impl Claim {
    fn new(show: ShowId, epoch: i64, began: Instant, tenure: Tenure) -> Self {
        Self(Arc::new(Held {
            show,
            epoch,
            began,
            tenure: Mutex::new(tenure),
            unopened_since: Mutex::new(Some(Instant::now())),
            lost: watch::Sender::new(false),
        }))
    }

    /// The fencing token: greater at every grant of the show.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.0.epoch
    }

    /// Whether the show is still this node's, by its own clock: nothing may be written for it otherwise. It never is
    /// again once it is not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.look()
    }

    /// The same, and tells of it.
    fn look(&self) -> bool {
        let now_us = self.at_us(Instant::now());
        let holds = lock(&self.0.tenure).holds(now_us);
        if !holds {
            self.0.lost.send_if_modified(|lost| !std::mem::replace(lost, true));
        }
        holds
    }

    /// Resolves when the show is this node's no more.
    pub async fn lost(&self) {
        // Its sender lives as long as this.
        let _ = self.0.lost.subscribe().wait_for(|lost| *lost).await;
    }

    fn at_us(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0.began).as_micros()).unwrap_or(u64::MAX)
    }

    fn lose(&self) {
        lock(&self.0.tenure).lose();
        self.look();
    }

    /// Whether it was asked for, and nothing came of it for so long.
    fn is_idle(&self, max: Duration) -> bool {
        lock(&self.0.unopened_since).is_some_and(|since| since.elapsed() > max)
    }
}

/// What becomes of somebody who wants a show.
#[derive(Clone)]
pub enum Ownership {
    /// It is this node's.
    Here(Claim),
    /// Another node has it.
    Elsewhere,
}

/// All leases, as this node sees them.
pub(crate) struct Leases {
    rows: Rows,
    config: Config,
    node: String,
    held: Mutex<HashMap<ShowId, Claim>>,
    /// One claims at a time, so that no two claims of one show are under way.
    claiming: Turn<()>,
    /// Shows that other nodes have not given back.
    others: RwLock<HashSet<ShowId>>,
    /// Shows that this node has lost, and when: they are another's until the database has been asked again.
    gone: Mutex<HashMap<ShowId, Instant>>,
}

impl Leases {
    /// Looks who has what. `node` is this node's name, the same at every start.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn open(rows: Rows, config: Config, node: String) -> Result<Self, Error> {
        let (held, claiming, others) = (Mutex::default(), Turn::default(), RwLock::default());
        let gone = Mutex::default();
        let leases = Self { rows, config, node, held, claiming, others, gone };
        leases.look_around().await?;
        Ok(leases)
    }

    /// Whether another node has this show, or had it when it was last heard of, as far as is known.
    pub(crate) fn is_elsewhere(&self, show: ShowId) -> bool {
        let is_lost = lock(&self.held).get(&show).is_some_and(|claim| !claim.holds());
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        is_lost || lock(&self.gone).contains_key(&show) || others.contains(&show)
    }

    /// The claim of a show that this node has.
    pub(crate) fn held(&self, show: ShowId) -> Option<Claim> {
        lock(&self.held).get(&show).filter(|claim| claim.holds()).cloned()
    }

    /// Takes a show; where another node has it and `takes_over`, that one is asked to let go, and is waited for.
    ///
    /// # Errors
    /// Storage errors, of a database that nodes share.
    pub(crate) async fn claim(&self, show: ShowId, takes_over: bool) -> Result<Ownership, Error> {
        let deadline = Instant::now() + self.config.take_over_wait;
        loop {
            match self.ask(show, takes_over).await? {
                Ask::Have(claim) => return Ok(Ownership::Here(claim)),
                Ask::Wait if Instant::now() + ASK_EVERY < deadline => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Ask::Wait | Ask::Taken => return Ok(Ownership::Elsewhere),
            }
        }
    }

    async fn ask(&self, show: ShowId, takes_over: bool) -> Result<Ask, Error> {
        let _turn = self.claiming.lock().await;
        if let Some(claim) = self.held(show) {
            let mut unopened = lock(&claim.0.unopened_since);
            *unopened = unopened.map(|_| Instant::now());
            drop(unopened);
            return Ok(Ask::Have(claim));
        }
        let asked = Instant::now();
        let claimed = self.ask_database(show, takes_over).await;
        let claimed = match claimed {
            Err(error) if !self.rows.is_shared() => {
                tracing::error!(%show, %error, "who has the show was not kept");
                Claimed::Granted(0)
            }
            claimed => claimed?,
        };
        Ok(match claimed {
            Claimed::Granted(epoch) => {
                let lasts_us = self.rows.is_shared().then(|| self.counted_us());
                let claim = Claim::new(show, epoch, asked, Tenure::new(0, lasts_us));
                lock(&self.gone).remove(&show);
                lock(&self.held).insert(show, claim.clone());
                self.others.write().unwrap_or_else(PoisonError::into_inner).remove(&show);
                Ask::Have(claim)
            }
            Claimed::Wait => Ask::Wait,
            Claimed::Taken => Ask::Taken,
        })
    }

    async fn ask_database(&self, show: ShowId, takes_over: bool) -> Result<Claimed, Error> {
        let change = self.rows.write().await?;
        let mut lease = hold(&change, show).await?;
        let now_ms = change.now_ms().await?;
        if !self.rows.is_shared() {
            // Whoever had it, was this house, perhaps under another name.
            lease.node.clone_from(&self.node);
        }
        let claimed = lease.claim(&self.node, takes_over, now_ms, self.lasts_ms());
        write(&change, show, lease).await?;
        change.commit().await?;
        Ok(claimed)
    }

    /// The show is on the air: its claim is renewed until it is given back.
    pub(crate) fn opened(&self, claim: &Claim) {
        *lock(&claim.0.unopened_since) = None;
    }

    /// Gives a show back. It is lost here first, whatever the database says.
    pub(crate) async fn give_back(&self, claim: &Claim) {
        if !claim.holds() {
            self.is_gone(claim.0.show);
        }
        claim.lose();
        let show = claim.0.show;
        {
            let mut held = lock(&self.held);
            if held.get(&show).is_some_and(|held| held.0.epoch == claim.0.epoch) {
                held.remove(&show);
            }
        }
        let given = async {
            let change = self.rows.write().await?;
            let mut lease = hold(&change, show).await?;
            lease.give_back(&self.node, claim.0.epoch);
            write(&change, show, lease).await?;
            change.commit().await
        };
        if let Err(error) = given.await {
            tracing::warn!(%show, %error, "a show was not given back; others may have it in time");
        }
    }

    /// Another node has the show, for all that is known here.
    fn is_gone(&self, show: ShowId) {
        if self.rows.is_shared() {
            lock(&self.gone).insert(show, Instant::now());
        }
    }

    /// Says, in time and again and again, that this node still has its shows; for good.
    pub(crate) async fn keep(this: std::sync::Weak<Self>) {
        loop {
            let Some(leases) = this.upgrade() else { return };
            let every = leases.config.lease / RENEWALS;
            leases.drop_idle().await;
            let renewed = tokio::time::timeout(every * 2, leases.renew()).await;
            match renewed {
                Ok(Ok(())) => {}
                Ok(Err(error)) => leases.unrenewed(&error.to_string()),
                Err(_) => leases.unrenewed("the database does not answer"),
            }
            drop(leases);
            tokio::time::sleep(every).await;
        }
    }

    /// Sees to it that a lease which runs out is noticed then, whatever the database does; for good.
    pub(crate) async fn watch(this: std::sync::Weak<Self>) {
        let mut ticks = tokio::time::interval(WATCH_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(leases) = this.upgrade() else { return };
            for claim in leases.all_held() {
                claim.look();
            }
        }
    }

    fn unrenewed(&self, why: &str) {
        if !lock(&self.held).is_empty() {
            metrics::counter!("matinee_leases_unrenewed_total").increment(1);
            tracing::warn!(why, "this node cannot say that its shows are still its own");
        }
    }

    fn all_held(&self) -> Vec<Claim> {
        lock(&self.held).values().cloned().collect()
    }

    async fn drop_idle(&self) {
        for claim in self.all_held() {
            if claim.is_idle(self.config.unopened_max) {
                self.give_back(&claim).await;
            }
        }
    }

    async fn renew(&self) -> Result<(), Error> {
        let mut claims = self.all_held();
        claims.retain(Claim::holds);
        // Nodes hold rows in one order, and so never wait for one another in a circle.
        claims.sort_by_key(|claim| claim.0.show.to_string());
        if claims.is_empty() {
            return Ok(());
        }
        let asked = Instant::now();
        let change = self.rows.write().await?;
        let mut leases = Vec::with_capacity(claims.len());
        for claim in &claims {
            leases.push(hold(&change, claim.0.show).await?);
        }
        let now_ms = change.now_ms().await?;
        let mut answers = Vec::with_capacity(claims.len());
        for (claim, mut lease) in claims.into_iter().zip(leases) {
            let answer = lease.renew(&self.node, claim.0.epoch, now_ms, self.lasts_ms());
            if answer == Renewed::Kept {
                write(&change, claim.0.show, lease).await?;
            }
            answers.push((claim, answer));
        }
        change.commit().await?;
        for (claim, answer) in answers {
            let show = claim.0.show;
            match answer {
                Renewed::Kept => lock(&claim.0.tenure).renewed(claim.at_us(asked)),
                Renewed::Wanted => {
                    tracing::warn!(%show, "another node takes the show over");
                    self.is_gone(show);
                    self.give_back(&claim).await;
                }
                Renewed::Lost => {
                    tracing::warn!(%show, "another node has the show");
                    claim.lose();
                }
            }
        }
        Ok(())
    }

    /// Learns which shows other nodes have.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) async fn look_around(&self) -> Result<(), Error> {
        if !self.rows.is_shared() {
            return Ok(());
        }
        let asked = Instant::now();
        let all = leases::Entity::find()
            .filter(leases::Column::Node.ne(&self.node))
            .filter(leases::Column::ExpiresAtMs.gt(0))
            .all(self.rows.read())
            .await?;
        let seen = all.iter().map(|row| rows::id(&row.show_id)).collect::<Result<_, _>>()?;
        *self.others.write().unwrap_or_else(PoisonError::into_inner) = seen;
        lock(&self.gone).retain(|_, lost| *lost >= asked);
        Ok(())
    }

    /// Whether `show`'s rows may be written by this node, within `change`: nobody takes the show before that is made.
    ///
    /// # Errors
    /// [`Error::Elsewhere`], storage errors.
    pub(crate) async fn fence(&self, change: &Change, show: ShowId) -> Result<(), Error> {
        if !self.rows.is_shared() {
            return Ok(());
        }
        let own = lock(&self.held).get(&show).map(|claim| claim.0.epoch);
        let row = leases::Entity::find_by_id(show.to_string()).lock_exclusive();
        let Some(row) = row.one(change.on()).await? else { return Ok(()) };
        let lease = of_row(row);
        let may = match own {
            Some(epoch) => lease.is_of(&self.node, epoch),
            None => lease.node == self.node || lease.expires_at_ms <= change.now_ms().await?,
        };
        if may { Ok(()) } else { Err(Error::Elsewhere) }
    }

    fn lasts_ms(&self) -> i64 {
        i64::try_from(self.config.lease.as_millis()).unwrap_or(i64::MAX)
    }

    fn counted_us(&self) -> u64 {
        let counted = self.config.lease * COUNTED.0 / COUNTED.1;
        u64::try_from(counted.as_micros()).unwrap_or(u64::MAX)
    }
}

/// An answer to one asking.
enum Ask {
    Have(Claim),
    Wait,
    Taken,
}

// A poisoned lock is used on: each holder does one operation.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lease of a show, held: nobody else changes it before `change` is made.
async fn hold(change: &Change, show: ShowId) -> Result<Lease, Error> {
    let none = leases::ActiveModel {
        show_id: Set(show.to_string()),
        node: Set(String::new()),
        epoch: Set(0),
        expires_at_ms: Set(0),
        wanted_by: Set(None),
    };
    let unless_there = OnConflict::column(leases::Column::ShowId).do_nothing().to_owned();
    // Only a row can be held.
    let begun = leases::Entity::insert(none).on_conflict(unless_there);
    begun.exec_without_returning(change.on()).await?;
    let row = leases::Entity::find_by_id(show.to_string()).lock_exclusive();
    row.one(change.on()).await?.map(of_row).ok_or(Error::ShowUnknown)
}

fn of_row(row: leases::Model) -> Lease {
    let leases::Model { node, epoch, expires_at_ms, wanted_by, .. } = row;
    Lease { node, epoch, expires_at_ms, wanted_by }
}

async fn write(change: &Change, show: ShowId, lease: Lease) -> Result<(), Error> {
    let update = leases::Entity::update_many()
        .col_expr(leases::Column::Node, Expr::value(lease.node))
        .col_expr(leases::Column::Epoch, Expr::value(lease.epoch))
        .col_expr(leases::Column::ExpiresAtMs, Expr::value(lease.expires_at_ms))
        .col_expr(leases::Column::WantedBy, Expr::value(lease.wanted_by));
    update.filter(leases::Column::ShowId.eq(show.to_string())).exec(change.on()).await?;
    Ok(())
}
