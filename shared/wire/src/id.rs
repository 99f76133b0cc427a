//! Identifiers: 80 random bits, written as 16 characters.
//!
//! In: bytes from a random source the caller owns. Out: [`ShowId`], [`TicketId`], [`SessionId`], [`AssetId`].
//! They are names, not secrets: they may stand in URLs and logs.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Bytes in an identifier.
pub const ID_BYTES: usize = 10;
/// Characters in a written identifier.
pub const ID_CHARS: usize = 16;

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`, so that an id survives being read aloud.
const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Bits of one symbol.
const SYMBOL_BITS: usize = 5;
/// Bits of an identifier, which stand at the low end of a 128-bit number while it is written or read.
const BITS: usize = ID_BYTES * 8;

/// An identifier of one kind of thing; `K` keeps a show's from being passed for a ticket's.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id<K> {
    bytes: [u8; ID_BYTES],
    kind: PhantomData<fn() -> K>,
}

/// Marks identifiers of shows.
pub enum Show {}
/// Marks identifiers of tickets.
pub enum Ticket {}
/// Marks identifiers of playback sessions.
pub enum Session {}
/// Marks identifiers of assets.
pub enum Asset {}

/// Names a show.
pub type ShowId = Id<Show>;
/// Names a ticket; the ticket itself is a secret and is not this.
pub type TicketId = Id<Ticket>;
/// Names a playback session.
pub type SessionId = Id<Session>;
/// Names an asset, from the moment its upload begins.
pub type AssetId = Id<Asset>;

/// A text that is no identifier: not 16 characters of Crockford's base 32 in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 16 characters of 0-9 a-z without i, l, o and u")
    }
}

impl std::error::Error for IdError {}

impl<K> Id<K> {
    /// The identifier made of these (random) bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.bytes
    }
}

impl<K> FromStr for Id<K> {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.len() != ID_CHARS {
            return Err(IdError);
        }
        let mut bits = 0_u128;
        for byte in text.bytes() {
            let value = SYMBOLS.iter().position(|symbol| *symbol == byte).ok_or(IdError)?;
            bits = bits << SYMBOL_BITS | value as u128;
        }
        let mut bytes = [0; ID_BYTES];
        bytes.copy_from_slice(&bits.to_be_bytes()[16 - ID_BYTES..]);
        Ok(Self::from_bytes(bytes))
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut text = [0_u8; ID_CHARS];
        for (at, to) in text.iter_mut().enumerate() {
            let value = bits >> (BITS - SYMBOL_BITS * (at + 1)) & 31;
            *to = SYMBOLS[value as usize];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<K> TryFrom<String> for Id<K> {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl<K> From<Id<K>> for String {
    fn from(id: Id<K>) -> Self {
        id.to_string()
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K> Eq for Id<K> {}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_sixteen_characters_and_reads_back() {
        let id = ShowId::from_bytes([0, 1, 2, 3, 4, 250, 251, 252, 253, 254]);
        assert_eq!(id.to_string().len(), ID_CHARS);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_is_written_as_it_always_was() {
        let id = ShowId::from_bytes([0x5a, 1, 0xfe, 3, 0x80, 250, 7, 252, 0, 254]);
        assert_eq!(id.to_string(), "b80zw0w0z83zr07y");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "0000000000000000a", "000000000000000l", "../../etc/passwd"] {
            assert_eq!(text.parse::<ShowId>(), Err(IdError), "{text}");
        }
    }
}
