//! At which pictures of a film every rung begins anew.
//!
//! In: the points that a plan cuts at, timestamps of pictures in the order they are shown. Out: for each picture,
//! whether it is the first one at or after such a point. Does not know pictures.

use std::collections::VecDeque;

/// The cuts to come.
#[derive(Debug)]
pub(crate) struct Cuts(VecDeque<i64>);

impl Cuts {
    /// Cuts at these points, in any order, and wherever the first picture is.
    pub(crate) fn new(points: &[i64]) -> Self {
        let mut points = points.to_vec();
        points.push(i64::MIN);
        points.sort_unstable();
        Self(points.into())
    }

    /// Whether it is cut at this picture. Each picture is asked about once.
    pub(crate) fn is_at(&mut self, pts: i64) -> bool {
        let before = self.0.len();
        while self.0.front().is_some_and(|point| *point <= pts) {
            self.0.pop_front();
        }
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_picture_at_or_after_each_point_is_a_cut() {
        let mut cuts = Cuts::new(&[50, 0, 25, 26]);
        let at = (5..100).step_by(10).filter(|pts| cuts.is_at(*pts)).collect::<Vec<i64>>();
        assert_eq!(at, [5, 25, 35, 55]);
    }

    #[test]
    fn the_first_picture_is_a_cut_whatever_is_planned() {
        let mut cuts = Cuts::new(&[]);
        assert!(cuts.is_at(-7) && !cuts.is_at(0));
    }
}
