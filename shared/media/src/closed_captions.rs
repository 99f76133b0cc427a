//! Captions within the pictures: the channels of CEA-608 and the services of CEA-708, as encoders carry them.
//!
//! In: access units. Out: which captions they carry; units that carry some. Does not know what captions say, nor where
//! they are announced.
//!
//! Beside each picture stand up to 31 **triplets** of `cc_data` (ATSC A/53 part 4, 6.2.3; ANSI/CTA-708, 4.3) in a
//! message by ITU-T T.35: of an SEI in H.264 and HEVC, of a metadata OBU in AV1 ([`read`], [`write`]). A triplet is two
//! bytes of one of the fields of line 21, for CEA-608, or of a packet of CEA-708 ([`Listener`]).

use serde::{Deserialize, Serialize};

mod carriage;
mod listener;

pub use carriage::{TRIPLETS_MAX, message, read, write};
pub use listener::Listener;

/// A byte that says what the two after it are, as it stands in `cc_data`.
pub type Triplet = [u8; 3];

/// Which captions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Channels {
    /// Of CEA-608, `CC1` being the lowest bit of four.
    line_21: u8,
    /// Of CEA-708, the service's number being that of its bit: 1 to 63.
    services: u64,
}

/// Whether it is a channel's name, as [`Channels::names`] has them.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let all = Channels { line_21: 0b1111, services: u64::MAX };
    all.names().any(|known| known == name)
}

impl Channels {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.line_21 == 0 && self.services == 0
    }

    /// Those of either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { line_21: self.line_21 | other.line_21, services: self.services | other.services }
    }

    /// Their names as `INSTREAM-ID` has them (rfc8216bis, 4.4.6.1): `CC1` to `CC4`, `SERVICE1` to `SERVICE63`.
    pub fn names(self) -> impl Iterator<Item = String> {
        let line_21 = (0..4).filter(move |bit| self.line_21 >> bit & 1 == 1);
        let services = (1..64).filter(move |bit| self.services >> bit & 1 == 1);
        let line_21 = line_21.map(|bit| format!("CC{}", bit + 1));
        line_21.chain(services.map(|number| format!("SERVICE{number}")))
    }
}
