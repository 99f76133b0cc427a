//! Answers requests for a show's playlists and its next parts.
//!
//! In: playlists from the driver; requests from the binary. Out: answers, after a wait where the
//! directives ask for one. Every form of a playlist is rendered and compressed once per version.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use metrics::gauge;
use shared_playlist::blocking::{self, Limits, Verdict};
use shared_playlist::media::ByteRange;
use shared_playlist::{Directives, MediaPlaylist};
use shared_wire::ShowId;
use shared_wire::key::{Key, KeyObject, MediaFile};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Answer, CachePolicy, Hint, Refusal};
use super::ask::{ASKED_MAX, Ask};
use super::manifest::Manifests;
use super::version::{Version, gzip};
use crate::config::Config;

/// Asks a running packager. Cheap to clone; goes on answering after the show has ended.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    asks: mpsc::Sender<Ask>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) show: ShowId,
    epoch: String,
    /// How much of the show is listed, in seconds.
    pub(super) window_s: u32,
    waiting_max: usize,
    waiting: AtomicUsize,
    pub(super) playlists: RwLock<Versions>,
    i_frames: RwLock<Versions>,
    /// Another rendition has an I-frame playlist.
    pictured: watch::Sender<()>,
    multivariant: watch::Sender<Option<Multivariant>>,
    pub(super) manifests: Mutex<Manifests>,
}

/// The newest version of each rendition's playlist.
pub(super) type Versions = BTreeMap<String, watch::Sender<Arc<Version>>>;

/// How long the multivariant playlist is waited for: a GOP, and what it takes to encode its first pictures.
const BEGIN_WAIT: Duration = Duration::from_secs(4);

/// The multivariant playlist, plain and compressed.
#[derive(Debug, Clone)]
struct Multivariant {
    plain: Bytes,
    packed: Bytes,
}

/// Where a keyframe is that decodes alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The init segment it is read with.
    pub init: Key,
    /// The segment it is in.
    pub segment: Key,
    /// Its bytes there: a whole fragment.
    pub range: ByteRange,
    /// When it is shown, in microseconds since the Unix epoch.
    pub utc_us: i64,
}

/// How far a show has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The multivariant playlist is there: a player can start.
    pub started: bool,
    /// Every rendition has its `EXT-X-ENDLIST`.
    pub ended: bool,
    /// Every rendition that has anything.
    pub renditions: Vec<RenditionStatus>,
}

/// How far a rendition has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionStatus {
    /// Its name.
    pub rendition: String,
    /// The Media Sequence Number of the segment that is being filled.
    pub next_msn: u64,
    /// How many parts of that segment are listed.
    pub open_parts: u64,
}

impl Handle {
    pub(super) fn new(config: &Config, show: ShowId, epoch: &str) -> (Self, mpsc::Receiver<Ask>) {
        let shared = Shared {
            show,
            epoch: epoch.to_owned(),
            window_s: config.window_ms / 1000,
            waiting_max: config.waiting_requests_max,
            waiting: AtomicUsize::new(0),
            playlists: RwLock::default(),
            i_frames: RwLock::default(),
            pictured: watch::Sender::default(),
            multivariant: watch::Sender::default(),
            manifests: Mutex::default(),
        };
        let (asks, asked) = mpsc::channel(ASKED_MAX);
        (Self { shared: Arc::new(shared), asks }, asked)
    }

    /// Where questions to the machine go.
    pub(super) const fn asks(&self) -> &mpsc::Sender<Ask> {
        &self.asks
    }

    pub(super) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// A rendition's media playlist, as soon as it has what the directives ask for.
    ///
    /// # Errors
    ///
    /// [`Refusal`] says why there is none, and as which status.
    pub async fn playlist(
        &self,
        rendition: &str,
        directives: &Directives,
        gzip: bool,
    ) -> Result<Answer, Refusal> {
        self.answer(&self.shared.playlists, rendition, directives, gzip).await
    }

    /// A rendition's I-frame playlist, as soon as it has what the directives ask for; of one that has no whole segment
    /// yet, as soon as it has one.
    ///
    /// # Errors
    ///
    /// [`Refusal`] says why there is none, and as which status.
    pub async fn i_frames(
        &self,
        rendition: &str,
        directives: &Directives,
        gzip: bool,
    ) -> Result<Answer, Refusal> {
        self.first_pictures(rendition).await?;
        self.answer(&self.shared.i_frames, rendition, directives, gzip).await
    }

