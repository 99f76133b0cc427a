//! Request bodies: JSON objects (and WebVTT) of bounded size, every field known.
//!
//! In: bytes of strangers. Out: a `shared_wire::api` type, or which field is wrong. Does not know what it is for.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use crate::House;

/// Characters of a parser's message that are passed on; it may quote the body.
const MESSAGE_CHARS_MAX: usize = 300;

/// A body that must be there.
pub(super) struct Body<T>(pub(super) T);

/// A body that may be left out, and then says nothing.
pub(super) struct BodyOrDefault<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<House>> for Body<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, house: &Arc<House>) -> Result<Self, Refusal> {
        let json = is_json(request.headers());
        let bytes = read(request, house).await?;
        parse(json, &bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<Arc<House>> for BodyOrDefault<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, house: &Arc<House>) -> Result<Self, Refusal> {
        let json = is_json(request.headers());
        let bytes = read(request, house).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        parse(json, &bytes).map(Self)
    }
}

/// A body that is JSON or WebVTT, as it says.
pub(super) enum BodyOrVtt<T> {
    /// What JSON says.
    Json(T),
    /// The bytes of a text.
    Vtt(Vec<u8>),
}

impl<T: DeserializeOwned> FromRequest<Arc<House>> for BodyOrVtt<T> {
    type Rejection = Refusal;
    async fn from_request(request: Request, house: &Arc<House>) -> Result<Self, Refusal> {
        let (json, vtt) = (is_json(request.headers()), is(request.headers(), "text/vtt"));
        let bytes = read(request, house).await?;
        if vtt { Ok(Self::Vtt(bytes)) } else { parse(json, &bytes).map(Self::Json) }
    }
}

async fn read(request: Request, house: &House) -> Result<Vec<u8>, Refusal> {
    read_most(request, house, house.config.body_bytes_max).await
}

/// A body of any form, of so many bytes at most.
pub(super) async fn read_most(
    request: Request,
    house: &House,
    max: usize,
) -> Result<Vec<u8>, Refusal> {
    let collected = Limited::new(request.into_body(), max).collect();
    let collected = tokio::time::timeout(house.config.body_wait, collected).await;
    match collected {
        Ok(Ok(whole)) => Ok(whole.to_bytes().into()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let title = "The body is too large.";
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", title)
                .with_detail(format!("at most {max} bytes are taken")))
        }
        Ok(Err(_)) => Err(malformed("the body broke off")),
        Err(_) => {
            let title = "The body took too long.";
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", title))
        }
    }
}

/// Whether the body is said to be JSON (RFC 8259, 11).
fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

fn is(headers: &HeaderMap, kind: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case(kind))
}

fn parse<T: DeserializeOwned>(json: bool, bytes: &[u8]) -> Result<T, Refusal> {
    if !json {
        let title = "The body must be JSON.";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "body_not_json", title)
            .with_detail("send it as `Content-Type: application/json`"));
    }
    // Without this an array would be read as the fields in order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(malformed("the body must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.into_inner().to_string();
        let reason: String = reason.chars().take(MESSAGE_CHARS_MAX).collect();
        // Missing and unknown fields are named by the reason itself.
        malformed(&if path == "." { reason } else { format!("`{path}`: {reason}") })
    })?;
    reader.end().map_err(|_| malformed("something follows the JSON object"))?;
    Ok(value)
}

fn malformed(detail: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "body_malformed", "The body cannot be read.")
        .with_detail(detail)
}
