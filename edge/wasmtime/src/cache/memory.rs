//! The tier in memory.
//!
//! In: objects with what they are good for. Out: the same, until they are of no more use or others are asked for more.
//! Does not know the disk, nor the origin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::gauge;
use moka::Expiry;
use moka::future::Cache as Store;

use super::freshness::Freshness;
use super::{Key, Object};

/// Bytes an entry costs besides its body, head and key: the store's own.
const ENTRY_BYTES: usize = 512;

/// A stored object. `coding` of its key is [`Coding::Any`](super::Coding::Any) unless the origin said
/// `Vary: Accept-Encoding`.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) object: Arc<Object>,
    /// When it came, or was last confirmed.
    pub(super) at_ms: u64,
    pub(super) freshness: Freshness,
    /// When it was asked for, in the time of [`Purges`](super::purges::Purges).
    pub(super) since: u64,
}

impl Stored {
    /// Its age at `now_ms`.
    pub(super) fn age(&self, now_ms: u64) -> Duration {
        Duration::from_millis(self.freshness.age_ms.saturating_add(self.resident_ms(now_ms)))
    }

    /// How long ago it came.
    pub(super) const fn resident_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.at_ms)
    }
}

/// The tier.
pub(super) struct Memory {
    store: Store<Key, Stored>,
}

/// Drops an entry when it is of no more use.
struct UseUp {
    confirm_time_max: Duration,
}

impl UseUp {
    fn left(&self, stored: &Stored) -> Option<Duration> {
        Some(Duration::from_millis(stored.freshness.use_ms(self.confirm_time_max)))
    }
}

impl Expiry<Key, Stored> for UseUp {
    fn expire_after_create(&self, _: &Key, stored: &Stored, _: Instant) -> Option<Duration> {
        self.left(stored)
    }
    fn expire_after_update(
        &self,
        _: &Key,
        stored: &Stored,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(stored)
    }
}

impl Memory {
    pub(super) fn new(bytes_max: u64, confirm_time_max: Duration) -> Self {
        let weight = |key: &Key, stored: &Stored| {
            let object = &stored.object;
            let bytes = object.bytes() + key.path.len() + ENTRY_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let store = Store::builder()
            .max_capacity(bytes_max)
            .weigher(weight)
            .expire_after(UseUp { confirm_time_max })
            .build();
        Self { store }
    }

    pub(super) async fn get(&self, key: &Key) -> Option<Stored> {
        self.store.get(key).await
    }

    pub(super) async fn put(&self, key: Key, stored: Stored) {
        self.store.insert(key, stored).await;
        // The store would put this off, and be over its limit meanwhile.
        self.store.run_pending_tasks().await;
        let bytes = u32::try_from(self.store.weighted_size() / 1024).unwrap_or(u32::MAX);
        gauge!("matinee_edge_cache_bytes", "tier" => "memory").set(f64::from(bytes) * 1024.0);
    }

    pub(super) async fn remove(&self, key: &Key) {
        self.store.invalidate(key).await;
    }

    /// Drops the objects that have one of these surrogate keys; how many there were.
    pub(super) async fn purge(&self, keys: &[&str]) -> usize {
        let is_named = |stored: &Stored| {
            stored.object.head.surrogate_keys.iter().any(|key| keys.contains(&&**key))
        };
        let named: Vec<_> =
            self.store.iter().filter(|(_, stored)| is_named(stored)).map(|(key, _)| key).collect();
        for key in &named {
            self.store.invalidate(key.as_ref()).await;
        }
        self.store.run_pending_tasks().await;
        named.len()
    }

    /// Bytes at the moment.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.store.weighted_size()
    }
}
