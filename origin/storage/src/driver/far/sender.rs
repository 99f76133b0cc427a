//! The one task that sends: takes the spool's steps, carries them out, answers how it went, lets time pass.
//!
//! In: steps. Out: requests to the bucket, files that go. Does not know what follows from an answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shared_media::{BucketError, BucketFailure};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Far, report};
use crate::driver::Shared;
use crate::machine::Input;
use crate::machine::spool::{Event, Step, is_text};

/// How long the spool goes without hearing the time.
const TICK: Duration = Duration::from_millis(250);

/// Sends until the store is gone.
pub(in crate::driver) async fn run(shared: Arc<Shared>, far: Arc<Far>, stop: CancellationToken) {
    let mut requests = JoinSet::new();
    loop {
        while let Some(step) = far.take_step() {
            take(step, &shared, &far, &mut requests).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = far.changed.notified() => {}
            Some(_) = requests.join_next() => {}
            () = tokio::time::sleep(TICK) => far.handle(Event::Tick),
        }
    }
}

async fn take(step: Step, shared: &Arc<Shared>, far: &Arc<Far>, requests: &mut JoinSet<()>) {
    match step {
        Step::Put { id, key, bytes } => {
            let (shared, far) = (Arc::clone(shared), Arc::clone(far));
            requests.spawn(async move { far.put(&shared, id, key, bytes).await });
        }
        Step::Delete { id, show } => {
            let far = Arc::clone(far);
            requests.spawn(async move {
                let done = far.delete_all(&show).await;
                far.answer("delete", id, &show, done);
            });
        }
        Step::Sent(key) => on_disk(far, key, |far, key| far.marks.sent(key)).await,
        Step::Deleted(show) => on_disk(far, show, |far, show| far.marks.deleted(show)).await,
        Step::Drop(key) => on_disk(far, key, |far, key| far.dropped.drop(key)).await,
        Step::Full(is_full) => {
            report::spool_full(is_full);
            shared.drive(Input::SpoolFull(is_full));
        }
        Step::Health(health) => report::bucket_health(health),
    }
}

/// One thing with files, on a thread that may wait for it. What fails is put right at the next start.
async fn on_disk(
    far: &Arc<Far>,
    name: String,
    step: impl FnOnce(&Far, &str) -> std::io::Result<()> + Send + 'static,
) {
    let far = Arc::clone(far);
    let done = tokio::task::spawn_blocking(move || {
        if let Err(error) = step(&far, &name) {
            tracing::warn!(name, %error, "the spool's files cannot be changed");
        }
    });
    if let Err(error) = done.await {
        tracing::error!(%error, "a step of the spool did not finish");
    }
}

impl Far {
    async fn put(&self, shared: &Arc<Shared>, id: u64, key: String, bytes: u64) {
        match self.body(shared, id, &key, bytes).await {
            Ok(Some(body)) => {
                let (started, size) = (Instant::now(), body.len());
                let done = self.bucket.put(&key, body).await;
                if done.is_ok() {
                    report::sent(size, started.elapsed());
                }
                self.answer("put", id, &key, done);
            }
            Ok(None) => self.handle(Event::Missing(id)),
            Err(error) => {
                let failure = BucketFailure::Damaged;
                self.answer(
                    "put",
                    id,
                    &key,
                    Err(BucketError { failure, reason: error.to_string() }),
                );
            }
        }
    }

    /// What is to be sent; `None` if it is gone, or was made anew.
    async fn body(
        &self,
        shared: &Arc<Shared>,
        id: u64,
        key: &str,
        bytes: u64,
    ) -> Result<Option<Bytes>, crate::Error> {
        let is_text = is_text(key);
        // A text does not change while it is read.
        let _between_writes = if is_text { Some(shared.texts.read().await) } else { None };
        if !self.driven().spool.is_current(id) {
            return Ok(None);
        }
        let body = shared.read(key.to_owned()).await?;
        Ok(body.map(|body| if is_text { whole_lines(&body, bytes) } else { body }))
    }

    async fn delete_all(&self, show: &str) -> Result<(), BucketError> {
        let prefix = format!("{show}/");
        loop {
            let page = self.bucket.list(&prefix, None).await?;
            if page.objects.is_empty() {
                return Ok(());
            }
            self.bucket.delete(page.objects.into_iter().map(|one| one.key).collect()).await?;
        }
    }

    fn answer(&self, what: &'static str, id: u64, name: &str, done: Result<(), BucketError>) {
        match done {
            Ok(()) => {
                report::asked(what, "done");
                self.handle(Event::Done(id));
            }
            Err(error) => {
                report::asked(what, error.failure.name());
                report::not_done(what, name, &error);
                self.handle(Event::Failed(id, error.failure));
            }
        }
    }
}

/// So much of a playlist, without a line that is not whole.
fn whole_lines(body: &Bytes, bytes: u64) -> Bytes {
    let len = usize::try_from(bytes).unwrap_or(usize::MAX);
    if len >= body.len() {
        return body.clone();
    }
    let end = body[..len].iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    body.slice(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_sent_in_whole_lines() {
        let text = Bytes::from_static(b"one\ntwo\nthree\n");
        for (bytes, sent) in [(99, 14), (14, 14), (9, 8), (8, 8), (3, 0)] {
            assert_eq!(whole_lines(&text, bytes).len(), sent, "{bytes}");
        }
    }
}
