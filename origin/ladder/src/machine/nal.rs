//! H.264 between its two stored forms: length-prefixed with an `avcC` record, and Annex B with start codes.
//!
//! In: hostile bytes. Out: the same NAL units in the other form. Does not know slices.

use bytes::Bytes;

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
    #[error("not a usable avcC record")]
    Record,
}

/// The parameter sets of an `avcC` record in Annex B form (ISO/IEC 14496-15, 5.3.3.1).
pub(crate) fn parameter_sets(avcc: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (head, mut rest) = avcc.split_at_checked(5).ok_or(Malformed::Record)?;
    if head[0] != 1 || head[4] & 3 != 3 {
        return Err(Malformed::Record);
    }
    let mut annex_b = Vec::with_capacity(avcc.len() + 16);
    for mask in [0x1f, 0xff] {
        let (count, after) = rest.split_first().ok_or(Malformed::Truncated)?;
        rest = after;
        for _ in 0..count & mask {
            let (length, after) = rest.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (set, after) = after.split_at_checked(length).ok_or(Malformed::Truncated)?;
            annex_b.extend_from_slice(&START_CODE);
            annex_b.extend_from_slice(set);
            rest = after;
        }
    }
    if annex_b.is_empty() { Err(Malformed::Record) } else { Ok(annex_b) }
}

/// Appends length-prefixed NAL units to `annex_b`, each after a start code.
pub(crate) fn append_annex_b(annex_b: &mut Vec<u8>, mut unit: &[u8]) -> Result<(), Malformed> {
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
    let (mut sps, mut pps): (Option<&[u8]>, Option<&[u8]>) = (None, None);
    let mut data = Vec::with_capacity(annex_b.len() + 16);
    for nal in Nals(annex_b) {
        match nal.first().map(|head| head & 0x1f) {
            Some(SPS) => sps = Some(nal),
            Some(PPS) => pps = Some(nal),
            Some(DELIMITER | FILLER) | None => {}
            Some(_) => {
                let length = u32::try_from(nal.len()).unwrap_or(u32::MAX);
                data.extend_from_slice(&length.to_be_bytes());
                data.extend_from_slice(nal);
            }
        }
    }
    let avcc = sps.zip(pps).and_then(|(sps, pps)| record(sps, pps));
    Packet { avcc, data: data.into() }
}

fn record(sps: &[u8], pps: &[u8]) -> Option<Bytes> {
    let [_, profile, compatibility, level, ..] = *sps else { return None };
    let mut record = vec![1, profile, compatibility, level, 0xff, 0xe1];
    record.extend_from_slice(&u16::try_from(sps.len()).ok()?.to_be_bytes());
    record.extend_from_slice(sps);
    record.push(1);
    record.extend_from_slice(&u16::try_from(pps.len()).ok()?.to_be_bytes());
    record.extend_from_slice(pps);
    if matches!(profile, 100 | 110 | 122 | 144) {
        record.extend_from_slice(&[0xfc | 1, 0xf8, 0xf8, 0]); // 4:2:0, 8 bit luma, 8 bit chroma
    }
    Some(record.into())
}

/// NAL units of an Annex B byte stream, without start codes and trailing zeros.
struct Nals<'a>(&'a [u8]);

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
        let sets = parameter_sets(&record).unwrap();
        assert_eq!(sets, [0, 0, 0, 1, 0x67, 66, 0, 30, 9, 0, 0, 0, 1, 0x68, 7]);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(0u8..4, 0..200)) {
            let _ = parameter_sets(&bytes);
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