    /// Waits for a rendition's first segment, with which its I-frame playlist begins, if one is offered.
    async fn first_pictures(&self, rendition: &str) -> Result<(), Refusal> {
        let mut pictured = self.shared.pictured.subscribe();
        let is_there = || versions(&self.shared.i_frames, rendition).is_some();
        if is_there() || !self.offers_pictures(rendition) {
            return Ok(());
        }
        let Some(segments) = versions(&self.shared.playlists, rendition) else { return Ok(()) };
        let wait = Duration::from_millis(limits(&segments.borrow().playlist).wait_ms_max());
        let _place = Place::take(&self.shared).ok_or(Refusal::Busy)?;
        match timeout(wait, pictured.wait_for(|()| is_there())).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Refusal::Late),
        }
    }

    /// Whether the multivariant playlist offers an I-frame playlist of a rendition.
    fn offers_pictures(&self, rendition: &str) -> bool {
        let uri = format!("URI=\"{rendition}/iframes.m3u8\"");
        let told = self.shared.multivariant.borrow();
        let text = told.as_ref().map(|told| &told.plain[..]).unwrap_or_default();
        text.windows(uri.len()).any(|window| window == uri.as_bytes())
    }

    async fn answer(
        &self,
        playlists: &RwLock<Versions>,
        rendition: &str,
        directives: &Directives,
        gzip: bool,
    ) -> Result<Answer, Refusal> {
        let mut versions = versions(playlists, rendition).ok_or(Refusal::NotFound)?;
        let asked = Instant::now();
        let mut place = None;
        loop {
            let version = Arc::clone(&versions.borrow_and_update());
            let playlist = &version.playlist;
            let limits = limits(playlist);
            match blocking::decide(&version.edge, &limits, directives) {
                Verdict::Ready => {
                    let waited = directives.msn.is_some();
                    let cache = CachePolicy::playlist(playlist.target_duration_s, waited);
                    let body = version.body(directives.skip, gzip);
                    return Ok(Answer { body, gzip, cache });
                }
                Verdict::BadRequest(why) => return Err(Refusal::TooFar(why)),
                Verdict::Wait => {}
            }
            if place.is_none() {
                place = Some(Place::take(&self.shared).ok_or(Refusal::Busy)?);
            }
            let deadline = asked + Duration::from_millis(limits.wait_ms_max());
            match timeout_at(deadline, versions.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(Refusal::Late),
            }
        }
    }

    /// The multivariant playlist; `None` until the show can be played.
    #[must_use]
    pub fn multivariant(&self, gzip: bool) -> Option<Answer> {
        let Multivariant { plain, packed } = self.shared.multivariant.borrow().clone()?;
        let target_duration_s = self.any_version().map_or(1, |any| any.playlist.target_duration_s);
        let cache = CachePolicy::playlist(target_duration_s, false);
        Some(Answer { body: if gzip { packed } else { plain }, gzip, cache })
    }

    /// Waits for the multivariant playlist of a show that has begun, which comes as soon as it is known what the show
    /// is; not for long, and not where too many wait. Who asks in that second need not ask again.
    pub async fn begins(&self) {
        let mut multivariant = self.shared.multivariant.subscribe();
        if multivariant.borrow().is_some() {
            return;
        }
        let Some(_place) = Place::take(&self.shared) else { return };
        // In vain or not, what is there then is the answer.
        let until = Instant::now() + BEGIN_WAIT;
        let _ = timeout_at(until, multivariant.wait_for(Option::is_some)).await;
    }

    /// Waits for a part that is not in the store yet, if it is the one its rendition's playlist
    /// hints at. `key` is the part's key of `shared/wire`'s scheme.
    pub async fn hinted(&self, key: &str) -> Hint {
        let Some((rendition, uri)) = self.part(key) else {
            return Hint::Absent;
        };
        let Some(mut versions) = versions(&self.shared.playlists, &rendition) else {
            return Hint::Absent;
        };
        let asked = Instant::now();
        let mut place = None;
        loop {
            let version = Arc::clone(&versions.borrow_and_update());
            if lists(&version.playlist, &uri) {
                return Hint::Ready;
            }
            if version.playlist.hint.as_ref() != Some(&uri) {
                return Hint::Absent;
            }
            if place.is_none() {
                place = Place::take(&self.shared);
                if place.is_none() {
                    return Hint::Busy;
                }
            }
            let wait = Duration::from_millis(limits(&version.playlist).wait_ms_max());
            if !matches!(timeout_at(asked + wait, versions.changed()).await, Ok(Ok(()))) {
                return Hint::Late;
            }
        }
    }

    /// The newest picture of a rendition's I-frame playlist.
    #[must_use]
    pub fn newest_picture(&self, rendition: &str) -> Option<Picture> {
        let versions = versions(&self.shared.i_frames, rendition)?;
        let version = Arc::clone(&versions.borrow());
        let mut newest = version.playlist.segments.iter().rev().filter(|listed| !listed.gap);
        let (listed, show) = (newest.next()?, self.shared.show);
        let key = |uri: &str| Key::parse(&format!("{show}/{rendition}/{uri}"));
        Some(Picture {
            init: key(listed.head.map.as_ref()?)?,
            segment: key(&listed.uri)?,
            range: listed.range?,
            utc_us: listed.head.utc_us,
        })
    }

    /// The publication's epoch.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.shared.epoch
    }

    /// How far the show has come.
    #[must_use]
    pub fn status(&self) -> Status {
        let renditions = self.shared.playlists.read().unwrap_or_else(PoisonError::into_inner);
        let edges = renditions.iter().map(|(name, versions)| (name, versions.borrow().edge));
        let edges: Vec<_> = edges.collect();
        Status {
            started: self.shared.multivariant.borrow().is_some(),
            ended: !edges.is_empty() && edges.iter().all(|(_, edge)| edge.ended),
            renditions: edges
                .into_iter()
                .map(|(rendition, edge)| RenditionStatus {
                    rendition: rendition.clone(),
                    next_msn: edge.next_msn,
                    open_parts: edge.open_parts,
                })
                .collect(),
        }
    }

    /// Puts a rendition's playlist, or its I-frame playlist, in place of the last one and wakes whoever
    /// waits for it.
    pub(super) fn publish(&self, rendition: &str, playlist: MediaPlaylist) {
        let shared = &self.shared;
        let i_frames_only = playlist.i_frames_only;
        let slot = if i_frames_only { &shared.i_frames } else { &shared.playlists };
        let version = Arc::new(Version::new(playlist));
        let mut renditions = slot.write().unwrap_or_else(PoisonError::into_inner);
        match renditions.get(rendition) {
            Some(versions) => {
                versions.send_replace(version);
            }
            None => {
                renditions.insert(rendition.to_owned(), watch::Sender::new(version));
                drop(renditions);
                if i_frames_only {
                    shared.pictured.send_replace(());
                }
            }
        }
    }

    pub(super) fn publish_multivariant(&self, plain: Bytes) {
        let packed = gzip(&plain);
        self.renew_catalogue(&plain);
        self.shared.multivariant.send_replace(Some(Multivariant { plain, packed }));
    }

    fn any_version(&self) -> Option<Arc<Version>> {
        let renditions = self.shared.playlists.read().unwrap_or_else(PoisonError::into_inner);
        renditions.values().next().map(|versions| Arc::clone(&versions.borrow()))
    }

    /// The rendition and the URI of a part of this publication.
    fn part(&self, key: &str) -> Option<(String, String)> {
        let key = Key::parse(key).filter(|key| key.show == self.shared.show)?;
        match key.object {
            KeyObject::Media {
                rendition,
                epoch,
                file: file @ (MediaFile::Part(..) | MediaFile::TextPart(..)),
            } if epoch == self.shared.epoch => Some((rendition, format!("{epoch}/{file}"))),
            _ => None,
        }
    }
}

