//! What an object is stored under.
//!
//! In: a request of the component. Out: [`Key`]. Does not know viewers: the component has taken everything of theirs
//! away, and has put the delivery directives of a playlist (`_HLS_msn`, `_HLS_part`, `_HLS_skip`) into one order and
//! spelling.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

/// Which of the encodings an object may have been asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Coding {
    /// The origin's answer does not depend on `Accept-Encoding`.
    Any,
    /// The viewer takes gzip.
    Gzip,
    /// The viewer takes the object as it is.
    Identity,
}

/// What an object is stored under: path and query as the component sent them, and the encoding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(super) path: Arc<str>,
    pub(super) coding: Coding,
}

impl Key {
    /// The key of a request; its `Accept-Encoding` counts only as "gzip or not".
    pub(crate) fn of(request: &Parts) -> Self {
        let path = request.uri.path_and_query().map_or("/", |path| path.as_str()).into();
        let coding = if takes_gzip(&request.headers) { Coding::Gzip } else { Coding::Identity };
        Self { path, coding }
    }

    /// Whether the object may be asked for with `Accept-Encoding: gzip`.
    pub(crate) const fn coding(&self) -> Coding {
        self.coding
    }

    /// The key of an object that is the same in every encoding.
    pub(super) fn any(&self) -> Self {
        Self { path: Arc::clone(&self.path), coding: Coding::Any }
    }
}

/// Whether these headers accept gzip (RFC 9110, 12.5.3; `q=0` refuses).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists =
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|weight| {
            weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        gzip && !refused
    })
}
