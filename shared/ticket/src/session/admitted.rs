//! What a session admits to, in seven bytes.
//!
//! In: a ticket's policy. Out: what of it is asked at every request, packed into a session. Does not know the rest:
//! countries and devices are asked where a session begins.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | flags, from the lowest bit: 2 binding (0 nothing, 1 network, 2 address), 1 preview, 2 watermark |
//! |   | (none, A, B), 1 has a highest rung, 1 has a depth, 1 the source is within the highest rung |
//! | 2 | highest rung, big-endian; zero if there is none |
//! | 4 | depth in seconds, big-endian; zero if there is none |

use shared_wire::{Bind, Policy, Watermark};

/// Bytes it takes.
pub(super) const BYTES: usize = 7;

const BIND: u8 = 0b0000_0011;
const PREVIEW: u8 = 0b0000_0100;
const MARK_A: u8 = 0b0000_1000;
const MARK_B: u8 = 0b0001_0000;
const HEIGHT: u8 = 0b0010_0000;
const DEPTH: u8 = 0b0100_0000;
const SOURCE: u8 = 0b1000_0000;

/// What a session admits to. The default is everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Admitted {
    /// The highest rung it may see, as in [`Policy::height_max`].
    pub height_max: Option<u16>,
    /// Whether the rendition called `source`, whose name tells no height, is within `height_max`. Says nothing if there
    /// is no such limit.
    pub has_source: bool,
    /// How far behind the live edge it may go, as in [`Policy::dvr_s_max`].
    pub dvr_s_max: Option<u32>,
    /// What of the viewer's address it is tied to.
    pub bind: Bind,
    /// Whether it ends at a wall rather than at a ticket's end.
    pub is_preview: bool,
    /// Which watermarked form of the media it gets.
    pub watermark: Option<Watermark>,
}

impl From<&Policy> for Admitted {
    /// Without the source, if there is a highest rung: its name does not tell how high it is.
    fn from(policy: &Policy) -> Self {
        Self {
            height_max: policy.height_max,
            has_source: false,
            dvr_s_max: policy.dvr_s_max,
            bind: policy.bind,
            is_preview: policy.preview_s.is_some(),
            watermark: policy.watermark,
        }
    }
}

impl Admitted {
    pub(super) fn pack(&self) -> [u8; BYTES] {
        let mut flags = match self.bind {
            Bind::Nothing => 0,
            Bind::Network => 1,
            Bind::Address => 2,
        };
        flags |= match self.watermark {
            None => 0,
            Some(Watermark::A) => MARK_A,
            Some(Watermark::B) => MARK_B,
        };
        for (is_set, flag) in [
            (self.is_preview, PREVIEW),
            (self.height_max.is_some(), HEIGHT),
            (self.dvr_s_max.is_some(), DEPTH),
            (self.has_source, SOURCE),
        ] {
            flags |= if is_set { flag } else { 0 };
        }
        let [h0, h1] = self.height_max.unwrap_or_default().to_be_bytes();
        let [d0, d1, d2, d3] = self.dvr_s_max.unwrap_or_default().to_be_bytes();
        [flags, h0, h1, d0, d1, d2, d3]
    }

    /// What [`Admitted::pack`] wrote; `None` for a binding or a watermark that there is not.
    pub(super) fn unpack(bytes: &[u8; BYTES]) -> Option<Self> {
        let [flags, h0, h1, d0, d1, d2, d3] = *bytes;
        let bind = match flags & BIND {
            0 => Bind::Nothing,
            1 => Bind::Network,
            2 => Bind::Address,
            _ => return None,
        };
        let watermark = match flags & (MARK_A | MARK_B) {
            0 => None,
            MARK_A => Some(Watermark::A),
            MARK_B => Some(Watermark::B),
            _ => return None,
        };
        let height = u16::from_be_bytes([h0, h1]);
        let depth = u32::from_be_bytes([d0, d1, d2, d3]);
        Some(Self {
            height_max: (flags & HEIGHT != 0).then_some(height),
            has_source: flags & SOURCE != 0,
            dvr_s_max: (flags & DEPTH != 0).then_some(depth),
            bind,
            is_preview: flags & PREVIEW != 0,
            watermark,
        })
    }
}
