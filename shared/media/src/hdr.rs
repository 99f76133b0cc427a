//! High dynamic range: pictures whose numbers stand for more light than the standard range has.
//!
//! In: nothing. Out: which curve they follow, in the words of standards. Does not know pixels.
//!
//! Here such pictures have BT.2020's primaries and its matrix (non-constant luminance), as ITU-R BT.2100 says.

use serde::{Deserialize, Serialize};

/// `ColourPrimaries` of BT.2020 (ITU-T H.273, table 2).
pub const PRIMARIES: u8 = 9;
/// `MatrixCoefficients` of BT.2020, non-constant luminance (ITU-T H.273, table 4).
pub const MATRIX: u8 = 9;

/// How numbers stand for light (ITU-R BT.2100).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// Perceptual quantization, SMPTE ST 2084: each number is so many cd/m².
    Pq,
    /// Hybrid log-gamma, ARIB STD-B67: each number is a share of what the screen can.
    Hlg,
}

impl Curve {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pq, Self::Hlg];

    /// Its name: `pq` or `hlg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pq => "pq",
            Self::Hlg => "hlg",
        }
    }

    /// The curve of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Its `TransferCharacteristics` (ITU-T H.273, table 3).
    #[must_use]
    pub const fn transfer(self) -> u8 {
        match self {
            Self::Pq => 16,
            Self::Hlg => 18,
        }
    }

    /// Its `VIDEO-RANGE` (rfc8216bis, 4.4.6.2).
    #[must_use]
    pub const fn video_range(self) -> &'static str {
        match self {
            Self::Pq => "PQ",
            Self::Hlg => "HLG",
        }
    }

    /// The curve that a playlist's `VIDEO-RANGE` names; `None` of the standard range.
    #[must_use]
    pub fn of_video_range(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.video_range() == text)
    }
}

/// What a decoder's screen must know of pictures beyond the standard range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hdr {
    /// The curve.
    pub curve: Curve,
    /// Black is 0 and white the highest number, and neither has room beyond it.
    pub is_full_range: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_that_of_one_curve() {
        for curve in Curve::ALL {
            assert_eq!(Curve::named(curve.name()), Some(curve));
            assert_eq!(Curve::of_video_range(curve.video_range()), Some(curve));
        }
        assert_eq!((Curve::named("sdr"), Curve::of_video_range("SDR")), (None, None));
    }
}
