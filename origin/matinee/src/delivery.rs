//! What edges fetch: playlists, MPDs, init segments, segments and parts, below `/o/`.
//!
//! In: `GET /o/<key>` with the edge key. Out: bytes with the cache policy every edge obeys, or a problem. Does not know
//! tickets, viewers or the database: what it serves is the same for everybody.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use origin_control::Control;
use origin_packager::{Answer, Hint, Refusal, gzip};
use origin_storage::Store;
use shared_playlist::{Directives, recording};
use shared_wire::header as wire;
use shared_wire::key::{Key, KeyObject, MediaFile};

use crate::fault;
use crate::lifetime;
use crate::shown::{Shown, with_chapters};
use crate::stage::Stages;
use crate::vod::Films;

/// What the handlers need.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) stages: Arc<Stages>,
    pub(crate) store: Arc<Store>,
    pub(crate) films: Arc<Films>,
}

/// The routes below `/o/`; the caller guards them by [`only_edges`].
pub(crate) fn router(delivery: Delivery) -> Router {
    Router::new().route("/o/{*key}", get(object)).with_state(delivery)
}

/// Lets a request through that carries the edge key.
pub(crate) async fn only_edges(
    State(control): State<Control>,
    request: Request,
    next: Next,
) -> Response {
    let given = request.headers().get(wire::EDGE_KEY).map_or(&b""[..], HeaderValue::as_bytes);
    if control.is_edge(given) {
        return next.run(request).await;
    }
    fault::problem(
        request.headers(),
        StatusCode::UNAUTHORIZED,
        "edge_key_wrong",
        "Only this house's edges may fetch here: MATINEE_EDGE_KEY is missing or another house's.",
    )
}

async fn object(
    State(delivery): State<Delivery>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(key) = Key::parse(&path) else {
        let detail = "There is no such object.";
        return fault::problem(&headers, StatusCode::NOT_FOUND, "not_found", detail);
    };
    let is_media = matches!(key.object, KeyObject::Media { .. });
    if !is_media && delivery.stages.is_elsewhere(key.show) {
        return elsewhere(&headers);
    }
    if !is_media {
        delivery.films.bring(key.show).await;
    }
    let mut response = match &key.object {
        KeyObject::Multivariant => delivery.multivariant(&key, &headers).await,
        KeyObject::Manifest { msn } => delivery.manifest(&key, *msn, &headers).await,
        KeyObject::Playlist { .. } | KeyObject::IFrames { .. } => {
            delivery.playlist(&key, query.as_deref(), &headers).await
        }
        KeyObject::Cover | KeyObject::Storyboard => delivery.pictures(&key, &headers).await,
        KeyObject::ChapterList | KeyObject::ChapterCues => delivery.chapters(&key, &headers).await,
        KeyObject::Media { file, .. } => delivery.media(&key, *file, &headers).await,
    };
    if let Ok(keys) = HeaderValue::from_str(&lifetime::surrogate_keys(&key)) {
        response.headers_mut().insert(wire::SURROGATE_KEY, keys);
    }
    response
}

