//! Blocking playlist reload: whether a request is answered now, later or never (6.2.5.2).
//!
//! In: where a playlist's live edge is, and what the client asks. Out: a [`Verdict`]. Does not know
//! how to wait, nor clocks; a caller asks again at every change of the playlist and gives up after
//! [`Limits::wait_ms_max`].

use std::fmt;

use crate::directives::Directives;

/// Where a playlist's live edge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edge {
    /// The Media Sequence Number of the first segment that is not complete yet.
    pub next_msn: u64,
    /// How many parts of that segment are listed.
    pub open_parts: u64,
    /// How many parts the last complete segment has.
    pub last_parts: u64,
    /// Its segments have parts; those of an I-frame playlist have none.
    pub has_parts: bool,
    /// The playlist has `EXT-X-ENDLIST`.
    pub ended: bool,
}

/// What a playlist promises, as far as waiting depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `EXT-X-TARGETDURATION`, in seconds.
    pub target_duration_s: u32,
    /// `PART-TARGET`, in microseconds.
    pub part_target_us: u32,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer with the playlist as it is.
    Ready,
    /// Ask again when the playlist has changed.
    Wait,
    /// Answer 400 at once.
    BadRequest(TooFar),
}

/// Why a request is refused: it asks for what lies too far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooFar {
    /// `_HLS_msn` is greater than the last Media Sequence Number plus two.
    Segment {
        /// The greatest that may be asked for now.
        msn_max: u64,
    },
    /// `_HLS_part` exceeds the last part by more than the Advance Part Limit.
    Part {
        /// The greatest that may be asked for now, in the segment that is asked for.
        part_max: u64,
    },
}

impl fmt::Display for TooFar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment { msn_max } => write!(f, "_HLS_msn may be {msn_max} at most now"),
            Self::Part { part_max } => write!(f, "_HLS_part may be {part_max} at most now"),
        }
    }
}

impl Limits {
    /// How long a request may wait before it is answered 503, in milliseconds.
    #[must_use]
    pub const fn wait_ms_max(&self) -> u64 {
        self.target_duration_s as u64 * 3000
    }

    /// The Advance Part Limit: three seconds of parts, or three parts of a second or more.
    #[must_use]
    pub fn advance_parts_max(&self) -> u64 {
        match u64::from(self.part_target_us) {
            1_000_000.. => 3,
            target_us => 3_000_000_u64.div_ceil(target_us.max(1)),
        }
    }
}

