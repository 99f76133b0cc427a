//! What an edge remembers between requests.
//!
//! In: the deny list, tokens that were used. Out: whether a viewer may pass. Does not know who keeps it, or for how
//! long: one instance, one sandbox, one process. It holds names and hashes, and no secret of any viewer's.

use shared_ticket::cat::ReplayMemory;

use crate::config::REPLAYS_MAX;
use crate::{BucketState, DenyState};

/// What an edge remembers between requests; all of it bounded.
#[derive(Debug)]
pub struct Memory {
    /// The deny list.
    pub deny: DenyState,
    /// How the bucket does.
    pub bucket: BucketState,
    /// Tokens that may be used once. What another instance has seen is not known here; a host that knows is asked by
    /// [`crate::Passed::once`].
    pub(crate) replays: ReplayMemory,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            deny: DenyState::new(),
            bucket: BucketState::default(),
            replays: ReplayMemory::new(REPLAYS_MAX),
        }
    }
}

impl Memory {
    /// One that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
