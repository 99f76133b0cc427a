//! The cache under the component's requests: RFC 9111 for a shared cache, in memory, with request collapsing.
//!
//! In: a `GET` or `HEAD` for the origin, and a way to fetch. Out: an [`Answer`]. Does not know sockets: `fetch` is an
//! argument, so that it is tested without one.
//!
//! An object is fetched whole, whatever the viewer asked of it: `HEAD`, `Range` and `If-None-Match` are answered from
//! the object (`object`). How long it is good for is the origin's word (`freshness`). One request at a time is made for
//! one object, and everybody else waits for it (`collapse`).

mod freshness;
mod object;

mod collapse;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::request::Parts;
use http::{HeaderMap, Method, header};
use moka::Expiry;
use moka::future::Cache as Store;

pub(crate) use collapse::Fetched;
pub(crate) use object::Object;

use crate::config::CacheLimits;
use collapse::Fetches;
use freshness::Freshness;

/// Bytes an entry costs besides its body: headers, key and the store's own.
const ENTRY_BYTES: usize = 2048;

/// Which of the encodings an object may have been asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    /// The origin's answer does not depend on `Accept-Encoding`.
    Any,
    /// The viewer takes gzip.
    Gzip,
    /// The viewer takes the object as it is.
    Identity,
}

/// What an object is stored under: path and query as the component sent them, and the encoding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    path: Arc<str>,
    coding: Coding,
}

impl Key {
    /// The key of a request; its `Accept-Encoding` counts only as "gzip or not".
    pub(crate) fn of(request: &Parts) -> Self {
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str()).into();
        let coding = if takes_gzip(&request.headers) { Coding::Gzip } else { Coding::Identity };
        Self { path, coding }
    }

    /// Whether the object may be asked for with `Accept-Encoding: gzip`.
    pub(crate) const fn coding(&self) -> Coding {
        self.coding
    }

    fn any(&self) -> Self {
        Self { path: Arc::clone(&self.path), coding: Coding::Any }
    }
}

/// Whether these headers accept gzip (RFC 9110, 12.5.3; `q=0` refuses).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|weight| {
            weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        gzip && !refused
    })
}

/// How the cache answered, as `x-cache` and the metrics call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// From the store.
    Hit,
    /// This request went to the origin.
    Miss,
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
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Pass => "pass",
        }
    }
}

/// What came of a lookup.
pub(crate) enum Answer<B> {
    /// An object, to be answered from, and its age if it lay in the store.
    Object(Arc<Object>, Via, Option<Duration>),
    /// The origin's answer, too large to keep: to be passed on as it comes.
    Stream(http::Response<B>),
    /// The answer is another's and cannot be shared: ask the origin for oneself.
    Alone,
    /// The origin could not be asked.
    Failed(crate::outbound::Failure),
}

/// The cache; cheap to clone.
#[derive(Clone)]
pub(crate) struct Cache {
    store: Store<Key, Stored>,
    fetches: Fetches,
    pub(crate) object_bytes_max: usize,
}

/// A stored object. `coding` of its key is [`Coding::Any`] unless the origin said `Vary: Accept-Encoding`.
#[derive(Clone)]
struct Stored {
    object: Arc<Object>,
    at: Instant,
    freshness: Freshness,
}

/// Drops an entry when it is of no more use.
struct UseUp;

impl Expiry<Key, Stored> for UseUp {
    fn expire_after_create(&self, _: &Key, stored: &Stored, _: Instant) -> Option<Duration> {
        Some(stored.freshness.lifetime.saturating_add(stored.freshness.stale_if_error))
    }
    fn expire_after_update(
        &self,
        _: &Key,
        stored: &Stored,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(stored.freshness.lifetime.saturating_add(stored.freshness.stale_if_error))
    }
}

impl Cache {
    /// An empty cache.
    pub(crate) fn new(limits: &CacheLimits) -> Self {
        let store = Store::builder()
            .max_capacity(limits.bytes_max)
            .weigher(|_, stored: &Stored| {
                u32::try_from(stored.object.body.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
            })
            .expire_after(UseUp)
            .build();
        let fetches = Fetches::new(limits.fetches_max);
        Self { store, fetches, object_bytes_max: limits.object_bytes_max }
    }

    /// Answers `request` from the store, from somebody else's fetch, or by `fetch`.
    ///
    /// `fetch` is called for at most one of all concurrent calls with one key. It runs in a task of its own, so that it
    /// is finished for the others even if its caller goes away.
    pub(crate) async fn answer<B, F>(&self, key: Key, request: &Parts, fetch: F) -> Answer<B>
    where
        B: Send + 'static,
        F: Future<Output = Fetched<B>> + Send + 'static,
    {
        if !wants_fresh(&request.headers)
            && let Some((object, age)) = self.lookup(&key, false).await
        {
            return Answer::Object(object, Via::Hit, Some(age));
        }
        let cache = self.clone();
        let stored_key = key.clone();
        let again = !wants_fresh(&request.headers);
        self.fetches
            .run(key, async move {
                // A fetch may have ended between the look above and this one's beginning.
                if again && let Some((object, _)) = cache.lookup(&stored_key, false).await {
                    return Fetched::Whole(object);
                }
                let fetched = fetch.await;
                if fetched.is_failure()
                    && let Some((object, age)) = cache.lookup(&stored_key, true).await
                {
                    return Fetched::Stale(object, age);
                }
                if let Fetched::Whole(object) = &fetched {
                    cache.store(stored_key, object, SystemTime::now()).await;
                }
                fetched
            })
            .await
    }

    /// A stored object and its age: a fresh one, or one that may stand in for a failure (RFC 5861, 4).
    async fn lookup(&self, key: &Key, may_be_stale: bool) -> Option<(Arc<Object>, Duration)> {
        for key in [&key.any(), key] {
            if let Some(Stored { object, at, freshness }) = self.store.get(key).await {
                let resident = at.elapsed();
                if may_be_stale || resident < freshness.lifetime {
                    return Some((object, freshness.age + resident));
                }
            }
        }
        None
    }

    async fn store(&self, key: Key, object: &Arc<Object>, now: SystemTime) {
        if object.body.len() > self.object_bytes_max {
            return;
        }
        let gzip = key.coding == Coding::Gzip;
        let Some(freshness) = freshness::of(&key.path, gzip, object, now) else { return };
        let key = if freshness.varies { key } else { key.any() };
        let stored = Stored { object: Arc::clone(object), at: Instant::now(), freshness };
        self.store.insert(key, stored).await;
    }
}

/// Whether the request refuses stored answers (RFC 9111, 5.2.1.4).
fn wants_fresh(headers: &HeaderMap) -> bool {
    let list = headers.get(header::CACHE_CONTROL).and_then(|list| list.to_str().ok());
    list.is_some_and(|list| list.split(',').any(|item| item.trim() == "no-cache"))
}

/// Whether the cache has a say in this request at all.
pub(crate) fn may_answer(request: &Parts) -> bool {
    let read = request.method == Method::GET || request.method == Method::HEAD;
    read && !request.headers.contains_key(header::AUTHORIZATION)
}

#[cfg(test)]
mod tests;
