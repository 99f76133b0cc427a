//! Where a film is cut: into segments, and into chunks of them, each a job's work.
//!
//! In: where keyframes of its picture stream are, and its length. Out: a [`Cutting`]. Does not know what is between.
//!
//! A chunk begins at a keyframe, so that its job need not decode what is before it. Within a chunk segments are of the
//! same length, for the encoder begins each with a keyframe; where the film's own pictures are taken as they are, they
//! are cut where those have keyframes.
//!
//! A film's first segment begins with the film, wherever its first picture is.
//!
//! Somebody may wait for the first chunk, so it is short, and the next ones become longer by and by. If its keyframes
//! are far apart it ends before the next of them: of what is encoded anew some pictures are decoded twice then.
//!
//! Towards the end chunks become shorter again. Workers take them in order, so each worker's last one is short, and
//! none has long to wait for another's (guided self-scheduling, for a number of workers that is not known).

use serde::{Deserialize, Serialize};
use shared_media::{TICKS_PER_SECOND, Ticks};

use crate::{Config, Error};

/// Where cuts can be.
#[derive(Debug, Clone, Copy)]
pub struct Keyframes<'a> {
    /// When keyframes of the film's pictures are shown; none, if it is only sound. Those that do not follow the one
    /// before, or lie outside of the film, do not count.
    pub keyframes: &'a [Ticks],
    /// When the first pictures are shown, which follow one another closely; none, if it can be cut at keyframes alone.
    pub early: &'a [Ticks],
    /// How long the film is.
    pub length: Ticks,
}

/// Where a film is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutting {
    /// `EXT-X-TARGETDURATION`, in seconds.
    pub target_duration_s: u32,
    /// Where each segment begins. The first begins at 0.
    pub cuts: Vec<Ticks>,
    /// The chunks, in order; together they have all segments.
    pub chunks: Vec<Chunk>,
}

/// Segments that one job makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The number of its first segment.
    pub first: usize,
    /// How many segments it has, one at least.
    pub count: usize,
    /// Where it begins.
    pub from: Ticks,
    /// Where it ends.
    pub until: Ticks,
}

/// The first chunk ends at a keyframe if it is no longer than so many times what it should be; …
const HEAD_TIMES: i64 = 2;
/// … else before it, where so many pictures follow at least.
const FOLLOWING_MIN: usize = 10;
/// A chunk is hardly longer than this share of what is left of the film, if that is more than the shortest one.
const LEFT_SHARE: i64 = 4;
/// The last chunk is no shorter than this share of the one before, nor than half a segment.
const LAST_CHUNK_SHARE: i64 = 3;
/// No segment is shorter than this before the end of a chunk whose pictures are taken as they are.
const REST_MIN: Ticks = Ticks(TICKS_PER_SECOND / 2);
/// A segment lasts from its first picture to the next one's: by so much longer than from cut to cut at most. The
/// packager lists none that begins later.
const PICTURE_MAX: Ticks = Ticks(TICKS_PER_SECOND / 10);

/// Cuts a film. `is_copied` says that pictures of its own are taken as they are.
///
/// # Errors
/// [`Error::Empty`], [`Error::TooLong`].
pub fn chunks(config: &Config, index: &Keyframes<'_>, is_copied: bool) -> Result<Cutting, Error> {
    let length = index.length;
    if length <= Ticks::ZERO {
        return Err(Error::Empty);
    }
    let segment = Ticks::from_millis(i64::from(config.segment_ms.max(1)));
    let is_few = |segments: u64| {
        let segments_max = config.segments_max;
        let too_long = Error::TooLong { segments, segments_max };
        if segments > segments_max as u64 { Err(too_long) } else { Ok(()) }
    };
    is_few((length.0 / segment.0).unsigned_abs())?; // before anything is made of it
    let keyframes = ascending(index);
    let borders = borders(config, index, &keyframes, is_copied);
    let mut cutting = Cutting { target_duration_s: 1, cuts: Vec::new(), chunks: Vec::new() };
    let ends = borders.iter().skip(1).copied().chain([length]);
    for (from, until) in borders.iter().copied().zip(ends) {
        let first = cutting.cuts.len();
        if is_copied && !keyframes.is_empty() {
            cut_at_keyframes(&mut cutting.cuts, &keyframes, segment, (from, until));
        } else {
            cut_evenly(&mut cutting.cuts, segment, (from, until));
        }
        let count = cutting.cuts.len() - first;
        cutting.chunks.push(Chunk { first, count, from, until });
    }
    is_few(cutting.cuts.len() as u64)?;
    cutting.target_duration_s = target_duration_s(&cutting.cuts, length);
    Ok(cutting)
}

