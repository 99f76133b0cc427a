//! What DASH players fetch besides: MPDs, and segments while they are made.
//!
//! In: `GET /o/<show>/manifest.mpd`, and of a segment that is not whole. Out: the MPD, of a show on the air or of a
//! recording's playlists; a body that grows as parts are closed, with the same bytes as the whole segment. Does not
//! know tickets or viewers.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream;
use origin_packager::{Growing, Growth, Refusal, gzip};
use origin_storage::Store;
use shared_media::Ticks;
use shared_playlist::mpd::{Catalogue, Presentation, Starts, Timeline};
use shared_wire::ShowId;
use shared_wire::header as wire;
use shared_wire::key::{Key, KeyObject};

use crate::delivery::{Delivery, at_edges, refused, storage_failed, tag, takes_gzip};
use crate::shown::Shown;
use crate::stage::Stages;
use crate::{fault, lifetime};

/// Why the rest of a segment does not come.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the segment was not made to its end")]
    Lost,
    #[error("a part of the segment is no longer there")]
    Gone,
    #[error(transparent)]
    Storage(#[from] origin_storage::Error),
}

impl Delivery {
    /// The MPD of a show, on the air or recorded.
    pub(crate) async fn manifest(
        &self,
        key: &Key,
        msn: Option<u64>,
        headers: &HeaderMap,
    ) -> Response {
        let live = self.stages.live(key.show).filter(|_| !self.stages.is_finished(key.show));
        let Some(stage) = live else { return self.recorded_manifest(key, headers).await };
        match stage.manifest(msn, takes_gzip(headers)).await {
            Ok(answer) => {
                let response = mpd(answer.body, &answer.cache.to_string(), answer.gzip);
                if msn.is_some() { response } else { at_edges(response, lifetime::MPD_AT_EDGES) }
            }
            Err(Refusal::NotFound) => self.absent(key, false, headers, "The show has not started."),
            Err(refusal) => refused(headers, &refusal),
        }
    }

    /// The MPD of a recording, made of its playlists.
    async fn recorded_manifest(&self, key: &Key, headers: &HeaderMap) -> Response {
        let (cache, edges) = lifetime::finished(self.stages.is_growing(key.show));
        let made = match recorded(&self.stages, &self.store, key.show).await {
            Ok(Some(playlists)) => {
                let packed = takes_gzip(headers);
                // Of a recording of hours it takes milliseconds: not on a thread that others wait for.
                tokio::task::spawn_blocking(move || {
                    let plain: Bytes = playlists.mpd()?.into();
                    let tag = tag(&plain, packed);
                    Some((if packed { gzip(&plain) } else { plain }, tag, packed))
                })
                .await
            }
            Ok(None) => Ok(None),
            Err(error) => return storage_failed(headers, &error),
        };
        match made {
            Ok(Some((body, tag, packed))) => {
                let is_known = headers.get(header::IF_NONE_MATCH) == Some(&tag);
                let body = if is_known { Bytes::new() } else { body };
                let mut response = mpd(body, cache, packed);
                if is_known {
                    *response.status_mut() = StatusCode::NOT_MODIFIED;
                }
                response.headers_mut().insert(header::ETAG, tag);
                at_edges(response, edges)
            }
            Ok(None) => {
                let detail = "The show has not started, there is no such show, or its recording is \
                    older than DASH here.";
                self.absent(key, false, headers, detail)
            }
            Err(error) => {
                tracing::error!(%error, "an MPD was not made");
                let detail = "The MPD could not be made.";
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                fault::problem(headers, status, "internal", detail)
            }
        }
    }

    /// A segment that is being made, part by part; `None` if nothing comes of it.
    pub(crate) async fn growing(&self, key: &Key) -> Option<Response> {
        let mut growing = self.stages.live(key.show)?.growing(key)?;
        // Nothing is promised before there is something to send.
        let first = growing.next().await;
        if first == Growth::Lost {
            return None;
        }
        let segment = Segment {
            store: Arc::clone(&self.store),
            key: key.clone(),
            growing,
            next: Some(first),
            sent: 0,
        };
        let pieces = stream::unfold(segment, |mut segment| async {
            let piece = segment.piece().await?;
            Some((piece, segment))
        });
        let mut response = Body::from_stream(pieces).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wire::TYPE_MP4));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(lifetime::MEDIA));
        Some(response)
    }
}

/// The body of a segment that is being made.
struct Segment {
    store: Arc<Store>,
    key: Key,
    growing: Growing,
    /// What was learned already; `None` after the end.
    next: Option<Growth>,
    sent: usize,
}

impl Segment {
    /// The next piece; an error breaks the connection off, so that nobody takes it for the whole.
    async fn piece(&mut self) -> Option<Result<Bytes, Broken>> {
        let growth = self.next.take()?;
        let piece = self.bytes(&growth).await;
        if let Ok(piece) = &piece {
            self.sent += piece.len();
            if growth != Growth::Whole {
                self.next = Some(self.growing.next().await);
            } else if piece.is_empty() {
                return None;
            }
        }
        Some(piece)
    }

    async fn bytes(&mut self, growth: &Growth) -> Result<Bytes, Broken> {
        let part = match growth {
            Growth::Part(part) => Key::parse(part),
            Growth::Whole => None,
            Growth::Lost => return Err(Broken::Lost),
        };
        if let Some(part) = part {
            return self.store.get_live(&part).await?.ok_or(Broken::Gone);
        }
        let whole = self.store.get_live(&self.key).await?.ok_or(Broken::Gone)?;
        (self.sent <= whole.len()).then(|| whole.slice(self.sent..)).ok_or(Broken::Gone)
    }
}

/// A recording's playlists.
struct Playlists {
    catalogue: Catalogue,
    media: Vec<String>,
}

impl Playlists {
    fn mpd(&self) -> Option<String> {
        let of = |text: &String| Timeline::of_text(text, self.catalogue.anchor_us);
        let timelines: Vec<Timeline> = self.media.iter().map(of).collect();
        let presentation =
            Presentation { catalogue: &self.catalogue, timelines: &timelines, live: None };
        presentation.render(&mut Starts::new())
    }
}

/// A recording's playlists; `None` if there is none, or one from before playlists told the anchor.
async fn recorded(
    stages: &Stages,
    store: &Store,
    show: ShowId,
) -> Result<Option<Playlists>, origin_storage::Error> {
    let borders = match Shown::of(stages, store, show).await? {
        Shown::Whole => None,
        Shown::Between(borders) => Some(borders),
        Shown::Nothing => return Ok(None),
    };
    let key = Key { show, object: KeyObject::Multivariant };
    let Some(text) = store.get(&key).await? else { return Ok(None) };
    let Some(mut catalogue) = Catalogue::read(&text) else { return Ok(None) };
    if let Some(begin_us) = borders.and_then(|borders| borders.begin_utc_us) {
        catalogue.begin = Ticks::from_micros(begin_us.saturating_sub(catalogue.anchor_us)).0;
    }
    let mut media = Vec::new();
    for name in catalogue.names() {
        let key = Key { show, object: KeyObject::Playlist { rendition: name.to_owned() } };
        let text = store.read_text(&key).await?.unwrap_or_default();
        media.push(match borders {
            Some(borders) => borders.media(&text).unwrap_or_default(),
            None => text,
        });
    }
    Ok(Some(Playlists { catalogue, media }))
}

fn mpd(bytes: Bytes, cache: &str, packed: bool) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(wire::TYPE_MPD));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(cache) = HeaderValue::from_str(cache) {
        headers.insert(header::CACHE_CONTROL, cache);
    }
    if packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
