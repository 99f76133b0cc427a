//! The clock as captions within the picture: CEA-608, pop-on, channel 1.
//!
//! In: when frames are shown. Out: the triplets beside each (ATSC A/53). Does not know how pictures are encoded.
//!
//! Line 21 has room for two bytes 30 times a second. Those of a second load the time of the next, which is shown with
//! the first of them: so each caption comes with the frame, the flash and the beep of its full second, `12:34:56 UTC`.

use shared_media::closed_captions::Triplet;

/// Pairs of bytes in a second.
const PAIRS: i64 = 30;
/// Commands of channel 1 (ANSI/CTA-608, tables 51 and 53): each is sent twice, and counts once.
const END_OF_CAPTION: [u8; 2] = [0x14, 0x2F];
const RESUME_CAPTION_LOADING: [u8; 2] = [0x14, 0x20];
const ERASE_NOT_SHOWN: [u8; 2] = [0x14, 0x2E];
/// Row 15, from the first column on, in white.
const LAST_ROW: [u8; 2] = [0x14, 0x70];
const COMMANDS: [[u8; 2]; 4] = [END_OF_CAPTION, RESUME_CAPTION_LOADING, ERASE_NOT_SHOWN, LAST_ROW];

/// What was sent so far.
#[derive(Debug, Default)]
pub(crate) struct Captions {
    /// The pair that is due next, counted from the Unix epoch; `None` before the first frame.
    next: Option<i64>,
    /// From where on nothing was left out: the beginning of a second.
    whole_from: i64,
}

impl Captions {
    /// The triplets beside a frame that is shown from a moment to another, in microseconds since the Unix epoch.
    pub(crate) fn beside(&mut self, from_us: i64, until_us: i64) -> Vec<Triplet> {
        let pair_at = |us: i64| {
            let pairs = i128::from(us) * i128::from(PAIRS);
            // The first at or after it.
            i64::try_from(-(-pairs).div_euclid(1_000_000)).unwrap_or(i64::MAX)
        };
        let (from, until) = (pair_at(from_us), pair_at(until_us));
        let is_next = |next: &i64| (from - 1..=from + 1).contains(next);
        let from = self.next.filter(is_next).unwrap_or_else(|| {
            // Frames were left out, or the clock was set.
            self.whole_from = (from + PAIRS - 1).div_euclid(PAIRS) * PAIRS;
            from
        });
        self.next = Some(from.max(until));
        // A frame has no more than a second: no picture has room for all of a long one.
        let pairs = (from..until).take(31).map(|pair| match pair >= self.whole_from {
            true => bytes(pair.div_euclid(PAIRS), pair.rem_euclid(PAIRS)),
            false => [0, 0],
        });
        pairs.map(|[a, b]| [0xFC, odd(a), odd(b)]).collect()
    }
}

/// What a second's pair is, without parity.
fn bytes(second: i64, pair: i64) -> [u8; 2] {
    let Ok(place) = usize::try_from(pair) else { return [0, 0] };
    if let Some(command) = COMMANDS.get(place / 2) {
        return *command;
    }
    let next = (second + 1).rem_euclid(86_400);
    let text = format!("{:02}:{:02}:{:02} UTC", next / 3600, next / 60 % 60, next % 60);
    let pairs = text.as_bytes().as_chunks().0;
    pairs.get(place - 2 * COMMANDS.len()).copied().unwrap_or([0, 0])
}

/// With a parity bit that makes its ones odd (ANSI/CTA-608, 4.2).
const fn odd(byte: u8) -> u8 {
    if byte.count_ones().is_multiple_of(2) { byte | 0x80 } else { byte }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent beside frames from a moment on, without padding.
    fn sent(captions: &mut Captions, rate: i64, from_us: i64, frames: i64) -> Vec<(i64, [u8; 2])> {
        let due = |n: i64| from_us + n * 1_000_000 / rate;
        let mut sent = Vec::new();
        for n in 0..frames {
            for [head, a, b] in captions.beside(due(n), due(n + 1)) {
                assert_eq!(head, 0xFC);
                assert!(a.count_ones() % 2 == 1 && b.count_ones() % 2 == 1);
                sent.push((due(n), [a & 0x7F, b & 0x7F]));
            }
        }
        sent.retain(|(_, pair)| *pair != [0, 0]);
        sent
    }

    #[test]
    fn a_second_shows_what_the_one_before_has_loaded_at_every_frame_rate() {
        // 12:34:55 of some day.
        let second = 1_763_683_200 + 12 * 3600 + 34 * 60 + 55;
        for rate in [1, 10, 24, 25, 30, 50, 60, 120] {
            let mut captions = Captions::default();
            let sent = sent(&mut captions, rate, second * 1_000_000, 2 * rate);
            let (first, next) = sent.split_at(sent.len() / 2);
            let text: Vec<u8> = first[8..].iter().flat_map(|(_, pair)| *pair).collect();
            assert_eq!(text, b"12:34:56 UTC", "at {rate}");
            assert_eq!(next[0], ((second + 1) * 1_000_000, END_OF_CAPTION), "at {rate}");
            assert_eq!(next.len(), 14, "at {rate}");
        }
    }

    #[test]
    fn a_second_of_which_something_is_left_out_loads_nothing() {
        let mut captions = Captions::default();
        let first = sent(&mut captions, 30, 100_000, 27);
        assert_eq!(first, []);
        let whole = sent(&mut captions, 30, 1_000_000, 30);
        assert_eq!(whole.len(), 14);
        let after_gap = sent(&mut captions, 30, 2_200_000, 24);
        assert_eq!(after_gap, []);
        assert_eq!(sent(&mut captions, 30, 3_000_000, 30).len(), 14);
    }
}
