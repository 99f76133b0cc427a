//! AV1 as MP4 and FLV carry it (AV1 in ISO-BMFF; AV1 Bitstream & Decoding Process, clause 5).
//!
//! In: an `AV1CodecConfigurationRecord`, temporal units. Out: a checked configuration, temporal units as MP4 stores
//! them. Does not decode.

use bytes::Bytes;
use shared_media::Rational;

use super::{Coded, Entry, Picture, VideoRead, plausible};
use crate::machine::cursor::{Bits, Cursor};

/// Types of OBUs (6.2.2).
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const REDUNDANT_FRAME_HEADER: u8 = 7;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

/// Bytes of a record before its OBUs.
const RECORD_HEAD_BYTES: usize = 4;

/// One open bitstream unit: all of it, and what stands behind its header.
struct Obu<'a> {
    kind: u8,
    whole: &'a [u8],
    payload: &'a [u8],
}

/// Reads an `AV1CodecConfigurationRecord` (AV1 in ISO-BMFF, 2.3). `None` if it has no sequence header.
pub(super) fn config(record: &Bytes) -> Option<VideoRead> {
    if *record.first()? != 0x81 {
        return None; // marker and version
    }
    let obus = obus(record.get(RECORD_HEAD_BYTES..)?)?;
    let header = obus.iter().find(|obu| obu.kind == SEQUENCE_HEADER)?;
    let picture = sequence_header(header.payload)?;
    Some(VideoRead { record: record.clone(), nal_length_bytes: 4, picture })
}

/// A temporal unit as a sample: without delimiter and padding (2.4), a keyframe with its sequence header. `None` if it
/// is broken or holds no frame.
pub(super) fn unit(data: &Bytes, record: &Bytes) -> Option<Coded> {
    let mut kept = obus(data)?;
    let count = kept.len();
    kept.retain(|obu| !matches!(obu.kind, TEMPORAL_DELIMITER | TILE_LIST | PADDING));
    let is_frame =
        |obu: &&Obu<'_>| matches!(obu.kind, FRAME | FRAME_HEADER | REDUNDANT_FRAME_HEADER);
    let frame = kept.iter().find(is_frame)?;
    let key = is_key(frame.payload)?;
    let has_header = kept.iter().any(|obu| obu.kind == SEQUENCE_HEADER);
    let entry = if key { Entry::Clean } else { Entry::None };
    if kept.len() == count && (has_header || !key) {
        return Some(Coded { data: data.clone(), entry });
    }
    let mut rewritten = Vec::with_capacity(data.len() + record.len());
    if key && !has_header {
        rewritten.extend_from_slice(record.get(RECORD_HEAD_BYTES..)?);
    }
    kept.iter().for_each(|obu| rewritten.extend_from_slice(obu.whole));
    Some(Coded { data: rewritten.into(), entry })
}

/// Takes bytes apart (5.3). `None` if the sizes do not add up.
fn obus(bytes: &[u8]) -> Option<Vec<Obu<'_>>> {
    let mut rest = Cursor(bytes);
    let mut obus = Vec::new();
    while !rest.0.is_empty() {
        let begin = rest.0;
        let header = rest.u8()?;
        if header & 0x80 != 0 {
            return None; // obu_forbidden_bit
        }
        if header & 4 != 0 {
            rest.u8()?; // temporal and spatial layer
        }
        let size = if header & 2 != 0 { leb128(&mut rest)? } else { rest.0.len() };
        let payload = rest.take(size)?;
        let whole = begin.get(..begin.len() - rest.0.len())?;
        obus.push(Obu { kind: header >> 3 & 0xF, whole, payload });
    }
    Some(obus)
}

