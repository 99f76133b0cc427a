//! HEVC as MP4, FLV and MPEG-TS carry it (ISO/IEC 14496-15, clause 8; ITU-T H.265).
//!
//! In: an `HEVCDecoderConfigurationRecord`, or bare parameter sets; access units. Out: a checked configuration with NAL
//! length size 4, access units in that form. Does not decode.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Coded, Entry, VideoRead, hevc_sps, nals, prefixed};
use crate::machine::cursor::Cursor;

/// NAL unit types (ITU-T H.265, table 7-1).
const RASL: std::ops::RangeInclusive<u8> = 8..=9;
const BLA: std::ops::RangeInclusive<u8> = 16..=18;
const IDR: std::ops::RangeInclusive<u8> = 19..=20;
const CRA: u8 = 21;
const SLICES: std::ops::RangeInclusive<u8> = 0..=31;
/// Video, sequence and picture parameter set.
pub(super) const SETS: std::ops::RangeInclusive<u8> = 32..=34;
const SPS: u8 = 33;
const ACCESS_UNIT_DELIMITER: u8 = 35;
const FILLER: u8 = 38;

/// The type of a NAL unit; `None` if it has no whole header.
pub(super) fn kind(nal: &[u8]) -> Option<u8> {
    (nal.len() > 2).then(|| nal[0] >> 1 & 0x3F)
}

/// Reads an `HEVCDecoderConfigurationRecord` (8.3.3.1). `None` if a decoder could not do with it.
pub(super) fn config(record: &Bytes) -> Option<VideoRead> {
    let mut cursor = Cursor(record);
    if cursor.u8()? != 1 {
        return None;
    }
    cursor.take(20)?;
    let nal_length_bytes = usize::from(cursor.u8()? & 3) + 1;
    let mut seen = [false; 3];
    let mut picture = None;
    for _ in 0..cursor.u8()? {
        let kind = cursor.u8()? & 0x3F;
        for _ in 0..cursor.u16()? {
            let length = cursor.u16()?;
            let nal = cursor.take(usize::from(length))?;
            if let Some(seen) = seen.get_mut(usize::from(kind.wrapping_sub(*SETS.start()))) {
                *seen = true;
            }
            if kind == SPS {
                picture = picture.or_else(|| hevc_sps::read(nal).map(|sps| sps.picture));
            }
        }
    }
    if seen != [true; 3] || nal_length_bytes == 3 {
        return None;
    }
    let mut hvcc = record.to_vec();
    *hvcc.get_mut(21)? |= 3;
    Some(VideoRead { record: Bytes::from(hvcc), nal_length_bytes, picture: picture? })
}

/// The record for parameter sets that came in band (8.3.3.1).
pub(super) fn record(sets: &[Vec<Vec<u8>>; 3]) -> Option<Bytes> {
    if sets.iter().any(Vec::is_empty) {
        return None;
    }
    let read = hevc_sps::read(sets[1].first()?)?;
    let mut record = BytesMut::new();
    record.put_u8(1);
    record.put_slice(&read.profile_tier_level);
    record.put_u16(0xF000); // no statement about spatial segmentation
    record.put_u8(0xFC); // nor about parallelism
    record.put_u8(0xFC | read.chroma_format);
    record.put_u8(0xF8 | read.luma_depth_minus_8);
    record.put_u8(0xF8 | read.chroma_depth_minus_8);
    record.put_u16(0); // nor about the frame rate
    record.put_u8(read.layers << 3 | u8::from(read.nested) << 2 | 3);
    record.put_u8(3);
    for (kind, sets) in SETS.zip(sets) {
        record.put_u8(0x80 | kind); // all there are of this kind
        record.put_u16(u16::try_from(sets.len()).ok()?);
        for set in sets {
            record.put_u16(u16::try_from(set.len()).ok()?);
            record.put_slice(set);
        }
    }
    Some(record.freeze())
}

/// An access unit with 4-byte NAL lengths. Delimiters, filler and parameter sets, which `hvc1` must not have in band,
/// are left out. `None` if the lengths do not add up or there is no slice.
pub(super) fn unit(data: &Bytes, nal_length_bytes: usize) -> Option<Coded> {
    let mut kept = nals(data, nal_length_bytes)?;
    let count = kept.len();
    kept.retain(|nal| match kind(nal) {
        None | Some(ACCESS_UNIT_DELIMITER | FILLER) => false,
        Some(kind) => !SETS.contains(&kind),
    });
    let slice = kept.iter().filter_map(|nal| kind(nal)).find(|kind| SLICES.contains(kind))?;
    let entry = match slice {
        CRA => Entry::Open,
        kind if IDR.contains(&kind) => Entry::Clean,
        kind if BLA.contains(&kind) => Entry::Open,
        kind if RASL.contains(&kind) => Entry::Leading,
        _ => Entry::None,
    };
    let as_it_is = nal_length_bytes == 4 && kept.len() == count;
    Some(Coded { data: prefixed(data, as_it_is, &kept)?, entry })
}

#[cfg(test)]
mod tests {
    use super::super::hevc_sps::tests::{PPS, SPS, VPS};
    use super::*;

    #[test]
    fn a_record_made_of_parameter_sets_is_read_back() {
        let sets = [&VPS[..], &SPS, &PPS].map(|set| vec![set.to_vec()]);
        let record = record(&sets).expect("good parameter sets");
        let read = config(&record).expect("a good record");
        assert_eq!((read.record.clone(), read.nal_length_bytes), (record.clone(), 4));
        assert_eq!((read.picture.width, read.picture.height), (320, 180));
        for end in 0..record.len() {
            assert_eq!(config(&record.slice(..end)), None, "{end}");
        }
    }

    #[test]
    fn units_lose_what_hvc1_must_not_have_and_say_where_decoding_begins() {
        let key = |kind: u8| {
            let nals = [&[0, 0, 0, 3, 35 << 1, 1, 0x50][..], &[0, 0, 0, 3, kind << 1, 1, 9]];
            unit(&Bytes::from(nals.concat()), 4).map(|coded| (coded.data.len(), coded.entry))
        };
        assert_eq!(key(20), Some((7, Entry::Clean)));
        assert_eq!(key(21), Some((7, Entry::Open)));
        assert_eq!(key(9), Some((7, Entry::Leading)));
        assert_eq!(key(1), Some((7, Entry::None)));
        assert_eq!(key(33), None);
        assert_eq!(unit(&Bytes::from_static(&[0, 0, 0, 9, 2, 1]), 4), None);
    }
}
