//! What a request's address names: a show, a page of a list.
//!
//! In: path and query of strangers. Out: a show that exists, a [`Page`]. Does not know what is done with them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use shared_wire::Who;
use shared_wire::api::ShowState;

use super::refusal::Refusal;
use crate::page::Page;
use crate::{Error, House};

/// The show in the path, which exists, and which whoever asks may know of.
pub(super) struct Known(pub(super) ShowState);

impl FromRequestParts<Arc<House>> for Known {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        // Whatever is no id names no show.
        let id = parameter(parts, house, "show").await.and_then(|text| text.parse().ok());
        let known = id.and_then(|id| house.shows.state(id)).ok_or(Error::ShowUnknown)?;
        // Nobody asks by a right where viewers may ask; to an account others' shows are none.
        let who = parts.extensions.get::<Who>();
        match who {
            Some(who) if !house.may_see(who, &known).await? => Err(Error::ShowUnknown.into()),
            _ => Ok(Self(known)),
        }
    }
}

/// What the path names below or beside a show: a tier, a session, a date range, a track of captions; or below an asset:
/// a language; or an account.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Arc<House>> for Named {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        for name in ["tier", "session", "range", "track", "language", "account"] {
            if let Some(text) = parameter(parts, house, name).await {
                return Ok(Self(text));
            }
        }
        Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address."))
    }
}

/// What stands in the path in the place of `{name}`.
pub(super) async fn parameter(parts: &mut Parts, house: &Arc<House>, name: &str) -> Option<String> {
    let path = Path::<HashMap<String, String>>::from_request_parts(parts, house).await.ok();
    path.and_then(|Path(mut named)| named.remove(name))
}

/// `?limit=…&cursor=…`, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    pub(super) limit: Option<u64>,
    pub(super) cursor: Option<String>,
}

impl FromRequestParts<Arc<House>> for Page {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, house: &Arc<House>) -> Result<Self, Refusal> {
        let query = Query::<PageQuery>::try_from_uri(&parts.uri);
        let query = query.map_err(|error| malformed_query(&error))?;
        Ok(Self::new(&house.config, query.limit, query.cursor.as_deref())?)
    }
}

/// A query that cannot be read, and why.
pub(super) fn malformed_query(error: &QueryRejection) -> Refusal {
    let title = "The query cannot be read.";
    Refusal::new(StatusCode::BAD_REQUEST, "query_malformed", title).with_detail(error.body_text())
}
