//! The HEVC sequence parameter set (ITU-T H.265, 7.3.2.2 and annex E), as far as ingest needs it.
//!
//! In: one NAL unit. Out: the picture's size and rate, and what a configuration record repeats. Does not know slices.

use shared_media::Rational;

use super::parameter_set::{cropped, skip_look};
use super::{Picture, plausible, unescaped};
use crate::machine::cursor::Bits;

/// What a sequence parameter set says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HevcSps {
    pub(super) picture: Picture,
    /// `general_profile_space` up to `general_level_idc` (7.3.3).
    pub(super) profile_tier_level: [u8; 12],
    pub(super) chroma_format: u8,
    pub(super) luma_depth_minus_8: u8,
    pub(super) chroma_depth_minus_8: u8,
    /// Temporal sub-layers.
    pub(super) layers: u8,
    /// `sps_temporal_id_nesting_flag`
    pub(super) nested: bool,
}

/// More reference picture sets than this the standard does not allow (7.4.3.2.1); and pictures in one of them.
const REFERENCE_SETS_MAX: u32 = 64;
const REFERENCES_MAX: u32 = 16;

/// Reads a sequence parameter set with its NAL header; `None` if it is cut off or makes no sense.
pub(super) fn read(nal: &[u8]) -> Option<HevcSps> {
    let (header, rbsp) = nal.split_first_chunk::<2>()?;
    if header[0] >> 1 & 0x3F != 33 {
        return None;
    }
    let rbsp = unescaped(rbsp);
    let profile_tier_level = *rbsp.get(1..)?.first_chunk::<12>()?;
    let mut bits = Bits::new(&rbsp);
    bits.read(4)?; // sps_video_parameter_set_id
    let layers_above = bits.read(3)?;
    let nested = bits.read(1)? == 1;
    skip_profile_tier_level(&mut bits, layers_above)?;
    bits.unsigned()?; // sps_seq_parameter_set_id
    let chroma = bits.unsigned().filter(|chroma| *chroma <= 3)?;
    if chroma == 3 {
        bits.read(1)?; // separate_colour_plane_flag
    }
    let (width, height) = size(&mut bits, chroma)?;
    let luma_depth_minus_8 = bits.unsigned().filter(|depth| *depth <= 8)?;
    let chroma_depth_minus_8 = bits.unsigned().filter(|depth| *depth <= 8)?;
    let frame_rate = frame_rate(&mut bits, layers_above);
    Some(HevcSps {
        picture: Picture { width, height, frame_rate },
        profile_tier_level,
        chroma_format: u8::try_from(chroma).ok()?,
        luma_depth_minus_8: u8::try_from(luma_depth_minus_8).ok()?,
        chroma_depth_minus_8: u8::try_from(chroma_depth_minus_8).ok()?,
        layers: u8::try_from(layers_above + 1).ok()?,
        nested,
    })
}

/// 7.3.3
fn skip_profile_tier_level(bits: &mut Bits<'_>, layers_above: u32) -> Option<()> {
    skip(bits, 12 * 8)?;
    let mut present = Vec::new();
    for _ in 0..layers_above {
        present.push((bits.read(1)?, bits.read(1)?));
    }
    if layers_above > 0 {
        skip(bits, 2 * (8 - layers_above))?;
    }
    for (profile, level) in present {
        skip(bits, 88 * profile + 8 * level)?;
    }
    Some(())
}

/// The picture's size within its conformance window.
fn size(bits: &mut Bits<'_>, chroma: u32) -> Option<(u32, u32)> {
    let coded = (bits.unsigned()?, bits.unsigned()?);
    let (width, height) = cropped(bits, coded, chroma, 1)?;
    (width > 0 && height > 0).then_some((width, height))
}

/// From behind the bit depths to the timing information; `None` if there is none, or anything before it makes no sense.
fn frame_rate(bits: &mut Bits<'_>, layers_above: u32) -> Option<Rational> {
    let order_count_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4;
    let stated = if bits.read(1)? == 1 { layers_above + 1 } else { 1 };
    for _ in 0..3 * stated {
        bits.unsigned()?; // what each sub-layer holds and reorders
    }
    for _ in 0..6 {
        bits.unsigned()?; // sizes and depths of blocks
    }
    if bits.read(1)? == 1 && bits.read(1)? == 1 {
        skip_scaling_lists(bits)?;
    }
    bits.read(2)?; // amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.read(1)? == 1 {
        bits.read(8)?; // bit depths of PCM
        bits.unsigned()?;
        bits.unsigned()?;
        bits.read(1)?;
    }
    let sets = bits.unsigned().filter(|sets| *sets <= REFERENCE_SETS_MAX)?;
    let mut pictures = 0;
    for set in 0..sets {
        pictures = skip_reference_set(bits, set, pictures)?;
    }
    if bits.read(1)? == 1 {
        for _ in 0..bits.unsigned().filter(|count| *count <= 32)? {
            skip(bits, order_count_bits + 1)?; // long-term references
        }
    }
    bits.read(2)?; // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.read(1)? == 0 {
        return None;
    }
    timing(bits)
}

