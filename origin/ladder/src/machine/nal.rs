//! Pictures between their two forms: as MP4 stores them beside a record, and as FFmpeg's decoders and encoders want
//! them. H.264 and HEVC are length-prefixed in the one and have start codes in the other; AV1 is the same in both.
//!
//! In: hostile bytes. Out: the same NAL units in the other form. Does not know slices.

use bytes::Bytes;
use shared_media::VideoCodec;

/// NAL unit types of ISO/IEC 14496-10, table 7-1.
const SPS: u8 = 7;
const PPS: u8 = 8;
const DELIMITER: u8 = 9;
const FILLER: u8 = 12;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The peer's bytes do not have the form they claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// A length reaches past the end.
    #[error("a length reaches past the end")]
    Truncated,
    /// The record names no parameter set, or another length size than 4.
    #[error("not a usable decoder configuration record")]
    Record,
}

/// What a decoder must be given before a keyframe: the parameter sets of a record.
pub(crate) fn parameter_sets(codec: VideoCodec, record: &[u8]) -> Result<Vec<u8>, Malformed> {
    match codec {
        VideoCodec::Avc => of_avcc(record),
        VideoCodec::Hevc => of_hvcc(record),
        // The sequence header follows four bytes (AV1 in ISO-BMFF, 2.3.3); it may be left to the keyframes.
        VideoCodec::Av1 => Ok(record.get(4..).ok_or(Malformed::Record)?.to_vec()),
    }
}

/// Appends a unit in the form a decoder takes.
pub(crate) fn append(
    codec: VideoCodec,
    stream: &mut Vec<u8>,
    unit: &[u8],
) -> Result<(), Malformed> {
    match codec {
        VideoCodec::Avc | VideoCodec::Hevc => append_annex_b(stream, unit),
        VideoCodec::Av1 => {
            stream.extend_from_slice(unit);
            Ok(())
        }
    }
}

/// ISO/IEC 14496-15, 8.3.3.1.
fn of_hvcc(hvcc: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (head, rest) = hvcc.split_at_checked(23).ok_or(Malformed::Record)?;
    if head[0] != 1 || head[21] & 3 != 3 {
        return Err(Malformed::Record);
    }
    let mut annex_b = Vec::with_capacity(hvcc.len() + 16);
    let mut rest = rest;
    for _ in 0..head[22] {
        let (array, after) = rest.split_first_chunk::<3>().ok_or(Malformed::Truncated)?;
        rest = after;
        for _ in 0..u16::from_be_bytes([array[1], array[2]]) {
            rest = take_set(&mut annex_b, rest)?;
        }
    }
    if annex_b.is_empty() { Err(Malformed::Record) } else { Ok(annex_b) }
}

/// Appends one parameter set behind its 16-bit length; what follows it.
fn take_set<'a>(annex_b: &mut Vec<u8>, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
    let (length, after) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (set, after) = after.split_at_checked(length).ok_or(Malformed::Truncated)?;
    annex_b.extend_from_slice(&START_CODE);
    annex_b.extend_from_slice(set);
    Ok(after)
}

/// ISO/IEC 14496-15, 5.3.3.1.
fn of_avcc(avcc: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (head, mut rest) = avcc.split_at_checked(5).ok_or(Malformed::Record)?;
    if head[0] != 1 || head[4] & 3 != 3 {
        return Err(Malformed::Record);
    }
    let mut annex_b = Vec::with_capacity(avcc.len() + 16);
    for mask in [0x1f, 0xff] {
        let (count, after) = rest.split_first().ok_or(Malformed::Truncated)?;
        rest = after;
        for _ in 0..count & mask {
            rest = take_set(&mut annex_b, rest)?;
        }
    }
    if annex_b.is_empty() { Err(Malformed::Record) } else { Ok(annex_b) }
}