pub(super) fn versions(
    playlists: &RwLock<Versions>,
    rendition: &str,
) -> Option<watch::Receiver<Arc<Version>>> {
    let renditions = playlists.read().unwrap_or_else(PoisonError::into_inner);
    renditions.get(rendition).map(watch::Sender::subscribe)
}

pub(super) fn limits(playlist: &MediaPlaylist) -> Limits {
    let MediaPlaylist { target_duration_s, part_target_us, .. } = *playlist;
    Limits { target_duration_s, part_target_us }
}

/// Whether a part with bytes is listed, near the live edge or in a segment that had it.
fn lists(playlist: &MediaPlaylist, uri: &str) -> bool {
    let open = playlist.open.iter().map(|open| &open.parts);
    let closed = playlist.segments.iter().rev().map(|segment| &segment.parts);
    let mut parts = open.chain(closed).flatten();
    parts.any(|part| part.uri == uri && !part.gap)
}

/// A place among the requests that wait; given back when dropped.
pub(super) struct Place(Arc<Shared>);

impl Place {
    pub(super) fn take(shared: &Arc<Shared>) -> Option<Self> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        gauge!("matinee_playlist_blocked").increment(1);
        // Dropping it at once, where there are too many, gives the place back.
        Some(Self(Arc::clone(shared))).filter(|_| before < shared.waiting_max)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        gauge!("matinee_playlist_blocked").decrement(1);
    }
}
