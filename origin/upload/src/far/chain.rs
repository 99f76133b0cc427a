//! Which objects of a piece count, and how far each.
//!
//! In: objects as a bucket lists them; how many bytes of the piece are counted. Out: the spans that the piece is made
//! of. Does not know a bucket.
//!
//! A **session** is one holder of an upload, and its fence is greater than that of any before. It begins where the
//! piece is counted to, puts objects one behind the other, and never puts two under one name. So whatever older
//! sessions have put from there on was never counted, nor will it be: the ledger refuses them by now. And an object
//! that somebody who stood still puts late is of an old session, whenever it comes. Within a session an object that
//! begins where an earlier one did has the bytes of that and more behind them.
//!
//! That is the whole rule: in the order of sessions, and of objects within each, an object ends all that is there
//! where it begins. Then the count ends the last.

/// An object of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    /// The byte of the piece that it begins with.
    pub(super) start: u64,
    /// The fence of whoever put it.
    pub(super) fence: u64,
    /// Which it is of those that this one put.
    pub(super) number: u32,
    /// How many bytes it has.
    pub(super) bytes: u64,
}

/// What counts of an object: its first so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) slice: Slice,
    pub(super) bytes: u64,
}

impl Span {
    /// The byte of the piece behind it.
    pub(super) const fn end(&self) -> u64 {
        self.slice.start.saturating_add(self.bytes)
    }
}

impl Slice {
    /// Its name: the order of names is that of their first bytes.
    pub(super) fn name(&self) -> String {
        format!("{:016x}-{:016x}-{:08x}", self.start, self.fence, self.number)
    }

    /// The object of this name; `None` if it is none of ours.
    pub(super) fn named(name: &str, bytes: u64) -> Option<Self> {
        let mut steps = name.splitn(3, '-');
        let start = u64::from_str_radix(steps.next()?, 16).ok()?;
        let fence = u64::from_str_radix(steps.next()?, 16).ok()?;
        let number = u32::from_str_radix(steps.next()?, 16).ok()?;
        let slice = Self { start, fence, number, bytes };
        (slice.name() == name).then_some(slice)
    }
}