/// 4.10.5
fn leb128(cursor: &mut Cursor<'_>) -> Option<usize> {
    let mut value = 0_u64;
    for at in 0..8 {
        let byte = cursor.u8()?;
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}

/// Whether an uncompressed header begins a key frame that is shown (5.9.2). What a reduced still picture has instead of
/// these bits reads the same.
fn is_key(payload: &[u8]) -> Option<bool> {
    let mut bits = Bits::new(payload);
    let (existing, kind, shown) = (bits.read(1)?, bits.read(2)?, bits.read(1)?);
    Some(existing == 0 && kind == 0 && shown == 1)
}

/// 5.5.1
fn sequence_header(payload: &[u8]) -> Option<Picture> {
    let mut bits = Bits::new(payload);
    bits.read(3)?; // seq_profile
    bits.read(1)?; // still_picture
    let mut frame_rate = None;
    if bits.read(1)? == 1 {
        bits.read(5)?; // reduced_still_picture_header: the level is all there is
    } else {
        frame_rate = operating_points(&mut bits)?;
    }
    let (width_bits, height_bits) = (bits.read(4)? + 1, bits.read(4)? + 1);
    let width = bits.read(usize::try_from(width_bits).ok()?)? + 1;
    let height = bits.read(usize::try_from(height_bits).ok()?)? + 1;
    Some(Picture { width, height, frame_rate })
}

/// From `timing_info_present_flag` to the last operating point; the frame rate, where it is stated.
fn operating_points(bits: &mut Bits<'_>) -> Option<Option<Rational>> {
    let mut frame_rate = None;
    let mut delay_bits = None;
    if bits.read(1)? == 1 {
        let (den, num) = (bits.read(32)?, bits.read(32)?);
        if bits.read(1)? == 1 {
            let ticks = bits.unsigned()?.checked_add(1)?;
            frame_rate = den.checked_mul(ticks).and_then(|den| plausible(num, den));
        }
        if bits.read(1)? == 1 {
            delay_bits = Some(usize::try_from(bits.read(5)? + 1).ok()?);
            bits.read(32)?; // num_units_in_decoding_tick
            bits.read(10)?; // lengths of two other times
        }
    }
    let delay_stated = bits.read(1)? == 1;
    for _ in 0..=bits.read(5)? {
        bits.read(12)?; // operating_point_idc
        if bits.read(5)? > 7 {
            bits.read(1)?; // seq_tier
        }
        if let Some(delay_bits) = delay_bits
            && bits.read(1)? == 1
        {
            bits.read(delay_bits)?;
            bits.read(delay_bits)?;
            bits.read(1)?; // low_delay_mode_flag
        }
        if delay_stated && bits.read(1)? == 1 {
            bits.read(4)?; // initial_display_delay_minus_1
        }
    }
    Some(frame_rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SVT-AV1 wrote for 320x180 and libaom for 1278x718.
    const SVT: [u8; 17] = [
        0x81, 0x00, 0x0C, 0x00, 0x0A, 0x0B, 0x00, 0x00, 0x00, 0x04, 0x3C, 0xFE, 0xCC, 0x02, 0xF8,
        0x00, 0x40,
    ];
    const AOM: [u8; 17] = [
        0x81, 0x05, 0x0C, 0x00, 0x0A, 0x0B, 0x00, 0x00, 0x00, 0x2D, 0x4C, 0xFD, 0xB3, 0x4D, 0xAF,
        0x90, 0x04,
    ];

    fn coded(data: &[u8]) -> Option<Coded> {
        unit(&Bytes::copy_from_slice(data), &Bytes::from_static(&SVT))
    }

    #[test]
    fn real_records_are_understood_and_none_is_taken_that_is_cut_off() {
        let size = |record: &[u8]| {
            let read = config(&Bytes::copy_from_slice(record))?;
            Some((read.picture.width, read.picture.height))
        };
        assert_eq!(size(&SVT), Some((320, 180)));
        assert_eq!(size(&AOM), Some((1278, 718)));
        for end in 0..SVT.len() {
            assert_eq!(size(&SVT[..end]), None, "{end}");
        }
    }

    #[test]
    fn a_temporal_unit_becomes_a_sample() {
        let key = [0x12, 0, 0x0A, 1, 7, 0x32, 2, 0x10, 9]; // delimiter, sequence header, frame
        let sample = coded(&key).expect("a good unit");
        assert_eq!((&sample.data[..], sample.entry), (&key[2..], Entry::Clean));
        let bare = coded(&[0x32, 2, 0x10, 9]).expect("a good unit");
        assert_eq!(bare.data, [&SVT[4..], &[0x32, 2, 0x10, 9]].concat(), "the header is added");
        let delta = [0x32, 2, 0x30, 9];
        assert_eq!(coded(&delta).map(|coded| coded.entry), Some(Entry::None));
        assert_eq!(coded(&[0x32, 9, 0x10]), None, "a size beyond the end");
        assert_eq!(coded(&[0x12, 0]), None, "no frame");
        assert_eq!(coded(&[]), None);
    }
}
