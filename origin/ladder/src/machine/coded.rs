//! What encoders deliver, in the form MP4 stores: a record beside the stream, and samples without what stands in it.
//!
//! In: an encoder's packet. Out: its record where it carries one, and its picture. All our encoders are asked for 4:2:0
//! with 8 bits, or with 10, which the records say. Does not know FFmpeg.

use bytes::Bytes;
use shared_media::{Obu, VideoCodec};

use super::nal::{self, Nals};

/// An encoder's packet, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Coded {
    /// `avcC`, `hvcC` or `av1C`, where the packet carries parameter sets.
    pub(crate) record: Option<Bytes>,
    /// The rest, as [`shared_media::AccessUnit::data`] wants it.
    pub(crate) data: Bytes,
}

/// How many bits a sample of ours has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Eight,
    Ten,
}

/// Takes an encoder's packet apart. Only HEVC and AV1 have 10 bits.
pub(crate) fn take_apart(codec: VideoCodec, depth: Depth, packet: &[u8]) -> Coded {
    match codec {
        VideoCodec::Avc => {
            let nal::Packet { avcc, data } = nal::from_annex_b(packet);
            Coded { record: avcc, data }
        }
        VideoCodec::Hevc => hevc(depth, packet),
        VideoCodec::Av1 => av1(depth, packet),
    }
}

/// NAL unit types of ITU-T H.265, table 7-1: VPS, SPS and PPS; delimiter and filler.
const SETS: [u8; 3] = [32, 33, 34];
const LEFT_OUT: [u8; 2] = [35, 38];

fn hevc(depth: Depth, packet: &[u8]) -> Coded {
    let mut sets: [Option<&[u8]>; 3] = [None; 3];
    let mut data = Vec::with_capacity(packet.len() + 16);
    for unit in Nals(packet) {
        let Some(kind) = unit.first().map(|head| head >> 1 & 0x3f) else { continue };
        match SETS.iter().position(|set| *set == kind) {
            Some(set) => sets[set] = Some(unit),
            None if LEFT_OUT.contains(&kind) => {}
            None => {
                data.extend_from_slice(
                    &u32::try_from(unit.len()).unwrap_or(u32::MAX).to_be_bytes(),
                );
                data.extend_from_slice(unit);
            }
        }
    }
    let record = match sets {
        [Some(vps), Some(sps), Some(pps)] => hvcc(depth, [vps, sps, pps]),
        _ => None,
    };
    Coded { record, data: data.into() }
}

/// ISO/IEC 14496-15, 8.3.3.1. The SPS begins with its VPS's number (4 bits), the number of layers less one (3), whether
/// they nest (1), and the profile, tier and level (12 bytes; ITU-T H.265, 7.3.2.2).
fn hvcc(depth: Depth, sets: [&[u8]; 3]) -> Option<Bytes> {
    let begin: Vec<u8> = without_emulation(sets[1].get(2..)?).take(13).collect();
    let (head, profile) = begin.split_first().filter(|(_, profile)| profile.len() == 12)?;
    let layers = (head >> 1 & 7) + 1;
    let mut record = vec![1];
    record.extend_from_slice(profile);
    let bits = match depth {
        Depth::Eight => 0xf8,
        Depth::Ten => 0xfa,
    };
    // No statement about segmentation and parallelism; 4:2:0, bits of luma and of chroma; none about the frame rate.
    record.extend_from_slice(&[0xf0, 0, 0xfc, 0xfd, bits, bits, 0, 0]);
    record.push(layers << 3 | (head & 1) << 2 | 3);
    record.push(3);
    for (kind, set) in SETS.into_iter().zip(sets) {
        record.extend_from_slice(&[0x80 | kind, 0, 1]);
        record.extend_from_slice(&u16::try_from(set.len()).ok()?.to_be_bytes());
        record.extend_from_slice(set);
    }
    Some(record.into())
}

/// Without the bytes that keep start codes out (ITU-T H.265, 7.3.1.1).
fn without_emulation(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let mut zeros = 0;
    bytes.iter().copied().filter(move |byte| {
        let is_kept = !(zeros >= 2 && *byte == 3);
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        is_kept
    })
}

/// OBU types of the AV1 specification, 6.2.2.
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const PADDING: u8 = 15;

