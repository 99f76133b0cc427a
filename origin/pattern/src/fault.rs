//! What a publisher may do wrong, on purpose and on time.
//!
//! In: a fault's text, such as `jump:20:-5`, and moments. Out: what becomes of a frame at that moment. Does not know
//! clocks, nor the network.

use std::str::FromStr;

/// Longest time a fault may begin at or last, in seconds.
const SECONDS_MAX: f64 = 86_400.0;
/// Fastest drift, in parts per million: a tenth.
const PPM_MAX: i64 = 100_000;

/// One fault. Times are microseconds after the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// From `at_us` on all timestamps are moved by `by_us`.
    Jump {
        /// When.
        at_us: u64,
        /// By how much; below 0 backwards.
        by_us: i64,
    },
    /// For `for_us` no picture is sent; sound is.
    Drop {
        /// When.
        at_us: u64,
        /// For how long.
        for_us: u64,
    },
    /// For `for_us` nothing is sent, as by an encoder that hangs: what falls into that time never comes.
    Stall {
        /// When.
        at_us: u64,
        /// For how long.
        for_us: u64,
    },
    /// Timestamps of sound run faster than time, by so many parts per million; below 0 slower.
    Drift {
        /// Parts per million.
        ppm: i64,
    },
}

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fate {
    /// It is not sent.
    pub(crate) lost: bool,
    /// Its timestamps are moved, in microseconds.
    pub(crate) shift_us: i64,
}

/// What becomes of a packet of this moment.
pub(crate) fn fate(faults: &[Fault], is_video: bool, at_us: u64) -> Fate {
    let mut fate = Fate::default();
    for fault in faults {
        match *fault {
            Fault::Jump { at_us: from, by_us } if at_us >= from => fate.shift_us += by_us,
            Fault::Drop { at_us: from, for_us } => {
                fate.lost |= is_video && within(at_us, from, for_us)
            }
            Fault::Stall { at_us: from, for_us } => fate.lost |= within(at_us, from, for_us),
            Fault::Drift { ppm } if !is_video => {
                let drift = i128::from(at_us) * i128::from(ppm) / 1_000_000;
                fate.shift_us += i64::try_from(drift).unwrap_or(0);
            }
            Fault::Jump { .. } | Fault::Drift { .. } => {}
        }
    }
    fate
}

const fn within(at_us: u64, from: u64, for_us: u64) -> bool {
    at_us >= from && at_us - from < for_us
}

impl FromStr for Fault {
    type Err = String;

    /// `jump:AT:BY`, `drop:AT:FOR`, `stall:AT:FOR` in seconds, or `drift:PPM`.
    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split(':').collect();
        match fields.as_slice() {
            ["jump", at, by] => Ok(Self::Jump { at_us: since(at)?, by_us: micros(by)? }),
            ["drop", at, span] => Ok(Self::Drop { at_us: since(at)?, for_us: since(span)? }),
            ["stall", at, span] => Ok(Self::Stall { at_us: since(at)?, for_us: since(span)? }),
            ["drift", ppm] => {
                let ppm: i64 = ppm.parse().map_err(|_| format!("{ppm} is no whole number"))?;
                let known = ppm.abs() <= PPM_MAX;
                known.then_some(Self::Drift { ppm }).ok_or(format!("at most {PPM_MAX} ppm"))
            }
            _ => Err("jump:AT:BY, drop:AT:FOR, stall:AT:FOR or drift:PPM".to_owned()),
        }
    }
}

fn micros(text: &str) -> Result<i64, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is no number of seconds"))?;
    if seconds.is_nan() || seconds.abs() > SECONDS_MAX {
        return Err(format!("{text} is more than a day"));
    }
    Ok((seconds * 1e6).round() as i64)
}

fn since(text: &str) -> Result<u64, String> {
    u64::try_from(micros(text)?).map_err(|_| format!("{text} is below 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn faults_are_read() {
        for (text, fault) in [
            ("jump:20:-5", Some(Fault::Jump { at_us: 20 * SECOND, by_us: -5_000_000 })),
            ("drop:1.5:0.5", Some(Fault::Drop { at_us: 1_500_000, for_us: 500_000 })),
            ("stall:3:2", Some(Fault::Stall { at_us: 3 * SECOND, for_us: 2 * SECOND })),
            ("drift:-300", Some(Fault::Drift { ppm: -300 })),
            ("jump:-1:5", None),
            ("drift:200000", None),
            ("stall:NaN:1", None),
            ("sleep:1:1", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), fault, "{text}");
        }
    }

    #[test]
    fn each_does_what_it_says_when_it_says() {
        let all = [
            Fault::Jump { at_us: 10 * SECOND, by_us: 2_000_000 },
            Fault::Drop { at_us: 4 * SECOND, for_us: SECOND },
            Fault::Stall { at_us: 6 * SECOND, for_us: SECOND },
            Fault::Drift { ppm: 1000 },
        ];
        let seen = |is_video, at_us| {
            let fate = fate(&all, is_video, at_us);
            (fate.lost, fate.shift_us)
        };
        assert_eq!(seen(true, 3 * SECOND), (false, 0));
        assert_eq!(seen(true, 4 * SECOND), (true, 0));
        assert_eq!(seen(false, 4 * SECOND), (false, 4000));
        assert_eq!(seen(false, 6 * SECOND), (true, 6000));
        assert_eq!(seen(true, 7 * SECOND), (false, 0));
        assert_eq!(seen(true, 10 * SECOND), (false, 2_000_000));
        assert_eq!(seen(false, 20 * SECOND), (false, 2_020_000));
    }
}
