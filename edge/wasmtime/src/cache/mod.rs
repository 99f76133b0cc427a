//! The cache under the component's requests: RFC 9111 for a shared cache, in memory and on disk, with collapsing.
//!
//! In: a `GET` or `HEAD` for the origin, and a way to fetch. Out: an [`Answer`]. Does not know sockets: `fetch` is an
//! argument, so that it is tested without one.
//!
//! An object is fetched whole, whatever the viewer asked of it: `HEAD`, `Range` and `If-None-Match` are answered from
//! the object (`object`). How long it is good for is the origin's word (`freshness`). One request at a time is made for
//! one object, everybody else waits for it (`collapse`), and large objects are handed on while they arrive
//! (`arriving`). What is fresh lies in memory (`memory`) and, if it is to last, on disk (`disk`); a purge (`purges`)
//! reaches both, and what is on its way.

mod clock;
mod key;

mod object;
mod range;
mod freshness;

mod collapse;
mod arriving;

mod memory;
mod disk;
mod purges;

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, header};

pub(crate) use arriving::{Arriving, Intake};
pub(crate) use clock::{Clock, ms};
pub(crate) use key::{Coding, Key};
pub(crate) use object::{Head, Object};
pub(crate) use range::position;

use crate::config::CacheLimits;
use crate::error::Error;
use crate::origins::Failure;
use arriving::Room;
use collapse::{Done, Fetches, Teller};
use disk::Disk;
use freshness::Use;
use memory::{Memory, Stored};
use purges::{Purges, Verdict};

/// How the cache answered, as `x-cache` and the metrics call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// From the store.
    Hit,
    /// From the store, past its lifetime: while a newer one is fetched, or because none can be had.
    Stale,
    /// This request went to the origin.
    Miss,
    /// The origin confirmed what was stored.
    Revalidated,
    /// Another request's answer, waited for.
    Collapsed,
    /// Past the cache.
    Pass,
}

impl Via {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Revalidated => "revalidated",
            Self::Collapsed => "collapsed",
            Self::Pass => "pass",
        }
    }

    /// `Cache-Status` (RFC 9211).
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Hit => "matinee; hit",
            Self::Stale => "matinee; hit; detail=stale",
            Self::Miss => "matinee; fwd=uri-miss",
            Self::Revalidated => "matinee; fwd=stale; fwd-status=304",
            Self::Collapsed => "matinee; fwd=uri-miss; collapsed",
            Self::Pass => "matinee; fwd=bypass",
        }
    }
}

/// What came of a lookup.
pub(crate) enum Answer<B> {
    /// An object, to be answered from, and its age if it lay in the store.
    Object(Arc<Object>, Via, Option<Duration>),
    /// An object that is on its way.
    Arriving(Arc<Arriving>, Via),
    /// The origin's answer, which is not kept: to be passed on as it comes.
    Stream(http::Response<B>),
    /// The answer is another's and cannot be shared: ask the origin for oneself.
    Alone,
    /// Too many wait already.
    Full,
    /// The origin could not be asked.
    Failed(Failure),
}

/// What a fetch brought.
pub(crate) enum Fetched<B> {
    /// The whole answer.
    Whole(Arc<Object>),
    /// [`Job::stored`] still holds, says this head.
    Confirmed(Head),
    /// An answer that is not collected: too large, or there is no room.
    Stream(http::Response<B>),
    /// Nothing.
    Failed(Failure),
}

/// What a fetch has to know.
pub(crate) struct Job {
    /// What is stored and may be confirmed by its validators.
    pub(crate) stored: Option<Arc<Object>>,
    teller: Teller,
    room: Arc<Room>,
    stream_bytes_min: usize,
}

impl Job {
    /// Begins to collect an answer of this head, of `total` bytes if the origin said so, and hands one that is large,
    /// or still being made, to all who wait. `None`: there is no room for it.
    pub(crate) fn intake(&self, head: Head, total: Option<usize>) -> Option<Intake> {
        let is_large = total.map_or(head.is_immutable(), |total| total >= self.stream_bytes_min);
        let is_shared = is_large && head.status == 200 && head.is_shareable();
        let mut intake = Intake::new(head, total, &self.room)?;
        if is_shared {
            self.teller.arriving(intake.share());
        }
        Some(intake)
    }
}

/// The cache; cheap to clone.
#[derive(Clone)]
pub(crate) struct Cache(Arc<Inner>);

