//! Limits of the cache under the component's requests.
//!
//! In: nothing. Out: [`CacheLimits`], [`DiskLimits`]. Does not know how they are kept.

use std::path::PathBuf;
use std::time::Duration;

/// Limits of the cache under the component's requests.
#[derive(Debug, Clone)]
pub struct CacheLimits {
    /// Bytes of all objects in memory together, their heads and keys counted.
    pub bytes_max: u64,
    /// Bytes of one object; a larger one is passed on without being kept or shared.
    pub object_bytes_max: usize,
    /// Requests to the origin that others can wait on, at a time; more are passed.
    pub fetches_max: usize,
    /// Requests that wait for somebody else's, at a time; more get 503.
    pub waiters_max: usize,
    /// Bytes of all objects that are on their way from the origin, together; what has no room is passed.
    pub arriving_bytes_max: usize,
    /// An object of at least this many bytes is handed to all who wait while it arrives; a smaller one, such as a part
    /// or a playlist, when the whole is there, so that it goes out at link speed (rfc8216bis, 6.2.6).
    pub stream_bytes_min: usize,
    /// How long after its lifetime an object with a validator is kept, to be confirmed by the origin's `304`.
    pub revalidate_time_max: Duration,
    /// Surrogate keys whose purge is remembered for objects that were on their way meanwhile; beyond them, all such
    /// objects are dropped.
    pub purge_keys_max: usize,
    /// The second tier; without one a restart begins empty.
    pub disk: Option<DiskLimits>,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self {
            bytes_max: 512 * 1024 * 1024,
            object_bytes_max: 32 * 1024 * 1024,
            fetches_max: 4_096,
            waiters_max: 20_000,
            arriving_bytes_max: 256 * 1024 * 1024,
            stream_bytes_min: 512 * 1024,
            revalidate_time_max: Duration::from_mins(10),
            purge_keys_max: 4_096,
            disk: None,
        }
    }
}

/// Limits of the cache's tier on disk.
#[derive(Debug, Clone)]
pub struct DiskLimits {
    /// A directory of this edge's own; made if it is not there.
    pub directory: PathBuf,
    /// Bytes of all files together.
    pub bytes_max: u64,
    /// Objects that wait to be written, at a time; more are kept in memory only.
    pub queue_max: usize,
    /// An object with a shorter lifetime is kept in memory only.
    pub lifetime_min: Duration,
    /// How long nothing is written after the disk refused, such as for want of room.
    pub rest: Duration,
}

impl DiskLimits {
    /// A tier in `directory`, of at most `bytes_max` bytes.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, bytes_max: u64) -> Self {
        Self {
            directory: directory.into(),
            bytes_max,
            queue_max: 256,
            lifetime_min: Duration::from_mins(1),
            rest: Duration::from_secs(30),
        }
    }
}