/// What a piece is made of, from `from` on, of which `counted` bytes count; `None` if some of those are not there.
pub(super) fn chain(mut found: Vec<Slice>, from: u64, counted: u64) -> Option<Vec<Span>> {
    found.retain(|slice| slice.start < counted && slice.bytes > 0);
    found.sort_unstable_by_key(|slice| (slice.fence, slice.number));
    let mut spans: Vec<Span> = Vec::new();
    for slice in found {
        while spans.last().is_some_and(|last| last.slice.start >= slice.start) {
            spans.pop();
        }
        if let Some(last) = spans.last_mut() {
            last.bytes = last.bytes.min(slice.start - last.slice.start);
        }
        spans.push(Span { slice, bytes: slice.bytes.min(counted - slice.start) });
    }
    // What begins before may be cut by what was not asked for.
    let first = spans.iter().position(|span| span.end() > from).unwrap_or(spans.len());
    spans.drain(..first);
    let mut at = spans.first().map_or(from, |span| span.slice.start);
    if at > from {
        return None;
    }
    for span in &spans {
        if span.slice.start != at {
            return None;
        }
        at = span.end();
    }
    (at == counted).then_some(spans)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn slice(start: u64, fence: u64, number: u32, bytes: u64) -> Slice {
        Slice { start, fence, number, bytes }
    }

    fn ends(found: &[Slice], counted: u64) -> Option<Vec<(u64, u64, u64)>> {
        let spans = chain(found.to_vec(), 0, counted)?;
        Some(spans.iter().map(|span| (span.slice.start, span.slice.fence, span.bytes)).collect())
    }

    #[test]
    fn names_read_back_and_their_order_is_that_of_bytes() {
        let (one, two) = (slice(255, 9, 1, 5), slice(256, 2, 70, 5));
        assert!(one.name() < two.name());
        for slice in [one, two, slice(1 << 40, 1 << 40, u32::MAX, 5)] {
            assert_eq!(Slice::named(&slice.name(), 5), Some(slice));
        }
        for none in ["", "1-2-3", "x", &format!("{}-1", one.name()), &format!("+{}", one.name())] {
            assert_eq!(Slice::named(none, 1), None, "{none}");
        }
    }

    #[test]
    fn whoever_came_later_counts_from_where_it_began() {
        // The first was given up at 8 and goes on to put; the second begins there.
        let found = [slice(0, 1, 0, 8), slice(8, 1, 1, 8), slice(24, 1, 3, 8), slice(8, 2, 0, 5)];
        assert_eq!(ends(&found, 13), Some(vec![(0, 1, 8), (8, 2, 5)]));
        assert_eq!(ends(&found, 8), Some(vec![(0, 1, 8)]));
        assert_eq!(ends(&found, 14), None, "the old one's bytes are nobody's");
        // Told of less than it has put.
        assert_eq!(ends(&found[..2], 11), Some(vec![(0, 1, 8), (8, 1, 3)]));
        assert_eq!(ends(&[], 0), Some(vec![]));
        assert_eq!(ends(&[slice(1, 1, 0, 8)], 3), None, "the first byte is missing");
        assert_eq!(ends(&[slice(0, 1, 0, 2), slice(3, 1, 1, 2)], 5), None, "a hole");
    }

    #[test]
    fn what_is_put_longer_takes_the_place_of_what_was_short() {
        let found = [slice(0, 1, 0, 3), slice(0, 1, 1, 8), slice(8, 1, 2, 2)];
        assert_eq!(ends(&found, 10), Some(vec![(0, 1, 8), (8, 1, 2)]));
        // A tail that another takes along, which is there and not yet counted; then a third goes on behind the count.
        let found = [slice(0, 1, 0, 3), slice(0, 4, 0, 9), slice(3, 6, 0, 2)];
        assert_eq!(ends(&found[..2], 3), Some(vec![(0, 4, 3)]));
        assert_eq!(ends(&found, 5), Some(vec![(0, 4, 3), (3, 6, 2)]));
    }

    #[test]
    fn the_end_of_a_piece_needs_no_list_of_its_beginning() {
        let found = vec![slice(16, 3, 0, 8), slice(24, 3, 1, 2), slice(26, 3, 2, 9)];
        let spans = chain(found.clone(), 26, 26);
        assert_eq!(spans, Some(vec![]));
        let spans = chain(found.clone(), 25, 26).unwrap();
        assert_eq!(spans, vec![Span { slice: slice(24, 3, 1, 2), bytes: 2 }]);
        assert_eq!(chain(found, 5, 26), None);
    }

    /// What somebody does who holds the upload: puts so many bytes, of which so many objects are counted; whether it
    /// takes the last short object along; whether an object of it comes only after all others did their work.
    type Session = (Vec<u8>, usize, bool, bool);

    proptest! {
        /// Whatever sessions put, count, or leave, and whenever it comes: the bytes are those that were counted.
        #[test]
        fn what_counts_is_what_was_counted(sessions in prop::collection::vec(
            (prop::collection::vec(1_u8..5, 0..6), 0_usize..7, any::<bool>(), any::<bool>()), 0..8,
        )) {
            let mut truth: Vec<u8> = Vec::new();
            let mut bucket: Vec<(Slice, Vec<u8>)> = Vec::new();
            let mut late = Vec::new();
            let sessions: Vec<Session> = sessions;
            for (fence, (lengths, kept, takes_along, is_late)) in (1..).zip(sessions) {
                let counted = truth.len() as u64;
                let listed = bucket.iter().map(|(slice, _)| *slice).collect();
                let spans = chain(listed, 0, counted).expect("all is there");
                let tail = spans.last().filter(|_| takes_along).map_or(0, |last| last.bytes);
                let mut content = truth[truth.len() - usize::try_from(tail).unwrap()..].to_vec();
                let mut start = counted - tail;
                for (number, length) in (0_u32..).zip(&lengths) {
                    content.extend((0..*length).map(|at| at ^ u8::try_from(fence * 16).unwrap()));
                    let slice = slice(start, fence, number, content.len() as u64);
                    let is_counted = (number as usize) < kept;
                    if is_counted {
                        truth.truncate(usize::try_from(start).unwrap());
                        truth.extend_from_slice(&content);
                    }
                    let place = if is_late && !is_counted { &mut late } else { &mut bucket };
                    place.push((slice, std::mem::take(&mut content)));
                    start = slice.start + slice.bytes;
                }
            }
            bucket.extend(late);
            let listed: Vec<Slice> = bucket.iter().map(|(slice, _)| *slice).collect();
            let spans = chain(listed, 0, truth.len() as u64).expect("all is there");
            let mut read = Vec::new();
            for span in spans {
                let (_, bytes) = bucket.iter().find(|(slice, _)| *slice == span.slice).unwrap();
                read.extend_from_slice(&bytes[..usize::try_from(span.bytes).unwrap()]);
            }
            prop_assert_eq!(read, truth);
        }
    }
}
