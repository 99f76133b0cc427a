//! AAC's `AudioSpecificConfig` as the ADTS header that says the same in front of each frame.
//!
//! In: hostile bytes. Out: 7-byte headers; or what they say, and the frame behind them. FFmpeg's decoder reads ADTS
//! without any out-of-band configuration, which spares this crate the one place where it would have to hand over raw
//! memory. Does not know samples.

/// ADTS headers for one configuration (ISO/IEC 13818-7, 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adts {
    profile: u8,
    rate_index: u8,
    channels: u8,
}

const HEADER_BYTES: usize = 7;
/// `aac_frame_length` has 13 bits.
const FRAME_BYTES_MAX: usize = (1 << 13) - 1;

impl Adts {
    /// Reads an `AudioSpecificConfig` (ISO/IEC 14496-3, 1.6.2.1). `None` where ADTS cannot say the same: a sampling
    /// rate outside the table, channels in a program config element, or an object type above 4.
    ///
    /// SBR and PS (object types 5 and 29) are named by their AAC-LC core; the decoder finds them in the frames.
    pub(crate) fn new(asc: &[u8]) -> Option<Self> {
        let mut bits = Bits { bytes: asc, at: 0 };
        let mut object = bits.take(5)?;
        let rate_index = bits.take(4)?;
        let channels = bits.take(4)?;
        if object == 5 || object == 29 {
            if bits.take(4)? == 15 {
                bits.take(24)?;
            }
            object = bits.take(5)?;
        }
        let fits = (1..=4).contains(&object) && rate_index < 13 && (1..=7).contains(&channels);
        let byte = |value: u32| u8::try_from(value).ok();
        let (profile, rate_index, channels) =
            (byte(object.checked_sub(1)?)?, byte(rate_index)?, byte(channels)?);
        fits.then_some(Self { profile, rate_index, channels })
    }

    /// The frame behind its header. `None` where it is longer than ADTS can say.
    pub(crate) fn wrap(self, frame: &[u8]) -> Option<Vec<u8>> {
        let length = frame.len() + HEADER_BYTES;
        if length > FRAME_BYTES_MAX {
            return None;
        }
        let bits = u64::from(self.profile) << 38
            | u64::from(self.rate_index) << 34
            | u64::from(self.channels) << 30
            | (length as u64) << 13
            | 0x7ff << 2; // buffer fullness: variable rate
        let header = (0xfff1_u64 << 40 | bits).to_be_bytes();
        let mut wrapped = Vec::with_capacity(length);
        wrapped.extend_from_slice(&header[1..]);
        wrapped.extend_from_slice(frame);
        Some(wrapped)
    }
}

/// A frame behind an ADTS header, as MP4 stores it: the `AudioSpecificConfig` that says the same as the header, and the
/// frame alone. `None` for what is no single frame of AAC-LC behind such a header.
pub(crate) fn unwrap(wrapped: &[u8]) -> Option<([u8; 2], &[u8])> {
    let mut bits = Bits { bytes: wrapped, at: 0 };
    let (sync, _version, layer) = (bits.take(12)?, bits.take(1)?, bits.take(2)?);
    let has_no_check = bits.take(1)? == 1;
    let (profile, rate_index, _private) = (bits.take(2)?, bits.take(4)?, bits.take(1)?);
    let channels = bits.take(3)?;
    bits.take(4)?; // originality, copyright
    let length = usize::try_from(bits.take(13)?).ok()?;
    bits.take(11)?;
    let is_one = bits.take(2)? == 0;
    let fits = sync == 0xfff && layer == 0 && profile == 1 && rate_index < 13 && is_one;
    if !fits || channels == 0 {
        return None;
    }
    let head = HEADER_BYTES + if has_no_check { 0 } else { 2 };
    let config = u16::try_from(2 << 11 | rate_index << 7 | channels << 3).ok()?;
    Some((config.to_be_bytes(), wrapped.get(head..length)?))
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.at / 8)?;
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            Some(value << 1 | u32::from(bit))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_complexity_stereo_at_48_khz() {
        let adts = Adts::new(&[0x11, 0x90]).unwrap();
        assert_eq!(adts, Adts { profile: 1, rate_index: 3, channels: 2 });
        let wrapped = adts.wrap(&[0xaa; 10]).unwrap();
        assert_eq!(wrapped[..7], [0xff, 0xf1, 0x4c, 0x80, 0x02, 0x3f, 0xfc]);
        assert_eq!(wrapped.len(), 17);
    }

    #[test]
    fn a_wrapped_frame_is_unwrapped() {
        let wrapped = Adts::new(&[0x11, 0x90]).unwrap().wrap(&[0xaa; 10]).unwrap();
        assert_eq!(unwrap(&wrapped), Some(([0x11, 0x90], &[0xaa; 10][..])));
        assert_eq!(unwrap(&wrapped[..16]), None, "cut off");
        assert_eq!(unwrap(&[0x21; 20]), None, "no header");
        assert_eq!(unwrap(&[]), None);
    }

    #[test]
    fn sbr_is_named_by_its_core() {
        // object 5, 24 kHz, 2 channels, extension 48 kHz, core object 2
        let asc = [0b0010_1011, 0b0001_0001, 0b1000_1000];
        assert_eq!(Adts::new(&asc).unwrap(), Adts { profile: 1, rate_index: 6, channels: 2 });
    }

    #[test]
    fn what_it_cannot_say_is_refused() {
        assert_eq!(Adts::new(&[]), None);
        assert_eq!(Adts::new(&[0x11]), None);
        assert_eq!(Adts::new(&[0x17, 0x80, 0, 0, 0]), None, "explicit rate");
        assert_eq!(Adts::new(&[0x11, 0x80]), None, "channels elsewhere");
        assert_eq!(Adts::new(&[0x11, 0x90]).unwrap().wrap(&[0; 8192]), None);
    }
}
