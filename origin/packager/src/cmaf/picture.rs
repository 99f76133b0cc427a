//! How a picture track describes itself: its sample entry and its `CODECS` string.
//!
//! In: a decoder configuration. Out: both, or why the configuration cannot be stored. Does not know the boxes around.

use std::fmt::Write as _;

use mp4_atom::{Atom as _, Av01, Av1c, Avc1, Avcc, Codec, Colr, Hvc1, Hvcc, Visual};
use shared_media::hdr::{self, Hdr};
use shared_media::{VideoCodec, VideoConfig};

use super::header::HeaderError;

/// NAL unit types of HEVC's parameter sets (ITU-T H.265, table 7-1): video, sequence, picture.
const HEVC_SETS: [u8; 3] = [32, 33, 34];

/// The sample entry of a track, and its `CODECS` string.
pub(super) fn entry(video: &VideoConfig) -> Result<(Codec, String), HeaderError> {
    let size = |side: u32| u16::try_from(side).ok().filter(|side| *side > 0);
    let (Some(width), Some(height)) = (size(video.width), size(video.height)) else {
        return Err(HeaderError::Size);
    };
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    match video.codec {
        VideoCodec::Avc => avc1(video, visual),
        VideoCodec::Hevc => hvc1(video, visual),
        VideoCodec::Av1 => av01(video, visual),
    }
}

/// `avc1.PPCCLL`: profile, constraints and level as the record states them (RFC 6381, 3.3).
fn avc1(video: &VideoConfig, visual: Visual) -> Result<(Codec, String), HeaderError> {
    let body = &mut &video.record[..];
    let avcc = Avcc::decode_body(body).map_err(|_| HeaderError::Record("avcC"))?;
    let parameter_sets =
        !avcc.sequence_parameter_sets.is_empty() && !avcc.picture_parameter_sets.is_empty();
    if avcc.length_size != 4 || !parameter_sets {
        return Err(HeaderError::RecordForm("avcC"));
    }
    let byte = |at: usize| video.record.get(at).copied().unwrap_or_default();
    let codec = format!("avc1.{:02x}{:02x}{:02x}", byte(1), byte(2), byte(3));
    Ok((Avc1 { visual, avcc, ..Avc1::default() }.into(), codec))
}

/// `hvc1`, never `hev1`: Apple's players only take parameter sets that stand in the sample entry (HLS authoring 1.10).
fn hvc1(video: &VideoConfig, visual: Visual) -> Result<(Codec, String), HeaderError> {
    let body = &mut &video.record[..];
    let mut hvcc = Hvcc::decode_body(body).map_err(|_| HeaderError::Record("hvcC"))?;
    let has = |kind: &u8| {
        hvcc.arrays.iter().any(|array| array.nal_unit_type == *kind && !array.nalus.is_empty())
    };
    if hvcc.length_size_minus_one != 3 || !HEVC_SETS.iter().all(has) {
        return Err(HeaderError::RecordForm("hvcC"));
    }
    for array in &mut hvcc.arrays {
        // What `hvc1` promises: none in the samples (ISO/IEC 14496-15, 8.4.1.1).
        array.completeness = true;
    }
    let codec = hevc_codec(&hvcc);
    let colr = video.hdr.as_ref().map(colr);
    Ok((Hvc1 { visual, hvcc, colr, ..Hvc1::default() }.into(), codec))
}

/// What the numbers of pictures beyond the standard range mean (ISO/IEC 14496-12, 12.1.5).
fn colr(hdr: &Hdr) -> Colr {
    Colr::Nclx {
        colour_primaries: hdr::PRIMARIES.into(),
        transfer_characteristics: hdr.curve.transfer().into(),
        matrix_coefficients: hdr::MATRIX.into(),
        full_range_flag: hdr.is_full_range,
    }
}

/// `hvc1.` and profile, compatibility, tier and level, constraints (ISO/IEC 14496-15, annex E.3).
fn hevc_codec(hvcc: &Hvcc) -> String {
    let space = ["", "A", "B", "C"].get(usize::from(hvcc.general_profile_space)).unwrap_or(&"");
    let compatibility = u32::from_be_bytes(hvcc.general_profile_compatibility_flags).reverse_bits();
    let tier = if hvcc.general_tier_flag { 'H' } else { 'L' };
    let (profile, level) = (hvcc.general_profile_idc, hvcc.general_level_idc);
    let mut codec = format!("hvc1.{space}{profile}.{compatibility:X}.{tier}{level}");
    let constraints = &hvcc.general_constraint_indicator_flags;
    let kept = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..kept] {
        // Writing to a string cannot fail.
        let _ = write!(codec, ".{byte:X}");
    }
    codec
}

