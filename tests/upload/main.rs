//! Uploads at the real program: killed houses, several nodes, large files, other people's clients, films of all kinds.
//!
//! In: the built program, files made here. Out: what arrives, byte by byte. Does not know the inside.

mod accounts;
mod chaptered;
mod clients;
mod imported;
mod kept;
mod killed;
mod large;
mod looked_into;
mod pictured;
mod planned;
mod queued;
mod ranged;
mod soon;
mod subtitled;
mod transcoded;
mod trimmed;
mod tus;
mod untimed;

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tests::House;

use crate::tus::{LOOK_EVERY, Tus, WAIT_MAX, endless, name, pattern};

/// A house for those tests that need none of their own: it starts for the first and ends with the last.
fn shared() -> Arc<House> {
    static HOUSE: Mutex<Weak<House>> = Mutex::new(Weak::new());
    let mut house = HOUSE.lock().unwrap_or_else(PoisonError::into_inner);
    house.upgrade().unwrap_or_else(|| {
        // What becomes of files there is asked elsewhere.
        let started = Arc::new(House::start(&["--transcodes", "0"]));
        *house = Arc::downgrade(&started);
        started
    })
}
