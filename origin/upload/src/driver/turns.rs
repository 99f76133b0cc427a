//! Who has an upload within this process: one request at a time, and it hears when another one wants it.
//!
//! In: names of uploads. Out: [`Turn`]s. Does not know other nodes; the ledger does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared_wire::AssetId;
use tokio::sync::{Mutex as Gate, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

/// Everyone who has an upload, or waits for it.
#[derive(Default)]
pub(super) struct Turns {
    places: Mutex<HashMap<AssetId, Place>>,
}

#[derive(Default)]
struct Place {
    gate: Arc<Gate<()>>,
    /// Whoever has it hears by this that it is wanted.
    wanted: CancellationToken,
    /// Those who have it or wait for it.
    present: usize,
}

/// The right to an upload; gone when it is dropped.
pub(super) struct Turn {
    guard: Option<OwnedMutexGuard<()>>,
    _presence: Presence,
    /// Somebody else wants the upload.
    pub(super) wanted: CancellationToken,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the place may be forgotten.
        drop(self.guard.take());
    }
}

/// Keeps a place from being forgotten.
struct Presence {
    turns: Arc<Turns>,
    id: AssetId,
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut places = self.turns.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(&self.id) {
            place.present -= 1;
            if place.present == 0 {
                places.remove(&self.id);
            }
        }
    }
}

impl Turns {
    /// Asks whoever has the upload to let go, and waits for it; `None` if it does not.
    pub(super) async fn take(self: &Arc<Self>, id: AssetId, wait: Duration) -> Option<Turn> {
        let (gate, presence) = self.enter(id);
        let guard = tokio::time::timeout(wait, gate.lock_owned()).await.ok()?;
        let wanted = CancellationToken::new();
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get_mut(&id) {
            place.wanted = wanted.clone();
        }
        drop(places);
        Some(Turn { guard: Some(guard), _presence: presence, wanted })
    }

    /// Takes an upload that nobody has or waits for.
    pub(super) async fn take_free(self: &Arc<Self>, id: AssetId) -> Option<Turn> {
        let is_free = {
            let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            !places.contains_key(&id)
        };
        if is_free { self.take(id, Duration::ZERO).await } else { None }
    }

    fn enter(self: &Arc<Self>, id: AssetId) -> (Arc<Gate<()>>, Presence) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(id).or_default();
        place.present += 1;
        place.wanted.cancel();
        (place.gate.clone(), Presence { turns: self.clone(), id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_has_it_hears_and_who_waits_gets_it() {
        let (turns, id) = (Arc::new(Turns::default()), AssetId::from_bytes([1; 10]));
        let first = turns.take(id, Duration::ZERO).await.unwrap();
        assert!(!first.wanted.is_cancelled());
        assert!(turns.take(id, Duration::ZERO).await.is_none());
        assert!(first.wanted.is_cancelled());
        let (waiter, heard) = (turns.clone(), first.wanted.clone());
        let second =
            tokio::spawn(async move { waiter.take(id, Duration::from_secs(60)).await.is_some() });
        heard.cancelled().await;
        drop(first);
        assert!(second.await.unwrap());
        assert!(turns.places.lock().unwrap().is_empty(), "nothing is kept");
    }
}
