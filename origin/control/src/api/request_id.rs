//! Names each request, finishes its errors, and logs those that are not the caller's.
//!
//! In: a request, perhaps with an `X-Request-ID`. Out: the answer with one; errors as problem+json (RFC 9457) that name
//! it. Does not know the handlers.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use shared_wire::header::{REQUEST_ID, TYPE_PROBLEM};
use shared_wire::{Id, Problem, is_request_id};

use super::refusal::Refusal;
use crate::secret::random;

const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static(REQUEST_ID);

/// The middleware around every route.
pub(super) async fn name(request: Request, next: Next) -> Response {
    let sent = request.headers().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    let id = sent.filter(|text| is_request_id(text)).map_or_else(new, str::to_owned);
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        if let Some(reason) = &refusal.ours {
            tracing::error!(request_id = id, code = refusal.code, reason, "request failed");
        }
        let body = refusal.problem(&id);
        finish(&mut response, &body);
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    response
}

/// Puts a problem's body into a response that has its status and headers already.
fn finish(response: &mut Response, problem: &Problem) {
    *response.body_mut() = Body::from(problem.to_json());
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE_PROBLEM));
}

/// A new request id, in the form of all our ids. Without random bytes it is all zeros, and still an answer.
fn new() -> String {
    Id::<Requests>::from_bytes(random().unwrap_or_default()).to_string()
}

/// Marks ids of requests.
enum Requests {}
