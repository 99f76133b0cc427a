//! HMAC-SHA-256 (RFC 2104).
//!
//! In: a key once; then a message in pieces. Out: its MAC, or whether another is the same. What of it depends on the
//! key alone is worked out once, and the processor's own instructions for SHA-256 are used where it has them.

use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Bytes of a MAC.
pub(crate) const BYTES: usize = 32;

/// A key, or what it makes of a message up to here.
#[derive(Clone)]
pub(crate) struct Mac(Hmac<Sha256>);

impl Mac {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("a key of any length will do (RFC 2104, 2)"))
    }

    /// The MAC of a message in one piece.
    pub(crate) fn of(&self, message: &[u8]) -> [u8; BYTES] {
        self.clone().with(message).finish()
    }

    /// Takes the next piece of the message.
    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The same with one more piece of the message.
    pub(crate) fn with(mut self, piece: &[u8]) -> Self {
        self.0.update(piece);
        self
    }

    pub(crate) fn finish(self) -> [u8; BYTES] {
        self.0.finalize().into_bytes().into()
    }
}

/// Whether two tags are equal, in a time that does not tell where they differ.
pub(crate) fn equal<const N: usize>(ours: &[u8; N], sent: &[u8; N]) -> bool {
    let difference = ours.iter().zip(sent).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_standard() {
        // RFC 4231, 4.3, and 4.7: a key longer than a block.
        let short = Mac::new(b"Jefe").with(b"what do ya want ").with(b"for nothing?").finish();
        assert_eq!(short[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        let long = Mac::new(&[0xaa; 131]);
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(long.of(message)[..4], [0x60, 0xe4, 0x31, 0x59]);
        assert_eq!(long.of(message), hmac_sha256::HMAC::mac(message, [0xaa; 131]));
    }

    #[test]
    fn one_bit_makes_a_difference() {
        let one = Mac::new(b"key").of(b"message");
        assert!(equal(&one, &one));
        for bit in 0..BYTES * 8 {
            let mut other = one;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!equal(&one, &other));
        }
    }
}