/// The keyframes that count, in order.
fn ascending(index: &Keyframes<'_>) -> Vec<Ticks> {
    let mut last = Ticks(-1);
    let is_next = |at: &Ticks| {
        let is_next = *at > last && *at < index.length;
        last = if is_next { *at } else { last };
        is_next
    };
    index.keyframes.iter().copied().filter(is_next).collect()
}

/// Where chunks begin: each at the first keyframe that is far enough from the border before.
fn borders(
    config: &Config,
    index: &Keyframes<'_>,
    keyframes: &[Ticks],
    is_copied: bool,
) -> Vec<Ticks> {
    let ticks = |ms: u32| Ticks::from_millis(i64::from(ms.max(1)));
    let whole = ticks(config.chunk_ms);
    let tail = ticks(config.tail_ms).min(whole);
    let segment = ticks(config.segment_ms);
    let mut chunk = ticks(config.head_ms).min(whole);
    let mut borders = vec![Ticks::ZERO];
    let mut next = chunk;
    // The first chunk has the first picture, however late that comes.
    let head = if is_copied { None } else { head(index, keyframes, chunk) };
    for at in head.into_iter().chain(keyframes.iter().skip(1).copied()) {
        if at >= next {
            borders.push(at);
            // In whole segments, so that these are as long as the others.
            let share = (index.length - at).0 / LEFT_SHARE;
            let left = Ticks((share + segment.0 - 1) / segment.0 * segment.0).max(tail);
            chunk = Ticks(chunk.0 * 2).min(whole).min(left);
            next = at + chunk;
        }
    }
    let last = borders.last().copied().unwrap_or_default();
    let least = (chunk.0 / LAST_CHUNK_SHARE).max(segment.0 / 2);
    if borders.len() > 1 && (index.length - last).0 < least {
        borders.pop();
    }
    borders
}

/// Where the first chunk ends if no keyframe is near.
fn head(index: &Keyframes<'_>, keyframes: &[Ticks], chunk: Ticks) -> Option<Ticks> {
    let (first, early, length) = (*keyframes.first()?, index.early, index.length);
    let (from, until) = (first + chunk, first + Ticks(chunk.0 * HEAD_TIMES));
    if keyframes.iter().any(|at| (from..=until).contains(at)) {
        return None;
    }
    let at = early.partition_point(|at| *at < from);
    let is_followed = early.len() > at + FOLLOWING_MIN;
    early.get(at).copied().filter(|at| is_followed && *at < length)
}

/// Segments of the same length, as close to that of a segment as there can be.
fn cut_evenly(cuts: &mut Vec<Ticks>, segment: Ticks, (from, until): (Ticks, Ticks)) {
    let span = (until - from).0;
    let count = ((span + segment.0 / 2) / segment.0).max(1);
    // Multiplied first, the last cut of a film of a week would still fit.
    cuts.extend((0..count).map(|at| Ticks(from.0 + span * at / count)));
}

