//! The H.264 sequence parameter set (ITU-T H.264, 7.3.2.1 and annex E), as far as ingest needs it.
//!
//! In: one NAL unit. Out: the picture's size and rate. Does not know slices.

use shared_media::Rational;

use super::parameter_set::{cropped, skip_look};
use super::{Picture, plausible, unescaped};
use crate::machine::cursor::Bits;

/// Reads a sequence parameter set with its NAL header; `None` if it is cut off or makes no sense.
pub(super) fn read(nal: &[u8]) -> Option<Picture> {
    let (header, rbsp) = nal.split_first()?;
    if header & 0x1F != 7 {
        return None;
    }
    let rbsp = unescaped(rbsp);
    let mut bits = Bits::new(&rbsp);
    let profile = bits.read(8)?;
    bits.read(16)?; // constraints and level
    bits.unsigned()?; // seq_parameter_set_id
    let chroma = if CHROMA_PROFILES.contains(&profile) { chroma_format(&mut bits)? } else { 1 };
    bits.unsigned()?; // log2_max_frame_num_minus4
    order_count(&mut bits)?;
    bits.unsigned()?; // max_num_ref_frames
    bits.read(1)?; // gaps_in_frame_num_value_allowed_flag
    let width_in_mbs = bits.unsigned()?.checked_add(1)?;
    let height_in_units = bits.unsigned()?.checked_add(1)?;
    let frames_only = bits.read(1)?;
    if frames_only == 0 {
        bits.read(1)?; // mb_adaptive_frame_field_flag
    }
    bits.read(1)?; // direct_8x8_inference_flag
    let field_factor = 2 - frames_only;
    let size = (width_in_mbs.checked_mul(16)?, height_in_units.checked_mul(16 * field_factor)?);
    let (width, height) = cropped(&mut bits, size, chroma, field_factor)?;
    let has_usability = bits.read(1) == Some(1);
    let frame_rate = has_usability.then(|| frame_rate(&mut bits)).flatten();
    (width > 0 && height > 0).then_some(Picture { width, height, frame_rate })
}

/// Profiles whose parameter set states the chroma format (7.3.2.1.1).
const CHROMA_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// The chroma format and the bit depths above 8 of luma and chroma, of the profiles whose record repeats them.
pub(super) fn form(nal: &[u8]) -> Option<[u8; 3]> {
    let rbsp = unescaped(nal.get(1..)?);
    let mut bits = Bits::new(&rbsp);
    let profile = bits.read(8)?;
    bits.read(16)?; // constraints and level
    bits.unsigned()?; // seq_parameter_set_id
    if ![100, 110, 122, 144].contains(&profile) {
        return None;
    }
    let chroma = bits.unsigned().filter(|chroma| *chroma <= 3)?;
    if chroma == 3 {
        bits.read(1)?; // separate_colour_plane_flag
    }
    let depth = |depth: u32| u8::try_from(depth).ok().filter(|depth| *depth <= 6);
    Some([u8::try_from(chroma).ok()?, depth(bits.unsigned()?)?, depth(bits.unsigned()?)?])
}

fn chroma_format(bits: &mut Bits<'_>) -> Option<u32> {
    let chroma = bits.unsigned()?;
    if chroma == 3 {
        bits.read(1)?; // separate_colour_plane_flag
    }
    bits.unsigned()?; // bit_depth_luma_minus8
    bits.unsigned()?; // bit_depth_chroma_minus8
    bits.read(1)?; // qpprime_y_zero_transform_bypass_flag
    if bits.read(1)? == 1 {
        for list in 0..if chroma == 3 { 12 } else { 8 } {
            if bits.read(1)? == 1 {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(chroma)
}

/// 7.3.2.1.1.1
fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed()? + 256).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

fn order_count(bits: &mut Bits<'_>) -> Option<()> {
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.read(1)?; // delta_pic_order_always_zero_flag
            bits.signed()?; // offset_for_non_ref_pic
            bits.signed()?; // offset_for_top_to_bottom_field
            let cycle = bits.unsigned()?;
            for _ in 0..cycle.min(256) {
                bits.signed()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    Some(())
}

/// Annex E.1.1, up to the timing information.
fn frame_rate(bits: &mut Bits<'_>) -> Option<Rational> {
    skip_look(bits)?;
    if bits.read(1)? == 0 {
        return None;
    }
    // A tick is a field's time: a frame takes two (E.2.1).
    let den = bits.read(32)?.checked_mul(2)?;
    let num = bits.read(32)?;
    plausible(num, den)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sequence parameter sets that x264 wrote for `ffmpeg -f lavfi -i testsrc2=size=…:rate=…`, with what they
    /// must say: progressive and interlaced, 4:2:0 to 4:4:4, with cropping and with scaling lists.
    const WRITTEN_BY_X264: [(&str, u32, u32, (u32, u32)); 7] = [
        ("67640028acd940780227e5c044000003000400000300f03c60c658", 1920, 1080, (30, 1)),
        ("674d401feca02802dd808800001f480007530078c18cb0", 1280, 720, (30000, 1001)),
        ("6742c01ed900a02ff97011000003000100000300320f162e48", 640, 360, (25, 1)),
        ("677a001fbcd940d83de6f011000003000100000300780f183196", 854, 480, (60, 1)),
        ("67f40015919b28363fcfe022000007d2000177001e2c5b2c", 426, 240, (24000, 1001)),
        ("6764001eacd940b424d8088000000300800000190f8a14cb", 720, 576, (25, 1)),
        ("6764002aacd940780227e5c04400000fa4000753003c60c658", 1920, 1080, (60000, 1001)),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |index: usize| u8::from_str_radix(&hex[index..index + 2], 16);
        (0..hex.len()).step_by(2).filter_map(|index| digit(index).ok()).collect()
    }

    #[test]
    fn real_parameter_sets_are_understood() {
        for (hex, width, height, (num, den)) in WRITTEN_BY_X264 {
            let frame_rate = Some(Rational { num, den });
            assert_eq!(read(&bytes(hex)), Some(Picture { width, height, frame_rate }), "{hex}");
        }
    }

    #[test]
    fn every_prefix_and_every_flipped_bit_is_survived() {
        for (hex, ..) in WRITTEN_BY_X264 {
            let nal = bytes(hex);
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