/// 7.3.4
fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if bits.read(1)? == 0 {
                bits.unsigned()?; // as another list is
                continue;
            }
            let direct_current = usize::from(size > 1);
            for _ in 0..direct_current + 64.min(1 << (4 + (size << 1))) {
                bits.signed()?;
            }
        }
    }
    Some(())
}

/// 7.3.7: the number of pictures in this set, given that of the one before it.
fn skip_reference_set(bits: &mut Bits<'_>, index: u32, pictures_before: u32) -> Option<u32> {
    if index > 0 && bits.read(1)? == 1 {
        bits.read(1)?; // delta_rps_sign
        bits.unsigned()?; // abs_delta_rps_minus1
        let mut pictures = 0;
        for _ in 0..=pictures_before {
            if bits.read(1)? == 1 || bits.read(1)? == 1 {
                pictures += 1;
            }
        }
        return Some(pictures);
    }
    let pictures = bits.unsigned()?.checked_add(bits.unsigned()?)?;
    for _ in 0..Some(pictures).filter(|pictures| *pictures <= REFERENCES_MAX)? {
        bits.unsigned()?;
        bits.read(1)?;
    }
    Some(pictures)
}

/// Annex E.2.1, up to the timing information.
fn timing(bits: &mut Bits<'_>) -> Option<Rational> {
    skip_look(bits)?;
    bits.read(3)?; // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
    if bits.read(1)? == 1 {
        for _ in 0..4 {
            bits.unsigned()?; // default display window
        }
    }
    if bits.read(1)? == 0 {
        return None;
    }
    // A tick is a picture's time, unlike in H.264.
    let den = bits.read(32)?;
    let num = bits.read(32)?;
    plausible(num, den)
}

fn skip(bits: &mut Bits<'_>, count: u32) -> Option<()> {
    for _ in 0..count {
        bits.read(1)?;
    }
    Some(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What x265 wrote for `ffmpeg -f lavfi -i testsrc2=size=320x180:rate=30000/1001`.
    pub(in super::super) const VPS: [u8; 24] = [
        0x40, 0x01, 0x0C, 0x01, 0xFF, 0xFF, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00,
        0x03, 0x00, 0x00, 0x03, 0x00, 0x3C, 0x95, 0x98, 0x09,
    ];
    pub(in super::super) const SPS: [u8; 41] = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x3C, 0xA0, 0x0A, 0x08, 0x0B, 0x9F, 0x79, 0x65, 0x66, 0x92, 0x4C, 0xAF, 0x01,
        0x68, 0x08, 0x00, 0x00, 0x1F, 0x48, 0x00, 0x03, 0xA9, 0x80, 0x40,
    ];
    pub(in super::super) const PPS: [u8; 7] = [0x44, 0x01, 0xC1, 0x72, 0xB4, 0x62, 0x40];

    /// More of its sequence parameter sets: 10 bit with scaling lists, 4:4:4 with many reference pictures.
    const OTHERS: [(&str, u32, u32, u32, u8, u8); 2] = [
        (
            "420101022000000300900000030000030078a00280802d1365959529385e\
             02d0100000030010000003032080",
            1280,
            720,
            50,
            1,
            2,
        ),
        (
            "4201010408000003009e0800000300003f9000a2402e39e7cb3315248db5\
             e02d010000030001000003001808",
            642,
            362,
            24,
            3,
            0,
        ),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |index: usize| u8::from_str_radix(&hex[index..index + 2], 16);
        (0..hex.len()).step_by(2).filter_map(|index| digit(index).ok()).collect()
    }

    #[test]
    fn real_parameter_sets_are_understood() {
        let sps = read(&SPS).expect("a good one");
        let frame_rate = Some(Rational { num: 30_000, den: 1001 });
        assert_eq!(sps.picture, Picture { width: 320, height: 180, frame_rate });
        assert_eq!(sps.profile_tier_level, [1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x3C]);
        assert_eq!((sps.chroma_format, sps.luma_depth_minus_8, sps.layers), (1, 0, 1));
        for (hex, width, height, num, chroma, depth) in OTHERS {
            let sps = read(&bytes(hex)).expect(hex);
            let frame_rate = Some(Rational { num, den: 1 });
            assert_eq!(sps.picture, Picture { width, height, frame_rate }, "{hex}");
            assert_eq!((sps.chroma_format, sps.luma_depth_minus_8), (chroma, depth), "{hex}");
        }
    }

    #[test]
    fn every_prefix_and_every_flipped_bit_is_survived() {
        for nal in OTHERS.iter().map(|(hex, ..)| bytes(hex)).chain([SPS.to_vec()]) {
            for end in 0..nal.len() {
                let _ = read(&nal[..end]);
                for bit in 0..8 {
                    let mut flipped = nal.clone();
                    flipped[end] ^= 1 << bit;
                    let _ = read(&flipped);
                }
            }
        }
    }
}