/// A segment ends at the first keyframe behind the length of one.
fn cut_at_keyframes(
    cuts: &mut Vec<Ticks>,
    keyframes: &[Ticks],
    segment: Ticks,
    (from, until): (Ticks, Ticks),
) {
    cuts.push(from);
    let (mut last, inside) = (from, keyframes.partition_point(|at| *at <= from));
    for at in keyframes.iter().skip(inside).take_while(|at| until - **at >= REST_MIN) {
        if *at - last >= segment {
            cuts.push(*at);
            last = *at;
        }
    }
}

/// The longest duration of a segment, rounded (rfc8216bis, 4.4.3.1).
fn target_duration_s(cuts: &[Ticks], length: Ticks) -> u32 {
    let ends = cuts.iter().skip(1).copied().chain([length]);
    let longest = cuts.iter().zip(ends).map(|(from, until)| (until - *from).0).max();
    let rounded =
        (longest.unwrap_or_default() + PICTURE_MAX.0 + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: i64 = TICKS_PER_SECOND;

    fn cut(keyframes: &[i64], length: i64, is_copied: bool) -> Cutting {
        cut_by(&even(), keyframes, length, is_copied)
    }

    fn cut_by(config: &Config, keyframes: &[i64], length: i64, is_copied: bool) -> Cutting {
        let keyframes: Vec<Ticks> = keyframes.iter().map(|at| Ticks(*at)).collect();
        let index = Keyframes { keyframes: &keyframes, early: &[], length: Ticks(length) };
        chunks(config, &index, is_copied).unwrap()
    }

    /// All chunks of the same length.
    fn even() -> Config {
        let config = Config::default();
        Config { head_ms: config.chunk_ms, tail_ms: config.chunk_ms, ..config }
    }

    fn every(step: i64, length: i64) -> Vec<i64> {
        (0..length).step_by(usize::try_from(step).unwrap()).collect()
    }

    fn spans(cutting: &Cutting, length: i64) -> Vec<i64> {
        let ends = cutting.cuts.iter().skip(1).map(|cut| cut.0).chain([length]);
        cutting.cuts.iter().zip(ends).map(|(from, until)| until - from.0).collect()
    }

    fn froms(cutting: &Cutting) -> Vec<i64> {
        cutting.chunks.iter().map(|chunk| chunk.from.0).collect()
    }

    #[test]
    fn chunks_begin_at_keyframes_and_have_even_segments() {
        let length = 100 * S;
        let cutting = cut(&every(5 * S, length), length, false);
        assert_eq!(froms(&cutting), [0, 25 * S, 50 * S, 75 * S]);
        // 25 s in 13 segments: 12.5, rounded.
        assert!(cutting.chunks.iter().all(|chunk| chunk.count == 13));
        assert_eq!(spans(&cutting, length)[..2], [25 * S / 13, 25 * S / 13 + 1]);
        assert_eq!(cutting.target_duration_s, 2);
    }

    #[test]
    fn the_first_chunk_is_short_and_those_after_it_become_longer() {
        let length = 100 * S;
        let config = Config { tail_ms: even().chunk_ms, ..Config::default() };
        let cutting = cut_by(&config, &every(S, length), length, false);
        assert_eq!(froms(&cutting), [0, 2, 6, 14, 30, 54, 78].map(|at| at * S));
        assert_eq!((cutting.chunks[0].count, cutting.chunks[1].count), (1, 2));
        let copied = cut_by(&config, &every(3 * S, length), length, true);
        assert_eq!(froms(&copied)[..4], [0, 3, 9, 18].map(|at| at * S));
        // A film that is hardly longer than its first chunk has no other.
        assert_eq!(froms(&cut_by(&config, &every(S, 3 * S), 3 * S, false)), [0]);
        let short = Config { chunk_ms: 1_000, ..config };
        assert_eq!(froms(&cut_by(&short, &every(S, 3 * S), 3 * S, false)), [0, S, 2 * S]);
    }

    #[test]
    fn the_last_chunks_become_shorter() {
        let length = 192 * S;
        let cutting = cut_by(&Config::default(), &every(2 * S, length), length, false);
        let expected =
            [0, 2, 6, 14, 30, 54, 78, 102, 126, 144, 156, 166, 174, 180, 184, 186, 188, 190];
        assert_eq!(froms(&cutting), expected.map(|at| at * S));
        let odd = cut_by(&Config::default(), &[S / 4, 2 * S], 2 * S + 2 * S / 3, false);
        assert_eq!(froms(&odd), [0], "no segment of two thirds of a second");
    }

    #[test]
    fn the_first_chunk_does_not_wait_for_a_keyframe_that_is_far() {
        let (length, keyframes) = (60 * S, every(10 * S, 60 * S).into_iter().map(Ticks));
        let keyframes: Vec<Ticks> = keyframes.collect();
        let shown = |count: i64| (0..count).map(|at| Ticks(at * S / 30)).collect::<Vec<_>>();
        let of = |early: &[Ticks], is_copied: bool| {
            let index = Keyframes { keyframes: &keyframes, early, length: Ticks(length) };
            let config = Config { tail_ms: even().chunk_ms, ..Config::default() };
            froms(&chunks(&config, &index, is_copied).unwrap())
        };
        assert_eq!(of(&shown(150), false), [0, 2, 10, 20, 40].map(|at| at * S));
        assert_eq!(of(&shown(150), true), [0, 10, 20, 30, 50].map(|at| at * S));
        assert_eq!(of(&shown(70), false)[..2], [0, 10 * S], "hardly any picture follows");
        assert_eq!(of(&[], false)[..2], [0, 10 * S]);
    }

    #[test]
    fn a_short_last_chunk_joins_the_one_before() {
        let of = |length: i64| froms(&cut(&every(S, length), length, false)).len();
        assert_eq!((of(24 * S), of(24 * S + 8 * S - 1), of(24 * S + 8 * S)), (1, 1, 2));
        assert_eq!((of(S / 3), of(1)), (1, 1));
    }

    #[test]
    fn pictures_that_are_taken_as_they_are_are_cut_at_their_keyframes() {
        let (length, step) = (61 * S, 3 * S / 4);
        let keyframes = every(step, length);
        let cutting = cut(&keyframes, length, true);
        assert!(cutting.cuts.iter().all(|cut| keyframes.contains(&cut.0)));
        assert_eq!(spans(&cutting, length)[0], 3 * step); // 2.25 s
        // Chunks of 24 s and 24 s; of 24 s remain 1.5 s after ten segments.
        assert_eq!(froms(&cutting), [0, 24 * S, 48 * S]);
        assert_eq!(spans(&cutting, length)[10], 24 * S - 30 * step);
        let joined = cut(&[0, 2 * S, 4 * S - S / 3], 4 * S, true);
        assert_eq!(spans(&joined, 4 * S), [2 * S, 2 * S], "a rest of a third of a second");
        assert_eq!(spans(&cut(&[0, 7 * S], 9 * S, true), 9 * S), [7 * S, 2 * S]);
        assert_eq!(cut(&[0, 7 * S], 9 * S, true).target_duration_s, 7);
    }

    #[test]
    fn sound_alone_is_one_chunk_and_so_are_pictures_with_one_keyframe() {
        for keyframes in [&[][..], &[0], &[3 * S]] {
            for is_copied in [false, keyframes.is_empty()] {
                let cutting = cut(keyframes, 3600 * S, is_copied);
                assert_eq!((cutting.chunks.len(), cutting.cuts.len()), (1, 1800));
                assert!(spans(&cutting, 3600 * S).iter().all(|span| *span == 2 * S));
            }
        }
    }

    #[test]
    fn films_that_cannot_be_are_refused() {
        let of = |length| {
            chunks(
                &Config::default(),
                &Keyframes { keyframes: &[], early: &[], length: Ticks(length) },
                false,
            )
        };
        assert_eq!((of(0), of(-5)), (Err(Error::Empty), Err(Error::Empty)));
        let too_long = of(100_002 * S);
        assert_eq!(too_long, Err(Error::TooLong { segments: 50_001, segments_max: 50_000 }));
        assert!(matches!(of(i64::MAX), Err(Error::TooLong { .. })));
        assert!(of(99_000 * S).is_ok());
    }

    proptest! {
        #[test]
        fn every_tick_is_in_one_segment(
            gops in prop::collection::vec(1..10 * S, 0..200),
            first in 0..2 * S,
            after in 1..12 * S,
            is_copied in any::<bool>(),
            is_even in any::<bool>(),
        ) {
            let config = if is_even { even() } else { Config::default() };
            let mut keyframes = vec![first];
            gops.iter().for_each(|gop| keyframes.push(keyframes.last().unwrap() + gop));
            let length = keyframes.last().unwrap() + after;
            let cutting = cut_by(&config, &keyframes, length, is_copied);
            prop_assert_eq!(&cutting, &cut_by(&config, &keyframes, length, is_copied));
            prop_assert_eq!(cutting.cuts[0], Ticks::ZERO);
            let spans = spans(&cutting, length);
            prop_assert!(spans.iter().all(|span| *span > 0));
            prop_assert_eq!(spans.iter().sum::<i64>(), length);
            // Chunks have all segments, each begins at a keyframe, and none is without.
            let (mut first, mut from) = (0, Ticks::ZERO);
            for chunk in &cutting.chunks {
                prop_assert_eq!((chunk.first, chunk.from), (first, from));
                prop_assert_eq!(cutting.cuts[chunk.first], chunk.from);
                prop_assert!(chunk.count > 0 && (first == 0 || keyframes.contains(&from.0)));
                let inside = |at: &&i64| (chunk.from.0..chunk.until.0).contains(*at);
                prop_assert!(keyframes.iter().any(|at| inside(&at)));
                (first, from) = (first + chunk.count, chunk.until);
            }
            prop_assert_eq!((first, from), (cutting.cuts.len(), Ticks(length)));
            let longest = spans.iter().max().unwrap();
            prop_assert!(i64::from(cutting.target_duration_s) * S + S / 2 >= *longest);
            for span in spans.iter().filter(|_| !is_copied && length >= S) {
                prop_assert!((S - 1..=3 * S).contains(span), "{} ticks", span);
            }
        }

        #[test]
        fn films_with_frequent_keyframes_have_usual_segments(
            gops in prop::collection::vec(S / 30..=2 * S, 1..400),
        ) {
            let mut keyframes = vec![0];
            gops.iter().for_each(|gop| keyframes.push(keyframes.last().unwrap() + gop));
            let length = keyframes.pop().unwrap();
            let cutting = cut_by(&Config::default(), &keyframes, length, true);
            let spans = spans(&cutting, length);
            for (at, span) in spans.iter().enumerate() {
                let is_usual = (S / 2..=6 * S).contains(span) || length < S && at == 0;
                prop_assert!(is_usual, "{} ticks", span);
            }
        }

        #[test]
        fn nothing_that_stands_in_an_index_does_harm(
            keyframes in prop::collection::vec(any::<i64>(), 0..50),
            early in prop::collection::vec(any::<i64>(), 0..50),
            length in any::<i64>(),
            is_copied in any::<bool>(),
        ) {
            let [keyframes, early] = [keyframes, early]
                .map(|all| all.into_iter().map(Ticks).collect::<Vec<_>>());
            let length = Ticks(length);
            let index = Keyframes { keyframes: &keyframes, early: &early, length };
            if let Ok(cutting) = chunks(&Config::default(), &index, is_copied) {
                prop_assert!(cutting.cuts.len() <= Config::default().segments_max);
            }
        }
    }
}
