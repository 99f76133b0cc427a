//! The watch page and the studio, embedded in the binary.
//!
//! In: `GET /watch/<show>`, `GET /studio` and `GET /assets/<file>`. Out: the files Vite built, with their cache policy.
//! Does not know shows nor assets: the pages ask for them themselves.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use crate::fault;

/// Files below `/assets` carry a hash of their content in their name.
const ASSET_CACHE: &str = "public, max-age=31536000, immutable";
/// The pages themselves name them, so they must be fresh after an upgrade.
const PAGE_CACHE: &str = "public, max-age=60";
/// A page loads nothing from anywhere else, and nobody may frame it but the house itself.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob: data:; \
    worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Files;

/// The pages' routes.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/watch/{show}", get(watch))
        .route("/studio", get(studio))
        .route("/assets/{*file}", get(asset))
}

async fn watch(headers: HeaderMap) -> Response {
    page(&headers, "index.html")
}

async fn studio(headers: HeaderMap) -> Response {
    page(&headers, "studio.html")
}

fn page(request: &HeaderMap, name: &str) -> Response {
    let mut response = file(request, name, PAGE_CACHE);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn asset(headers: HeaderMap, Path(name): Path<String>) -> Response {
    file(&headers, &format!("assets/{name}"), ASSET_CACHE)
}

fn file(request: &HeaderMap, name: &str, cache: &'static str) -> Response {
    let Some(file) = Files::get(name) else {
        let detail = "The page has no such file.";
        return fault::problem(request, StatusCode::NOT_FOUND, "not_found", detail);
    };
    let kind = HeaderValue::from_static(content_type(name));
    let cache = HeaderValue::from_static(cache);
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, file.data.into_owned()).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("json" | "webmanifest" | "map") => "application/json",
        _ => "application/octet-stream",
    }
}
