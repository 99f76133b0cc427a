//! A fragment (CMAF chunk): `moof` and `mdat` of one part.
//!
//! In: samples whose decode time and duration are known. Out: bytes. `tfdt` has 64 bits and counts
//! from tick 0 of the show, so all renditions share one timeline.

use bytes::Bytes;
use mp4_atom::{Encode as _, Mfhd, Moof, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};
use shared_media::Ticks;

use super::{Header, NOT_SYNC, SYNC, TRACK_ID};

/// An access unit with its place on the decode timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedSample {
    /// When it is decoded.
    pub dts: Ticks,
    /// When the next one is decoded.
    pub end: Ticks,
    /// When it is shown; may lie before `dts`.
    pub pts: Ticks,
    /// Nothing before it is needed.
    pub keyframe: bool,
    /// The access unit.
    pub data: Bytes,
}

/// A `moof` and its `mdat`, to be read with that init segment. `None` if the samples cannot be
/// stored: none, a time before tick 0, a number that does not fit its field.
#[must_use]
pub fn fragment(sequence: u32, header: &Header, samples: &[TimedSample]) -> Option<Bytes> {
    let timescale = header.timescale;
    let base_media_decode_time = samples.first()?.dts.in_timescale(timescale).try_into().ok()?;
    let entries = samples.iter().map(|sample| entry(sample, header)).collect::<Option<Vec<_>>>();
    let mut moof = Moof {
        mfhd: Mfhd { sequence_number: sequence },
        traf: vec![Traf {
            tfhd: Tfhd { track_id: TRACK_ID, default_base_is_moof: true, ..Tfhd::default() },
            tfdt: Some(Tfdt { base_media_decode_time }),
            trun: vec![Trun { data_offset: Some(0), samples: TrunSamples::Explicit(entries?) }],
            ..Traf::default()
        }],
    };
    let data_bytes: usize = samples.iter().map(|sample| sample.data.len()).sum();
    let mut bytes = Vec::with_capacity(256 + samples.len() * 16 + data_bytes);
    // Once to learn its length, which does not depend on the offset's value, once with the offset.
    moof.encode(&mut bytes).ok()?;
    let data_offset = i32::try_from(bytes.len() + 8).ok()?;
    moof.traf.first_mut()?.trun.first_mut()?.data_offset = Some(data_offset);
    bytes.clear();
    moof.encode(&mut bytes).ok()?;
    bytes.extend_from_slice(&u32::try_from(data_bytes + 8).ok()?.to_be_bytes());
    bytes.extend_from_slice(b"mdat");
    for sample in samples {
        bytes.extend_from_slice(&sample.data);
    }
    Some(bytes.into())
}

/// The composition offset is version 1's, signed: the reorder delay may have grown since the header.
fn entry(sample: &TimedSample, header: &Header) -> Option<TrunEntry> {
    let at = |point: Ticks| point.in_timescale(header.timescale);
    let shown = at(sample.pts + header.reorder_delay);
    Some(TrunEntry {
        duration: Some(u32::try_from(at(sample.end) - at(sample.dts)).ok()?),
        size: Some(u32::try_from(sample.data.len()).ok()?),
        flags: Some(if sample.keyframe { SYNC } else { NOT_SYNC }),
        cts: Some(i64::from(i32::try_from(shown - at(sample.dts)).ok()?)),
    })
}

#[cfg(test)]
mod tests {
    use mp4_atom::{Decode as _, Mdat};

    use super::*;

    fn read_with(reorder_delay: i64) -> Header {
        let (bytes, codec) = (Bytes::new(), String::new());
        Header { bytes, timescale: 90_000, reorder_delay: Ticks(reorder_delay), codec }
    }

    fn sample(dts: i64, pts: i64) -> TimedSample {
        let (dts, end, pts) = (Ticks(dts), Ticks(dts + 3000), Ticks(pts));
        TimedSample { dts, end, pts, keyframe: dts == pts, data: Bytes::from_static(b"abcd") }
    }

    #[test]
    fn a_fragment_says_where_its_samples_are_and_when() {
        let start = 1 << 40; // 141 days: more than 32 bits
        let samples = [sample(start, start), sample(start + 3000, start + 9000)];
        let bytes = fragment(7, &read_with(0), &samples).unwrap();
        let mut rest = &bytes[..];
        let moof = Moof::decode(&mut rest).unwrap();
        let moof_bytes = bytes.len() - rest.len();
        let mdat = Mdat::decode(&mut rest).unwrap();
        assert_eq!((moof.mfhd.sequence_number, mdat.data.len(), rest.len()), (7, 8, 0));
        let traf = &moof.traf[0];
        assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, start as u64);
        assert_eq!(traf.trun[0].data_offset, Some(moof_bytes as i32 + 8));
        let offsets: Vec<_> = traf.trun[0].samples.iter().map(|sample| sample.cts).collect();
        assert_eq!(offsets, [Some(0), Some(6000)]);
    }

    #[test]
    fn the_reorder_delay_keeps_offsets_from_being_negative() {
        let offset = |reorder_delay| {
            let bytes = fragment(1, &read_with(reorder_delay), &[sample(6000, 3000)]).unwrap();
            let moof = Moof::decode(&mut &bytes[..]).unwrap();
            moof.traf[0].trun[0].samples.get(0).unwrap().cts
        };
        assert_eq!((offset(6000), offset(0)), (Some(3000), Some(-3000)));
    }

    #[test]
    fn times_before_the_show_cannot_be_stored() {
        assert_eq!(fragment(1, &read_with(0), &[sample(-1, 0)]), None);
        assert_eq!(fragment(1, &read_with(0), &[]), None);
    }
}
