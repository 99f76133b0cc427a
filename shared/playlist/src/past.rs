//! The older part of a live media playlist, as text that is made once.
//!
//! In: segments too old to be skipped by nobody and to have parts listed. Out: [`Past`], their lines. Does not know the
//! playlist they stand in.
//!
//! A window of two hours has 3,600 segments, and a playlist has three versions a second. What is older than
//! `CAN-SKIP-UNTIL` never changes any more but for being dropped, so it is rendered once, a piece at a time, and each
//! version is put together of pieces. It also takes less room as text than as segments with their parts.

use std::sync::{Arc, OnceLock};

use shared_media::Ticks;

use crate::media::Segment;
use crate::mpd::timeline::{self, Entry};
use crate::write;

/// How many segments a piece has: about a minute.
pub const SEGMENTS: usize = 32;

const DISCONTINUITY: &str = "#EXT-X-DISCONTINUITY\n";
const GAP: &str = "#EXT-X-GAP\n";
const MAP: &str = "#EXT-X-MAP:URI=\"";

/// Consecutive segments of a playlist, as text.
#[derive(Debug, Clone)]
pub struct Past {
    text: String,
    duration: Ticks,
    segments: usize,
    discontinuities: u64,
    before: Option<Arc<str>>,
    map: Option<Arc<str>>,
    packed: OnceLock<Vec<u8>>,
    /// Where segments begin that do not go on where the one before ended, in microseconds since the Unix epoch: the
    /// text says it in milliseconds.
    starts: Vec<(usize, i64)>,
    listed: OnceLock<Vec<Entry>>,
}

impl PartialEq for Past {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.duration, &self.before) == (&other.text, other.duration, &other.before)
    }
}

impl Eq for Past {}

impl Past {
    /// The lines of these segments. `map` is the init segment in force before them, and becomes that after them.
    pub fn new<'a>(
        segments: impl IntoIterator<Item = &'a Arc<Segment>>,
        map: &mut Option<Arc<str>>,
    ) -> Self {
        let before = map.clone();
        let (mut text, mut duration) = (String::new(), Ticks::ZERO);
        let (mut starts, mut end_us) = (Vec::new(), None);
        for (index, segment) in segments.into_iter().enumerate() {
            write::head(&mut text, &segment.head, map);
            write::segment(&mut text, segment);
            duration = duration + segment.duration;
            let utc_us = segment.head.utc_us;
            if !end_us.is_some_and(|end_us| timeline::goes_on(end_us, utc_us)) {
                starts.push((index, utc_us));
            }
            end_us = Some(utc_us.saturating_add(segment.duration.as_micros()));
        }
        Self { starts, ..Self::of_text(text, duration, before) }
    }

    /// The piece with these lines, which last so long. `before` is the init segment in force before them.
    #[must_use]
    pub fn of_text(mut text: String, duration: Ticks, before: Option<Arc<str>>) -> Self {
        text.shrink_to_fit();
        let discontinuities = text.matches(DISCONTINUITY).count() as u64;
        let stated = text.rfind(MAP).and_then(|at| text.get(at + MAP.len()..)?.split('"').next());
        let map = stated.map(Arc::from).or_else(|| before.clone());
        let segments = uris(&text).count();
        // Where the first segment names its own, what was in force before does not matter.
        let names_own = text.split("#EXTINF").next().is_some_and(|head| head.contains(MAP));
        let before = before.filter(|_| !names_own);
        let packed = OnceLock::new();
        let (starts, listed) = (Vec::new(), OnceLock::new());
        Self { text, duration, segments, discontinuities, before, map, packed, starts, listed }
    }

    /// Its lines.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How long its segments last together.
    #[must_use]
    pub const fn duration(&self) -> Ticks {
        self.duration
    }

    /// How many segments it has.
    #[must_use]
    pub const fn segments(&self) -> usize {
        self.segments
    }

    /// How many of them do not continue what came before.
    #[must_use]
    pub const fn discontinuities(&self) -> u64 {
        self.discontinuities
    }

    /// The init segment in force before its lines, if its first segment is read with it.
    #[must_use]
    pub const fn before(&self) -> Option<&Arc<str>> {
        self.before.as_ref()
    }

    /// The init segment in force after its lines.
    #[must_use]
    pub const fn map(&self) -> Option<&Arc<str>> {
        self.map.as_ref()
    }

    /// Its segments, as an MPD lists them.
    pub(crate) fn listed(&self) -> &[Entry] {
        self.listed.get_or_init(|| {
            timeline::entries(&format!("#EXTM3U\n{}", self.text), self.before.clone(), &self.starts)
        })
    }

    /// The URIs of its segments, in order. Pictures of one segment have the same.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        uris(&self.text)
    }

    /// The same with segments marked as gaps whose bytes are gone; `None` if nothing changes.
    #[must_use]
    pub fn with_gaps(&self, is_there: impl Fn(&str) -> bool) -> Option<Self> {
        if self.uris().all(&is_there) {
            return None;
        }
        let (mut text, mut marked) = (String::with_capacity(self.text.len() + 256), false);
        for line in self.text.split_inclusive('\n') {
            if !line.starts_with('#') {
                if !marked && !is_there(line.trim_end()) {
                    text.push_str(GAP);
                }
                marked = false;
            }
            marked |= line == GAP;
            text.push_str(line);
        }
        let new = Self::of_text(text, self.duration, self.before.clone());
        let new = Self { starts: self.starts.clone(), ..new };
        Some(new).filter(|new| new.text != self.text)
    }

    /// The lines after the first `skipped` segments, for a text in which `map` is in force; it becomes what is in force
    /// after them.
    #[must_use]
    pub fn rest(&self, skipped: usize, map: &mut Option<Arc<str>>) -> String {
        let (mut text, mut seen, mut own) = (String::new(), 0, self.before.clone());
        let mut lines = self.text.split_inclusive('\n');
        while seen < skipped.min(self.segments)
            && let Some(line) = lines.next()
        {
            if let Some(uri) = line.strip_prefix(MAP).and_then(|rest| rest.split('"').next()) {
                own = Some(uri.into());
            }
            seen += usize::from(!line.starts_with('#'));
        }
        if let Some(own) = own.filter(|own| map.as_ref() != Some(own)) {
            text.push_str(&format!("{MAP}{own}\"\n"));
        }
        text.extend(lines);
        *map = self.map.clone();
        text
    }

    /// Its compressed form, which `pack` makes of its lines, once.
    pub fn packed(&self, pack: impl FnOnce(&str) -> Vec<u8>) -> &[u8] {
        self.packed.get_or_init(|| pack(&self.text))
    }
}