/// The record of a stream whose lengths have any size, and how many bytes they have; the record says 4 instead.
pub(crate) fn with_long_lengths(avcc: &[u8]) -> Result<(Bytes, usize), Malformed> {
    let mut record = avcc.to_vec();
    let size = match record.get_mut(4) {
        Some(size) if avcc[0] == 1 => std::mem::replace(size, *size | 3) & 3,
        _ => return Err(Malformed::Record),
    };
    of_avcc(&record)?;
    Ok((record.into(), usize::from(size) + 1))
}

/// A unit whose lengths have so many bytes, with lengths of 4.
pub(crate) fn lengthen(unit: &[u8], size: usize) -> Result<Bytes, Malformed> {
    let mut long = Vec::with_capacity(unit.len() + 64);
    let mut rest = unit;
    while !rest.is_empty() {
        let (length, after) = rest.split_at_checked(size).ok_or(Malformed::Truncated)?;
        let length = length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
        let bytes = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
        let (nal, after) = after.split_at_checked(bytes).ok_or(Malformed::Truncated)?;
        long.extend_from_slice(&length.to_be_bytes());
        long.extend_from_slice(nal);
        rest = after;
    }
    Ok(long.into())
}

/// Appends length-prefixed NAL units to `annex_b`, each after a start code.
fn append_annex_b(annex_b: &mut Vec<u8>, mut unit: &[u8]) -> Result<(), Malformed> {
    while !unit.is_empty() {
        let (length, rest) = unit.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        let length =
            usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed::Truncated)?;
        let (nal, rest) = rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        if !nal.is_empty() {
            annex_b.extend_from_slice(&START_CODE);
            annex_b.extend_from_slice(nal);
        }
        unit = rest;
    }
    Ok(())
}

/// What an encoder's Annex B packet holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Packet {
    /// The `avcC` record, where the packet carries parameter sets.
    pub(crate) avcc: Option<Bytes>,
    /// The rest, length-prefixed; delimiters and filler are left out.
    pub(crate) data: Bytes,
}

/// Splits an encoder's packet into its parameter sets and its picture.
///
/// The record is written for 8-bit 4:2:0, the only form our encoders are asked for.
pub(crate) fn from_annex_b(annex_b: &[u8]) -> Packet {
    let (mut sps, mut pps): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    let mut data = Vec::with_capacity(annex_b.len() + 16);
    for nal in Nals(annex_b) {
        match nal.first().map(|head| head & 0x1f) {
            Some(SPS) => sps.push(nal),
            Some(PPS) => pps.push(nal),
            Some(DELIMITER | FILLER) | None => {}
            Some(_) => {
                let length = u32::try_from(nal.len()).unwrap_or(u32::MAX);
                data.extend_from_slice(&length.to_be_bytes());
                data.extend_from_slice(nal);
            }
        }
    }
    sps.dedup();
    pps.dedup();
    let avcc = record(&sps, &pps);
    Packet { avcc, data: data.into() }
}

fn record(sps: &[&[u8]], pps: &[&[u8]]) -> Option<Bytes> {
    let [_, profile, compatibility, level, ..] = **sps.first()? else { return None };
    let (sps_count, pps_count) = (u8::try_from(sps.len()).ok()?, u8::try_from(pps.len()).ok()?);
    if sps_count > 31 || pps_count == 0 {
        return None;
    }
    let mut record = vec![1, profile, compatibility, level, 0xff, 0xe0 | sps_count];
    put_sets(&mut record, sps)?;
    record.push(pps_count);
    put_sets(&mut record, pps)?;
    if matches!(profile, 100 | 110 | 122 | 144) {
        record.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]); // 4:2:0, 8 bit luma, 8 bit chroma
    }
    Some(record.into())
}

/// Appends parameter sets, each behind its 16-bit length.
fn put_sets(record: &mut Vec<u8>, sets: &[&[u8]]) -> Option<()> {
    for set in sets {
        record.extend_from_slice(&u16::try_from(set.len()).ok()?.to_be_bytes());
        record.extend_from_slice(set);
    }
    Some(())
}

