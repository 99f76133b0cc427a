//! Errors over HTTP, and the request id that names them.
//!
//! In: a request's headers. Out: problem+json answers (RFC 9457); a layer that gives every request an id. Does not
//! know which routes there are.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use shared_wire::{Problem, header as wire, is_request_id};

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static(wire::REQUEST_ID);

/// An error answer; `detail` must hold no secret.
pub(crate) fn problem(
    request: &HeaderMap,
    status: StatusCode,
    code: &str,
    detail: &str,
) -> Response {
    let id = request.get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let title = status.canonical_reason().unwrap_or("Error");
    let body = Problem::new(status.as_u16(), code, title, id).with_detail(detail).to_json();
    let kind = HeaderValue::from_static(wire::TYPE_PROBLEM);
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The answer to an address that is none.
pub(crate) async fn no_such_route(request: HeaderMap) -> Response {
    let detail = "There is nothing at this address.";
    problem(&request, StatusCode::NOT_FOUND, "not_found", detail)
}

/// Gives every request an id (the caller's where it has a good one) and answers with it.
pub(crate) async fn with_request_id(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| id.to_str().is_ok_and(is_request_id));
    let id = given.cloned().unwrap_or_else(fresh);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn fresh() -> HeaderValue {
    let mut bytes = [0; 10];
    // Without randomness an id of zeros is still an id; nothing rests on it being unique.
    let _ = getrandom::fill(&mut bytes);
    let id = shared_wire::SessionId::from_bytes(bytes).to_string();
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("none"))
}
