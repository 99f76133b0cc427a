//! Purging: whoever has the edge key says what a cache must forget.
//!
//! In: a request to `/purge`. Out: [`Purge`], and the answers to it. Does not know the cache: a host that has one under
//! its component takes a `PURGE`, Fastly has a call for it, and others have none.

use hmac_sha256::Hash;
use shared_wire::header::{EDGE_KEY, SURROGATE_KEY};

use crate::config::{PURGE_KEY_BYTES_MAX, PURGE_KEYS_MAX};
use crate::fetch::Then;
use crate::{Answer, Config, Fetch, Method, Refusal, Request};

/// What is to be forgotten, by somebody who may say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// The surrogate keys: `<show>`, `<show>/<rendition>`, `denied`.
    pub keys: Vec<String>,
    request_id: String,
}

impl Purge {
    pub(crate) fn read(
        config: &Config,
        request: &Request<'_>,
        request_id: &str,
    ) -> Result<Self, Refusal> {
        let sent = (request.header)(EDGE_KEY).unwrap_or_default();
        if !equal(sent.as_bytes(), config.edge_key.as_bytes()) {
            return Err(Refusal::EdgeKeyWrong);
        }
        let keys = (request.header)(SURROGATE_KEY).unwrap_or_default();
        let keys: Vec<String> = keys.split_ascii_whitespace().map(str::to_owned).collect();
        let good = |key: &String| {
            key.len() <= PURGE_KEY_BYTES_MAX && key.bytes().all(|b| b.is_ascii_graphic())
        };
        if !(1..=PURGE_KEYS_MAX).contains(&keys.len()) || !keys.iter().all(good) {
            return Err(Refusal::PurgeMalformed);
        }
        Ok(Self { keys, request_id: request_id.to_owned() })
    }

    /// The request that a cache below this component takes for itself; `None` if there is none.
    #[must_use]
    pub fn fetch(&self, config: &Config) -> Option<Fetch> {
        if !config.has_host_cache {
            return None;
        }
        let (path, id) = ("/".to_owned(), self.request_id.as_str());
        let mut fetch = Fetch::new(config, Method::Purge, path, id, Then::Purge);
        fetch.put(SURROGATE_KEY, Some(&self.keys.join(" ")));
        Some(fetch)
    }

    /// The answer once it is done.
    #[must_use]
    pub fn done(&self) -> Answer {
        Answer::done(&self.request_id)
    }

    /// The answer of a host that has nothing to purge.
    #[must_use]
    pub fn unsupported(&self) -> Answer {
        Refusal::PurgeUnsupported.answer(&self.request_id)
    }

    /// The answer if the cache did not do it.
    #[must_use]
    pub fn failed(&self) -> Answer {
        Refusal::OriginFailed("the cache did not purge").answer(&self.request_id)
    }
}

/// Whether two secrets are equal, in a time that tells their lengths at most.
pub(crate) fn equal(sent: &[u8], ours: &[u8]) -> bool {
    // Their hashes tell nothing of where the texts differ.
    Hash::hash(sent) == Hash::hash(ours)
}
