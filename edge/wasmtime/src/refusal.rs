//! Why a viewer gets no answer of the engine's, and what is said instead.
//!
//! In: a reason. Out: a problem (RFC 9457). Does not know the request, but for its id.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full};
use shared_wire::Problem;
use shared_wire::header::TYPE_PROBLEM;
use wasmtime_wasi_http::WasiBody;

/// Why there is no answer, and what the viewer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The viewer asks too often; it may again after a while.
    TooMany(Duration),
    /// As many requests or instances as may be.
    Full,
    /// The viewer's body.
    TooLarge,
    /// The viewer's headers.
    HeadTooLarge,
    /// No answer in time.
    Slow,
    /// No answer at all.
    Failed,
    /// The instance died, perhaps of another request.
    Died,
}

impl Refusal {
    fn problem(self, request_id: &str) -> Problem {
        let (status, code, title) = match self {
            Self::TooMany(_) => (429, "too_many_requests", "These requests come too fast."),
            Self::Full => (503, "edge_full", "The edge is serving as many viewers as it can."),
            Self::HeadTooLarge => (431, "head_too_large", "The request's headers are too large."),
            Self::TooLarge => (413, "body_too_large", "The request's body is too large."),
            Self::Slow => (504, "edge_timeout", "The answer took too long."),
            Self::Failed | Self::Died => {
                (502, "edge_failed", "The edge failed to answer this request.")
            }
        };
        Problem::new(status, code, title, request_id)
    }

    pub(crate) fn response(self, request_id: &str) -> Response<WasiBody> {
        let problem = self.problem(request_id);
        let body = Full::from(problem.to_json()).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(TYPE_PROBLEM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        let retry_s = match self {
            Self::Full => 1,
            Self::TooMany(wait) => wait.as_secs().saturating_add(1),
            _ => return response,
        };
        headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_s));
        response
    }
}

/// No body.
pub(crate) fn empty() -> WasiBody {
    Empty::<Bytes>::new().map_err(|never| match never {}).boxed_unsync()
}
