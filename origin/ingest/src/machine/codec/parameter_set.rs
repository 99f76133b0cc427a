//! What the sequence parameter sets of H.264 and HEVC have in common.
//!
//! In: bits of a set. Out: what they say, or nothing if they are cut off or make no sense. Does not know what stands
//! around.

use crate::machine::cursor::Bits;

/// The size within the cropping or conformance window, whose lengths are in units of the chroma format (table 6-1 of
/// both); of fields, a unit is twice as high.
pub(super) fn cropped(
    bits: &mut Bits<'_>,
    (mut width, mut height): (u32, u32),
    chroma: u32,
    field_factor: u32,
) -> Option<(u32, u32)> {
    if bits.read(1)? == 1 {
        let crop_x = if chroma == 1 || chroma == 2 { 2 } else { 1 };
        let crop_y = if chroma == 1 { 2 } else { 1 } * field_factor;
        let [left, right] = [bits.unsigned()?, bits.unsigned()?];
        let [top, bottom] = [bits.unsigned()?, bits.unsigned()?];
        width = width.checked_sub(left.checked_add(right)?.checked_mul(crop_x)?)?;
        height = height.checked_sub(top.checked_add(bottom)?.checked_mul(crop_y)?)?;
    }
    Some((width, height))
}

/// The usability information (annex E of both) from its beginning to where chroma samples lie.
pub(super) fn skip_look(bits: &mut Bits<'_>) -> Option<()> {
    const EXTENDED_SAR: u32 = 255;
    if bits.read(1)? == 1 && bits.read(8)? == EXTENDED_SAR {
        bits.read(32)?;
    }
    if bits.read(1)? == 1 {
        bits.read(1)?; // overscan_appropriate_flag
    }
    if bits.read(1)? == 1 {
        bits.read(4)?; // video_format, video_full_range_flag
        if bits.read(1)? == 1 {
            bits.read(24)?; // colour description
        }
    }
    if bits.read(1)? == 1 {
        bits.unsigned()?; // chroma_sample_loc_type_top_field
        bits.unsigned()?; // chroma_sample_loc_type_bottom_field
    }
    Some(())
}
