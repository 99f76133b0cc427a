//! What every protocol makes of what a publisher sends: media in no protocol's form any more.
//!
//! In: nothing. Out: the types in which protocols hand media to the intake. Does not know protocols.

use bytes::Bytes;
use shared_media::{Language, Ticks};

/// A publisher's clock as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// Milliseconds modulo 2^32, as RTMP counts.
    Millis(u32),
    /// Ticks of 1/90 000 s modulo 2^33, as MPEG-TS counts.
    Ticks(u64),
}

/// Something of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival<C> {
    /// Which of the publisher's tracks of this kind.
    pub track: u8,
    /// When it is decoded, by the publisher's clock.
    pub at: Stamp,
    /// What it is.
    pub held: Held<C>,
}

/// What arrived, with its codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held<C> {
    /// The decoder's configuration record.
    Config(C, Bytes),
    /// One access unit.
    Unit {
        /// Its codec.
        codec: C,
        /// How long after decoding it is shown.
        composition: Ticks,
        /// The access unit.
        data: Bytes,
    },
    /// Something that ends too early or contradicts itself.
    Malformed,
    /// Media of a codec that is not taken; the codec's name.
    Foreign(String),
}

/// What a publisher says about its stream. All of it is a claim.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// Frames per second.
    pub frame_rate: Option<f64>,
    /// Bit rate of its picture, in kbit/s.
    pub video_kbps: Option<f64>,
    /// Bit rate of its sound, in kbit/s.
    pub audio_kbps: Option<f64>,
    /// The encoder's name.
    pub encoder: Option<String>,
    /// Its sounds by number, each with its language if that is known; empty where it does not say which it has.
    pub sounds: Vec<Option<Language>>,
}

impl Stamp {
    /// The stamp in ticks, as if it had never wrapped.
    #[must_use]
    pub fn first(self) -> Ticks {
        match self {
            Self::Millis(millis) => Ticks::from_millis(i64::from(millis)),
            Self::Ticks(ticks) => Ticks(i64::try_from(ticks % TICKS_WRAP).unwrap_or(0)),
        }
    }

    /// The stamp in ticks, unwrapped to be the nearest to `last`.
    #[must_use]
    pub fn next_to(self, last: Ticks) -> Ticks {
        let wrap = match self {
            Self::Millis(_) => Ticks::from_millis(1 << 32).0,
            Self::Ticks(_) => TICKS_WRAP.cast_signed(),
        };
        let ahead = (self.first() - last).0.rem_euclid(wrap);
        last + Ticks(if ahead < wrap / 2 { ahead } else { ahead - wrap })
    }
}

/// ISO/IEC 13818-1, 2.4.3.7: PTS and DTS have 33 bits.
const TICKS_WRAP: u64 = 1 << 33;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_unwrapped_to_the_nearest() {
        let last = Stamp::Millis(u32::MAX).first();
        assert_eq!(Stamp::Millis(9).next_to(last) - last, Ticks::from_millis(10));
        assert_eq!(Stamp::Millis(u32::MAX - 5).next_to(last) - last, Ticks::from_millis(-5));
        let last = Stamp::Ticks(TICKS_WRAP - 1).first();
        assert_eq!(Stamp::Ticks(2999).next_to(last) - last, Ticks(3000));
        let wrapped = last + Ticks(3000);
        assert_eq!(Stamp::Ticks(TICKS_WRAP - 1).next_to(wrapped), last);
    }
}