/// What becomes of a request now.
///
/// `_HLS_msn` alone waits for the whole segment, with `_HLS_part` for that part. A part beyond the
/// last of a complete segment is the first of the next. What is old, or gone, is answered at once.
/// Where segments have no parts, `_HLS_part` asks for nothing that could come: the segment it names is
/// waited for, in which every part of it would be.
#[must_use]
pub fn decide(edge: &Edge, limits: &Limits, directives: &Directives) -> Verdict {
    let Some(msn) = directives.msn.filter(|_| !edge.ended) else {
        return Verdict::Ready;
    };
    let msn_max = edge.next_msn.saturating_add(1); // the last complete one plus two
    if msn > msn_max {
        return Verdict::BadRequest(TooFar::Segment { msn_max });
    }
    let Some(part) = directives.part.filter(|_| edge.has_parts) else {
        return if msn < edge.next_msn { Verdict::Ready } else { Verdict::Wait };
    };
    let is_last_complete = msn.checked_add(1) == Some(edge.next_msn);
    if is_last_complete && part >= edge.last_parts {
        return if edge.open_parts > 0 { Verdict::Ready } else { Verdict::Wait };
    }
    if msn < edge.next_msn || (msn == edge.next_msn && part < edge.open_parts) {
        return Verdict::Ready;
    }
    let listed = if msn == edge.next_msn { edge.open_parts } else { 0 };
    let part_max = listed.saturating_add(limits.advance_parts_max()).saturating_sub(1);
    if part > part_max {
        return Verdict::BadRequest(TooFar::Part { part_max });
    }
    Verdict::Wait
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Verdict::{BadRequest, Ready, Wait};

    const LIMITS: Limits = Limits { target_duration_s: 2, part_target_us: 333_340 };
    /// Segments up to 9 are complete, the last with 6 parts; 10 has 3.
    const EDGE: Edge =
        Edge { next_msn: 10, open_parts: 3, last_parts: 6, has_parts: true, ended: false };

    fn ask(edge: &Edge, msn: impl Into<Option<u64>>, part: impl Into<Option<u64>>) -> Verdict {
        decide(edge, &LIMITS, &Directives { msn: msn.into(), part: part.into(), skip: None })
    }

    #[test]
    fn a_segment_is_waited_for_until_it_is_whole() {
        assert_eq!(ask(&EDGE, 9, None), Ready);
        assert_eq!(ask(&EDGE, 10, None), Wait);
        assert_eq!(ask(&EDGE, 11, None), Wait);
        assert_eq!(ask(&EDGE, 12, None), BadRequest(TooFar::Segment { msn_max: 11 }));
        assert_eq!(ask(&EDGE, u64::MAX, 0), BadRequest(TooFar::Segment { msn_max: 11 }));
    }

    #[test]
    fn a_part_is_waited_for_up_to_the_advance_limit() {
        assert_eq!(ask(&EDGE, 10, 2), Ready);
        assert_eq!(ask(&EDGE, 10, 3), Wait);
        assert_eq!(LIMITS.advance_parts_max(), 9);
        assert_eq!(ask(&EDGE, 10, 11), Wait); // the last listed is 2
        assert_eq!(ask(&EDGE, 10, 12), BadRequest(TooFar::Part { part_max: 11 }));
        assert_eq!(ask(&EDGE, 11, 0), Wait);
        assert_eq!(ask(&EDGE, 11, u64::MAX), BadRequest(TooFar::Part { part_max: 8 }));
    }

    #[test]
    fn a_part_beyond_the_last_is_the_first_of_the_next_segment() {
        assert_eq!(ask(&EDGE, 9, 5), Ready);
        assert_eq!(ask(&EDGE, 9, 6), Ready);
        assert_eq!(ask(&EDGE, 9, u64::MAX), Ready);
        let closed = Edge { open_parts: 0, ..EDGE };
        assert_eq!(ask(&closed, 9, 5), Ready);
        assert_eq!(ask(&closed, 9, 6), Wait);
        assert_eq!(ask(&closed, 8, 99), Ready); // the first part of 9 is there
    }

    #[test]
    fn what_is_old_or_over_is_answered_at_once() {
        assert_eq!(ask(&EDGE, 0, None), Ready);
        assert_eq!(ask(&EDGE, 0, 99), Ready);
        assert_eq!(ask(&EDGE, None, None), Ready);
        let ended = Edge { ended: true, ..EDGE };
        assert_eq!(ask(&ended, 999, 9), Ready);
    }

    #[test]
    fn before_the_first_segment_the_first_two_may_be_waited_for() {
        let empty = Edge { has_parts: true, ..Edge::default() };
        assert_eq!(ask(&empty, 0, 0), Wait);
        assert_eq!(ask(&empty, 1, None), Wait);
        assert_eq!(ask(&empty, 2, None), BadRequest(TooFar::Segment { msn_max: 1 }));
    }

    #[test]
    fn without_parts_the_whole_segment_is_waited_for() {
        let i_frames = Edge { open_parts: 0, last_parts: 0, has_parts: false, ..EDGE };
        for part in [None, Some(0), Some(u64::MAX)] {
            assert_eq!(ask(&i_frames, 9, part), Ready);
            assert_eq!(ask(&i_frames, 10, part), Wait);
            assert_eq!(ask(&i_frames, 11, part), Wait);
            let too_far = BadRequest(TooFar::Segment { msn_max: 11 });
            assert_eq!(ask(&i_frames, 12, part), too_far);
        }
    }

    #[test]
    fn limits_follow_the_part_target() {
        let second = Limits { target_duration_s: 6, part_target_us: 1_000_000 };
        assert_eq!(second.advance_parts_max(), 3);
        assert_eq!(second.wait_ms_max(), 18_000);
    }

    proptest! {
        #[test]
        fn an_answer_never_turns_back_into_a_wait(
            (next, msn) in (0_u64..20, 0_u64..24),
            (open, last, part, has_parts) in (0_u64..8, 0_u64..8, 0_u64..12, any::<bool>()),
        ) {
            let (open_parts, last_parts) = (open, last);
            let edge = Edge { next_msn: next, open_parts, last_parts, has_parts, ended: false };
            let later = [
                Edge { open_parts: open + 1, ..edge },
                Edge { next_msn: next + 1, open_parts: 0, last_parts: open + 1, ..edge },
                Edge { ended: true, ..edge },
            ];
            for part in [None, Some(part)] {
                if ask(&edge, msn, part) == Ready {
                    for edge in later {
                        prop_assert_eq!(ask(&edge, msn, part), Ready);
                    }
                }
            }
        }
    }
}
