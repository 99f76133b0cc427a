//! SRT's packets, read so that no sender can do harm.
//!
//! In: a datagram. Out: the packet in it, if it is one that matters here. Does not know connections.
//!
//! `srt-protocol` parses, and panics on some handshakes that are well formed: those with an extension it does not know,
//! such as a group's. These are left out before, as a peer may that does not know them (SRT, 3.2.1.1). That no other
//! input has such an end is looked for by a fuzz target, and made sure of by catching it: anybody may send a datagram
//! in a publisher's name.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::catch_unwind;

use srt_protocol::packet::{ControlTypes, Packet};

/// Bytes of a handshake before its extensions.
const HANDSHAKE_BYTES: usize = 64;
/// Extensions that are taken: what the peer speaks, its key, its stream id.
const EXTENSIONS: std::ops::RangeInclusive<u16> = 1..=5;

/// Reads a packet of a peer whose address is of version 6 or not.
#[must_use]
pub fn read(datagram: &[u8], is_v6: bool) -> Option<Packet> {
    let datagram = with_known_extensions(datagram);
    let parsed = catch_unwind(|| Packet::parse(&mut Cursor::new(&datagram[..]), is_v6));
    parsed.ok()?.ok().filter(|packet| !is_report_of_loss(packet))
}

/// What a publisher is missing: nothing, no media is ever sent to it. Some such reports cannot be taken apart.
fn is_report_of_loss(packet: &Packet) -> bool {
    let Packet::Control(control) = packet else { return false };
    matches!(control.control_type, ControlTypes::Nak(_))
}

/// The datagram, if it is a handshake, without extensions that are not taken.
fn with_known_extensions(datagram: &[u8]) -> Cow<'_, [u8]> {
    let is_handshake = datagram.starts_with(&[0x80, 0]) && datagram.len() > HANDSHAKE_BYTES;
    if !is_handshake {
        return Cow::Borrowed(datagram);
    }
    let (head, mut rest) = datagram.split_at(HANDSHAKE_BYTES);
    let mut kept = head.to_vec();
    while let Some(([kind_high, kind_low, high, low], _)) = rest.split_first_chunk() {
        let words = usize::from(u16::from_be_bytes([*high, *low]));
        let end = (4 + 4 * words).min(rest.len());
        let (extension, next) = rest.split_at(end);
        if EXTENSIONS.contains(&u16::from_be_bytes([*kind_high, *kind_low])) {
            kept.extend_from_slice(extension);
        }
        rest = next;
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A conclusion with these extensions.
    fn conclusion(extensions: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HANDSHAKE_BYTES];
        bytes[0] = 0x80;
        bytes[19] = 5; // version
        bytes[23] = 5; // extension field: HSREQ and CONFIG
        bytes[36..40].fill(0xFF); // conclusion
        bytes.extend_from_slice(extensions);
        bytes
    }

    #[test]
    fn extensions_that_are_not_known_do_no_harm() {
        let speaks = [0, 1, 0, 3, 0, 1, 5, 1, 0, 0, 0, 0xBF, 0, 120, 0, 120];
        let group = [0, 8, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8];
        let read = |extensions: &[u8]| read(&conclusion(extensions), false);
        assert!(read(&speaks).is_some());
        assert_eq!(read(&[&group[..], &speaks].concat()), read(&speaks));
        assert_eq!(read(&[&speaks[..], &group[..7]].concat()), read(&speaks));
    }

    #[test]
    fn what_a_publisher_claims_to_miss_is_not_listened_to() {
        let report = [0x80, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 5];
        assert_eq!(read(&report, false), None);
    }
}
