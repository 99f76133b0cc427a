//! What is in an init segment and in a fragment (ISO/IEC 14496-12, CMAF).
//!
//! In: bytes, whoever sent them. Out: codec, size, samples. Does not decode; what cannot be read is `None`.

use bytes::Buf as _;
use mp4_atom::{Codec, Decode as _, DecodeMaybe as _, Header, Moof, Moov};

/// Sample flag: it is no sync sample (ISO/IEC 14496-12, 8.8.3.1).
const NOT_SYNC: u32 = 0x0001_0000;

/// A track, by its init segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    /// As `CODECS` should have it (RFC 6381); empty for a codec that is not known here.
    pub codec: String,
    /// Ticks per second.
    pub timescale: u32,
    /// Width and height, of pictures.
    pub size: Option<(u16, u16)>,
    /// What samples last that do not say it, in ticks.
    pub default_duration: u32,
    /// Flags of samples that have none.
    pub default_flags: u32,
}

/// The samples of one or several fragments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fragment {
    /// Decode time of the first sample, in ticks.
    pub start: u64,
    /// What all last together, in ticks.
    pub duration: u64,
    /// The longest sample, in ticks.
    pub longest: u64,
    /// Each sample's offset from the start in ticks, and whether it is a sync sample.
    pub samples: Vec<(u64, bool)>,
    /// The samples' bytes, summed up (FNV-1a, 64 bit).
    pub sum: u64,
    /// How many there are.
    pub payload_bytes: u64,
}

/// Reads an init segment of one track.
#[must_use]
pub fn track(bytes: &[u8]) -> Option<Track> {
    let moov = boxes(bytes).find(|(kind, _)| *kind == *b"moov")?;
    let moov = Moov::decode_maybe(&mut &*moov.1).ok()??;
    let trak = moov.trak.first()?;
    let trex = moov.mvex.as_ref().and_then(|mvex| mvex.trex.first());
    let (codec, size) = describe(trak.mdia.minf.stbl.stsd.codecs.first()?);
    Some(Track {
        codec,
        timescale: trak.mdia.mdhd.timescale,
        size,
        default_duration: trex.map_or(0, |trex| trex.default_sample_duration),
        default_flags: trex.map_or(0, |trex| trex.default_sample_flags),
    })
}

fn describe(codec: &Codec) -> (String, Option<(u16, u16)>) {
    match codec {
        Codec::Avc1(one) => {
            let avcc = &one.avcc;
            let name = format!(
                "avc1.{:02x}{:02x}{:02x}",
                avcc.avc_profile_indication, avcc.profile_compatibility, avcc.avc_level_indication
            );
            (name, Some((one.visual.width, one.visual.height)))
        }
        Codec::Hev1(one) => ("hev1".to_owned(), Some((one.visual.width, one.visual.height))),
        Codec::Hvc1(one) => ("hvc1".to_owned(), Some((one.visual.width, one.visual.height))),
        Codec::Av01(one) => ("av01".to_owned(), Some((one.visual.width, one.visual.height))),
        Codec::Mp4a(_) => ("mp4a.40".to_owned(), None),
        Codec::Opus(_) => ("opus".to_owned(), None),
        Codec::Ac3(_) => ("ac-3".to_owned(), None),
        Codec::Eac3(_) => ("ec-3".to_owned(), None),
        _ => (String::new(), None),
    }
}

/// Reads a part or a segment; `None` if there is no fragment in it.
#[must_use]
pub fn fragment(bytes: &[u8], track: &Track) -> Option<Fragment> {
    let mut all: Option<Fragment> = None;
    for (kind, whole) in boxes(bytes) {
        if kind == *b"moof" {
            let moof = Moof::decode_maybe(&mut &*whole).ok()??;
            let one = samples(&moof, track)?;
            match &mut all {
                Some(all) => all.join(&one),
                None => all = Some(one),
            }
        } else if let (b"mdat", Some(all)) = (&kind, &mut all) {
            all.add(whole.get(8..).unwrap_or_default());
        }
    }
    all
}

impl Fragment {
    const EMPTY_SUM: u64 = 0xcbf2_9ce4_8422_2325;

    fn add(&mut self, payload: &[u8]) {
        self.payload_bytes += payload.len() as u64;
        self.sum = payload.iter().fold(self.sum, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    }

    fn join(&mut self, next: &Self) {
        let offset = next.start.saturating_sub(self.start);
        self.samples.extend(next.samples.iter().map(|(at, sync)| (at + offset, *sync)));
        self.duration += next.duration;
        self.longest = self.longest.max(next.longest);
    }
}

fn samples(moof: &Moof, track: &Track) -> Option<Fragment> {
    let traf = moof.traf.first()?;
    let mut found = Fragment {
        start: traf.tfdt.as_ref()?.base_media_decode_time,
        sum: Fragment::EMPTY_SUM,
        ..Fragment::default()
    };
    for sample in traf.trun.iter().flat_map(|run| &run.samples) {
        let lasts = sample.duration.or(traf.tfhd.default_sample_duration);
        let flags = sample.flags.or(traf.tfhd.default_sample_flags);
        let lasts = u64::from(lasts.unwrap_or(track.default_duration));
        let is_sync = flags.unwrap_or(track.default_flags) & NOT_SYNC == 0;
        found.samples.push((found.duration, is_sync));
        found.duration += lasts;
        found.longest = found.longest.max(lasts);
    }
    Some(found)
}

/// The boxes of the top level, with their kinds; ends where there is none any more.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut after = rest;
        let header = Header::decode(&mut after).ok()?;
        let head = rest.len() - after.remaining();
        let size = header.size.map_or(rest.len(), |size| head.saturating_add(size));
        let (whole, left) = rest.split_at_checked(size.max(8))?;
        rest = left;
        Some((*header.kind.as_ref(), whole))
    })
}
