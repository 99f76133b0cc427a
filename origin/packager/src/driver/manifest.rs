//! The MPD of a running show, and segments that are fetched while they are made.
//!
//! In: the playlists as they were published last. Out: the MPD, after a wait where a segment was named that it must
//! list; word of how far an open segment has come. Each MPD is rendered and compressed once, however many wait for it.
//! Does not know bytes of media.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use shared_playlist::MediaPlaylist;
use shared_playlist::blocking::TooFar;
use shared_playlist::mpd::{Catalogue, Live, Presentation, Starts, Timeline};
use shared_wire::key::{Key, KeyObject, MediaFile};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, CachePolicy, Refusal};
use super::handle::{Handle, Place, limits, versions};
use super::version::{Version, gzip};

/// What MPDs are made of, and the newest.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    catalogue: Option<Catalogue>,
    starts: Starts,
    made: Option<Made>,
}

/// An MPD, and of what it was made.
#[derive(Debug, Clone)]
struct Made {
    of: State,
    plain: Bytes,
    packed: Bytes,
}

/// What of the playlists stands in an MPD.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    /// Of each rendition the next Media Sequence Number, and whether its segment has begun.
    edges: Vec<(String, u64, bool)>,
    ended: bool,
    catalogue: Catalogue,
}

/// How far a segment has come that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Growth {
    /// This part is there, the next of the segment.
    Part(String),
    /// The segment is whole.
    Whole,
    /// It does not come, or no more of it.
    Lost,
}

/// A segment while it is being made.
pub struct Growing {
    versions: watch::Receiver<Arc<Version>>,
    folder: String,
    msn: u64,
    given: usize,
    /// It counts as waiting as long as it lives.
    _place: Place,
}

impl Handle {
    /// The MPD, as soon as it lists segment `msn` if one is named.
    ///
    /// # Errors
    ///
    /// [`Refusal`] says why there is none, and as which status.
    pub async fn manifest(&self, msn: Option<u64>, gzip: bool) -> Result<Answer, Refusal> {
        let asked = Instant::now();
        let mut leader = self.leader().ok_or(Refusal::NotFound)?;
        let mut place = None;
        loop {
            let version = Arc::clone(&leader.borrow_and_update());
            let edge = version.edge;
            let begun = edge.next_msn + u64::from(edge.open_parts > 0);
            let Some(wanted) = msn.filter(|msn| *msn >= begun && !edge.ended) else { break };
            let msn_max = edge.next_msn.saturating_add(1);
            if wanted > msn_max {
                return Err(Refusal::TooFar(TooFar::Segment { msn_max }));
            }
            if place.is_none() {
                place = Some(Place::take(self.shared()).ok_or(Refusal::Busy)?);
            }
            let deadline = asked + Duration::from_millis(limits(&version.playlist).wait_ms_max());
            if !matches!(timeout_at(deadline, leader.changed()).await, Ok(Ok(()))) {
                return Err(Refusal::Late);
            }
        }
        let target_duration_s = leader.borrow().playlist.target_duration_s;
        let made = self.made().ok_or(Refusal::NotFound)?;
        let cache = CachePolicy::playlist(target_duration_s, msn.is_some());
        Ok(Answer { body: if gzip { made.packed } else { made.plain }, gzip, cache })
    }

    /// A segment that is being made or comes next, by its key; `None` if this is no such segment, or too many wait.
    #[must_use]
    pub fn growing(&self, key: &Key) -> Option<Growing> {
        let KeyObject::Media { rendition, epoch, file: MediaFile::Segment(msn) } = &key.object
        else {
            return None;
        };
        let is_ours = key.show == self.shared().show && epoch == self.epoch();
        let versions = versions(&self.shared().playlists, rendition).filter(|_| is_ours)?;
        let edge = versions.borrow().edge;
        // One that lags may be a segment behind the one that was listed first.
        let is_next = (edge.next_msn..=edge.next_msn.saturating_add(1)).contains(msn);
        let place = Place::take(self.shared()).filter(|_| is_next && !edge.ended)?;
        Some(Growing {
            versions,
            folder: format!("{}/{rendition}/", key.show),
            msn: *msn,
            given: 0,
            _place: place,
        })
    }

