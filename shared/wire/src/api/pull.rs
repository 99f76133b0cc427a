//! A show that is fetched from elsewhere.
//!
//! In: nothing. Out: serde types. Does not know how it is fetched.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `PUT /v1/shows/{show}/pull`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPull {
    /// The source: `https://…/index.m3u8` or `rtmp://…`. It may hold a secret, so `Debug` does not print it.
    pub url: String,
}

impl fmt::Debug for NewPull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPull").finish_non_exhaustive()
    }
}
