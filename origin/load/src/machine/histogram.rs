//! Figures by the million in a few kilobytes: buckets that grow by a thirty-second.
//!
//! In: microseconds. Out: percentiles, at most 3 % too high. Does not know what they are of.

/// Buckets for each doubling.
const STEPS: u64 = 32;
/// Buckets in all: up to 2^40 µs, twelve days.
const BUCKETS: usize = 37 * STEPS as usize;

/// Counts of values.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, largest: 0 }
    }
}

impl Histogram {
    /// Counts a value, in microseconds.
    pub fn add(&mut self, us: u64) {
        if let Some(count) = self.counts.get_mut(bucket(us).min(BUCKETS - 1)) {
            *count += 1;
        }
        self.total += 1;
        self.largest = self.largest.max(us);
    }

    /// How many values there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The value that `per_mille` of a thousand do not exceed, in microseconds; 0 if there is none.
    #[must_use]
    pub fn percentile(&self, per_mille: u64) -> u64 {
        self.ranked((self.total * per_mille).div_ceil(1000).max(1))
    }

    /// The value that `wanted` values do not exceed.
    fn ranked(&self, wanted: u64) -> u64 {
        let mut sum = 0;
        for (number, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= wanted {
                return upper(number as u64).min(self.largest);
            }
        }
        self.largest
    }
}

/// The same of values that may be negative.
#[derive(Debug, Clone, Default)]
pub struct Signed {
    below: Histogram,
    above: Histogram,
}

impl Signed {
    /// Counts a value, in microseconds.
    pub fn add(&mut self, us: i64) {
        let part = if us < 0 { &mut self.below } else { &mut self.above };
        part.add(us.unsigned_abs());
    }

    /// How many values there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.below.total + self.above.total
    }

    /// The value that `per_mille` of a thousand do not exceed, in microseconds; 0 if there is none.
    #[must_use]
    pub fn percentile(&self, per_mille: u64) -> i64 {
        let wanted = (self.count() * per_mille).div_ceil(1000).max(1);
        let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
        match self.below.total.checked_sub(wanted) {
            // The most negative are the largest of their kind.
            Some(larger) => -signed(self.below.ranked(larger + 1)),
            None => signed(self.above.ranked(wanted - self.below.total)),
        }
    }
}

/// Below `STEPS` exact, above by the highest bits.
fn bucket(us: u64) -> usize {
    let shift = us.max(STEPS).ilog2() - STEPS.ilog2();
    let within = (us >> shift).saturating_sub(STEPS);
    let number = if us < STEPS { us } else { u64::from(shift + 1) * STEPS + within };
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The largest value of a bucket.
const fn upper(number: u64) -> u64 {
    if number < STEPS {
        return number;
    }
    let shift = number / STEPS - 1;
    ((STEPS + number % STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_values_come_before_the_others() {
        let mut all = Signed::default();
        assert_eq!(all.percentile(990), 0);
        (-25..75).for_each(|us| all.add(us));
        let at = |per_mille| all.percentile(per_mille);
        assert_eq!((all.count(), at(0), at(10), at(240)), (100, -25, -25, -2));
        assert_eq!((at(250), at(260), at(1000)), (-1, 0, 74));
        let mut only = Signed::default();
        only.add(-5);
        assert_eq!((only.percentile(0), only.percentile(1000)), (-5, -5));
    }

    #[test]
    fn percentiles_are_right_within_a_thirty_second() {
        let mut all = Histogram::default();
        assert_eq!(all.percentile(500), 0);
        for us in 1..=100_000 {
            all.add(us);
        }
        for per_mille in [10, 500, 950, 990, 1000] {
            let (exact, found) = (per_mille * 100, all.percentile(per_mille));
            assert!(found >= exact && found <= exact + exact / 31, "{found} for {exact}");
        }
        assert_eq!(all.count(), 100_000);
    }

    #[test]
    fn every_value_lies_in_its_bucket() {
        for us in (0..100).chain([1_000, 65_535, 65_536, 1 << 30, 1 << 39]) {
            let number = bucket(us) as u64;
            assert!(us <= upper(number) && (number == 0 || us > upper(number - 1)), "{us}");
        }
    }
}
