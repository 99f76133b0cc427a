//! Which channels and services captions are of.
//!
//! In: access units in decoding order. Out: [`Channels`]. Does not know what the captions say.
//!
//! A channel of CEA-608 counts from the first command that begins captions; padding, erasing and text mode do not. A
//! service of CEA-708 counts from its first block that is not empty. Packets of CEA-708 go over several pictures in the
//! order these are shown, so triplets wait until no picture can come before them.

use super::{Channels, Triplet, carriage};
use crate::{AccessUnit, Ticks, VideoCodec};

/// Most pictures whose triplets wait: H.264 and HEVC reorder 16 at most.
const WAITING_MAX: usize = 17;

/// Listens to one video track.
#[derive(Debug, Default)]
pub struct Listener {
    waiting: Vec<(Ticks, Vec<Triplet>)>,
    /// The packet of CEA-708 that has begun, 128 bytes at most; empty if none has.
    packet: Vec<u8>,
    heard: Channels,
}

impl Listener {
    /// All that was heard so far.
    #[must_use]
    pub const fn heard(&self) -> Channels {
        self.heard
    }

    /// Takes the next unit.
    pub fn take(&mut self, codec: VideoCodec, unit: &AccessUnit) {
        let triplets = carriage::read(codec, &unit.data);
        if !triplets.is_empty() {
            self.waiting.push((unit.pts, triplets));
        }
        loop {
            let times = self.waiting.iter().enumerate();
            let first = times.map(|(at, (pts, _))| (*pts, at)).min();
            // Whatever comes is decoded, and so shown, after this unit is decoded.
            let is_next = |(pts, _): &(Ticks, usize)| *pts <= unit.dts;
            let must = self.waiting.len() > WAITING_MAX;
            let Some((_, at)) = first.filter(|first| must || is_next(first)) else { return };
            for triplet in self.waiting.swap_remove(at).1 {
                self.hear(triplet);
            }
        }
    }

    /// ANSI/CTA-708, 4.4: whether the two bytes are valid, and what they are of.
    fn hear(&mut self, [head, a, b]: Triplet) {
        let is_valid = head & 4 != 0;
        match head & 3 {
            field @ (0 | 1) if is_valid => self.line_21(field, a, b),
            3 if is_valid => {
                self.packet.clear();
                self.packet_goes_on([a, b]);
            }
            2 if is_valid && !self.packet.is_empty() => self.packet_goes_on([a, b]),
            _ => {}
        }
    }

    /// Two bytes of odd parity in one of the fields of line 21 (ANSI/CTA-608, 8.4 and table 51).
    fn line_21(&mut self, field: u8, a: u8, b: u8) {
        if a.count_ones().is_multiple_of(2) || b.count_ones().is_multiple_of(2) {
            return;
        }
        let (a, b) = (a & 0x7F, b & 0x7F);
        // Of the second field it is to be 15, and often is not.
        let is_command = matches!(a & !8, 0x14 | 0x15);
        // Pop-on; two to four lines of roll-up; paint-on; and showing what was loaded.
        let begins = matches!(b, 0x20 | 0x25..=0x27 | 0x29 | 0x2F);
        if is_command && begins {
            self.heard.line_21 |= 1 << (field * 2 + (a >> 3 & 1));
        }
    }

    /// A packet's first byte says how long it is (ANSI/CTA-708, 5).
    fn packet_goes_on(&mut self, bytes: [u8; 2]) {
        self.packet.extend(bytes);
        let code = self.packet.first().map_or(0, |head| usize::from(head & 0x3F));
        let length = if code == 0 { 128 } else { code * 2 };
        if self.packet.len() >= length {
            self.heard.services |= services(self.packet.get(1..).unwrap_or_default());
            self.packet.clear();
        }
    }
}

/// The services of a packet's blocks (ANSI/CTA-708, 6.2).
fn services(mut blocks: &[u8]) -> u64 {
    let mut services = 0;
    while let Some((head, mut rest)) = blocks.split_first() {
        let (mut number, size) = (head >> 5, usize::from(head & 0x1F));
        if number == 7 && size > 0 {
            let Some((extended, after)) = rest.split_first() else { break };
            (number, rest) = (extended & 0x3F, after);
            if number < 7 {
                break;
            }
        }
        // Service 0 is the end of what there is.
        let Some(after) = rest.get(size..).filter(|_| number > 0) else { break };
        if size > 0 {
            services |= 1 << number;
        }
        blocks = after;
    }
    services
}

#[cfg(test)]
mod tests;
