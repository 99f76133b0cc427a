//! One version of the deny list, as it is kept and as it is sent.
//!
//! In: a list. Out: the list and its bytes, written once however many edges ask. Does not know who asks.

use std::ops::Deref;

use axum::body::Bytes;
use shared_wire::api::DenyList;

/// A deny list and its JSON.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    list: DenyList,
    json: Bytes,
}

impl Listing {
    pub(super) fn new(list: DenyList) -> Self {
        // A struct of numbers and strings always serialises.
        let json = serde_json::to_vec(&list).unwrap_or_default().into();
        Self { list, json }
    }

    /// The body of `GET /edge/denied`.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.json.clone()
    }
}

impl Deref for Listing {
    type Target = DenyList;

    fn deref(&self) -> &DenyList {
        &self.list
    }
}
