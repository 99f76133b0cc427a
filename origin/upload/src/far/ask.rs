//! What is asked of a bucket, until it is done or has failed for too long.
//!
//! In: requests, each tried once. Out: what came of them. Does not know what they are for.

use std::time::Duration;

use metrics::counter;
use shared_media::{Answer, Bucket, BucketError, BucketFailure, Listed};
use tokio::time::Instant;

use crate::Error;

/// The pause after the first failure; each later one is twice as long.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(3);

/// Asks again and again, for so long after the first failure, unless asking is of no use.
///
/// # Errors
/// [`Error::Bucket`].
pub(super) async fn persist<'a, T>(
    what: &'static str,
    patience: Duration,
    ask: impl Fn() -> Answer<'a, T>,
) -> Result<T, Error> {
    let (mut pause, mut until) = (PAUSE_MIN, None);
    loop {
        let error = match ask().await {
            Ok(done) => {
                told(what, "done");
                return Ok(done);
            }
            Err(error) => error,
        };
        told(what, error.failure.name());
        let until = *until.get_or_insert_with(|| Instant::now() + patience);
        if !passes(&error) || Instant::now() + pause > until {
            return Err(Error::Bucket(format!("{what}: {error}")));
        }
        tracing::debug!(what, %error, "a request to the bucket failed");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Whether it may go better another time.
const fn passes(error: &BucketError) -> bool {
    matches!(
        error.failure,
        BucketFailure::Unreachable | BucketFailure::Busy | BucketFailure::Damaged
    )
}

fn told(what: &'static str, result: &'static str) {
    counter!("matinee_bucket_requests_total", "what" => what, "result" => result).increment(1);
}

/// All objects below a prefix, in the order of their keys, behind `after` if there is one.
///
/// # Errors
/// [`Error::Bucket`].
pub(super) async fn list(
    bucket: &dyn Bucket,
    patience: Duration,
    prefix: &str,
    after: Option<String>,
) -> Result<Vec<Listed>, Error> {
    let (mut found, mut after) = (Vec::new(), after);
    loop {
        let page = persist("list", patience, || bucket.list(prefix, after.as_deref())).await?;
        let last = page.objects.last().map(|one| one.key.clone());
        found.extend(page.objects);
        match last {
            Some(last) if page.more => after = Some(last),
            _ => return Ok(found),
        }
    }
}
