//! One file of several renditions: a fragmented MP4 whose tracks are their objects, as they are but for track numbers.
//!
//! In: init segments, then segments in any order: all renditions of a show count on one timeline. Out: the file, piece
//! by piece. Does not know playlists, nor where objects are.

use std::ops::Range;

use bytes::Bytes;
use shared_media::{Language, Ticks};

/// A rendition that becomes a track.
#[derive(Debug, Clone, Copy)]
pub struct Track<'a> {
    /// Its init segment.
    pub init: &'a [u8],
    /// What is spoken, if it is known.
    pub language: Option<&'a Language>,
}

/// A box's kind (ISO/IEC 14496-12, 4.2).
type Kind = [u8; 4];

/// The file's beginning: `ftyp` and a `moov` of all tracks, the first of which has number 1. `None` if an init segment
/// is none of ours.
#[must_use]
pub fn join(tracks: &[Track<'_>], duration: Ticks) -> Option<Bytes> {
    let first = tracks.first()?.init;
    let ftyp = whole(find(first, &[*b"ftyp"])?);
    let mut mvhd = first.get(whole(find(first, &[*b"moov", *b"mvhd"])?))?.to_vec();
    let next = u32::try_from(tracks.len()).ok()? + 1;
    let at = mvhd.len().checked_sub(4)?;
    put(&mut mvhd, at, &next.to_be_bytes())?;
    let (mut traks, mut mvex) = (Vec::new(), mehd(duration));
    for (number, track) in (1_u32..).zip(tracks) {
        let trak = find(track.init, &[*b"moov", *b"trak"])?;
        traks.extend(renamed(track.init.get(whole(trak))?, number, track.language)?);
        let mut trex =
            track.init.get(whole(find(track.init, &[*b"moov", *b"mvex", *b"trex"])?))?.to_vec();
        put(&mut trex, HEAD + 4, &number.to_be_bytes())?;
        mvex.extend(trex);
    }
    let moov = boxed(*b"moov", &[mvhd, traks, boxed(*b"mvex", &mvex)?].concat())?;
    Some([first.get(ftyp)?, &moov].concat().into())
}

/// A segment as that of another track. `None` if it is no segment of ours.
#[must_use]
pub fn renumber(segment: &[u8], number: u32) -> Option<Bytes> {
    let mut bytes = segment.to_vec();
    let mut is_any = false;
    for (kind, moof) in boxes(segment, 0..segment.len())? {
        if kind != *b"moof" {
            continue;
        }
        let tfhd = inside(segment, moof, &[*b"traf", *b"tfhd"])?;
        put(&mut bytes, tfhd.start + 4, &number.to_be_bytes())?;
        is_any = true;
    }
    is_any.then(|| bytes.into())
}

/// A `trak` with another number, and what is spoken in it.
fn renamed(trak: &[u8], number: u32, language: Option<&Language>) -> Option<Vec<u8>> {
    let mut bytes = trak.to_vec();
    let tkhd = find(trak, &[*b"trak", *b"tkhd"])?;
    // Behind two times, which have 64 bits in version 1.
    let times = if *trak.get(tkhd.start)? == 1 { 16 } else { 8 };
    put(&mut bytes, tkhd.start + 4 + times, &number.to_be_bytes())?;
    if let Some(code) = language.and_then(Language::iso_639_2) {
        let mdhd = find(trak, &[*b"trak", *b"mdia", *b"mdhd"])?;
        // Behind two times, the timescale and a duration.
        let before = if *trak.get(mdhd.start)? == 1 { 28 } else { 16 };
        put(&mut bytes, mdhd.start + 4 + before, &packed(code).to_be_bytes())?;
    }
    Some(bytes)
}

/// Three letters of five bits each (8.4.2.3).
fn packed(code: &str) -> u16 {
    code.bytes().fold(0, |packed, letter| packed << 5 | u16::from(letter & 0x1F))
}

/// How long all fragments are together (8.8.2), in milliseconds, which is the time scale of our `mvhd`.
fn mehd(duration: Ticks) -> Vec<u8> {
    let duration_ms = duration.in_timescale(1000).max(0).unsigned_abs();
    let full = [&[1, 0, 0, 0][..], &duration_ms.to_be_bytes()].concat();
    boxed(*b"mehd", &full).unwrap_or_default()
}

/// Bytes of a box before its payload. Ours have no longer ones.
const HEAD: usize = 8;

fn boxed(kind: Kind, payload: &[u8]) -> Option<Vec<u8>> {
    let size = u32::try_from(payload.len() + HEAD).ok()?.to_be_bytes();
    Some([&size, &kind, payload].concat())
}

/// A box with its head.
fn whole(payload: Range<usize>) -> Range<usize> {
    payload.start.saturating_sub(HEAD)..payload.end
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Option<()> {
    bytes.get_mut(at..at + value.len())?.copy_from_slice(value);
    Some(())
}

/// The payload of the first box at the end of a path.
fn find(bytes: &[u8], path: &[Kind]) -> Option<Range<usize>> {
    inside(bytes, 0..bytes.len(), path)
}

fn inside(bytes: &[u8], within: Range<usize>, path: &[Kind]) -> Option<Range<usize>> {
    path.iter().try_fold(within, |within, wanted| {
        let mut all = boxes(bytes, within)?.into_iter();
        all.find(|(kind, _)| kind == wanted).map(|(_, payload)| payload)
    })
}

/// Boxes one after another, and where the payload of each is.
fn boxes(bytes: &[u8], within: Range<usize>) -> Option<Vec<(Kind, Range<usize>)>> {
    let (mut at, mut found) = (within.start, Vec::new());
    while at < within.end {
        let (size, rest) = bytes.get(at..)?.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let end = at.checked_add(size).filter(|end| size >= HEAD && *end <= within.end)?;
        found.push((*rest.first_chunk()?, at + HEAD..end));
        at = end;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use mp4_atom::{Decode as _, Ftyp, Moof, Moov};
    use proptest::prelude::*;
    use shared_media::{AudioCodec, AudioConfig, TrackConfig};

    use super::*;
    use crate::cmaf::{Header, TimedSample, fragment, header};

    fn sound(sample_rate: u32) -> Header {
        let record = Bytes::from_static(&[0x11, 0x90]);
        let codec = AudioCodec::Aac;
        header(
            &TrackConfig::Audio(AudioConfig { codec, sample_rate, channels: 2, record }),
            Ticks::ZERO,
        )
        .unwrap()
    }

    fn segment(of: &Header) -> Bytes {
        let sample = |at: i64| TimedSample {
            dts: Ticks(at),
            end: Ticks(at + 1920),
            pts: Ticks(at),
            keyframe: true,
            data: Bytes::from_static(b"unit"),
        };
        let parts = [0, 1920].map(|at| fragment(7, of, &[sample(at)]).unwrap());
        parts.concat().into()
    }

    #[test]
    fn tracks_of_all_renditions_are_in_one_file() {
        let (first, second) = (sound(48_000), sound(44_100));
        let german = Language::of_iso_639_2(*b"ger").unwrap();
        let tracks = [
            Track { init: &first.bytes, language: None },
            Track { init: &second.bytes, language: Some(&german) },
        ];
        let joined = join(&tracks, Ticks(90_000 * 3)).unwrap();
        let mut rest = &joined[..];
        Ftyp::decode(&mut rest).unwrap();
        let moov = Moov::decode(&mut rest).unwrap();
        assert!(rest.is_empty());
        assert_eq!(moov.mvhd.next_track_id, 3);
        let told = |at: usize| {
            let (tkhd, mdhd) = (&moov.trak[at].tkhd, &moov.trak[at].mdia.mdhd);
            (tkhd.track_id, mdhd.timescale, mdhd.language.clone())
        };
        assert_eq!(told(0), (1, 48_000, "und".to_owned()));
        assert_eq!(told(1), (2, 44_100, "ger".to_owned()));
        let mvex = moov.mvex.unwrap();
        assert_eq!(mvex.mehd.unwrap().fragment_duration, 3000);
        assert_eq!(mvex.trex.iter().map(|trex| trex.track_id).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn every_fragment_of_a_segment_has_the_new_number_and_nothing_else_is_new() {
        let whole = segment(&sound(48_000));
        let other = renumber(&whole, 2).unwrap();
        let moof = Moof::decode(&mut &other[..]).unwrap();
        assert_eq!(moof.traf[0].tfhd.track_id, 2);
        let differ = whole.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert_eq!((whole.len(), differ), (other.len(), 2), "one byte of each fragment");
        assert_eq!(renumber(&other, 1).unwrap(), whole);
    }

    proptest! {
        #[test]
        fn what_is_cut_off_or_bent_is_refused_or_keeps_its_length(
            cut in 0_usize..2000, at in 0_usize..2000, byte in any::<u8>(),
        ) {
            let sound = sound(48_000);
            for whole in [segment(&sound), sound.bytes.clone()] {
                let mut bent = whole[..whole.len() - cut % whole.len()].to_vec();
                let len = bent.len();
                if let Some(one) = bent.get_mut(at % len) {
                    *one = byte;
                }
                if let Some(other) = renumber(&bent, 2) {
                    prop_assert_eq!(other.len(), bent.len());
                }
                let _ = join(&[Track { init: &bent, language: None }], Ticks(1));
            }
        }
    }
}