/// `av01.P.LLT.DD`: profile, level and tier, bit depth (AV1 in ISO-BMFF, 5). What follows is not said of pictures that
/// have the standard range: whether there is no colour, how colours are subsampled, primaries, curve, matrix and range.
fn av01(video: &VideoConfig, visual: Visual) -> Result<(Codec, String), HeaderError> {
    let body = &mut &video.record[..];
    let av1c = Av1c::decode_body(body).map_err(|_| HeaderError::Record("av1C"))?;
    let depth = match (av1c.high_bitdepth, av1c.twelve_bit) {
        (true, true) => 12,
        (true, false) => 10,
        (false, _) => 8,
    };
    let (profile, level) = (av1c.seq_profile, av1c.seq_level_idx_0);
    let tier = if av1c.seq_tier_0 { 'H' } else { 'M' };
    let mut codec = format!("av01.{profile}.{level:02}{tier}.{depth:02}");
    if let Some(Hdr { curve, is_full_range }) = &video.hdr {
        let place = if av1c.chroma_subsampling_x && av1c.chroma_subsampling_y {
            av1c.chroma_sample_position
        } else {
            0
        };
        let sampled = [av1c.chroma_subsampling_x, av1c.chroma_subsampling_y].map(u8::from);
        let (primaries, transfer, matrix) = (hdr::PRIMARIES, curve.transfer(), hdr::MATRIX);
        // Writing to a string cannot fail.
        let _ = write!(
            codec,
            ".{}.{}{}{place}.{primaries:02}.{transfer:02}.{matrix:02}.{}",
            u8::from(av1c.monochrome),
            sampled[0],
            sampled[1],
            u8::from(*is_full_range)
        );
    }
    let colr = video.hdr.as_ref().map(colr);
    Ok((Av01 { visual, av1c, colr, ..Av01::default() }.into(), codec))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shared_media::hdr::Curve;

    use super::*;

    fn codec_of(codec: VideoCodec, record: &[u8]) -> Result<String, HeaderError> {
        entry_of(codec, record, None).map(|(_, codec)| codec)
    }

    fn entry_of(
        codec: VideoCodec,
        record: &[u8],
        hdr: Option<Hdr>,
    ) -> Result<(Codec, String), HeaderError> {
        let record = Bytes::copy_from_slice(record);
        let video = VideoConfig { codec, record, width: 320, height: 180, frame_rate: None, hdr };
        entry(&video)
    }

    /// Main profile, main tier, level 2.1, as x265 writes it; the sets are cut short.
    fn hvcc(sets: &[u8]) -> Vec<u8> {
        let mut record = vec![1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 63];
        record.extend([0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0, 0x0F]);
        record.push(u8::try_from(sets.len()).unwrap());
        for kind in sets {
            record.extend([*kind, 0, 1, 0, 3, kind << 1, 1, 9]);
        }
        record
    }

    #[test]
    fn codec_strings_are_those_of_the_records() {
        let hevc = codec_of(VideoCodec::Hevc, &hvcc(&[32, 33, 34]));
        assert_eq!(hevc.as_deref(), Ok("hvc1.1.6.L63.90"));
        let av1 = codec_of(VideoCodec::Av1, &[0x81, 0x05, 0x4C, 0, 0x0A, 1, 0]);
        assert_eq!(av1.as_deref(), Ok("av01.0.05M.10"));
    }

    #[test]
    fn a_wider_range_is_said_beside_the_record() {
        let said = |curve: Curve, is_full: bool| Colr::Nclx {
            colour_primaries: 9,
            transfer_characteristics: curve.transfer().into(),
            matrix_coefficients: 9,
            full_range_flag: is_full,
        };
        let hdr = |curve, is_full_range| Some(Hdr { curve, is_full_range });
        let record = hvcc(&[32, 33, 34]);
        let (entry, codec) = entry_of(VideoCodec::Hevc, &record, hdr(Curve::Hlg, false)).unwrap();
        let Codec::Hvc1(hvc1) = entry else { panic!("{entry:?}") };
        assert_eq!((hvc1.colr, codec.as_str()), (Some(said(Curve::Hlg, false)), "hvc1.1.6.L63.90"));
        let record = [0x81, 0x05, 0x4C, 0, 0x0A, 1, 0];
        let (entry, codec) = entry_of(VideoCodec::Av1, &record, hdr(Curve::Pq, true)).unwrap();
        let Codec::Av01(av01) = entry else { panic!("{entry:?}") };
        assert_eq!(av01.colr, Some(said(Curve::Pq, true)));
        assert_eq!(codec, "av01.0.05M.10.0.110.09.16.09.1");
    }

    #[test]
    fn records_without_all_sets_are_refused() {
        let form = Err(HeaderError::RecordForm("hvcC"));
        assert_eq!(codec_of(VideoCodec::Hevc, &hvcc(&[32, 33])), form);
        let cut = Err(HeaderError::Record("hvcC"));
        assert_eq!(codec_of(VideoCodec::Hevc, &hvcc(&[32])[..20]), cut);
        assert_eq!(codec_of(VideoCodec::Av1, &[0x81]), Err(HeaderError::Record("av1C")));
    }
}
