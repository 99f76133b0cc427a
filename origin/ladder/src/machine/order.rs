//! When copied pictures are decoded, where their file does not say it.
//!
//! In: when each is shown, in decoding order. Out: when it is decoded: at the time of the picture that is shown in its
//! place, less as many places as pictures are reordered by. Does not know pictures.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use shared_media::{Rational, TICKS_PER_SECOND};

/// Most pictures that may be reordered (`max_dec_frame_buffering`, ITU-T H.264, E.2.1).
const REORDERED_MAX: usize = 16;
/// A step that is shorter than pictures are shown as a rule.
const USUAL_STEP: i64 = TICKS_PER_SECOND / 60;

/// The times of a stream.
#[derive(Debug)]
pub(crate) struct Order {
    reordered: usize,
    step: i64,
    says: Says,
}

#[derive(Debug)]
enum Says {
    /// No picture has come.
    Unknown,
    /// The file does.
    File,
    /// It does not: times of pictures whose place no other has taken.
    Nobody(BinaryHeap<Reverse<i64>>),
}

impl Order {
    /// For a stream with so many pictures reordered.
    pub(crate) fn new(reordered: usize, frame_rate: Option<Rational>) -> Self {
        let step = frame_rate
            .map(|rate| TICKS_PER_SECOND * i64::from(rate.den) / i64::from(rate.num.max(1)));
        let reordered = reordered.min(REORDERED_MAX);
        Self { reordered, step: step.unwrap_or(USUAL_STEP).max(1), says: Says::Unknown }
    }

    /// When a picture is shown: when it is decoded, if the file says only that and nothing is reordered.
    pub(crate) fn pts(&self, said: Option<i64>, dts: Option<i64>) -> Option<i64> {
        said.or(dts.filter(|_| self.reordered == 0))
    }

    /// When the next picture is decoded, of which the file says this.
    ///
    /// A file that does not say it of the first picture does not know it of others: what is said of them is a guess.
    pub(crate) fn dts(&mut self, pts: i64, said: Option<i64>) -> i64 {
        if matches!(self.says, Says::Unknown) {
            self.says = match said {
                Some(_) => Says::File,
                None => {
                    let places = (1..).take(self.reordered);
                    Says::Nobody(places.map(|place| Reverse(pts - place * self.step)).collect())
                }
            };
        }
        match &mut self.says {
            Says::Nobody(places) => {
                places.push(Reverse(pts));
                places.pop().map_or(pts, |Reverse(earliest)| earliest)
            }
            _ => said.unwrap_or(pts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(order: &mut Order, shown: &[i64]) -> Vec<i64> {
        shown.iter().map(|pts| order.dts(*pts, None)).collect()
    }

    #[test]
    fn times_grow_and_none_is_after_its_picture_is_shown() {
        let rate = Some(Rational { num: 9_000, den: 1 });
        // shown: I B B P B B P; a GOP later it goes on where it was
        let mut order = Order::new(1, rate);
        assert_eq!(decoded(&mut order, &[0, 30, 10, 20, 60, 40, 50]), [-10, 0, 10, 20, 30, 40, 50]);
        let mut order = Order::new(1, rate);
        assert_eq!(decoded(&mut order, &[70, 80]), [60, 70]);
        let mut order = Order::new(2, rate);
        assert_eq!(decoded(&mut order, &[0, 40, 20, 10, 30]), [-20, -10, 0, 10, 20]);
        assert_eq!(decoded(&mut Order::new(0, None), &[5, 9]), [5, 9]);
    }

    #[test]
    fn only_what_is_not_reordered_is_shown_when_it_is_decoded() {
        assert_eq!(Order::new(0, None).pts(None, Some(3)), Some(3));
        assert_eq!(Order::new(1, None).pts(None, Some(3)), None);
        assert_eq!(Order::new(1, None).pts(Some(4), Some(3)), Some(4));
    }

    #[test]
    fn a_file_that_says_it_is_believed() {
        let mut order = Order::new(2, None);
        assert_eq!(order.dts(10, Some(3)), 3);
        assert_eq!(order.dts(40, Some(13)), 13);
    }
}