    /// The playlists of the first rendition of the catalogue that has any.
    fn leader(&self) -> Option<watch::Receiver<Arc<Version>>> {
        let manifests = self.manifests();
        let mut names = manifests.catalogue.as_ref()?.names();
        names.find_map(|name| versions(&self.shared().playlists, name))
    }

    /// Takes over what a new multivariant playlist offers.
    pub(super) fn renew_catalogue(&self, multivariant: &[u8]) {
        let Some(newer) = Catalogue::read(multivariant) else { return };
        let mut manifests = self.manifests();
        match &mut manifests.catalogue {
            Some(known) => known.renew(newer),
            None => manifests.catalogue = Some(newer),
        }
    }

    /// The newest MPD.
    fn made(&self) -> Option<Made> {
        let mut manifests = self.manifests();
        let catalogue = manifests.catalogue.clone()?;
        let found: BTreeMap<&str, Arc<Version>> = catalogue
            .names()
            .filter_map(|name| {
                let versions = versions(&self.shared().playlists, name)?;
                let version = Arc::clone(&versions.borrow());
                Some((name, version))
            })
            .collect();
        let edge = |(name, version): (&&str, &Arc<Version>)| {
            let edge = version.edge;
            ((*name).to_owned(), edge.next_msn, edge.open_parts > 0)
        };
        let edges = found.iter().map(edge).collect();
        let ended = !found.is_empty() && found.values().all(|version| version.edge.ended);
        let of = State { edges, ended, catalogue: catalogue.clone() };
        if let Some(made) = manifests.made.as_ref().filter(|made| made.of == of) {
            return Some(made.clone());
        }
        let timeline = |name: &str| {
            let of = |version: &Arc<Version>| {
                Timeline::of_playlist(&version.playlist, catalogue.anchor_us)
            };
            found.get(name).map(of).unwrap_or_default()
        };
        let timelines: Vec<Timeline> = catalogue.names().map(timeline).collect();
        let any = &found.values().next()?.playlist;
        let live = (!ended).then(|| self.live(any));
        let presentation = Presentation { catalogue: &catalogue, timelines: &timelines, live };
        let plain: Bytes = presentation.render(&mut manifests.starts)?.into();
        let packed = gzip(&plain);
        let made = Made { of, plain, packed };
        manifests.made = Some(made.clone());
        Some(made)
    }

    fn live(&self, playlist: &MediaPlaylist) -> Live {
        let MediaPlaylist { target_duration_s, part_target_us, .. } = *playlist;
        Live { target_duration_s, window_s: self.shared().window_s, part_target_us }
    }

    /// Nothing that holds it can panic, so a poisoned one is whole.
    fn manifests(&self) -> std::sync::MutexGuard<'_, Manifests> {
        let manifests: &Mutex<Manifests> = &self.shared().manifests;
        manifests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Growing {
    /// What comes next of it, after a wait; nothing comes after [`Growth::Whole`] or [`Growth::Lost`].
    pub async fn next(&mut self) -> Growth {
        let asked = Instant::now();
        loop {
            let version = Arc::clone(&self.versions.borrow_and_update());
            let playlist = &version.playlist;
            if version.edge.next_msn > self.msn {
                return Growth::Whole;
            }
            let open = playlist.open.as_ref().filter(|_| version.edge.next_msn == self.msn);
            match open.and_then(|open| open.parts.get(self.given)) {
                Some(part) if part.gap => return Growth::Lost,
                Some(part) => {
                    self.given += 1;
                    return Growth::Part(format!("{}{}", self.folder, part.uri));
                }
                None if version.edge.ended => return Growth::Lost,
                None => {}
            }
            let deadline = asked + Duration::from_millis(limits(playlist).wait_ms_max());
            if !matches!(timeout_at(deadline, self.versions.changed()).await, Ok(Ok(()))) {
                return Growth::Lost;
            }
        }
    }
}

impl std::fmt::Debug for Growing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Growing").field("msn", &self.msn).finish_non_exhaustive()
    }
}