fn uris(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Head;

    fn segment(msn: u64) -> Arc<Segment> {
        let map = if msn < 3 { "e/i0.mp4" } else { "e/i1.mp4" };
        let head = Head { discontinuity: msn == 3, map: Some(map.into()), utc_us: 0 };
        let (uri, duration) = (format!("e/s{msn}.m4s"), Ticks(180_000));
        let parts = Vec::new();
        Arc::new(Segment { head, uri, range: None, duration, gap: msn == 1, parts })
    }

    #[test]
    fn pieces_together_are_the_whole() {
        let all: Vec<_> = (0..6).map(segment).collect();
        let (mut once, mut twice) = (None, None);
        let whole = Past::new(&all, &mut once);
        let (first, second) = (Past::new(&all[..2], &mut twice), Past::new(&all[2..], &mut twice));
        assert_eq!(format!("{}{}", first.text(), second.text()), whole.text());
        assert_eq!((once, whole.map()), (twice, second.map()));
        assert_eq!((second.before(), second.discontinuities()), (first.map(), 1));
        assert_eq!((whole.segments(), whole.duration()), (6, Ticks(6 * 180_000)));
    }

    #[test]
    fn the_rest_is_read_with_its_own_init_segment() {
        let all: Vec<_> = (0..6).map(segment).collect();
        let whole = Past::new(&all, &mut None);
        for skipped in 0..=6 {
            let mut map = None;
            let rest = whole.rest(skipped, &mut map);
            assert_eq!(uris(&rest).count(), 6 - skipped);
            let expected = match skipped {
                0..3 => "#EXT-X-MAP:URI=\"e/i0.mp4\"\n",
                3 => "#EXT-X-MAP:URI=\"e/i0.mp4\"\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"e/i1",
                _ => "#EXT-X-MAP:URI=\"e/i1.mp4\"\n",
            };
            assert!(rest.starts_with(expected), "{skipped}: {rest}");
            assert_eq!(map.as_deref(), Some("e/i1.mp4"));
        }
    }

    #[test]
    fn what_is_gone_is_marked_once() {
        let all: Vec<_> = (0..6).map(segment).collect();
        let whole = Past::new(&all, &mut None);
        assert_eq!(whole.with_gaps(|_| true), None);
        assert_eq!(whole.with_gaps(|uri| uri != "e/s1.m4s"), None, "it is a gap already");
        let lost = whole.with_gaps(|uri| uri != "e/s4.m4s").unwrap();
        let extinf = "#EXTINF:2.000,\n";
        assert_eq!(lost.text(), whole.text().replace("e/s4", &format!("{GAP}e/s4")));
        assert!(lost.text().contains(&format!("{extinf}{GAP}e/s4.m4s\n")));
        assert_eq!(lost.segments(), 6);
    }
}
