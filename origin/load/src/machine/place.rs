//! Where a viewer is in a playlist, and what it fetches next.
//!
//! In: versions of a playlist. Out: the next part or segment, or which to wait for. Does not fetch.

use shared_playlist::read::{Media, Segment};

/// The next thing a viewer fetches of one playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This object.
    Fetch {
        /// Its address, as the playlist has it.
        uri: String,
        /// `length@offset`, if it is a range of that.
        range: Option<String>,
        /// Its number, and that of its part; no part of a whole segment.
        name: (u64, Option<u64>),
        /// The moments of the show it begins and ends at, microseconds since the Unix epoch; counted from 0 where the
        /// playlist has no dates.
        span: (i64, i64),
    },
    /// Nothing is listed yet: wait for this segment, or for this part of it.
    Wait(u64, Option<u64>),
    /// The show is over.
    Over,
}

/// The number of the next segment, and of the next part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    msn: u64,
    part: u64,
    /// Where what comes next begins, if the playlist does not say.
    moment: i64,
    /// How often what came next was gone.
    pub jumps: u64,
}

impl Place {
    /// Where a player joins: the last independent part that is `PART-HOLD-BACK` from the end, or without parts the
    /// segment that is `HOLD-BACK` from it.
    #[must_use]
    pub fn join(list: &Media) -> Self {
        let has_parts = list.has_part_inf && list.all().any(|(_, one)| !one.parts.is_empty());
        let target = list.target_duration_s.unwrap_or(6) * 3_000_000;
        let held = if has_parts { "PART-HOLD-BACK" } else { "HOLD-BACK" };
        let held = list.control_us(held).unwrap_or(target);
        let mut behind = 0;
        for (msn, segment) in list.all().collect::<Vec<_>>().into_iter().rev() {
            for (number, part) in segment.parts.iter().enumerate().rev() {
                behind += part.duration_us;
                if has_parts && behind >= held && part.independent {
                    return Self { msn, part: number as u64, moment: 0, jumps: 0 };
                }
            }
            if segment.parts.is_empty() && !segment.uri.is_empty() {
                behind += segment.duration_us;
            }
            if behind >= held && !segment.uri.is_empty() {
                return Self { msn, part: 0, moment: 0, jumps: 0 };
            }
        }
        Self { msn: list.first_msn(), part: 0, moment: 0, jumps: 0 }
    }

    /// What comes next by this version of the playlist.
    pub fn next(&mut self, list: &Media) -> Next {
        if self.msn < list.first_msn() {
            // In a delta update it may be among what was skipped; in a full one it is gone.
            if self.msn >= list.media_sequence && list.skipped() > 0 {
                return Next::Wait(self.msn, None);
            }
            (self.msn, self.part) = (list.first_msn(), 0);
            self.jumps += 1;
        }
        while self.msn < list.next_msn() {
            let Some(segment) = list.segment(self.msn) else { break };
            if let Some(next) = self.within(segment) {
                return next;
            }
            (self.msn, self.part) = (self.msn + 1, 0);
        }
        if self.msn == list.next_msn()
            && let Some(next) = self.part_of(&list.open)
        {
            return next;
        }
        if list.ended {
            return Next::Over;
        }
        Next::Wait(self.msn, list.has_part_inf.then_some(self.part))
    }

    /// The next of a whole segment: itself, if none of it was fetched and it is gone as parts, or its next part.
    fn within(&self, segment: &Segment) -> Option<Next> {
        if segment.gap {
            return None;
        }
        if self.part == 0 && segment.parts.is_empty() {
            let start = segment.date_us.unwrap_or(self.moment);
            return Some(Next::Fetch {
                uri: segment.uri.clone(),
                range: segment.range.clone(),
                name: (self.msn, None),
                span: (start, start + segment.duration_us.cast_signed()),
            });
        }
        self.part_of(segment)
    }

    fn part_of(&self, segment: &Segment) -> Option<Next> {
        let at = usize::try_from(self.part).ok()?;
        let part = segment.parts.get(at)?;
        let before: u64 = segment.parts.iter().take(at).map(|part| part.duration_us).sum();
        let start = segment.date_us.map_or(self.moment, |date| date + before.cast_signed());
        Some(Next::Fetch {
            uri: part.uri.clone(),
            range: part.range.clone(),
            name: (self.msn, Some(self.part)),
            span: (start, start + part.duration_us.cast_signed()),
        })
    }

    /// It was fetched, or is given up.
    pub fn done(&mut self, name: (u64, Option<u64>), end: i64) {
        self.moment = end;
        match name {
            (msn, None) => (self.msn, self.part) = (msn + 1, 0),
            (msn, Some(part)) => (self.msn, self.part) = (msn, part + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared_playlist::read::media;

    use super::*;

    const LIST: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=1\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3\n#EXT-X-MEDIA-SEQUENCE:4\n\
        #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:08Z\n#EXTINF:2,\ns4\n\
        #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10Z\n\
        #EXT-X-PART:DURATION=1,URI=\"p5.0\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=1,URI=\"p5.1\"\n\
        #EXTINF:2,\ns5\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:12Z\n\
        #EXT-X-PART:DURATION=1,URI=\"p6.0\",INDEPENDENT=YES\n";

    fn fetched(place: &mut Place, list: &Media) -> Option<(String, i64)> {
        let Next::Fetch { uri, name, span, .. } = place.next(list) else { return None };
        place.done(name, span.1);
        Some((uri, span.0))
    }

    #[test]
    fn it_joins_at_an_independent_part_and_waits_at_the_edge() {
        let list = media(LIST.as_bytes()).unwrap();
        let mut place = Place::join(&list);
        for (uri, start) in [("p5.0", 10), ("p5.1", 11), ("p6.0", 12)] {
            assert_eq!(fetched(&mut place, &list), Some((uri.to_owned(), start * 1_000_000)));
        }
        assert_eq!(place.next(&list), Next::Wait(6, Some(1)));
        let ended = media(format!("{LIST}#EXTINF:1,\ns6\n#EXT-X-ENDLIST\n").as_bytes()).unwrap();
        assert_eq!(place.next(&ended), Next::Over);
    }

    #[test]
    fn without_parts_it_plays_segments() {
        let text =
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXTINF:2,\nc\n";
        let list = media(text.as_bytes()).unwrap();
        let mut place = Place::join(&list);
        assert_eq!(fetched(&mut place, &list), Some(("a".to_owned(), 0)));
        assert_eq!(fetched(&mut place, &list), Some(("b".to_owned(), 2_000_000)));
        assert_eq!(place.jumps, 0);
    }

    #[test]
    fn who_falls_behind_jumps_and_it_is_counted() {
        let list = media(LIST.as_bytes()).unwrap();
        let mut place = Place { msn: 1, part: 3, moment: 0, jumps: 0 };
        assert_eq!(fetched(&mut place, &list), Some(("s4".to_owned(), 8_000_000)));
        assert_eq!(place.jumps, 1);
    }
}
