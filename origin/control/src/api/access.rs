//! Who may send a request: keeps strangers away from what is the administrator's, and from what is an account's.
//!
//! In: a request's `Authorization` (RFC 6750, 2.1). Out: the request, which knows who asks, or 401 or 403. Does not
//! know what the route does.
//!
//! What is somebody else's is hidden where an address names it: by `Which` of assets, and `Known` of shows.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use shared_wire::Who;
use shared_wire::api::ShowState;

use super::refusal::Refusal;
use crate::{Error, House};

/// The middleware around an administrator's route.
pub(super) async fn administrator(
    State(house): State<Arc<House>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let who = asking(&house, request.headers()).await?;
    if who != Who::House {
        let title = "This is the administrator's alone.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "administrator_only", title).with_detail(
            "an account may upload, and see to what it uploaded; whoever has admin.token may do \
             this",
        ));
    }
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

/// The middleware around a route that accounts may use as well, for what is theirs.
pub(super) async fn creator(
    State(house): State<Arc<House>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let who = asking(&house, request.headers()).await?;
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

/// Whoever has the right that a request shows.
async fn asking(house: &House, headers: &HeaderMap) -> Result<Who, Refusal> {
    let refused = StatusCode::UNAUTHORIZED;
    let Some(credential) = bearer(headers) else {
        return Err(Refusal::new(refused, "credential_missing", "The credential is missing.")
            .with_detail(
                "send `Authorization: Bearer` with what stands in admin.token, or with an \
                 account's token",
            ));
    };
    let who = house.who(credential).await?;
    who.ok_or_else(|| {
        let title = "This is no credential of this house.";
        Refusal::new(refused, "credential_wrong", title).with_detail(
            "the administrator's stands in admin.token in the data directory of this house; an \
             account's is shown when it is made, and good until it is rotated",
        )
    })
}

/// What follows `Bearer`, in any case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// Whoever asks; nobody on a route that is open to all.
pub(super) struct Asker(pub(super) Who);

impl FromRequestParts<Arc<House>> for Asker {
    type Rejection = Refusal;
    async fn from_request_parts(parts: &mut Parts, _: &Arc<House>) -> Result<Self, Refusal> {
        let refused = StatusCode::UNAUTHORIZED;
        let missing = || Refusal::new(refused, "credential_missing", "The credential is missing.");
        parts.extensions.get().cloned().map(Self).ok_or_else(missing)
    }
}

impl House {
    /// Whoever presents this, if it is a right of this house.
    ///
    /// # Errors
    /// Storage errors, of whoever may have an account's token.
    pub(crate) async fn who(&self, presented: &[u8]) -> Result<Option<Who>, Error> {
        if self.keys.is_admin(presented) {
            return Ok(Some(Who::House));
        }
        let Ok(text) = std::str::from_utf8(presented) else { return Ok(None) };
        Ok(self.accounts.by_token(text).await?.map(Who::Account))
    }

    /// Whether `who` may know of a show: an account may of the films of its assets.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) async fn may_see(&self, who: &Who, show: &ShowState) -> Result<bool, Error> {
        match (who, show.asset) {
            (Who::House, _) => Ok(true),
            (Who::Account(_), Some(asset)) => self.accounts.may_see(who, asset).await,
            (Who::Account(_), None) => Ok(false),
        }
    }
}
