//! Objects that are not on this disk any more, from the bucket.
//!
//! In: keys. Out: bytes. Many who ask for one object at once are answered by one request. Does not keep anything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use shared_media::{BucketError, BucketFailure};
use tokio::sync::OnceCell;

use super::{Far, report};
use crate::Error;

/// Tries of one read, while the bucket does well otherwise.
const TRIES_MAX: u32 = 3;
/// The pause before the second try.
const PAUSE: Duration = Duration::from_millis(100);

type Answered = Result<Option<Bytes>, BucketError>;

/// Reads under way.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<String, Arc<OnceCell<Answered>>>>);

impl Flights {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<OnceCell<Answered>>>> {
        // A poisoned lock is read on: each change is one entry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Far {
    /// An object's bytes; `None` if the bucket does not have it.
    pub(in crate::driver) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let flight = Arc::clone(self.flights.all().entry(key.to_owned()).or_default());
        // Should whoever asks for all go away, the next of them asks.
        let answer = flight.get_or_init(|| self.ask(key)).await.clone();
        let mut flights = self.flights.all();
        if flights.get(key).is_some_and(|known| Arc::ptr_eq(known, &flight)) {
            flights.remove(key);
        }
        answer.map_err(|error| Error::Far { key: key.to_owned(), reason: error.to_string() })
    }

    async fn ask(&self, key: &str) -> Answered {
        let closed = |_| BucketError {
            failure: BucketFailure::Unreachable,
            reason: "the store is closed".to_owned(),
        };
        let _permit = self.reads.acquire().await.map_err(closed)?;
        let mut tries = 1;
        loop {
            let answer = self.bucket.get(key, None, self.object_bytes_max).await;
            let Err(error) = answer else {
                report::asked("get", "done");
                return answer;
            };
            report::asked("get", error.failure.name());
            let passes = matches!(
                error.failure,
                BucketFailure::Unreachable | BucketFailure::Busy | BucketFailure::Damaged
            );
            if !passes || tries >= TRIES_MAX || !self.waiting().1 {
                return Err(error);
            }
            tokio::time::sleep(PAUSE * tries).await;
            tries += 1;
        }
    }
}
