//! H.264 as MP4 and FLV carry it (ISO/IEC 14496-15, clause 5).
//!
//! In: an `AVCDecoderConfigurationRecord`, access units. Out: a checked configuration with NAL length size 4, access
//! units in that form. Does not decode.

use bytes::{BufMut, Bytes, BytesMut};

use super::cursor::Cursor;
use super::sps::{self, Picture};

/// A decoder's configuration, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AvcConfig {
    /// The record, saying that NAL lengths have 4 bytes.
    pub(super) avcc: Bytes,
    /// The number of bytes they have in what the publisher sends.
    pub(super) nal_length_bytes: usize,
    /// What its first sequence parameter set says.
    pub(super) picture: Picture,
}

/// Reads an `AVCDecoderConfigurationRecord` (5.3.3.1). `None` if a decoder could not do with it.
pub(super) fn config(record: &Bytes) -> Option<AvcConfig> {
    let mut cursor = Cursor(record);
    if cursor.u8()? != 1 {
        return None;
    }
    cursor.array::<3>()?; // profile, compatibility, level
    let nal_length_bytes = usize::from(cursor.u8()? & 3) + 1;
    let mut picture = None;
    for _ in 0..cursor.u8()? & 0x1F {
        let length = cursor.u16()?;
        let nal = cursor.take(usize::from(length))?;
        picture = picture.or_else(|| sps::read(nal));
    }
    let picture_parameter_sets = cursor.u8()?;
    for _ in 0..picture_parameter_sets {
        let length = cursor.u16()?;
        cursor.take(usize::from(length))?;
    }
    if picture_parameter_sets == 0 || nal_length_bytes == 3 {
        return None;
    }
    let mut avcc = record.to_vec();
    *avcc.get_mut(4)? |= 0xFC | 3;
    Some(AvcConfig { avcc: Bytes::from(avcc), nal_length_bytes, picture: picture? })
}

/// NAL unit types (ITU-T H.264, table 7-1).
const IDR: u8 = 5;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER: u8 = 12;

/// An access unit with 4-byte NAL lengths, and whether it is an IDR picture. Delimiters and filler are left out.
/// `None` if the lengths do not add up or there is no slice.
pub(super) fn unit(data: &Bytes, nal_length_bytes: usize) -> Option<(Bytes, bool)> {
    let mut cursor = Cursor(data);
    let (mut idr, mut slices, mut as_it_is) = (false, false, nal_length_bytes == 4);
    let mut nals = Vec::new();
    while !cursor.0.is_empty() {
        let length = cursor
            .take(nal_length_bytes)?
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let nal = cursor.take(length)?;
        match nal.first().map(|header| header & 0x1F) {
            None | Some(ACCESS_UNIT_DELIMITER | FILLER) => {
                as_it_is = false;
                continue;
            }
            Some(kind) => {
                idr |= kind == IDR;
                slices |= (1..=IDR).contains(&kind);
            }
        }
        nals.push(nal);
    }
    if !slices {
        return None;
    }
    if as_it_is {
        return Some((data.clone(), idr));
    }
    let mut rewritten = BytesMut::with_capacity(data.len() + 2 * nals.len());
    for nal in nals {
        rewritten.put_u32(u32::try_from(nal.len()).ok()?);
        rewritten.put_slice(nal);
    }
    Some((rewritten.freeze(), idr))
}

#[cfg(test)]
mod tests {
    use super::super::samples::AVCC;
    use super::*;

    #[test]
    fn a_record_is_read_and_made_to_say_four_bytes() {
        let mut record = AVCC;
        record[4] = 0xFD;
        let read = config(&Bytes::copy_from_slice(&record)).expect("a good record");
        assert_eq!((read.nal_length_bytes, read.avcc[4]), (2, 0xFF));
        assert_eq!((read.picture.width, read.picture.height), (640, 360));
        for end in 0..AVCC.len() {
            assert_eq!(config(&Bytes::copy_from_slice(&AVCC[..end])), None);
        }
    }

    #[test]
    fn units_are_rewritten_and_idr_is_what_really_is_one() {
        let short = Bytes::from_static(&[0, 2, 0x09, 0xF0, 0, 2, 0x65, 1, 0, 1, 0x0C]);
        let long = Bytes::from_static(&[0, 0, 0, 2, 0x65, 1]);
        assert_eq!(unit(&short, 2), Some((long.clone(), true)));
        assert_eq!(unit(&long, 4), Some((long, true)));
        assert_eq!(unit(&Bytes::from_static(&[1, 0x41]), 1).map(|(_, idr)| idr), Some(false));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_noticed() {
        assert_eq!(unit(&Bytes::from_static(&[0, 0, 0, 9, 0x65, 1]), 4), None);
        assert_eq!(unit(&Bytes::from_static(&[0, 0]), 4), None);
        assert_eq!(unit(&Bytes::from_static(&[0, 0, 0, 1, 0x06]), 4), None);
        assert_eq!(unit(&Bytes::new(), 4), None);
    }
}
