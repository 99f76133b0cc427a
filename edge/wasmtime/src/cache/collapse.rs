//! Request collapsing: of all that want one key at one time, one asks the origin.
//!
//! In: a key and a fetch. Out: what the fetch brought, to the one who began it and to all who waited. Does not know
//! what is fetched, nor the store.
//!
//! The fetch runs in a task of its own: the viewer who began it may go away without harm to those who wait. A failure
//! goes to all who waited for it and is then forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Answer, Key, Object, Via};
use crate::outbound::Failure;

/// What a fetch brought.
pub(crate) enum Fetched<B> {
    /// The whole answer.
    Whole(Arc<Object>),
    /// No whole answer, but an older one that may stand in, and its age.
    Stale(Arc<Object>, Duration),
    /// An answer too large to hold: for the one who began, as it comes.
    Stream(http::Response<B>),
    /// Nothing.
    Failed(Failure),
}

impl<B> Fetched<B> {
    /// Whether the origin failed (RFC 5861, 4: no answer, or 500, 502, 503, 504).
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Whole(object) => matches!(object.status.as_u16(), 500 | 502 | 503 | 504),
            Self::Failed(_) => true,
            Self::Stale(..) | Self::Stream(_) => false,
        }
    }
}

/// What those who wait are told.
#[derive(Clone)]
enum Outcome {
    /// The answer.
    Whole(Arc<Object>),
    /// An older answer and its age.
    Stale(Arc<Object>, Duration),
    /// It cannot be shared.
    Alone,
    /// There is none.
    Failed(Failure),
}

type Waiting = watch::Receiver<Option<Outcome>>;

/// The fetches under way.
#[derive(Clone)]
pub(super) struct Fetches {
    under_way: Arc<Mutex<HashMap<Key, Waiting>>>,
    count_max: usize,
}

/// What a caller is to do.
enum Turn {
    Begin(Arrival),
    Wait(Waiting),
    Alone,
}

/// A fetch's place in the table; leaves it when the fetch ends, however it ends.
struct Arrival {
    key: Key,
    fetches: Fetches,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.fetches.table().remove(&self.key);
    }
}

impl Fetches {
    pub(super) fn new(count_max: usize) -> Self {
        Self { under_way: Arc::default(), count_max }
    }

    /// Runs `fetch` unless one for `key` is under way; then waits for that one.
    pub(super) async fn run<B, F>(&self, key: Key, fetch: F) -> Answer<B>
    where
        B: Send + 'static,
        F: Future<Output = Fetched<B>> + Send + 'static,
    {
        match self.turn(key) {
            Turn::Alone => Answer::Alone,
            Turn::Wait(waiting) => wait(waiting).await,
            Turn::Begin(arrival) => begin(arrival, fetch).await,
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
        Turn::Begin(Arrival { key, fetches: self.clone(), outcome })
    }

    /// The table; nothing that holds it can panic, so a poisoned one is whole.
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Waiting>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn begin<B, F>(arrival: Arrival, fetch: F) -> Answer<B>
where
    B: Send + 'static,
    F: Future<Output = Fetched<B>> + Send + 'static,
{
    let (own, result) = oneshot::channel();
    tokio::spawn(async move {
        let fetched = fetch.await;
        let told = match &fetched {
            Fetched::Whole(object) if object.is_shareable() => Outcome::Whole(Arc::clone(object)),
            Fetched::Stale(object, age) => Outcome::Stale(Arc::clone(object), *age),
            Fetched::Whole(_) | Fetched::Stream(_) => Outcome::Alone,
            Fetched::Failed(failure) => Outcome::Failed(*failure),
        };
        arrival.outcome.send_replace(Some(told));
        drop(arrival);
        // Nobody listens any more if the viewer has gone.
        let _gone = own.send(fetched);
    });
    match result.await {
        Ok(Fetched::Whole(object)) => Answer::Object(object, Via::Miss, None),
        Ok(Fetched::Stale(object, age)) => Answer::Object(object, Via::Hit, Some(age)),
        Ok(Fetched::Stream(response)) => Answer::Stream(response),
        Ok(Fetched::Failed(failure)) => Answer::Failed(failure),
        Err(_) => Answer::Failed(Failure::Broken),
    }
}

async fn wait<B>(mut waiting: Waiting) -> Answer<B> {
    let told = waiting.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
    match told {
        Some(Outcome::Whole(object)) => Answer::Object(object, Via::Collapsed, None),
        Some(Outcome::Stale(object, age)) => Answer::Object(object, Via::Hit, Some(age)),
        Some(Outcome::Alone) => Answer::Alone,
        Some(Outcome::Failed(failure)) => Answer::Failed(failure),
        None => Answer::Failed(Failure::Broken),
    }
}
