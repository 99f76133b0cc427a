//! Every limit of this program, and the names that only Fastly knows.
//!
//! In: nothing. Out: constants. Does not know the limits of the decision: those are `edge_answer::config`'s.

use std::time::Duration;

use edge_answer::config::{BUCKET_WAIT_MS, DENY_WAIT_MS, ORIGIN_WAIT_MS};

/// The shield: a code such as `frankfurt-de`. Not set: every POP asks the origin itself.
pub(crate) const SHIELD: &str = "MATINEE_SHIELD";
/// The log endpoint that gets the access log. Not set: there is none.
pub(crate) const ACCESS_LOG: &str = "MATINEE_ACCESS_LOG";

/// Most requests of one sandbox.
pub(crate) const REQUESTS_MAX: usize = 1000;
/// Longest life of a sandbox: new keys are read with the next.
pub(crate) const LIFETIME_MAX: Duration = Duration::from_secs(60);
/// Most memory of a sandbox, in MiB, of the 128 it may have.
pub(crate) const MEMORY_MIB_MAX: u32 = 64;
/// Longest wait for a next request.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(5);

/// Longest wait for a connection.
pub(crate) const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// Longest wait for the origin's head; a blocking reload is held there.
pub(crate) const FIRST_BYTE_WAIT: Duration = Duration::from_millis(ORIGIN_WAIT_MS);
/// The same for the deny list.
pub(crate) const DENY_WAIT: Duration = Duration::from_millis(DENY_WAIT_MS);
/// The same for the bucket.
pub(crate) const BUCKET_WAIT: Duration = Duration::from_millis(BUCKET_WAIT_MS);
/// Longest pause within a body.
pub(crate) const BETWEEN_BYTES_WAIT: Duration = Duration::from_secs(10);
/// By how much longer a shield is waited for than the origin is: its refusal says more than ours.
pub(crate) const SHIELD_GRACE: Duration = Duration::from_secs(1);
/// Longest wait for somebody else's fetch of the same object. Below [`FIRST_BYTE_WAIT`]: whoever joins at the start
/// learns that it hangs before the one who fetches does, and does not begin to wait anew as the next one who fetches.
pub(crate) const COLLAPSE_WAIT: Duration = Duration::from_millis(ORIGIN_WAIT_MS - 1000);

/// For how long the cache is believed to remember a token for one use; one that is good for longer is refused.
pub(crate) const USED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// By how much longer than the token is good: the clocks of a POP's machines differ.
pub(crate) const USED_GRACE: Duration = Duration::from_secs(60);
/// Longest wait for somebody else who comes with the same token.
pub(crate) const USED_WAIT: Duration = Duration::from_secs(1);

/// For how long nobody asks the origin again for a playlist whose last good copy stands in for it.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);
/// For how long media may be served past its lifetime while the origin fails, in seconds.
pub(crate) const MEDIA_IF_ERROR_S: u32 = 86_400;

/// Longest value of a CMCD key that is logged, in bytes.
pub(crate) const CMCD_VALUE_BYTES_MAX: usize = 32;
/// Longest CMCD text that is read, in bytes.
pub(crate) const CMCD_BYTES_MAX: usize = 2048;
