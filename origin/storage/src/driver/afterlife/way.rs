//! The way to the thread that writes: steps in order, as many as there may be.
//!
//! In: steps, some of which are urgent. Out: all that have come, at once. Does not know what a step is.
//!
//! Waking a thread costs more than what it writes of a part. So a step that is not urgent wakes nobody: it is taken
//! with the next one that is, or when the thread looks by itself.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The end where steps are put. With it the way is closed.
#[derive(Debug)]
pub(super) struct Way<T>(Arc<Inside<T>>);

/// The end where they are taken.
#[derive(Debug)]
pub(super) struct Taker<T>(Arc<Inside<T>>);

#[derive(Debug)]
struct Inside<T> {
    state: Mutex<State<T>>,
    told: Condvar,
    steps_max: usize,
}

#[derive(Debug)]
struct State<T> {
    steps: VecDeque<T>,
    is_urgent: bool,
    is_closed: bool,
}

/// A way for so many steps.
pub(super) fn way<T>(steps_max: usize) -> (Way<T>, Taker<T>) {
    let state = State { steps: VecDeque::new(), is_urgent: false, is_closed: false };
    let inside = Inside { state: Mutex::new(state), told: Condvar::new(), steps_max };
    let inside = Arc::new(inside);
    (Way(Arc::clone(&inside)), Taker(inside))
}

impl<T> Way<T> {
    /// Puts a step; false if there is no room. One that is urgent is taken now.
    pub(super) fn put(&self, step: T, is_urgent: bool) -> bool {
        let mut state = self.0.state();
        if state.steps.len() >= self.0.steps_max {
            return false;
        }
        state.steps.push_back(step);
        if is_urgent && !std::mem::replace(&mut state.is_urgent, true) {
            self.0.told.notify_one();
        }
        true
    }
}

impl<T> Drop for Way<T> {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.told.notify_one();
    }
}

impl<T> Taker<T> {
    /// All steps that have come, once one of them is urgent or so much time went by; `None` when the way is closed and
    /// all are taken.
    pub(super) fn take(&self, within: Duration) -> Option<VecDeque<T>> {
        let state = self.0.state();
        let waits = |state: &mut State<T>| !state.is_urgent && !state.is_closed;
        let waited = self.0.told.wait_timeout_while(state, within, waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_urgent = false;
        let steps = std::mem::take(&mut state.steps);
        (!steps.is_empty() || !state.is_closed).then_some(steps)
    }
}

impl<T> Inside<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing that is done while it is held can panic half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_is_not_urgent_comes_with_what_is_in_order_and_the_rest_at_the_end() {
        let (way, taker) = way(8);
        assert!(way.put(1, false) && way.put(2, false));
        assert_eq!(taker.take(Duration::ZERO), Some([1, 2].into()), "when it looks by itself");
        assert!(way.put(3, false) && way.put(4, true) && way.put(5, false));
        assert_eq!(taker.take(LONG), Some([3, 4, 5].into()));
        assert!(way.put(6, false));
        drop(way);
        assert_eq!(taker.take(LONG), Some([6].into()));
        assert_eq!(taker.take(LONG), None);
    }

    #[test]
    fn there_are_no_more_than_so_many() {
        let (way, taker) = way(2);
        assert!(way.put(1, false) && way.put(2, false) && !way.put(3, true));
        assert_eq!(taker.take(Duration::ZERO), Some([1, 2].into()));
        assert!(way.put(4, true));
    }

    #[test]
    fn who_waits_is_woken_by_what_is_urgent() {
        let (way, taker) = way(2);
        let waiting = std::thread::spawn(move || taker.take(LONG));
        way.put(1, false);
        way.put(2, true);
        let taken = waiting.join().expect("it does not panic");
        assert!(taken.is_some_and(|steps| steps == [1, 2]));
    }
}