/// NAL units of an Annex B byte stream, without start codes and trailing zeros.
pub(crate) struct Nals<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Nals<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = find_start_code(self.0)? + 3;
        let body = &self.0[start..];
        let end = find_start_code(body).unwrap_or(body.len());
        self.0 = &body[end..];
        let kept = body[..end].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Some(&body[..kept])
    }
}

fn find_start_code(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|window| window == [0, 0, 1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_packet_is_split_into_record_and_picture() {
        let annex_b = [
            &[0, 0, 0, 1, 0x67, 66, 0, 30, 9][..],
            &[0, 0, 0, 1, 0x68, 7],
            &[0, 0, 1, 0x09, 0x10],
            &[0, 0, 1, 0x65, 1, 2, 3],
        ]
        .concat();
        let packet = from_annex_b(&annex_b);
        assert_eq!(packet.data[..], [0, 0, 0, 4, 0x65, 1, 2, 3]);
        let record = packet.avcc.unwrap();
        assert_eq!(record[..6], [1, 66, 0, 30, 0xff, 0xe1]);
        let sets = parameter_sets(VideoCodec::Avc, &record).unwrap();
        assert_eq!(sets, [0, 0, 0, 1, 0x67, 66, 0, 30, 9, 0, 0, 0, 1, 0x68, 7]);
    }

    #[test]
    fn the_sets_of_an_hevc_record_are_found() {
        let mut record = vec![0; 23];
        (record[0], record[21], record[22]) = (1, 0xf3, 2);
        record.extend([0x20, 0, 1, 0, 2, 0x40, 1]);
        record.extend([0xa1, 0, 2, 0, 2, 0x42, 1, 0, 3, 0x42, 1, 9]);
        let sets = [0, 0, 0, 1, 0x40, 1, 0, 0, 0, 1, 0x42, 1, 0, 0, 0, 1, 0x42, 1, 9];
        assert_eq!(parameter_sets(VideoCodec::Hevc, &record).unwrap(), sets);
        record.pop();
        assert_eq!(parameter_sets(VideoCodec::Hevc, &record), Err(Malformed::Truncated));
    }

    #[test]
    fn short_lengths_become_long_ones() {
        let record = [1, 66, 0, 30, 0xfd, 0xe1, 0, 2, 0x67, 66, 1, 0, 1, 0x68];
        let (long, size) = with_long_lengths(&record).unwrap();
        assert_eq!((size, long[4]), (2, 0xff));
        let unit = lengthen(&[0, 2, 0x65, 1, 0, 1, 0x06], size).unwrap();
        assert_eq!(unit[..], [0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x06]);
        assert_eq!(lengthen(&[0, 3, 0x65], size), Err(Malformed::Truncated));
        assert_eq!(with_long_lengths(&[0, 0, 0, 1, 0x67]), Err(Malformed::Record));
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(0u8..4, 0..200)) {
            let _ = with_long_lengths(&bytes);
            let _ = lengthen(&bytes, 1 + bytes.len() % 4);
            for codec in [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1] {
                let _ = parameter_sets(codec, &bytes);
            }
            let _ = append_annex_b(&mut Vec::new(), &bytes);
            let _ = from_annex_b(&bytes);
        }

        #[test]
        fn pictures_survive_both_ways(
            nals in proptest::collection::vec(proptest::collection::vec(2u8..=255, 1..40), 1..5)
        ) {
            let mut unit = Vec::new();
            for nal in &nals {
                unit.extend_from_slice(&u32::try_from(nal.len() + 1).unwrap().to_be_bytes());
                unit.push(0x65);
                unit.extend_from_slice(nal);
            }
            let mut annex_b = Vec::new();
            append_annex_b(&mut annex_b, &unit).unwrap();
            prop_assert_eq!(&from_annex_b(&annex_b).data[..], &unit[..]);
        }
    }
}
