//! Keeps strangers away from the administrator's routes.
//!
//! In: a request's `Authorization` (RFC 6750, 2.1). Out: the request, or 401. Does not know what the route does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::refusal::Refusal;
use crate::House;

/// The middleware around an administrator's route.
pub(super) async fn check(
    State(house): State<Arc<House>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let refused = StatusCode::UNAUTHORIZED;
    let Some(credential) = bearer(request.headers()) else {
        let title = "The administrator's credential is missing.";
        return Err(Refusal::new(refused, "credential_missing", title)
            .with_detail("send `Authorization: Bearer` with what stands in admin.token"));
    };
    if !house.keys.is_admin(credential) {
        let title = "This is not the administrator's credential.";
        return Err(Refusal::new(refused, "credential_wrong", title)
            .with_detail("it stands in admin.token in the data directory of this house"));
    }
    Ok(next.run(request).await)
}

/// What follows `Bearer`, in any case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, rest) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}
