//! The `AudioSpecificConfig` of AAC (ISO/IEC 14496-3, 1.6.2.1).
//!
//! In: its bytes. Out: rate, channels and how long a frame is. Does not decode.

use bytes::Bytes;

use super::AudioRead;
use crate::machine::cursor::Bits;

/// Table 1.18.
const RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// Audio object types (table 1.17).
const PLAIN: std::ops::RangeInclusive<u32> = 1..=4; // Main, LC, SSR, LTP
const SBR: u32 = 5;
const PS: u32 = 29;

/// Reads a configuration. `None` if it is cut off, or not of an AAC that players take.
pub(super) fn config(asc: &Bytes) -> Option<AudioRead> {
    let mut bits = Bits::new(asc);
    let mut object = object_type(&mut bits)?;
    let core_rate = rate(&mut bits)?;
    let channels = match bits.read(4)? {
        7 => 8,
        channels @ 1..=6 => u8::try_from(channels).ok()?,
        _ => return None, // 0: channels are listed in the stream, which MP4 players do not take
    };
    let mut sample_rate = core_rate;
    let parametric_stereo = object == PS;
    if object == SBR || object == PS {
        sample_rate = rate(&mut bits)?;
        object = object_type(&mut bits)?;
    }
    if !PLAIN.contains(&object) {
        return None;
    }
    let frame_samples = if bits.read(1)? == 1 { 960 } else { 1024 };
    let channels = if parametric_stereo { 2 } else { channels };
    let rates = 7350..=96000;
    let sane = rates.contains(&core_rate) && rates.contains(&sample_rate);
    // Frames are counted in samples of the core coder, of which there are half as many with SBR.
    sane.then_some(AudioRead { sample_rate, channels, frame: Some((frame_samples, core_rate)) })
}

fn object_type(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.read(5)? {
        31 => Some(32 + bits.read(6)?),
        object => Some(object),
    }
}

fn rate(bits: &mut Bits<'_>) -> Option<u32> {
    match bits.read(4)? {
        15 => bits.read(24),
        index => RATES.get(usize::try_from(index).ok()?).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asc: &'static [u8]) -> Option<(u32, u32, u8)> {
        let config = config(&Bytes::from_static(asc))?;
        Some((config.sample_rate, config.frame?.1, config.channels))
    }

    #[test]
    fn configurations_of_real_encoders_are_understood() {
        assert_eq!(read(&[0x11, 0x90]), Some((48000, 48000, 2))); // FFmpeg, AAC-LC
        assert_eq!(read(&[0x12, 0x10, 0x56, 0xE5, 0]), Some((44100, 44100, 2))); // with SBR denied
        assert_eq!(read(&[0x12, 0x08]), Some((44100, 44100, 1)));
        assert_eq!(read(&[0x2B, 0x11, 0x88, 0x00]), Some((48000, 24000, 2))); // HE-AAC
    }

    #[test]
    fn what_is_cut_off_or_senseless_is_refused() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0x12]), None);
        assert_eq!(read(&[0x12, 0x00]), None);
        assert_eq!(read(&[0x17, 0x80, 0, 0, 0]), None);
        assert_eq!(read(&[0xFF; 8]), None);
    }
}
