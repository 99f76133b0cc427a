//! Request collapsing: of all that want one key at one time, one asks the origin.
//!
//! In: a key and a fetch. Out: what the fetch brought, to the one who began it and to all who waited. Does not know
//! what is fetched, nor the store.
//!
//! The fetch runs in a task of its own: the viewer who began it may go away without harm to those who wait. Should the
//! task itself die, one of those who wait fetches in its stead. A failure goes to all who waited for it and is then
//! forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot, watch};

use super::arriving::Arriving;
use super::{Answer, Key, Object, Via};
use crate::origins::Failure;

/// How many fetches of one key may die before those who wait give up.
const DEATHS_MAX: usize = 3;

/// What came of a fetch.
pub(super) enum Done<B> {
    /// The whole answer, new from the origin.
    Fetched(Arc<Object>, Via),
    /// One that was stored, and its age.
    Stored(Arc<Object>, Via, Duration),
    /// An answer that is not collected: for the one who began, as it comes.
    Stream(http::Response<B>),
    /// Nothing.
    Failed(Failure),
}

/// What those who wait are told.
#[derive(Clone)]
enum Outcome {
    Arriving(Arc<Arriving>),
    Fetched(Arc<Object>, Via),
    Stored(Arc<Object>, Via, Duration),
    /// It cannot be shared.
    Alone,
    Failed(Failure),
}

type Waiting = watch::Receiver<Option<Outcome>>;

/// The fetches under way.
#[derive(Clone)]
pub(super) struct Fetches {
    under_way: Arc<Mutex<HashMap<Key, Waiting>>>,
    count_max: usize,
    waiters: Arc<Semaphore>,
}

/// What a caller is to do.
enum Turn {
    Begin(Place),
    Wait(Waiting),
    Alone,
}

/// A fetch's place in the table; leaves it when the fetch ends, however it ends.
struct Place {
    key: Key,
    fetches: Fetches,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.fetches.table().remove(&self.key);
    }
}

/// Tells those who wait that the object begins to arrive.
pub(super) struct Teller(watch::Sender<Option<Outcome>>);

impl Teller {
    pub(super) fn arriving(&self, arriving: Arc<Arriving>) {
        self.0.send_replace(Some(Outcome::Arriving(arriving)));
    }
}

impl Fetches {
    pub(super) fn new(count_max: usize, waiters_max: usize) -> Self {
        let waiters = Arc::new(Semaphore::new(waiters_max));
        Self { under_way: Arc::default(), count_max, waiters }
    }

    /// Runs `fetch` unless one for `key` is under way; then waits for that one.
    pub(super) async fn run<B, F, T>(&self, key: Key, fetch: F) -> Answer<B>
    where
        B: Send + 'static,
        F: FnOnce(Teller) -> T + Send + 'static,
        T: Future<Output = Done<B>> + Send + 'static,
    {
        for _ in 0..DEATHS_MAX {
            match self.turn(key.clone()) {
                Turn::Alone => return Answer::Alone,
                Turn::Wait(waiting) => {
                    let Ok(_place) = self.waiters.try_acquire() else { return Answer::Full };
                    if let Some(answer) = wait(waiting).await {
                        return answer;
                    }
                }
                Turn::Begin(place) => return lead(place, fetch).await,
            }
        }
        Answer::Failed(Failure::Broken)
    }

    /// Runs `fetch` unless one for `key` is under way, and waits for nothing.
    pub(super) fn run_behind<B, F, T>(&self, key: Key, fetch: F)
    where
        B: Send + 'static,
        F: FnOnce(Teller) -> T + Send + 'static,
        T: Future<Output = Done<B>> + Send + 'static,
    {
        if let Turn::Begin(place) = self.turn(key) {
            drop(begin(place, fetch));
        }
    }

    fn turn(&self, key: Key) -> Turn {
        let mut table = self.table();
        if let Some(waiting) = table.get(&key) {
            return Turn::Wait(waiting.clone());
        }
        if table.len() >= self.count_max {
            return Turn::Alone;
        }
        let (outcome, waiting) = watch::channel(None);
        table.insert(key.clone(), waiting);
        drop(table);
        Turn::Begin(Place { key, fetches: self.clone(), outcome })
    }

    /// The table; nothing that holds it can panic, so a poisoned one is whole.
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Waiting>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the fetch; the receiver gets what is for the one who began it alone.
fn begin<B, F, T>(place: Place, fetch: F) -> oneshot::Receiver<Done<B>>
where
    B: Send + 'static,
    F: FnOnce(Teller) -> T + Send + 'static,
    T: Future<Output = Done<B>> + Send + 'static,
{
    let (own, result) = oneshot::channel();
    tokio::spawn(async move {
        let done = fetch(Teller(place.outcome.clone())).await;
        let told = match &done {
            Done::Fetched(object, via) if object.head.is_shareable() => {
                Outcome::Fetched(Arc::clone(object), *via)
            }
            Done::Stored(object, via, age) => Outcome::Stored(Arc::clone(object), *via, *age),
            Done::Fetched(..) | Done::Stream(_) => Outcome::Alone,
            Done::Failed(failure) => Outcome::Failed(*failure),
        };
        place.outcome.send_replace(Some(told));
        drop(place);
        // Nobody listens any more if the viewer has gone.
        let _gone = own.send(done);
    });
    result
}

async fn lead<B, F, T>(place: Place, fetch: F) -> Answer<B>
where
    B: Send + 'static,
    F: FnOnce(Teller) -> T + Send + 'static,
    T: Future<Output = Done<B>> + Send + 'static,
{
    let waiting = place.outcome.subscribe();
    let own = begin(place, fetch);
    match told(waiting).await {
        Some(Outcome::Arriving(arriving)) => Answer::Arriving(arriving, Via::Miss),
        Some(Outcome::Fetched(object, via)) => Answer::Object(object, via, None),
        Some(Outcome::Stored(object, via, age)) => Answer::Object(object, via, Some(age)),
        Some(Outcome::Failed(failure)) => Answer::Failed(failure),
        Some(Outcome::Alone) => match own.await {
            Ok(Done::Stream(response)) => Answer::Stream(response),
            Ok(Done::Fetched(object, via)) => Answer::Object(object, via, None),
            _ => Answer::Failed(Failure::Broken),
        },
        None => Answer::Failed(Failure::Broken),
    }
}

/// `None` if the fetch died.
async fn wait<B>(waiting: Waiting) -> Option<Answer<B>> {
    Some(match told(waiting).await? {
        Outcome::Arriving(arriving) => Answer::Arriving(arriving, Via::Collapsed),
        Outcome::Fetched(object, _) => Answer::Object(object, Via::Collapsed, None),
        Outcome::Stored(object, via, age) => Answer::Object(object, via, Some(age)),
        Outcome::Alone => Answer::Alone,
        Outcome::Failed(failure) => Answer::Failed(failure),
    })
}

async fn told(mut waiting: Waiting) -> Option<Outcome> {
    waiting.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
}
