//! Secrets that people carry: stream keys, tickets and accounts' tokens; and the random bytes behind secrets and names.
//!
//! In: random bytes; texts that strangers present. Out: [`StreamKey`], [`Ticket`], [`AccountToken`], their hashes, new
//! ids. Does not know the rows the hashes are kept in.

use std::fmt;
use std::marker::PhantomData;

use data_encoding::{BASE32_DNSSEC, HEXLOWER};
use hmac_sha256::Hash;
use shared_wire::Id;

use crate::Error;

/// Random bytes in a secret: 160 bits.
const SECRET_BYTES: usize = 20;

/// Says how secrets of one kind begin.
pub(crate) trait Kind {
    /// The text before the random part.
    const PREFIX: &'static str;
}

/// Marks stream keys.
pub(crate) enum OfStream {}
/// Marks tickets.
pub(crate) enum OfTicket {}
/// Marks accounts' tokens.
pub(crate) enum OfAccount {}

impl Kind for OfStream {
    const PREFIX: &'static str = "sk_";
}
impl Kind for OfTicket {
    const PREFIX: &'static str = "tk_";
}
impl Kind for OfAccount {
    const PREFIX: &'static str = "ac_";
}

/// A secret: a prefix and 32 characters of base 32 (`0-9 a-v`, RFC 4648, 7, in lower case). Never printed by `Debug`.
pub(crate) struct Secret<K> {
    bytes: [u8; SECRET_BYTES],
    kind: PhantomData<fn() -> K>,
}

/// The right to publish a show.
pub(crate) type StreamKey = Secret<OfStream>;
/// The right to watch a show.
pub(crate) type Ticket = Secret<OfTicket>;
/// The right to upload, and to see to what one uploaded.
pub(crate) type AccountToken = Secret<OfAccount>;

impl<K: Kind> Secret<K> {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self { bytes: random()?, kind: PhantomData })
    }

    /// Reads what a stranger presents; `None` if it cannot be a secret of this kind, so that nothing else is looked up.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let coded = text.strip_prefix(K::PREFIX)?;
        let bytes = BASE32_DNSSEC.decode(coded.as_bytes()).ok()?.try_into().ok()?;
        let secret = Self { bytes, kind: PhantomData };
        // The decoder also reads capitals; a secret has one written form.
        (secret.expose() == text).then_some(secret)
    }

    /// The text to hand to its owner, once.
    pub(crate) fn expose(&self) -> String {
        format!("{}{}", K::PREFIX, BASE32_DNSSEC.encode(&self.bytes))
    }

    /// What is stored in its place, in hexadecimal. A plain SHA-256 is enough, and salt or stretching would add
    /// nothing: the input is 160 random bits, not a password. Looking up by hash needs no constant time either: to
    /// learn anything from it one would have to choose hashes, and so invert SHA-256.
    pub(crate) fn hash(&self) -> String {
        HEXLOWER.encode(&Hash::hash(self.expose().as_bytes()))
    }
}

impl<K: Kind> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", K::PREFIX)
    }
}

/// `N` random bytes of the system.
///
/// # Errors
/// [`Error::Random`].
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// A new name.
///
/// # Errors
/// [`Error::Random`].
pub(crate) fn new_id<K>() -> Result<Id<K>, Error> {
    random().map(Id::from_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared_wire::TicketId;

    use super::*;

    #[test]
    fn a_secret_has_its_prefix_and_160_bits() {
        let key = StreamKey::random().unwrap().expose();
        assert_eq!(key.len(), 3 + 32);
        assert!(key.starts_with("sk_"));
        assert_ne!(key, StreamKey::random().unwrap().expose());
    }

    #[test]
    fn a_ticket_is_no_stream_key_and_debug_hides_both() {
        let ticket = Ticket::random().unwrap();
        assert!(StreamKey::parse(&ticket.expose()).is_none());
        assert_eq!(format!("{ticket:?}"), "tk_…");
    }

    proptest! {
        #[test]
        fn every_secret_reads_back(bytes in any::<[u8; SECRET_BYTES]>()) {
            let secret = Ticket { bytes, kind: PhantomData };
            let read = Ticket::parse(&secret.expose()).unwrap();
            prop_assert_eq!(read.bytes, bytes);
            prop_assert_eq!(read.hash(), secret.hash());
        }

        #[test]
        fn whatever_reads_as_a_secret_is_written_just_so(text in "(tk_)?[0-9a-vA-V]{31,33}") {
            if let Some(ticket) = Ticket::parse(&text) {
                prop_assert_eq!(ticket.expose(), text);
            }
        }

        #[test]
        fn no_text_is_both_a_ticket_and_an_id(text in "\\PC{0,48}") {
            prop_assert!(Ticket::parse(&text).is_none() || text.parse::<TicketId>().is_err());
        }

        #[test]
        fn every_id_reads_back(bytes in any::<[u8; 10]>()) {
            let id = TicketId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}
