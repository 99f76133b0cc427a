//! What encoding costs, and which rungs still fit a machine.
//!
//! In: what shows want encoded, what it was measured to take. Out: how many rungs of a show must be left out. Does not
//! know processes, clocks, or what a publisher is told.
//!
//! Costs are **millicores**: thousandths of a processor, kept busy all the time. A picture's cost goes by its area, so
//! a **price** is kept of each kind of work, in picoseconds of processor time for one pixel: an estimate at first, then
//! a running measure over all shows of the house.

use std::collections::BTreeMap;

use shared_media::VideoCodec;

/// Estimates until something was measured, on the high side: decoding, x264 `veryfast`, x265 `superfast`, libaom in
/// real time.
const ESTIMATES_PS: [u64; 4] = [3_000, 12_000, 40_000, 30_000];
/// A measure counts for one in so many of those before it.
const SMOOTHING: u64 = 8;
/// Measures outside this range are not believed: a suspended machine, a clock that jumped.
const PRICES_PS: std::ops::RangeInclusive<u64> = 50..=2_000_000;
/// What sound, and moving media between the processes, costs a show whatever its pictures are.
const SOUND_MILLICORES: u64 = 20;

/// A kind of work that has a price of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Decoding the source.
    Decode,
    /// Scaling and encoding a rung.
    Encode(VideoCodec),
}

impl Kind {
    const fn index(self) -> usize {
        match self {
            Self::Decode => 0,
            Self::Encode(VideoCodec::Avc) => 1,
            Self::Encode(VideoCodec::Hevc) => 2,
            Self::Encode(VideoCodec::Av1) => 3,
        }
    }
}

/// One piece of continuous work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) kind: Kind,
    /// How many pixels a second of media has.
    pub(crate) pixels_per_s: u64,
}

/// What a show wants: its source decoded, and rungs of which the highest come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) decode: Work,
    pub(crate) rungs: Vec<Work>,
    /// So many of the lowest are not left out: without them there would be no picture.
    pub(crate) kept_min: usize,
}

/// Why a show does not fit whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lack {
    pub(crate) needed: u64,
    pub(crate) free: u64,
}

/// The whole machine, and what runs on it.
#[derive(Debug)]
pub(crate) struct Book {
    capacity: u64,
    prices_ps: [u64; 4],
    /// Of each show what it was let in with.
    shows: BTreeMap<u64, Demand>,
}

impl Book {
    /// `capacity` is in millicores.
    pub(crate) const fn new(capacity: u64) -> Self {
        Self { capacity, prices_ps: ESTIMATES_PS, shows: BTreeMap::new() }
    }

    /// What all shows together cost, by what is known now, in millicores.
    pub(crate) fn taken(&self) -> u64 {
        self.shows.values().map(|demand| self.cost(demand)).sum()
    }

    /// Whether a show fits whole, beside those that run.
    pub(crate) fn check(&self, demand: &Demand) -> Result<(), Lack> {
        let needed = self.cost(demand);
        let free = self.capacity.saturating_sub(self.taken());
        if needed <= free { Ok(()) } else { Err(Lack { needed, free }) }
    }

    /// Lets a show in, in place of what it had: with all its rungs, or without so many of the highest.
    pub(crate) fn admit(&mut self, show: u64, mut demand: Demand) -> (usize, Result<(), Lack>) {
        self.shows.remove(&show);
        let whole = self.check(&demand);
        let mut left_out = 0;
        while demand.rungs.len() > demand.kept_min && self.check(&demand).is_err() {
            demand.rungs.remove(0);
            left_out += 1;
        }
        self.shows.insert(show, demand);
        (left_out, whole)
    }

    /// A show is over.
    pub(crate) fn release(&mut self, show: u64) {
        self.shows.remove(&show);
    }

    /// So many pixels took so much processor time, in microseconds.
    pub(crate) fn measured(&mut self, kind: Kind, pixels: u64, cpu_us: u64) {
        if pixels == 0 {
            return;
        }
        let price = (u128::from(cpu_us) * 1_000_000 / u128::from(pixels))
            .clamp((*PRICES_PS.start()).into(), (*PRICES_PS.end()).into());
        let price = u64::try_from(price).unwrap_or(u64::MAX);
        let known = &mut self.prices_ps[kind.index()];
        *known = (*known * (SMOOTHING - 1) + price) / SMOOTHING;
    }