struct Inner {
    memory: Memory,
    disk: Option<Disk>,
    purges: Arc<Purges>,
    fetches: Fetches,
    room: Arc<Room>,
    clock: Clock,
    limits: CacheLimits,
}

impl Cache {
    /// A cache with nothing in memory.
    ///
    /// # Errors
    /// Its directory cannot be used.
    pub(crate) fn new(limits: &CacheLimits, clock: Clock) -> Result<Self, Error> {
        let purges = Arc::new(Purges::new(limits.purge_keys_max));
        let disk = match &limits.disk {
            Some(disk) => Some(Disk::open(disk, limits, Arc::clone(&purges), clock.clone())?),
            None => None,
        };
        Ok(Self(Arc::new(Inner {
            memory: Memory::new(limits.bytes_max, limits.revalidate_time_max),
            disk,
            purges,
            fetches: Fetches::new(limits.fetches_max, limits.waiters_max),
            room: Room::new(limits.arriving_bytes_max),
            clock,
            limits: limits.clone(),
        })))
    }

    /// The largest object that is kept, in bytes.
    pub(crate) fn object_bytes_max(&self) -> usize {
        self.0.limits.object_bytes_max
    }

    /// Answers `request` from the store, from somebody else's fetch, or by `fetch`.
    ///
    /// `fetch` is called for at most one of all concurrent calls with one key. It runs in a task of its own, so that it
    /// is finished for the others even if its caller goes away.
    pub(crate) async fn answer<B, F, T>(&self, key: Key, request: &Parts, fetch: F) -> Answer<B>
    where
        B: Send + 'static,
        F: FnOnce(Job) -> T + Send + 'static,
        T: Future<Output = Fetched<B>> + Send + 'static,
    {
        let again = wants_fresh(&request.headers);
        let found = if again { None } else { self.look(&key).await };
        let (cache, wanted) = (self.clone(), key.clone());
        let refresh =
            move |teller| async move { cache.refresh(wanted, again, teller, fetch).await };
        match found {
            Some((stored, Use::Fresh)) => self.out_of_store(&stored, Via::Hit),
            Some((stored, Use::WhileRevalidating)) => {
                self.0.fetches.run_behind(key, refresh);
                self.out_of_store(&stored, Via::Stale)
            }
            _ => self.0.fetches.run(key, refresh).await,
        }
    }

    /// Drops all objects that have one of these surrogate keys, also those that are on their way; a soft purge only
    /// ends their lifetime. How many were stored.
    pub(crate) async fn purge(&self, keys: &[&str], is_soft: bool) -> usize {
        self.0.purges.purge(keys.iter().copied(), is_soft);
        if is_soft {
            return 0;
        }
        let in_memory = self.0.memory.purge(keys).await;
        let on_disk = match &self.0.disk {
            Some(disk) => disk.purge(keys).await,
            None => 0,
        };
        in_memory.max(on_disk)
    }

    /// Waits until everything is on disk that is to be.
    pub(crate) async fn flush(&self) {
        if let Some(disk) = &self.0.disk {
            disk.flush().await;
        }
    }

    fn out_of_store<B>(&self, stored: &Stored, via: Via) -> Answer<B> {
        let age = stored.age(self.0.clock.now_ms());
        Answer::Object(Arc::clone(&stored.object), via, Some(age))
    }

    /// Makes the one fetch of a key, unless the store has it by now.
    async fn refresh<B, F, T>(self, key: Key, again: bool, teller: Teller, fetch: F) -> Done<B>
    where
        F: FnOnce(Job) -> T + Send,
        T: Future<Output = Fetched<B>> + Send,
    {
        let since = self.0.purges.now();
        // A fetch may have ended between the first look and this one's beginning.
        let found = match self.look(&key).await {
            None => self.look_on_disk(&key).await,
            found => found,
        };
        if let Some((stored, Use::Fresh)) = &found
            && !again
        {
            let age = stored.age(self.0.clock.now_ms());
            return Done::Stored(Arc::clone(&stored.object), Via::Hit, age);
        }
        let stored = found.map(|(stored, _)| stored);
        let confirmable = stored.as_ref().filter(|stored| stored.freshness.has_validator);
        let job = Job {
            stored: confirmable.map(|stored| Arc::clone(&stored.object)),
            teller,
            room: Arc::clone(&self.0.room),
            stream_bytes_min: self.0.limits.stream_bytes_min,
        };
        let fetched = fetch(job).await;
        let is_failure = match &fetched {
            // RFC 5861, 4.
            Fetched::Whole(object) => matches!(object.head.status.as_u16(), 500 | 502 | 503 | 504),
            Fetched::Failed(_) => true,
            Fetched::Confirmed(_) | Fetched::Stream(_) => false,
        };
        if is_failure && let Some(stands_in) = self.stands_in(stored.as_ref()) {
            return stands_in;
        }
        match (fetched, stored) {
            (Fetched::Whole(object), _) => {
                self.keep(key, &object, since).await;
                Done::Fetched(object, Via::Miss)
            }
            (Fetched::Confirmed(by), Some(stored)) => {
                let head = Arc::new(stored.object.head.confirmed(&by));
                let object = Arc::new(Object::new(head, stored.object.body.clone()));
                self.keep(key, &object, since).await;
                Done::Fetched(object, Via::Revalidated)
            }
            (Fetched::Confirmed(_), None) => Done::Failed(Failure::Broken),
            (Fetched::Stream(response), _) => Done::Stream(response),
            (Fetched::Failed(failure), _) => Done::Failed(failure),
        }
    }

