//! The codecs that are taken, as far as ingest must look into them.
//!
//! In: configuration records and access units, in any form their protocol allows. Out: both in the one form of
//! [`shared_media`], and what they say about themselves. Does not decode, and knows no protocol.

mod parameter_set;

mod avc;
mod sps;

mod hevc;
mod hevc_sps;

mod av1;

mod aac;
mod framed;
mod opus;

use bytes::{BufMut, Bytes, BytesMut};
use shared_media::{AudioCodec, Rational, VideoCodec};

use super::cursor::Cursor;

pub(super) use framed::{Header, adts, mpeg_audio};

/// What a video configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VideoRead {
    /// The record in the form of [`shared_media::VideoConfig::record`].
    pub(super) record: Bytes,
    /// How many bytes NAL lengths have in what the publisher sends.
    pub(super) nal_length_bytes: usize,
    /// The pictures.
    pub(super) picture: Picture,
}

/// What a parameter set says about the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Width after cropping, in luma samples.
    pub(super) width: u32,
    /// Height after cropping, in luma samples.
    pub(super) height: u32,
    /// Frames per second, where the timing information states it.
    pub(super) frame_rate: Option<Rational>,
}

/// A picture in the form of [`shared_media::AccessUnit::data`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) data: Bytes,
    pub(super) entry: Entry,
}

/// Whether decoding can begin at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// It can, and nothing after it needs what came before.
    Clean,
    /// It can, but some pictures that follow and are shown before it need what came before (HEVC: CRA, BLA).
    Open,
    /// It cannot.
    None,
    /// It cannot, and this is one of those that follow an [`Entry::Open`] (HEVC: RASL).
    Leading,
}

/// What an audio configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AudioRead {
    /// Samples per second that a decoder gives out.
    pub(super) sample_rate: u32,
    /// Number of channels.
    pub(super) channels: u8,
    /// How long each unit is, where the configuration says so: so many samples of so many a second.
    pub(super) frame: Option<(u32, u32)>,
}

/// Reads a video configuration. `None` if a decoder could not do with it.
pub(super) fn video(codec: VideoCodec, record: &Bytes) -> Option<VideoRead> {
    match codec {
        VideoCodec::Avc => avc::config(record),
        VideoCodec::Hevc => hevc::config(record),
        VideoCodec::Av1 => av1::config(record),
    }
}

/// An access unit in the one form. `None` if it is broken or holds no picture.
pub(super) fn picture(
    codec: VideoCodec,
    data: &Bytes,
    nal_length_bytes: usize,
    record: &Bytes,
) -> Option<Coded> {
    match codec {
        VideoCodec::Avc => avc::unit(data, nal_length_bytes),
        VideoCodec::Hevc => hevc::unit(data, nal_length_bytes),
        VideoCodec::Av1 => av1::unit(data, record),
    }
}

/// Reads an audio configuration. `None` if a decoder could not do with it.
pub(super) fn audio(codec: AudioCodec, record: &Bytes) -> Option<AudioRead> {
    match codec {
        AudioCodec::Aac => aac::config(record),
        AudioCodec::Opus => opus::config(record),
        AudioCodec::Mpeg => framed::mpeg_config(record),
    }
}

/// The record for parameter sets that came in band: video, sequence and picture parameter sets. `None` while one is
/// missing, or if they make no sense.
pub(super) fn record(codec: VideoCodec, sets: &[Vec<Vec<u8>>; 3]) -> Option<Bytes> {
    match codec {
        VideoCodec::Avc => avc::record(&sets[1], &sets[2]),
        VideoCodec::Hevc => hevc::record(sets),
        VideoCodec::Av1 => None,
    }
}

/// How long a unit of sound is, where only it says so: so many samples of so many a second.
pub(super) fn sound(codec: AudioCodec, data: &[u8]) -> Option<(u32, u32)> {
    match codec {
        AudioCodec::Opus => opus::samples(data).map(|samples| (samples, opus::RATE)),
        AudioCodec::Aac | AudioCodec::Mpeg => None,
    }
}

/// The NAL units of an access unit, each behind its length. `None` if the lengths do not add up.
fn nals(data: &[u8], nal_length_bytes: usize) -> Option<Vec<&[u8]>> {
    let mut cursor = Cursor(data);
    let mut nals = Vec::new();
    while !cursor.0.is_empty() {
        let length = cursor.take(nal_length_bytes)?.iter();
        let length = length.fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        nals.push(cursor.take(length)?);
    }
    Some(nals)
}

/// NAL units, each behind 4 bytes of its length; `data` itself if it is in that form already.
fn prefixed(data: &Bytes, as_it_is: bool, nals: &[&[u8]]) -> Option<Bytes> {
    if as_it_is {
        return Some(data.clone());
    }
    let mut rewritten = BytesMut::with_capacity(data.len() + 2 * nals.len());
    for nal in nals {
        rewritten.put_u32(u32::try_from(nal.len()).ok()?);
        rewritten.put_slice(nal);
    }
    Some(rewritten.freeze())
}

/// A frame rate in lowest terms, if it is one that pictures have: 1 to 300 Hz.
pub(super) fn plausible(num: u32, den: u32) -> Option<Rational> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let rate = Rational { num: num.checked_div(a)?, den: den.checked_div(a)? };
    (rate.den > 0 && (1.0..=300.0).contains(&rate.as_f64())).then_some(rate)
}

/// Without the bytes that keep start codes out of a NAL unit (7.4.1).
fn unescaped(nal: &[u8]) -> Vec<u8> {
    let mut zeros = 0;
    let mut rbsp = Vec::with_capacity(nal.len());
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        rbsp.push(byte);
    }
    rbsp
}

#[cfg(test)]
pub(super) mod samples {
    //! What encoders wrote.

    use super::hevc_sps::tests::{PPS, SPS, VPS};

    /// Video, sequence and picture parameter set of x265.
    pub(in crate::machine) const HEVC_SETS: (&[u8], &[u8], &[u8]) = (&VPS, &SPS, &PPS);
}
