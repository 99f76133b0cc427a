//! H.264 as MP4 and FLV carry it (ISO/IEC 14496-15, clause 5).
//!
//! In: an `AVCDecoderConfigurationRecord`, access units. Out: a checked configuration with NAL length size 4, access
//! units in that form. Does not decode.

use bytes::Bytes;

use super::{Coded, Entry, VideoRead, nals, prefixed, sps};
use crate::machine::cursor::Cursor;

/// Reads an `AVCDecoderConfigurationRecord` (5.3.3.1). `None` if a decoder could not do with it.
pub(super) fn config(record: &Bytes) -> Option<VideoRead> {
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
    Some(VideoRead { record: Bytes::from(avcc), nal_length_bytes, picture: picture? })
}

/// The record for parameter sets that came in band (5.3.3.1).
pub(super) fn record(sps: &[Vec<u8>], pps: &[Vec<u8>]) -> Option<Bytes> {
    let first = sps.first()?;
    sps::read(first)?;
    let [_, profile, compatibility, level, ..] = first[..] else { return None };
    let mut record = vec![1, profile, compatibility, level, 0xFF];
    for (mark, sets) in [(0xE0, sps), (0, pps)] {
        let count = u8::try_from(sets.len()).ok().filter(|count| (1..32).contains(count))?;
        record.push(mark | count);
        for set in sets {
            record.extend(u16::try_from(set.len()).ok()?.to_be_bytes());
            record.extend(set);
        }
    }
    if let Some([chroma, luma, other]) = sps::form(first) {
        record.extend([0xFC | chroma, 0xF8 | luma, 0xF8 | other, 0]);
    }
    Some(record.into())
}

/// NAL unit types (ITU-T H.264, table 7-1).
const IDR: u8 = 5;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER: u8 = 12;

/// An access unit with 4-byte NAL lengths. Delimiters and filler are left out. `None` if the lengths do not add up or
/// there is no slice.
pub(super) fn unit(data: &Bytes, nal_length_bytes: usize) -> Option<Coded> {
    let mut kept = nals(data, nal_length_bytes)?;
    let count = kept.len();
    let kind = |nal: &&[u8]| nal.first().map(|header| header & 0x1F);
    kept.retain(|nal| !matches!(kind(nal), None | Some(ACCESS_UNIT_DELIMITER | FILLER)));
    if !kept.iter().filter_map(kind).any(|kind| (1..=IDR).contains(&kind)) {
        return None;
    }
    let idr = kept.iter().filter_map(kind).any(|kind| kind == IDR);
    let as_it_is = nal_length_bytes == 4 && kept.len() == count;
    let data = prefixed(data, as_it_is, &kept)?;
    Some(Coded { data, entry: if idr { Entry::Clean } else { Entry::None } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::rtmp::samples::AVCC;

    #[test]
    fn a_record_is_read_and_made_to_say_four_bytes() {
        let mut record = AVCC;
        record[4] = 0xFD;
        let read = config(&Bytes::copy_from_slice(&record)).expect("a good record");
        assert_eq!((read.nal_length_bytes, read.record[4]), (2, 0xFF));
        assert_eq!((read.picture.width, read.picture.height), (640, 360));
        for end in 0..AVCC.len() {
            assert_eq!(config(&Bytes::copy_from_slice(&AVCC[..end])), None);
        }
    }

    #[test]
    fn units_are_rewritten_and_idr_is_what_really_is_one() {
        let short = Bytes::from_static(&[0, 2, 0x09, 0xF0, 0, 2, 0x65, 1, 0, 1, 0x0C]);
        let long = Bytes::from_static(&[0, 0, 0, 2, 0x65, 1]);
        let key = Some(Coded { data: long.clone(), entry: Entry::Clean });
        assert_eq!(unit(&short, 2), key);
        assert_eq!(unit(&long, 4), key);
        let delta = unit(&Bytes::from_static(&[1, 0x41]), 1);
        assert_eq!(delta.map(|coded| coded.entry), Some(Entry::None));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_noticed() {
        assert_eq!(unit(&Bytes::from_static(&[0, 0, 0, 9, 0x65, 1]), 4), None);
        assert_eq!(unit(&Bytes::from_static(&[0, 0]), 4), None);
        assert_eq!(unit(&Bytes::from_static(&[0, 0, 0, 1, 0x06]), 4), None);
        assert_eq!(unit(&Bytes::new(), 4), None);
    }
}
