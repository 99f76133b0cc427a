//! Who may hold a connection.
//!
//! In: a peer's address. Out: a [`Seat`] while there is one. Does not know what is said on a connection.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::facts::network;

/// All seats.
pub(crate) struct Seats {
    all: Arc<Semaphore>,
    per_client_max: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among all connections, not yet anybody's.
pub(crate) type Place = OwnedSemaphorePermit;

/// A seat; it is free again when this is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    network: Option<IpAddr>,
    _place: Place,
}

impl Seats {
    /// `all_max` seats, of which one network may have `per_client_max`; 0 is no limit.
    pub(crate) fn new(all_max: usize, per_client_max: usize) -> Arc<Self> {
        let all = Arc::new(Semaphore::new(all_max));
        Arc::new(Self { all, per_client_max, taken: Mutex::default() })
    }

    /// Waits for a place. None when the house is closed.
    pub(crate) async fn place(&self) -> Option<Place> {
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Seats a peer, if its network has not too many seats already. A proxy of ours (`is_front`) may have all.
    pub(crate) fn seat(self: &Arc<Self>, place: Place, ip: IpAddr, is_front: bool) -> Option<Seat> {
        let network = (self.per_client_max > 0 && !is_front).then(|| network(ip));
        if let Some(network) = network {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let count = taken.entry(network).or_default();
            if *count >= self.per_client_max {
                return None;
            }
            *count += 1;
        }
        Some(Seat { seats: Arc::clone(self), network, _place: place })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_network_may_not_take_all_seats() {
        let seats = Seats::new(10, 2);
        let [one, two]: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let sit = async |ip, is_front| seats.seat(seats.place().await.unwrap(), ip, is_front);
        let first = sit(one, false).await;
        let second = sit(one, false).await;
        assert!(first.is_some() && second.is_some());
        assert!(sit(one, false).await.is_none());
        assert!(sit(one, true).await.is_some(), "a proxy of ours");
        assert!(sit(two, false).await.is_some());
        drop(first);
        assert!(sit(one, false).await.is_some());
        drop(second);
        assert!(seats.taken.lock().unwrap().is_empty(), "nobody is remembered who left");
    }
}