/// The answer for a show that another node has. What this one may have had of it before is not listed beside that.
fn elsewhere(headers: &HeaderMap) -> Response {
    let detail = "Another node has this show: its viewers must be sent there.";
    let mut response = fault::problem(headers, StatusCode::NOT_FOUND, "show_elsewhere", detail);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Delivery {
    async fn multivariant(&self, key: &Key, headers: &HeaderMap) -> Response {
        if let Some(stage) = self.stages.live(key.show) {
            stage.begins().await;
            return match stage.multivariant(takes_gzip(headers)) {
                Some(answer) => at_edges(playlist(answer), lifetime::MULTIVARIANT_AT_EDGES),
                None => self.absent(key, false, headers, "The show has not started."),
            };
        }
        self.finished(key, headers).await
    }

    /// A media playlist or an I-frame playlist.
    async fn playlist(&self, key: &Key, query: Option<&str>, headers: &HeaderMap) -> Response {
        let Some(stage) = self.stages.live(key.show) else {
            return self.finished(key, headers).await;
        };
        let directives = match Directives::parse(query.unwrap_or_default()) {
            Ok(directives) => directives,
            Err(why) => {
                let detail = why.to_string();
                return fault::problem(headers, StatusCode::BAD_REQUEST, "bad_directive", &detail);
            }
        };
        // Who waited for the end of the live playlist learns of it there; who comes now plays the recording.
        if directives == Directives::default() && self.stages.is_finished(key.show) {
            return self.finished(key, headers).await;
        }
        let gzip = takes_gzip(headers);
        let answer = match &key.object {
            KeyObject::IFrames { rendition } => stage.i_frames(rendition, &directives, gzip).await,
            KeyObject::Playlist { rendition } => stage.playlist(rendition, &directives, gzip).await,
            _ => Err(Refusal::NotFound),
        };
        match answer {
            Ok(answer) => playlist(answer),
            Err(Refusal::NotFound) => {
                let has_directives = directives != Directives::default();
                self.absent(key, has_directives, headers, &Refusal::NotFound.to_string())
            }
            Err(refusal) => refused(headers, &refusal),
        }
    }

    /// The answer for what is not there.
    pub(crate) fn absent(
        &self,
        key: &Key,
        has_directives: bool,
        headers: &HeaderMap,
        detail: &str,
    ) -> Response {
        let live = self.stages.live(key.show).map(|stage| stage.status());
        let cache = lifetime::absent(key, has_directives, live.as_ref());
        let mut response = fault::problem(headers, StatusCode::NOT_FOUND, "not_found", detail);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }

    async fn media(&self, key: &Key, file: MediaFile, headers: &HeaderMap) -> Response {
        let is_live = self.stages.live(key.show).is_some();
        let found = match is_live {
            true => self.store.get_live(key).await,
            false => self.store.get(key).await,
        };
        match found {
            Ok(Some(bytes)) => return media(bytes, file),
            Ok(None) => {}
            Err(error) => return storage_failed(headers, &error),
        }
        // A segment that an MPD lists may be asked for while it is made.
        if matches!(file, MediaFile::Segment(_)) && is_live {
            if let Some(growing) = self.growing(key).await {
                return growing;
            }
            // It may have become whole in between.
            if let Ok(Some(bytes)) = self.store.get_live(key).await {
                return media(bytes, file);
            }
        }
        // A part may be asked for as soon as a preload hint names it (rfc8216bis 6.2.6); the answer waits for it.
        let hint = match (file, self.stages.live(key.show)) {
            (MediaFile::Part(..) | MediaFile::TextPart(..), Some(stage)) => {
                stage.hinted(&key.to_string()).await
            }
            _ => Hint::Absent,
        };
        match hint {
            Hint::Ready => match self.store.get(key).await {
                Ok(Some(bytes)) => media(bytes, file),
                Ok(None) => self.absent(key, false, headers, "The part is too old to be kept."),
                Err(error) => storage_failed(headers, &error),
            },
            Hint::Absent => {
                let detail = "There is no such object, or it is too old to be kept.";
                self.absent(key, false, headers, detail)
            }
            Hint::Late => refused(headers, &Refusal::Late),
            Hint::Busy => refused(headers, &Refusal::Busy),
        }
    }

    /// The cover, or the storyboard's text.
    async fn pictures(&self, key: &Key, headers: &HeaderMap) -> Response {
        let kind = if key.object == KeyObject::Cover { wire::TYPE_JPEG } else { wire::TYPE_VTT };
        let found = match self.stages.live(key.show) {
            Some(_) => self.store.get_live(key).await,
            None => self.store.get(key).await,
        };
        match found {
            Ok(Some(bytes)) => match self.shown(key, bytes).await {
                Ok(Some(bytes)) => {
                    let mut response = bytes.into_response();
                    set(&mut response, kind, lifetime::PICTURES);
                    response
                }
                Ok(None) => self.absent(key, false, headers, "Nothing of it is shown yet."),
                Err(error) => storage_failed(headers, &error),
            },
            Ok(None) => self.absent(key, false, headers, "The show has no pictures yet."),
            Err(error) => storage_failed(headers, &error),
        }
    }

    /// What is shown of an object of a show that is not on the air.
    async fn shown(&self, key: &Key, bytes: Bytes) -> Result<Option<Bytes>, origin_storage::Error> {
        let is_over = self.stages.live(key.show).is_none() || self.stages.is_finished(key.show);
        let shown = match is_over {
            true => Shown::of(&self.stages, &self.store, key.show).await?,
            false => Shown::Whole,
        };
        let cut = shown.cut(&self.store, key, bytes).await?;
        Ok(cut.map(|bytes| with_chapters(&self.stages, key, bytes)))
    }

    async fn finished(&self, key: &Key, headers: &HeaderMap) -> Response {
        let is_growing = self.stages.is_growing(key.show);
        let (cache, edges) = lifetime::finished(is_growing);
        let found = match self.store.get(key).await {
            Ok(Some(bytes)) if is_growing => self.shown(key, bytes).await,
            Ok(Some(bytes)) => self.shown(key, ended(key, bytes)).await,
            found => found,
        };
        let bytes = match found {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let detail = "The show has not started, or there is no such show.";
                return self.absent(key, false, headers, detail);
            }
            Err(error) => return storage_failed(headers, &error),
        };
        let packed = takes_gzip(headers);
        let tag = tag(&bytes, packed);
        let mut response = if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
            let mut response = text(Bytes::new(), cache, packed);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else if packed {
            // A recording of hours takes milliseconds to compress: not on a thread that others wait for.
            match tokio::task::spawn_blocking(move || gzip(&bytes)).await {
                Ok(packed) => text(packed, cache, true),
                Err(error) => {
                    tracing::error!(%error, "a playlist was not compressed");
                    let detail = "The playlist could not be compressed.";
                    let status = StatusCode::INTERNAL_SERVER_ERROR;
                    return fault::problem(headers, status, "internal", detail);
                }
            }
        } else {
            text(bytes, cache, false)
        };
        response.headers_mut().insert(header::ETAG, tag);
        at_edges(response, edges)
    }
}

