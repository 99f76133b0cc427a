//! What a media playlist lists, on the show's timeline.
//!
//! In: a live playlist's snapshot, or a recording's text, and the anchor. Out: [`Timeline`]. Does not know the other
//! renditions.

use std::sync::Arc;

use shared_media::{TICKS_PER_SECOND, Ticks};

use crate::media::MediaPlaylist;
use crate::read;

/// Dates are written in milliseconds: a segment that begins so close to the end of the one before goes on with it.
const ROUNDING_US: i64 = 2_000;

/// A listed segment, before the anchor is known.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    utc_us: i64,
    duration: i64,
    gap: bool,
    discontinuity: bool,
    map: Option<Arc<str>>,
}

/// A listed segment; times are in ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) gap: bool,
    pub(crate) discontinuity: bool,
    pub(crate) map: Option<Arc<str>>,
}

/// What one rendition lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The Media Sequence Number of the first.
    pub(crate) first_msn: u64,
    /// The whole segments.
    pub(crate) listed: Vec<Listed>,
    /// The one that is being made; it lasts as long as its parts so far.
    pub(crate) open: Option<Listed>,
    /// The target duration.
    pub(crate) target: i64,
}

impl Timeline {
    /// Of a live playlist.
    #[must_use]
    pub fn of_playlist(playlist: &MediaPlaylist, anchor_us: i64) -> Self {
        let mut chain = Chain { anchor_us, end: None };
        let past = playlist.past.iter().flat_map(|past| past.listed()).cloned();
        let recent = playlist.segments.iter().map(|segment| Entry {
            utc_us: segment.head.utc_us,
            duration: segment.duration.0,
            gap: segment.gap,
            discontinuity: segment.head.discontinuity,
            map: segment.head.map.clone(),
        });
        let listed = past.chain(recent).map(|entry| chain.next(entry)).collect();
        let open = playlist.open.as_ref().filter(|_| !playlist.ended).map(|open| Entry {
            utc_us: open.head.utc_us,
            duration: open.parts.iter().map(|part| part.duration.0).sum(),
            gap: false,
            discontinuity: open.head.discontinuity,
            map: open.head.map.clone(),
        });
        let open = open.map(|entry| chain.next(entry));
        let target = i64::from(playlist.target_duration_s) * TICKS_PER_SECOND;
        Self { first_msn: playlist.media_sequence, listed, open, target }
    }

    /// Of a playlist's text.
    #[must_use]
    pub fn of_text(text: &str, anchor_us: i64) -> Self {
        let first_msn = read::media(text.as_bytes()).map_or(0, |list| list.media_sequence);
        let target = 0; // nothing is being made
        let mut chain = Chain { anchor_us, end: None };
        let listed = entries(text, None, &[]).into_iter().map(|entry| chain.next(entry)).collect();
        Self { first_msn, listed, open: None, target }
    }

    /// The Media Sequence Number of the newest listed segment, whole or not.
    pub(crate) fn newest(&self) -> Option<u64> {
        let count = self.listed.len() as u64 + u64::from(self.open.is_some());
        self.first_msn.checked_add(count)?.checked_sub(1).filter(|_| count > 0)
    }

    /// A whole segment.
    pub(crate) fn get(&self, msn: u64) -> Option<&Listed> {
        self.listed.get(usize::try_from(msn.checked_sub(self.first_msn)?).ok()?)
    }

    /// The Media Sequence Number after the last whole segment.
    pub(crate) fn next_msn(&self) -> u64 {
        self.first_msn.saturating_add(self.listed.len() as u64)
    }
}

/// Whether what begins then goes on where the other ended.
pub(crate) const fn goes_on(end_us: i64, utc_us: i64) -> bool {
    end_us.abs_diff(utc_us) <= ROUNDING_US.unsigned_abs()
}

/// The segments of a playlist's text. `map` is the init segment in force before them; `starts` says of some exactly
/// where they begin.
pub(crate) fn entries(text: &str, map: Option<Arc<str>>, starts: &[(usize, i64)]) -> Vec<Entry> {
    let (mut map, mut end_us) = (map, 0_i64);
    let segments = read::media(text.as_bytes()).unwrap_or_default().segments;
    let mut entries = Vec::with_capacity(segments.len());
    for (index, segment) in segments.into_iter().enumerate() {
        if let Some(uri) = segment.map.as_deref().filter(|uri| map.as_deref() != Some(uri)) {
            map = Some(uri.into());
        }
        let exact = starts.iter().find(|(at, _)| *at == index).map(|(_, utc_us)| *utc_us);
        let utc_us = exact.or(segment.date_us).unwrap_or(end_us);
        let micros = i64::try_from(segment.duration_us).unwrap_or_default();
        end_us = utc_us.saturating_add(micros);
        let (duration, gap) = (ticks(micros), segment.gap);
        let (discontinuity, map) = (segment.discontinuity, map.clone());
        entries.push(Entry { utc_us, duration, gap, discontinuity, map });
    }
    entries
}

/// Puts one segment after the other.
struct Chain {
    anchor_us: i64,
    end: Option<i64>,
}

impl Chain {
    fn next(&mut self, entry: Entry) -> Listed {
        let Entry { utc_us, duration, gap, discontinuity, map } = entry;
        let start = ticks(utc_us.saturating_sub(self.anchor_us));
        let rounding = Ticks::from_micros(ROUNDING_US).0.unsigned_abs();
        let start = self.end.filter(|end| end.abs_diff(start) <= rounding).unwrap_or(start);
        self.end = Some(start.saturating_add(duration));
        Listed { start, duration, gap, discontinuity, map }
    }
}

/// Microseconds as ticks, to the nearest: of what was ticks before, exactly.
fn ticks(micros: i64) -> i64 {
    let scaled = i128::from(micros) * i128::from(TICKS_PER_SECOND);
    i64::try_from((scaled + 500_000).div_euclid(1_000_000)).unwrap_or(i64::MAX)
}
