//! Answers: their headers, those the protocol wants and those browsers want, and errors.
//!
//! In: what became of a request. Out: responses. Does not know how it was done.

use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use shared_wire::header::{REQUEST_ID, TYPE_PROBLEM};
use shared_wire::upload::Upload;
use shared_wire::{AssetId, Problem};

use super::{OURS, expires, location};
use crate::Error;
use crate::machine::{ALGORITHMS, EXTENSIONS, Method, Plan, VERSION, name};

/// How long a browser need not ask again whether it may ask, in seconds.
const PREFLIGHT_S: &str = "7200";
/// When to try again what is in other hands, in seconds.
const RETRY_S: &str = "1";
/// The same of a bucket that fails.
const RETRY_BUCKET_S: &str = "5";

/// What became of a request that was carried out.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// A new upload.
    pub(super) created: Option<AssetId>,
    pub(super) offset: Option<u64>,
    pub(super) expires_at: Option<i64>,
    /// How the upload is told of, where that was asked.
    pub(super) plan: Plan,
}

impl Answer {
    pub(super) fn of(upload: &Upload) -> Self {
        let offset = Some(upload.offset());
        Self { created: None, offset, expires_at: expires(upload), plan: Plan::new() }
    }
}

/// A request, as far as answers need it.
pub(super) struct Ask {
    pub(super) headers: HeaderMap,
    pub(super) size_max: u64,
}

impl Ask {
    /// What can be done here.
    pub(super) fn options(&self) -> Response {
        let mut response = respond(StatusCode::NO_CONTENT);
        let headers = response.headers_mut();
        put(headers, name::VERSIONS, VERSION);
        put(headers, name::EXTENSION, EXTENSIONS);
        put(headers, name::MAX_SIZE, &self.size_max.to_string());
        put(headers, name::CHECKSUM_ALGORITHM, ALGORITHMS);
        if self.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
            let methods = "OPTIONS, HEAD, POST, PATCH, DELETE";
            put(headers, "access-control-allow-methods", methods);
            let allowed = format!(
                "authorization, content-type, {}, {REQUEST_ID}, {}",
                name::METHOD_OVERRIDE,
                OURS.join(", ")
            );
            put(headers, "access-control-allow-headers", &allowed);
            put(headers, "access-control-max-age", PREFLIGHT_S);
        }
        response
    }

    /// What was done.
    pub(super) fn answer(&self, method: Method, answer: Answer) -> Response {
        let status = match method {
            Method::Post => StatusCode::CREATED,
            Method::Head => StatusCode::OK,
            _ => StatusCode::NO_CONTENT,
        };
        let mut response = respond(status);
        let headers = response.headers_mut();
        if let Some(id) = answer.created {
            put(headers, header::LOCATION.as_str(), &location(id));
        }
        if let Some(offset) = answer.offset.filter(|_| method != Method::Head) {
            put(headers, name::OFFSET, &offset.to_string());
        }
        if let Some(at) = answer.expires_at {
            let at = UNIX_EPOCH + Duration::from_secs(u64::try_from(at).unwrap_or_default());
            put(headers, name::EXPIRES, &httpdate::fmt_http_date(at));
        }
        for (name, value) in answer.plan {
            put(headers, name, &value);
        }
        response
    }

    /// Whoever has no right to upload.
    pub(super) fn unauthorised(&self) -> Response {
        let detail = "send `Authorization: Bearer` with what stands in admin.token, or with an \
                      account's token";
        let mut response = self.problem(401, "credential_wrong", detail);
        put(response.headers_mut(), header::WWW_AUTHENTICATE.as_str(), "Bearer");
        response
    }

    /// What was not done, and why.
    pub(super) fn error(&self, error: &Error) -> Response {
        let detail = error.to_string();
        let (status, code) = match error {
            Error::Refused(refusal) => (refusal.status, refusal.code),
            Error::Quota(_) => (413, "quota_exceeded"),
            Error::TooMany => (503, "uploads_full"),
            Error::Held => (423, "upload_held"),
            Error::TakenOver => (423, "upload_taken_over"),
            Error::Stopping => (503, "stopping"),
            Error::BrokeOff => (400, "body_broke_off"),
            Error::DiskFull => (507, "storage_full"),
            Error::Bucket(reason) => {
                tracing::warn!(reason, "an upload waits for the bucket");
                (503, "bucket_unavailable")
            }
            Error::Storage(reason) => {
                tracing::error!(reason, "an upload failed");
                (500, "storage_failed")
            }
        };
        // What a disk or a database says is for the log.
        let told = if status == 500 { "the house's storage failed: try again" } else { &detail };
        let mut response = self.problem(status, code, told);
        if matches!(status, 423 | 503) {
            let is_far = matches!(error, Error::Bucket(_));
            let after = if is_far { RETRY_BUCKET_S } else { RETRY_S };
            put(response.headers_mut(), header::RETRY_AFTER.as_str(), after);
        }
        if status == 412 {
            put(response.headers_mut(), name::VERSIONS, VERSION);
        }
        response
    }

    fn problem(&self, status: u16, code: &str, detail: &str) -> Response {
        let request_id = self.headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = match status.as_u16() {
            460 => "Checksum Mismatch", // of the protocol's own making
            _ => status.canonical_reason().unwrap_or("Error"),
        };
        let problem = Problem::new(status.as_u16(), code, title, request_id.unwrap_or_default());
        let mut response = respond(status);
        *response.body_mut() = Body::from(problem.with_detail(detail).to_json());
        put(response.headers_mut(), header::CONTENT_TYPE.as_str(), TYPE_PROBLEM);
        response
    }
}

/// An answer with what all answers have.
fn respond(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    put(headers, name::RESUMABLE, VERSION);
    put(headers, header::CACHE_CONTROL.as_str(), "no-store");
    put(headers, header::X_CONTENT_TYPE_OPTIONS.as_str(), "nosniff");
    // The right to upload is a header that no browser sends by itself, so any page may ask.
    put(headers, "access-control-allow-origin", "*");
    let exposed = format!("location, retry-after, {REQUEST_ID}, {}", OURS.join(", "));
    put(headers, "access-control-expose-headers", &exposed);
    response
}

/// Sets a header. A value that cannot be one is left out: none of ours is, but for what strangers sent and HTTP let
/// pass.
fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
