//! What is told about a request: one log line and the counters.
//!
//! In: the request's method and path, the answer's status, the time it took. Out: a log line without any secret,
//! metrics. Does not know bodies, but for the code of a denial.

use std::time::Duration;

use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use metrics::{counter, gauge};
use shared_wire::Problem;
use shared_wire::header::TYPE_PROBLEM;
use tracing::info;
use wasmtime_wasi_http::WasiBody;

/// Longest problem body that is read for its code, in bytes.
const PROBLEM_BYTES_MAX: u64 = 4096;
/// Longest code that becomes a metric's label, in bytes.
const CODE_BYTES_MAX: usize = 32;
/// Longest path that is logged, in bytes.
const PATH_BYTES_MAX: usize = 120;
/// First segments of the paths we serve; of any other path nothing is logged, for it may hold anything.
const KNOWN: [&str; 5] = ["live", "watch", "assets", "v1", "healthz"];

/// Counts a request that is being answered, until it is dropped.
pub(crate) struct InFlight;

impl InFlight {
    pub(crate) fn begin() -> Self {
        gauge!("matinee_edge_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("matinee_edge_requests_in_flight").decrement(1.0);
    }
}

/// The path as it may be logged: never the query (a token may be in it), never the session.
pub(crate) fn redacted(path: &str) -> String {
    let mut steps = path.splitn(3, '/').skip(1);
    let (first, rest) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    let shown = if first == "p" {
        format!("/p/*/{}", rest.split_once('/').map_or("", |(_, rest)| rest))
    } else if KNOWN.contains(&first) {
        path.to_owned()
    } else {
        return "/*".to_owned();
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-*".contains(c);
    if shown.len() > PATH_BYTES_MAX || !shown.chars().all(plain) {
        return format!("/{first}/*");
    }
    shown
}

/// Counts a denial by the `code` of its problem, and hands the answer on as it was.
pub(crate) async fn count_denial(response: Response<WasiBody>) -> Response<WasiBody> {
    let is_denial = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == TYPE_PROBLEM);
    if !is_denial {
        return response;
    }
    let small = response.body().size_hint().upper().is_some_and(|bytes| bytes <= PROBLEM_BYTES_MAX);
    if !(is_problem && small) {
        denied("other");
        return response;
    }
    let (parts, body) = response.into_parts();
    // A body that breaks off is answered as far as it came; its length tells the viewer.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let code = serde_json::from_slice::<Problem>(&body).map(|problem| problem.code);
    let form = |code: &String| {
        (1..=CODE_BYTES_MAX).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    denied(code.ok().filter(form).as_deref().unwrap_or("other"));
    Response::from_parts(parts, Full::new(body).map_err(|never| match never {}).boxed_unsync())
}

fn denied(reason: &str) {
    counter!("matinee_edge_denials_total", "reason" => reason.to_owned()).increment(1);
}

/// Logs and counts an answer.
pub(crate) fn note(
    method: &Method,
    path: &str,
    status: StatusCode,
    time: Duration,
    request_id: &str,
) {
    let class = match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    };
    counter!("matinee_edge_requests_total", "status" => class).increment(1);
    info!(
        %method,
        path = redacted(path),
        status = status.as_u16(),
        time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        request_id,
        "request"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_shows_a_session_or_a_stranger() {
        for (path, shown) in [
            ("/p/abc.def/720p/index.m3u8", "/p/*/720p/index.m3u8"),
            ("/p/abc.def", "/p/*/"),
            ("/p//abc/x", "/p/*/abc/x"),
            ("/live/0123/index.m3u8", "/live/0123/index.m3u8"),
            ("/live/%20/index.m3u8", "/live/*"),
            ("//p/secret/x", "/*"),
            ("/%70/secret/x", "/*"),
            ("/", "/*"),
            ("", "/*"),
        ] {
            assert_eq!(redacted(path), shown, "{path}");
        }
        assert_eq!(redacted(&format!("/live/{}", "x".repeat(200))), "/live/*");
    }
}
