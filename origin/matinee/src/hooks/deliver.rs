//! Events on their way to the receiver: in order for each show, again until they are taken.
//!
//! In: bodies. Out: requests. Does not know what they say. A show's events wait for each other and for no other show's;
//! what is not delivered when the process is killed is delivered by the next one.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use shared_wire::ShowId;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::sign::{Secret, new_id};
use super::spool::{Kept, Message, Spool};

/// Events of one show that may wait; more are lost.
const EVENTS_QUEUED_MAX: usize = 64;
/// Requests under way at the same time.
const REQUESTS_MAX: usize = 32;
/// Tries per event, …
const TRIES_MAX: u32 = 9;
/// … and the pause after the first; it doubles with every further one: 4 minutes in all.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a drain waits for what is on its way.
const FLUSH_WAIT: Duration = Duration::from_secs(5);

/// Where events go.
#[derive(Clone)]
pub(super) struct Deliveries {
    receiver: Arc<Receiver>,
    shows: Arc<Mutex<HashMap<ShowId, mpsc::Sender<Waiting>>>>,
    spool: Arc<Spool>,
    tasks: TaskTracker,
}

/// A message and the file it is kept in.
type Waiting = (Message, Kept);

struct Receiver {
    client: Client,
    url: String,
    secret: Secret,
    requests: Semaphore,
}

impl Deliveries {
    /// Goes on with what an earlier process left in `directory`.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub(super) fn open(
        client: Client,
        url: String,
        secret: Secret,
        directory: PathBuf,
    ) -> io::Result<Self> {
        let requests = Semaphore::new(REQUESTS_MAX);
        let receiver = Arc::new(Receiver { client, url, secret, requests });
        let (spool, left) = Spool::open(directory)?;
        let (shows, spool) = (Arc::default(), Arc::new(spool));
        let deliveries = Self { receiver, shows, spool, tasks: TaskTracker::new() };
        for waiting in left {
            deliveries.queue(waiting);
        }
        Ok(deliveries)
    }

    /// Puts an event behind those of its show.
    pub(super) fn push(&self, show: ShowId, body: String) {
        let Some(id) = new_id() else { return count("lost") };
        let message = Message { show, id, body };
        let kept = self.spool.keep(&message);
        self.queue((message, kept));
    }

    fn queue(&self, waiting: Waiting) {
        let show = waiting.0.show;
        let mut shows = self.shows.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = shows.entry(show).or_insert_with(|| {
            let (queue, bodies) = mpsc::channel(EVENTS_QUEUED_MAX);
            self.tasks.spawn(self.clone().follow(show, bodies));
            queue
        });
        if let Err(refused) = queue.try_send(waiting) {
            tracing::error!(%show, "too many events wait for the hook's receiver; one is lost");
            count("lost");
            self.tasks.spawn(refused.into_inner().1.remove());
        }
    }

    /// Delivers a show's events, until none waits.
    async fn follow(self, show: ShowId, mut bodies: mpsc::Receiver<Waiting>) {
        loop {
            let next = {
                let mut shows = self.shows.lock().unwrap_or_else(PoisonError::into_inner);
                let next = bodies.try_recv();
                if next.is_err() {
                    shows.remove(&show); // whoever comes next begins anew
                }
                next
            };
            let Ok((message, kept)) = next else { return };
            self.receiver.deliver(&message).await;
            kept.remove().await;
        }
    }

    pub(super) async fn flush(&self) {
        self.tasks.close();
        if timeout(FLUSH_WAIT, self.tasks.wait()).await.is_err() {
            tracing::warn!("events wait for the hook's receiver; the next start sends them");
        }
    }
}

impl Receiver {
    async fn deliver(&self, Message { show, id, body }: &Message) {
        let mut pause = PAUSE;
        for _ in 1..TRIES_MAX {
            if self.took(id, body).await {
                return;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
        if !self.took(id, body).await {
            tracing::error!(%show, id, "the hook's receiver did not take an event; it is lost");
            count("lost");
        }
    }

    /// Tries once.
    async fn took(&self, id: &str, body: &str) -> bool {
        // It is never closed.
        let Ok(_place) = self.requests.acquire().await else { return false };
        let request = self.secret.post(&self.client, &self.url, id, body.to_owned());
        let taken = match request.send().await {
            Ok(response) => response.status().is_success(),
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "a hook was not heard");
                false
            }
        };
        count(if taken { "delivered" } else { "failed" });
        taken
    }
}

fn count(result: &'static str) {
    metrics::counter!("matinee_hook_events_total", "result" => result).increment(1);
}
