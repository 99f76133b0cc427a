//! Mutations of an input.
//!
//! In: seeds, and a number to start from. Out: inputs, the same for the same number. Does not look at coverage.

/// Longest input, in bytes.
const BYTES_MAX: usize = 16 * 1024;
/// Most mutations of one seed.
const STEPS_MAX: u64 = 8;

/// Makes inputs out of seeds.
#[derive(Debug)]
pub struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// From `seeds`, of which there is at least one; `start` decides what comes.
    #[must_use]
    pub const fn new(seeds: &'a [Vec<u8>], start: u64) -> Self {
        // Zero would stay zero for ever.
        Self { seeds, state: start | 1 }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(STEPS_MAX) {
            self.mutate(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    /// xorshift64*: good enough to vary, and the same everywhere.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64 + 1)).unwrap_or(0)
    }

    fn seed(&mut self) -> &'a [u8] {
        let at = self.place(self.seeds.len().saturating_sub(1));
        self.seeds.get(at).map_or(&[], Vec::as_slice)
    }

    /// A span of `text`; of whole lines, more often than not.
    fn span(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let (a, b) = (self.place(text.len()), self.place(text.len()));
        let (mut from, mut to) = (a.min(b), a.max(b));
        if self.below(3) > 0 {
            let line = |at: usize| {
                text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)
            };
            (from, to) = (line(from), line(to));
        }
        // Short ones keep more of the rest's sense.
        from..to.min(from + 400)
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.place(input.len());
        match self.below(8) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => input.insert(at, b"\n\r\",:=@#{$/.?%0x "[self.place(16)]),
            2 => input.truncate(at),
            3 => {
                let span = self.span(input);
                input.drain(span);
            }
            4 => {
                let span = self.span(input);
                let copy = input[span].to_vec();
                input.splice(at..at, copy);
            }
            5 => {
                let other = self.seed();
                let span = self.span(other);
                input.splice(at..at, other[span].iter().copied());
            }
            6 => {
                let digits = [0, 1, 255, 65_536, u64::MAX / 1_000_000, u64::MAX][self.place(5)];
                let end = input[at..].iter().position(|byte| !byte.is_ascii_digit());
                let end = end.map_or(input.len(), |length| at + length);
                input.splice(at..end, digits.to_string().into_bytes());
            }
            _ => {
                let mut lines: Vec<Vec<u8>> =
                    input.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let (a, b) = (self.place(lines.len()), self.place(lines.len()));
                if a < lines.len() && b < lines.len() {
                    lines.swap(a, b);
                }
                *input = lines.concat();
            }
        }
    }
}
