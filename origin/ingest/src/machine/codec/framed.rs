//! Frames of sound that carry their own header: ADTS (ISO/IEC 13818-7, 6.2) and MPEG audio (ISO/IEC 11172-3, 2.4.1.3).
//!
//! In: bytes. Out: how long the frame in front is, and what it says. Does not decode.

use bytes::Bytes;

use super::{AudioRead, aac};

/// What the bytes in front are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::machine) enum Header {
    /// A frame.
    Frame {
        /// Bytes of its header that are left out.
        skip: usize,
        /// Bytes of all of it.
        length: usize,
        /// Its samples, of so many a second.
        samples: u32,
        /// Samples per second.
        rate: u32,
        /// Its configuration record.
        record: Bytes,
    },
    /// More bytes are needed to tell.
    CutOff,
    /// No frame.
    Nothing,
}

/// An ADTS frame; its record is the `AudioSpecificConfig` that says the same.
pub(in crate::machine) fn adts(bytes: &[u8]) -> Header {
    let sync = [0xFF, 0xF0];
    let is_one =
        bytes.iter().zip(sync).zip([0xFF, 0xF6]).all(|((byte, sync), mask)| byte & mask == sync);
    if !is_one {
        return Header::Nothing;
    }
    let Some(&[_, b, c, d, e, f, g]) = bytes.first_chunk::<7>() else { return Header::CutOff };
    let skip = if b & 1 == 1 { 7 } else { 9 };
    let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f) >> 5;
    let (object, rate, channels) = (c >> 6, c >> 2 & 0xF, (c & 1) << 2 | d >> 6);
    let record =
        Bytes::copy_from_slice(&[(object + 1) << 3 | rate >> 1, rate << 7 | channels << 3]);
    let frames = u32::from(g & 3) + 1;
    let Some(read) = aac::config(&record).filter(|_| frames == 1 && length > skip) else {
        return Header::Nothing;
    };
    if bytes.len() < length {
        return Header::CutOff;
    }
    let (samples, rate) = read.frame.unwrap_or((1024, read.sample_rate));
    Header::Frame { skip, length, samples, rate, record }
}

/// Bit rates in kbit/s: of MPEG-1 layers I to III, then of MPEG-2 layer I and layers II and III.
const KILOBITS: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// A frame of MPEG audio, which is kept with its header; its record is that header without what changes from frame to
/// frame.
pub(in crate::machine) fn mpeg_audio(bytes: &[u8]) -> Header {
    let is_one = bytes.iter().zip([0xFF, 0xE0]).all(|(byte, sync)| byte & sync == sync);
    if !is_one {
        return Header::Nothing;
    }
    let Some(&[_, b, c, d]) = bytes.first_chunk::<4>() else { return Header::CutOff };
    let record = Bytes::copy_from_slice(&[0xFF, b & 0xFE, c & 0x0C, d & 0xC0]);
    let Some(read) = mpeg_config(&record) else { return Header::Nothing };
    let is_first = b >> 3 & 3 == 3;
    let layer = 4 - usize::from(b >> 1 & 3);
    let row = match (is_first, layer) {
        (true, layer) => layer - 1,
        (false, 1) => 3,
        (false, _) => 4,
    };
    let bit_rate = KILOBITS[row].get(usize::from(c >> 4)).filter(|rate| **rate > 0);
    let Some(bit_rate) = bit_rate else { return Header::Nothing };
    let (samples, rate) = read.frame.unwrap_or((1152, read.sample_rate));
    let padding = u32::from(c >> 1 & 1);
    let length = match layer {
        1 => (12_000 * u32::from(*bit_rate) / rate + padding) * 4,
        _ => samples / 8 * 1000 * u32::from(*bit_rate) / rate + padding,
    };
    let Ok(length) = usize::try_from(length) else { return Header::Nothing };
    if bytes.len() < length {
        return Header::CutOff;
    }
    Header::Frame { skip: 0, length, samples, rate, record }
}

/// Reads the record of MPEG audio.
pub(super) fn mpeg_config(record: &[u8]) -> Option<AudioRead> {
    let [0xFF, b, c, d] = *record else { return None };
    let (version, layer) = (b >> 3 & 3, b >> 1 & 3);
    let rate = *[44_100, 48_000, 32_000].get(usize::from(c >> 2 & 3))?;
    let sample_rate = match version {
        3 => rate,
        2 => rate / 2,
        0 => rate / 4,
        _ => return None,
    };
    let samples = match (layer, version) {
        (3, _) => 384,
        (2, _) | (1, 3) => 1152,
        (1, _) => 576,
        _ => return None,
    };
    let channels = if d >> 6 == 3 { 1 } else { 2 };
    Some(AudioRead { sample_rate, channels, frame: Some((samples, sample_rate)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mpeg_frames_are_as_long_as_the_standard_says() {
        let frame = |head: [u8; 4]| {
            let bytes = [&head[..], &[0; 2000]].concat();
            match mpeg_audio(&bytes) {
                Header::Frame { length, samples, rate, .. } => Some((length, samples, rate)),
                _ => None,
            }
        };
        assert_eq!(frame([0xFF, 0xFD, 0xA4, 0x00]), Some((576, 1152, 48_000))); // II, 192 kbit/s
        assert_eq!(frame([0xFF, 0xFB, 0x90, 0x00]), Some((417, 1152, 44_100))); // III, 128 kbit/s
        assert_eq!(frame([0xFF, 0xF3, 0x84, 0xC0]), Some((192, 576, 24_000))); // MPEG-2, III
        assert_eq!(frame([0xFF, 0xFD, 0xF4, 0x00]), None);
        assert_eq!(mpeg_audio(&[0xFF, 0xFD, 0xA4]), Header::CutOff);
        assert_eq!(mpeg_audio(&[0xFF, 0xFD, 0xA4, 0x00, 1]), Header::CutOff);
    }
}
