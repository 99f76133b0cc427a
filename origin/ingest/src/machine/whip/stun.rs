//! Whom a datagram is for, when nobody has been heard from its address: STUN says so (RFC 8489; RFC 8445, 7.2.2).
//!
//! In: a datagram. Out: the user name fragment of the one it is for. Checks nothing else: whoever it is handed to does.

use crate::machine::cursor::Cursor;

const BINDING_REQUEST: u16 = 0x0001;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const USERNAME: u16 = 0x0006;

/// Our half of the user name in a binding request; `None` if the datagram is anything else.
#[must_use]
pub fn addressee(datagram: &[u8]) -> Option<&str> {
    let mut header = Cursor(datagram);
    if header.u16()? != BINDING_REQUEST {
        return None;
    }
    let length = usize::from(header.u16()?);
    if header.array::<4>()? != MAGIC_COOKIE {
        return None;
    }
    header.array::<12>()?; // transaction
    let mut attributes = Cursor(header.take(length)?);
    while !attributes.0.is_empty() {
        let kind = attributes.u16()?;
        let length = usize::from(attributes.u16()?);
        let value = attributes.take(length)?;
        if kind == USERNAME {
            return std::str::from_utf8(value).ok()?.split_once(':').map(|(ours, _)| ours);
        }
        attributes.take(length.wrapping_neg() % 4)?; // padding
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(attributes.len()).expect("short").to_be_bytes();
        [&[0, 1][..], &length, &MAGIC_COOKIE, &[7; 12], attributes].concat()
    }

    #[test]
    fn a_binding_request_names_whom_it_is_for() {
        let priority = [0, 0x24, 0, 4, 1, 2, 3, 4];
        let name = [&[0, 6, 0, 9][..], b"ours:them", &[0; 3]].concat();
        assert_eq!(addressee(&request(&[&priority[..], &name].concat())), Some("ours"));
        assert_eq!(addressee(&request(&priority)), None);
    }

    #[test]
    fn anything_else_is_for_nobody() {
        let name = [&[0, 6, 0, 9][..], b"ours:them", &[0; 3]].concat();
        let whole = request(&name);
        for end in 0..whole.len() - 3 {
            assert_eq!(addressee(&whole[..end]), None, "{end}");
        }
        for at in [0, 1, 4, 7] {
            let mut other = whole.clone();
            other[at] ^= 0x80;
            assert_eq!(addressee(&other), None, "{at}");
        }
        assert_eq!(addressee(&request(&[0, 6, 0, 4, b'o', b'u', b'r', b's'])), None);
    }
}
