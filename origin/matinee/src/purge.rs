//! Tells edges that keep a copy of the deny list to drop it, as soon as the list has changed.
//!
//! In: the list's changes, the addresses of edges elsewhere. Out: `POST /purge` at each. Does not know who is denied.
//! Nobody waits for it: an edge that cannot be told finds out by itself when its copy is a second old.

use std::time::{Duration, Instant};

use origin_control::Control;
use reqwest::{Client, StatusCode};
use shared_wire::header as wire;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Edges that are told; each has a task of its own, and so at most one request under way.
pub(crate) const EDGES_MAX: usize = 64;
/// How long an edge may take to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Tries per change of the list; a newer change begins anew.
const TRIES_MAX: u32 = 5;
/// The pause after the first try; it doubles with every further one.
const PAUSE: Duration = Duration::from_millis(100);
/// What is dropped.
const KEY: &str = "denied";

/// Begins to tell each of `edges`, until `stop`.
///
/// # Errors
/// If this machine gives no client.
pub(crate) fn start(
    control: &Control,
    edges: &[String],
    stop: &CancellationToken,
) -> Result<(), Error> {
    let client = Client::builder().timeout(ANSWER_WAIT).no_proxy().build();
    let client =
        client.map_err(|error| Error::Machine(format!("edges cannot be told: {error}")))?;
    let environment = control.edge_environment().variables;
    let key = environment.into_iter().find(|(name, _)| name == "MATINEE_EDGE_KEY");
    let key = key.map(|(_, value)| value).unwrap_or_default();
    for base in edges {
        let edge = Edge { client: client.clone(), base: base.clone(), key: key.clone() };
        let lists = control.follow_denied();
        let stop = stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(edge.follow(lists)).await });
    }
    Ok(())
}

/// One edge elsewhere.
struct Edge {
    client: Client,
    base: String,
    key: String,
}

/// What became of one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It may go better next time.
    Failed,
    /// It never will: the edge has no cache to purge, or does not know our key.
    Refused(StatusCode),
}

impl Edge {
    async fn follow<T>(self, mut lists: tokio::sync::watch::Receiver<T>) {
        while lists.changed().await.is_ok() {
            let began = Instant::now();
            let mut pause = PAUSE;
            for _ in 0..TRIES_MAX {
                let outcome = self.purge().await;
                count(outcome);
                match outcome {
                    Outcome::Failed => {}
                    Outcome::Done => {
                        metrics::histogram!("matinee_purge_seconds").record(began.elapsed());
                        break;
                    }
                    Outcome::Refused(status) => {
                        let (edge, status) = (&self.base, status.as_u16());
                        tracing::warn!(edge, status, "an edge does not let its copy be purged");
                        break;
                    }
                }
                tokio::select! {
                    () = sleep(pause) => pause = pause.saturating_mul(2),
                    // A newer change comes with tries of its own; it is seen as changed above.
                    more = newer(&mut lists) => if more { break } else { return },
                }
            }
        }
    }

    async fn purge(&self) -> Outcome {
        let request = self.client.post(format!("{}/purge", self.base));
        let request = request.header(wire::EDGE_KEY, &self.key).header(wire::SURROGATE_KEY, KEY);
        match request.send().await.map(|response| response.status()) {
            Ok(status) if status.is_success() => Outcome::Done,
            Ok(status) if status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED => {
                Outcome::Refused(status)
            }
            Ok(_) | Err(_) => Outcome::Failed,
        }
    }
}

/// Waits for a newer list and leaves it to be seen; `false` if there will be none.
async fn newer<T>(lists: &mut tokio::sync::watch::Receiver<T>) -> bool {
    let there = lists.changed().await.is_ok();
    lists.mark_changed();
    there
}

fn count(outcome: Outcome) {
    let result = match outcome {
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Refused(_) => "refused",
    };
    metrics::counter!("matinee_purges_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests;
