//! What is done to a playlist on its way to one viewer: always after the cache, never before it.
//!
//! In: the origin's playlist, whole. Out: the viewer's own, or why there is none. Does not know how either is sent.

use core::net::IpAddr;

use shared_playlist::Directives;
use shared_playlist::filter::{self, FilterError};
use shared_playlist::mpd;
use shared_playlist::rewrite::{Mapping, Place, Rewriter};
use shared_ticket::{Marker, SealedSession};
use shared_wire::header::{TYPE_MPD, TYPE_PLAYLIST};
use shared_wire::key::KeyObject;

use crate::policy::SOURCE;
use crate::route::Door;
use crate::{Config, Refusal};

mod media;

pub(crate) use media::{MARK, Media};

/// What is done to a playlist.
#[derive(Clone)]
pub(crate) enum Edit {
    /// The multivariant playlist or the MPD of somebody who enters: what the tier may not see goes, the rest moves
    /// below a session.
    Enter {
        session: SealedSession,
        ip: Option<IpAddr>,
        /// The playlist's directory at the origin.
        root: String,
        door: Door,
    },
    /// The multivariant playlist of somebody who is in: what the tier may not see goes.
    Filter { height_max: u16 },
    /// The MPD of somebody who is in: the same, and what lies too far back goes.
    Manifest { height_max: Option<u16>, depth: Option<(u32, Marker)> },
    /// A media playlist.
    Media(Media),
}

/// What it became.
pub(crate) type Edited = Result<Vec<u8>, Refusal>;

impl Edit {
    /// What is done to an object for a session; `None` if it passes as it is, as it does for most.
    pub(crate) fn of(
        config: &Config,
        sealed: &str,
        session: &SealedSession,
        object: &KeyObject,
        asked: Directives,
    ) -> Option<Self> {
        match object {
            KeyObject::Multivariant => {
                session.admitted.height_max.map(|height_max| Self::Filter { height_max })
            }
            KeyObject::Manifest { .. } => {
                let height_max = session.admitted.height_max;
                let depth = manifest_depth(config, sealed, session);
                let is_edited = height_max.is_some() || depth.is_some();
                is_edited.then_some(Self::Manifest { height_max, depth })
            }
            KeyObject::Playlist { rendition } | KeyObject::IFrames { rendition } => {
                Media::of(config, sealed, session, rendition, asked).map(Self::Media)
            }
            KeyObject::Media { .. }
            | KeyObject::Cover
            | KeyObject::Storyboard
            | KeyObject::ChapterList
            | KeyObject::ChapterCues => None,
        }
    }

    /// Whether it needs the whole of a playlist, and no delta update.
    pub(crate) const fn needs_whole(&self) -> bool {
        matches!(self, Self::Media(media) if media.is_cut())
    }

    pub(crate) fn apply(&self, config: &Config, now_ms: i64, playlist: &[u8]) -> Edited {
        match self {
            Self::Enter { session, ip, root, door: Door::Multivariant } => {
                enter(config, session, *ip, root, playlist)
            }
            Self::Enter { session, ip, door: Door::Manifest, .. } => {
                enter_by_manifest(config, session, *ip, playlist)
            }
            Self::Filter { height_max } => Ok(runs(playlist, Some(*height_max))?.concat()),
            Self::Manifest { height_max, depth } => {
                let filtered = height_max.map(|height_max| mpd::filter(playlist, height_max));
                let filtered = filtered.transpose()?;
                manifest(filtered.as_deref().unwrap_or(playlist), depth.as_ref())
            }
            Self::Media(media) => media.apply(config, now_ms, playlist),
        }
    }

    /// What the origin is to send.
    pub(crate) const fn content_type(&self) -> &'static str {
        match self {
            Self::Enter { door: Door::Manifest, .. } | Self::Manifest { .. } => TYPE_MPD,
            Self::Enter { .. } | Self::Filter { .. } | Self::Media(_) => TYPE_PLAYLIST,
        }
    }
}

