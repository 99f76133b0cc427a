//! What an edge remembers between requests.
//!
//! In: the deny list, tokens that were used. Out: whether a viewer may pass. Does not know who keeps it, or for how
//! long: one instance, one sandbox, one process. It holds names and hashes, and no secret of any viewer's.

use crate::DenyState;

/// What an edge remembers between requests; both parts are bounded.
#[derive(Debug, Default)]
pub struct Memory {
    /// The deny list.
    pub deny: DenyState,
}

impl Memory {
    /// One that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}