    /// What is stored, if it may stand in for a failure.
    fn stands_in<B>(&self, stored: Option<&Stored>) -> Option<Done<B>> {
        let stored = stored?;
        let now_ms = self.0.clock.now_ms();
        let resident_ms = stored.resident_ms(now_ms);
        let over_ms = resident_ms.saturating_sub(stored.freshness.lifetime_ms);
        (over_ms < stored.freshness.if_error_ms)
            .then(|| Done::Stored(Arc::clone(&stored.object), Via::Stale, stored.age(now_ms)))
    }

    /// What memory has of this key, and what it is good for.
    async fn look(&self, key: &Key) -> Option<(Stored, Use)> {
        let mut best = None;
        for key in [&key.any(), key] {
            let Some(stored) = self.0.memory.get(key).await else { continue };
            match self.use_of(&stored) {
                Use::Fresh => return Some((stored, Use::Fresh)),
                Use::Nothing => self.0.memory.remove(key).await,
                other => best = Some((stored, other)),
            }
        }
        best
    }

    /// What the disk has of this key; memory has it from then on.
    async fn look_on_disk(&self, key: &Key) -> Option<(Stored, Use)> {
        let disk = self.0.disk.as_ref()?;
        for key in [key.any(), key.clone()] {
            let Some(stored) = disk.get(&key).await else { continue };
            let good = self.use_of(&stored);
            if good != Use::Nothing {
                self.0.memory.put(key, stored.clone()).await;
                return Some((stored, good));
            }
        }
        None
    }

    fn use_of(&self, stored: &Stored) -> Use {
        let verdict = self.0.purges.verdict(&stored.object.head.surrogate_keys, stored.since);
        if verdict == Verdict::Gone {
            return Use::Nothing;
        }
        let resident_ms = stored.resident_ms(self.0.clock.now_ms());
        stored.freshness.at(resident_ms, verdict == Verdict::Stale)
    }

    /// Stores an answer that was asked for at `since`, if it may be.
    async fn keep(&self, key: Key, object: &Arc<Object>, since: u64) {
        if object.body.len() > self.object_bytes_max() {
            return;
        }
        let at_ms = self.0.clock.now_ms();
        let Some(freshness) = freshness::of(&key, &object.head, at_ms) else { return };
        let key = if freshness.varies {
            self.0.memory.remove(&key.any()).await;
            key
        } else {
            key.any()
        };
        let stored = Stored { object: Arc::clone(object), at_ms, freshness, since };
        if self.use_of(&stored) == Use::Nothing {
            return;
        }
        if let Some(disk) = &self.0.disk {
            disk.put(key.clone(), stored.clone());
        }
        self.0.memory.put(key, stored).await;
    }
}

/// Whether the request refuses stored answers (RFC 9111, 5.2.1.4).
fn wants_fresh(headers: &HeaderMap) -> bool {
    let list = headers.get(header::CACHE_CONTROL).and_then(|list| list.to_str().ok());
    list.is_some_and(|list| freshness::directives(list).any(|(name, _)| name == "no-cache"))
}

/// Whether the cache has a say in this request at all.
pub(crate) fn may_answer(request: &Parts) -> bool {
    let read = request.method == Method::GET || request.method == Method::HEAD;
    read && !request.headers.contains_key(header::AUTHORIZATION)
}

#[cfg(test)]
mod tests;
