//! Open bitstream units of AV1, one at a time.
//!
//! In: hostile bytes. Out: the unit in front. Does not know what is in it.

/// An open bitstream unit (AV1, 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type` (6.2.2).
    pub kind: u8,
    /// What stands behind its header.
    pub payload: &'a [u8],
    /// Its bytes as a whole.
    pub length: usize,
}

impl<'a> Obu<'a> {
    /// The unit in front, which goes on to the end if it has no size; `None` if it ends too early.
    #[must_use]
    pub fn first(bytes: &'a [u8]) -> Option<Self> {
        let head = *bytes.first()?;
        let mut from = if head & 4 == 0 { 1 } else { 2 };
        let mut size = bytes.len().checked_sub(from)?;
        if head & 2 != 0 {
            size = 0;
            for place in 0..4 {
                let byte = *bytes.get(from)?;
                from += 1;
                size |= usize::from(byte & 0x7F) << (7 * place);
                if byte & 0x80 == 0 {
                    break;
                }
            }
        }
        let length = from.checked_add(size)?;
        Some(Self { kind: head >> 3 & 15, payload: bytes.get(from..length)?, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_ends_where_its_size_says_or_where_the_bytes_do() {
        let sized = [0x2A, 2, 7, 8, 9];
        assert_eq!(Obu::first(&sized), Some(Obu { kind: 5, payload: &[7, 8], length: 4 }));
        let extended = [0x34, 0, 7, 8];
        assert_eq!(Obu::first(&extended), Some(Obu { kind: 6, payload: &[7, 8], length: 4 }));
        for cut_off in [&[][..], &[0x34], &[0x2A], &[0x2A, 0x80], &[0x2A, 3, 7, 8]] {
            assert_eq!(Obu::first(cut_off), None, "{cut_off:x?}");
        }
    }
}
