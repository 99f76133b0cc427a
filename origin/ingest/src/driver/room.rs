//! How many are served at the same time, and who makes room when there is none.
//!
//! In: those who come. Out: a [`Seat`] for each that is served. Does not know protocols.
//!
//! Whoever has shown a good key keeps its seat. Whoever has not gives it up to the next when all are taken, the one
//! first that has been there longest: a handshake takes a moment, and who draws it out is no publisher. So any number
//! of connections that say nothing keep nobody out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics::counter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// So many seats.
#[derive(Debug)]
pub(super) struct Room {
    seats: Arc<Semaphore>,
    /// Those with no key so far, the latest last, and some who have gone or are settled.
    strangers: Mutex<VecDeque<Arc<Seat>>>,
}

/// One that is served. It is free again when the last who holds it drops it, and the room forgets it.
#[derive(Debug)]
pub(super) struct Seat {
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    settled: AtomicBool,
    evicted: CancellationToken,
}

/// Gives a seat back when it is dropped.
#[derive(Debug)]
pub(super) struct Taken(Arc<Seat>);

impl Room {
    pub(super) fn new(seats: usize) -> Self {
        Self { seats: Arc::new(Semaphore::new(seats)), strangers: Mutex::default() }
    }

    /// A seat, if there is one or a stranger has one.
    pub(super) fn enter(&self) -> Option<Taken> {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.retain(|stranger| stranger.is_strange());
        let permit = match Arc::clone(&self.seats).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => strangers.pop_front()?.give_up()?,
        };
        let seat = Arc::new(Seat {
            permit: Mutex::new(Some(permit)),
            settled: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        strangers.push_back(Arc::clone(&seat));
        Some(Taken(seat))
    }
}

impl Seat {
    fn is_strange(&self) -> bool {
        !self.settled.load(Ordering::Acquire) && self.permit().is_some()
    }

    fn give_up(&self) -> Option<OwnedSemaphorePermit> {
        let permit = self.permit().take();
        self.evicted.cancel();
        counter!("matinee_ingest_evicted_total").increment(1);
        permit
    }

    fn permit(&self) -> std::sync::MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// It is a publisher's from now on.
    pub(super) fn settle(&self) {
        self.0.settled.store(true, Ordering::Release);
    }

    /// Cancelled when the seat is another's.
    pub(super) fn evicted(&self) -> CancellationToken {
        self.0.evicted.clone()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.permit().take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_make_room_the_longest_there_first_and_publishers_never() {
        let room = Room::new(3);
        let enter = || room.enter();
        let (first, publisher, third) = (enter(), enter(), enter());
        let [Some(first), Some(publisher), Some(third)] = [first, publisher, third] else {
            panic!("three seats");
        };
        publisher.settle();
        let fourth = enter().expect("the first makes room");
        assert!(first.evicted().is_cancelled() && !third.evicted().is_cancelled());
        third.settle();
        fourth.settle();
        assert!(enter().is_none(), "all are publishers");
        drop(first); // it has nothing to give back
        assert!(enter().is_none());
        drop(third);
        let fifth = enter().expect("a free seat");
        assert!(!fifth.evicted().is_cancelled() && !publisher.evicted().is_cancelled());
    }
}