/// A recording's playlist with its end: a house whose disk was lost during a show has sent none.
fn ended(key: &Key, bytes: Bytes) -> Bytes {
    let is_media = matches!(key.object, KeyObject::Playlist { .. } | KeyObject::IFrames { .. });
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_media && !text.ends_with("#EXT-X-ENDLIST\n") => {
            recording::finish(text).into_bytes().into()
        }
        _ => bytes,
    }
}

/// The entity tag of a playlist's bytes: what is compressed is another representation (RFC 9110, 8.8.3.3).
pub(crate) fn tag(bytes: &[u8], packed: bool) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    let form = if packed { "-gzip" } else { "" };
    let tag = format!("\"{:016x}{form}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))
}

/// With what is said to edges only.
pub(crate) fn at_edges(mut response: Response, control: &'static str) -> Response {
    let control = HeaderValue::from_static(control);
    response.headers_mut().insert(wire::SURROGATE_CONTROL, control);
    response
}

fn playlist(answer: Answer) -> Response {
    text(answer.body, &answer.cache.to_string(), answer.gzip)
}

/// Any playlist; `packed` says that its bytes are compressed.
fn text(bytes: Bytes, cache: &str, packed: bool) -> Response {
    let mut response = bytes.into_response();
    set(&mut response, wire::TYPE_PLAYLIST, cache);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn media(bytes: Bytes, file: MediaFile) -> Response {
    let mut response = bytes.into_response();
    set(&mut response, file.content_type(), lifetime::MEDIA);
    response
}

pub(crate) fn refused(headers: &HeaderMap, refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let code = if status == StatusCode::BAD_REQUEST { "bad_directive" } else { refusal.code() };
    let mut response = fault::problem(headers, status, code, &refusal.to_string());
    let cache = HeaderValue::from_static(refusal.cache_control());
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    response
}

pub(crate) fn storage_failed(headers: &HeaderMap, error: &origin_storage::Error) -> Response {
    tracing::error!(%error, "an object could not be read");
    let detail = "The house's storage failed to read the object.";
    fault::problem(headers, StatusCode::INTERNAL_SERVER_ERROR, "storage_failed", detail)
}

pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|text| text.split(',').any(|coding| coding.trim() == "gzip"))
}

pub(crate) fn set(response: &mut Response, content_type: &'static str, cache: &str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(cache) = HeaderValue::from_str(cache) {
        headers.insert(header::CACHE_CONTROL, cache);
    }
}