fn enter(
    config: &Config,
    session: &SealedSession,
    ip: Option<IpAddr>,
    root: &str,
    playlist: &[u8],
) -> Edited {
    let runs = runs(playlist, session.admitted.height_max)?;
    let mut session = *session;
    session.admitted.has_source = session.admitted.height_max.is_some() && has_source(&runs);
    let sealed = config.session_keys.seal(&session, ip)?;
    let mapping = Mapping { prefix: format!("/p/{sealed}/"), root: root.to_owned() };
    rewritten(mapping, &runs, playlist.len().saturating_mul(2))
}

/// How far back a session's MPDs reach.
fn manifest_depth(config: &Config, sealed: &str, session: &SealedSession) -> Option<(u32, Marker)> {
    Some((session.admitted.dvr_s_max?, config.session_keys.marker(sealed)?))
}

/// An MPD that reaches back so far, with a mark on each pattern.
fn manifest(manifest: &[u8], depth: Option<&(u32, Marker)>) -> Edited {
    let Some((seconds, marker)) = depth else { return Ok(manifest.to_vec()) };
    let mark = |folder: &str, first| {
        let mut mark = Vec::new();
        marker.put(since(folder, first).as_bytes(), &mut mark);
        String::from_utf8_lossy(&mark).into_owned()
    };
    Ok(mpd::cut(manifest, *seconds, mark)?)
}

/// What a mark is of that opens the segments of a folder, such as `720p/e1/`, from a number on: no object's name.
pub(crate) fn since(folder: &str, first: u64) -> String {
    format!("{folder}{first}-")
}

/// What of an MPD a tier may see, below a session. What it names to go on with is everybody's.
fn enter_by_manifest(
    config: &Config,
    session: &SealedSession,
    ip: Option<IpAddr>,
    manifest: &[u8],
) -> Edited {
    let height_max = session.admitted.height_max;
    let filtered = height_max.map(|height_max| mpd::filter(manifest, height_max)).transpose()?;
    let whole = filtered.as_deref().unwrap_or(manifest);
    let mut session = *session;
    session.admitted.has_source = height_max.is_some() && mpd::offers(whole, SOURCE);
    let sealed = config.session_keys.seal(&session, ip)?;
    let cut = self::manifest(whole, manifest_depth(config, &sealed, &session).as_ref())?;
    Ok(mpd::enter(&cut, &format!("/p/{sealed}/"))?)
}

/// The runs with their URIs moved.
fn rewritten(place: impl Place, runs: &[&[u8]], capacity: usize) -> Edited {
    let mut rewriter = Rewriter::new(place);
    let mut out = Vec::with_capacity(capacity);
    for run in runs {
        let pushed = rewriter.push(run, &mut out);
        pushed.map_err(|_| Refusal::OriginFailed("a line of the playlist is too long"))?;
    }
    rewriter.finish(&mut out);
    Ok(out)
}

/// What of a multivariant playlist a tier may see.
fn runs(playlist: &[u8], height_max: Option<u16>) -> Result<Vec<&[u8]>, Refusal> {
    let Some(height_max) = height_max else { return Ok(vec![playlist]) };
    filter::by_height(playlist, height_max).map_err(|error| match error {
        FilterError::TierTooLow { .. } => Refusal::TierTooLow,
        FilterError::NotMultivariant => Refusal::OriginFailed("it sent no multivariant playlist"),
    })
}

/// Whether the publisher's own picture is among what the tier may see: only here is it said how high it is.
fn has_source(runs: &[&[u8]]) -> bool {
    let uri = [SOURCE, "/index.m3u8"].concat();
    let mut lines = runs.iter().flat_map(|run| run.split(|byte| *byte == b'\n'));
    lines.any(|line| line.trim_ascii() == uri.as_bytes())
}

#[cfg(test)]
mod tests;