/// A temporal unit: its delimiter and padding are left out (AV1 in ISO-BMFF, 2.4).
fn av1(depth: Depth, packet: &[u8]) -> Coded {
    let (mut record, mut data, mut rest) = (None, Vec::with_capacity(packet.len()), packet);
    while let Some(Obu { kind, payload, length }) = Obu::first(rest) {
        let (this, after) = rest.split_at(length);
        rest = after;
        match kind {
            TEMPORAL_DELIMITER | PADDING => continue,
            SEQUENCE_HEADER => record = av1c(depth, payload, this),
            _ => {}
        }
        data.extend_from_slice(this);
    }
    Coded { record, data: data.into() }
}

/// AV1 in ISO-BMFF, 2.3. The sequence header begins as 5.5.1 says; `None` for one with timing information, which our
/// encoders do not write.
fn av1c(depth: Depth, header: &[u8], whole: &[u8]) -> Option<Bytes> {
    let bit = |at: usize| Some(header.get(at / 8)? >> (7 - at % 8) & 1);
    let bits = |at: usize, count: usize| {
        (at..at + count).try_fold(0_u8, |value, at| Some(value << 1 | bit(at)?))
    };
    let profile = bits(0, 3)?;
    let (level, tier) = if bit(4)? == 1 {
        (bits(5, 5)?, 0)
    } else if bit(5)? == 1 {
        return None;
    } else {
        // Initial delay, count of operating points, the first one's layers; then its level and tier.
        let level = bits(24, 5)?;
        (level, if level > 7 { bit(29)? } else { 0 })
    };
    let is_deep = u8::from(depth == Depth::Ten);
    let mut record = vec![0x81, profile << 5 | level, tier << 7 | is_deep << 6 | 0b1100, 0];
    record.extend_from_slice(whole);
    Some(record.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_hevc_packet_is_split_into_record_and_picture() {
        let sps = [0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 93, 0xa0];
        let packet = [
            &[0, 0, 0, 1, 0x40, 1, 7][..],
            &[0, 0, 0, 1],
            &sps,
            &[0, 0, 0, 1, 0x44, 1, 8],
            &[0, 0, 1, 0x46, 1, 0x50],
            &[0, 0, 1, 0x26, 1, 9],
        ]
        .concat();
        let coded = take_apart(VideoCodec::Hevc, Depth::Eight, &packet);
        assert_eq!(coded.data[..], [0, 0, 0, 3, 0x26, 1, 9]);
        let record = coded.record.unwrap();
        assert_eq!(record[..13], [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93]);
        assert_eq!((record[21], record[22]), (0b0000_1111, 3));
        assert_eq!(record[16..19], [0xfd, 0xf8, 0xf8]);
        let deep = take_apart(VideoCodec::Hevc, Depth::Ten, &packet).record.unwrap();
        assert_eq!(deep[16..19], [0xfd, 0xfa, 0xfa]);
        let sets = nal::parameter_sets(VideoCodec::Hevc, &record).unwrap();
        assert_eq!(sets[..7], packet[..7]);
        assert_eq!(sets.len(), 7 + 4 + sps.len() + 7);
    }

    #[test]
    fn an_av1_packet_loses_its_delimiter_and_shows_its_level() {
        // Profile 0, no timing information, one operating point of level index 8, high tier.
        let header = [0b0000_0000, 0, 0, 0b0100_0100, 9];
        let packet = [&[0x12, 0][..], &[0x0a, 5], &header, &[0x32, 2, 7, 7]].concat();
        let coded = take_apart(VideoCodec::Av1, Depth::Eight, &packet);
        assert_eq!(coded.data[..], packet[2..]);
        let record = coded.record.unwrap();
        assert_eq!(record[..4], [0x81, 8, 0b1000_1100, 0]);
        assert_eq!(record[4..], packet[2..9]);
        let deep = take_apart(VideoCodec::Av1, Depth::Ten, &packet).record.unwrap();
        assert_eq!(deep[2], 0b1100_1100);
    }

    proptest! {
        #[test]
        fn no_packet_panics(packet in proptest::collection::vec(any::<u8>(), 0..100)) {
            for codec in [VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1] {
                let _ = take_apart(codec, Depth::Ten, &packet);
            }
        }
    }
}
