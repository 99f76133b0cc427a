//! A fragment (CMAF chunk): `moof` and `mdat` of one part.
//!
//! In: samples whose decode time and duration are known. Out: bytes. `tfdt` has 64 bits and counts
//! from tick 0 of the show, so all renditions share one timeline.

use bytes::Bytes;
use mp4_atom::{Encode as _, Mfhd, Moof, Tfdt, Tfhd, Traf, Trun, TrunEntry, TrunSamples};
use shared_media::Ticks;

use super::{NOT_SYNC, SYNC, TRACK_ID};

/// An access unit with its place on the decode timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedSample {
    /// When it is decoded.
    pub dts: Ticks,
    /// When the next one is decoded.
    pub end: Ticks,
    /// When it is shown; may lie before `dts` (a negative composition offset, `trun` version 1).
    pub pts: Ticks,
    /// Nothing before it is needed.
    pub keyframe: bool,
    /// The access unit.
    pub data: Bytes,
}

/// A `moof` and its `mdat`. `None` if the samples cannot be stored: none, a time before tick 0, a
/// number that does not fit its field.
#[must_use]
pub fn fragment(sequence: u32, timescale: u32, samples: &[TimedSample]) -> Option<Bytes> {
    let base_media_decode_time = samples.first()?.dts.in_timescale(timescale).try_into().ok()?;
    let entries = samples.iter().map(|sample| entry(sample, timescale)).collect::<Option<Vec<_>>>();
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

fn entry(sample: &TimedSample, timescale: u32) -> Option<TrunEntry> {
    let at = |point: Ticks| point.in_timescale(timescale);
    Some(TrunEntry {
        duration: Some(u32::try_from(at(sample.end) - at(sample.dts)).ok()?),
        size: Some(u32::try_from(sample.data.len()).ok()?),
        flags: Some(if sample.keyframe { SYNC } else { NOT_SYNC }),
        cts: Some(i64::from(i32::try_from(at(sample.pts) - at(sample.dts)).ok()?)),
    })
}

#[cfg(test)]
mod tests {
    use mp4_atom::{Decode as _, Mdat};

    use super::*;

    fn sample(dts: i64, pts: i64) -> TimedSample {
        let (dts, end, pts) = (Ticks(dts), Ticks(dts + 3000), Ticks(pts));
        TimedSample { dts, end, pts, keyframe: dts == pts, data: Bytes::from_static(b"abcd") }
    }

    #[test]
    fn a_fragment_says_where_its_samples_are_and_when() {
        let start = 1 << 40; // 141 days: more than 32 bits
        let samples = [sample(start, start), sample(start + 3000, start + 9000)];
        let bytes = fragment(7, 90_000, &samples).unwrap();
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
    fn offsets_may_be_negative_and_times_not() {
        let bytes = fragment(1, 90_000, &[sample(6000, 3000)]).unwrap();
        let moof = Moof::decode(&mut &bytes[..]).unwrap();
        assert_eq!(moof.traf[0].trun[0].samples.get(0).unwrap().cts, Some(-3000));
        assert_eq!(fragment(1, 90_000, &[sample(-1, 0)]), None);
        assert_eq!(fragment(1, 90_000, &[]), None);
    }
}