    /// What a piece of work costs, in millicores, rounded up.
    pub(crate) fn price(&self, work: Work) -> u64 {
        let ps = u128::from(work.pixels_per_s) * u128::from(self.prices_ps[work.kind.index()]);
        u64::try_from(ps.div_ceil(1_000_000_000)).unwrap_or(u64::MAX)
    }

    /// A source that is only passed through costs next to nothing: there is nothing to decode for.
    fn cost(&self, demand: &Demand) -> u64 {
        if demand.rungs.is_empty() {
            return SOUND_MILLICORES;
        }
        let rungs = demand.rungs.iter().map(|rung| self.price(*rung));
        let pictures = rungs.fold(self.price(demand.decode), u64::saturating_add);
        pictures.saturating_add(SOUND_MILLICORES)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AVC: Kind = Kind::Encode(VideoCodec::Avc);

    fn work(kind: Kind, width: u64, height: u64) -> Work {
        Work { kind, pixels_per_s: width * height * 30 }
    }

    /// A source of 1080p30 and the usual rungs.
    fn usual() -> Demand {
        let rungs = [(1280, 720), (854, 480), (284, 160)];
        Demand {
            decode: work(Kind::Decode, 1920, 1080),
            rungs: rungs.into_iter().map(|(w, h)| work(AVC, w, h)).collect(),
            kept_min: 0,
        }
    }

    #[test]
    fn shows_are_let_in_until_the_machine_is_full() {
        let mut book = Book::new(1_500);
        assert_eq!(book.admit(1, usual()), (0, Ok(())));
        assert_eq!(book.taken(), 187 + 332 + 148 + 17 + 20);
        assert_eq!(book.admit(2, usual()), (0, Ok(())));
        let (left_out, whole) = book.admit(3, usual());
        assert_eq!((left_out, whole), (3, Err(Lack { needed: 704, free: 92 })));
        book.release(1);
        assert_eq!(book.admit(3, usual()), (0, Ok(())), "there is room again");
        assert_eq!(book.check(&usual()), Err(Lack { needed: 704, free: 92 }));
    }

    #[test]
    fn the_highest_rungs_are_left_out_first() {
        let mut book = Book::new(500);
        assert_eq!(book.admit(1, usual()).0, 1);
        let mut small = Book::new(0);
        assert_eq!(small.admit(1, Demand { kept_min: 1, ..usual() }).0, 2);
    }

    #[test]
    fn what_was_measured_counts_more_with_time() {
        let mut book = Book::new(10_000);
        let rung = work(AVC, 1280, 720);
        let before = book.price(rung);
        for _ in 0..50 {
            // A quarter of a processor for a second of it.
            book.measured(AVC, rung.pixels_per_s, 250_000);
        }
        let after = book.price(rung);
        assert!(after < before && (250..260).contains(&after), "{before} {after}");
        let decoding = book.price(work(Kind::Decode, 1280, 720));
        book.measured(AVC, 0, 1);
        assert_eq!(decoding, book.price(work(Kind::Decode, 1280, 720)), "prices are apart");
    }

    proptest! {
        #[test]
        fn nobody_is_let_in_beyond_the_capacity_but_for_the_kept(
            capacity in 0u64..8_000,
            shows in proptest::collection::vec((1u64..5_000_000, 0usize..6), 0..12),
            measures in proptest::collection::vec((any::<u64>(), any::<u64>()), 0..8),
        ) {
            let mut book = Book::new(capacity);
            for (pixels, cpu) in measures {
                book.measured(AVC, pixels, cpu);
            }
            for (show, (pixels, rungs)) in shows.into_iter().enumerate() {
                let piece = |kind| Work { kind, pixels_per_s: pixels * 30 };
                let demand = Demand {
                    decode: piece(Kind::Decode),
                    rungs: vec![piece(AVC); rungs],
                    kept_min: 0,
                };
                let taken = book.taken();
                let fits = book.check(&demand).is_ok();
                let (left_out, whole) = book.admit(show as u64, demand);
                prop_assert_eq!(whole.is_ok(), fits);
                prop_assert_eq!(left_out == 0 || !fits, true);
                prop_assert!(book.taken() <= capacity.max(taken + SOUND_MILLICORES));
            }
        }
    }
}
