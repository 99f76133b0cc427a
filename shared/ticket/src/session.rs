//! Sealed sessions: what stands in `/p/<session>/…`, checked with one HMAC per request.
//!
//! In: keys as text, a session, the viewer's address, the time. Out: 88 characters of base64url, or the session they
//! hold. Does not know tokens, paths or the deny list. Opening allocates nothing.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 2 |
//! | 8 | key id, padded with zeros |
//! | 10, 10, 10 | show, session, ticket |
//! | 4 | expiry, seconds since the Unix epoch, big-endian |
//! | 7 | what it admits to, see [`Admitted`] |
//! | 16 | HMAC-SHA-256 of all before, cut to 128 bits |
//!
//! A session that is tied to a network has the network in what is sealed and not in what is sent: whoever asks from
//! elsewhere cannot be told from a forger, and learns nothing of the address. The key of the HMAC is not the session
//! key itself but `HMAC(key, "matinee session 2\0")`, which keeps this use of it apart from any other.

use core::net::IpAddr;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use shared_wire::{SessionId, ShowId, TicketId};

use crate::config::{KEYS_MAX, SESSION_CHARS, SESSION_KID_CHARS_MAX};
use crate::key::is_kid;
use crate::mac::{Mac, equal};
use crate::{KeyError, SessionError};

mod admitted;
mod marker;
mod network;

pub use admitted::Admitted;
pub use marker::Marker;

use network::Network;

const VERSION: u8 = 2;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
const BODY_BYTES: usize = 1 + SESSION_KID_CHARS_MAX + 3 * 10 + 4 + admitted::BYTES;
const BYTES: usize = BODY_BYTES + TAG_BYTES;
const PURPOSE: &[u8] = b"matinee session 2\0";

type Kid = [u8; SESSION_KID_CHARS_MAX];

/// The right of one viewer to one show until a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedSession {
    /// The show.
    pub show: ShowId,
    /// The viewer's playback session.
    pub session: SessionId,
    /// The ticket it came from.
    pub ticket: TicketId,
    /// When it ends, in seconds since the Unix epoch.
    pub expires_at: u32,
    /// What it admits to.
    pub admitted: Admitted,
}

/// The keys that seal sessions: the first seals, all of them open. `Debug` shows their ids only.
pub struct SessionKeys {
    keys: Vec<SessionKey>,
}

struct SessionKey {
    id: Kid,
    mac: Mac,
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|key| {
            let kid = key.id.split(|byte| *byte == 0).next().unwrap_or_default();
            String::from_utf8_lossy(kid).into_owned()
        });
        f.debug_list().entries(names).finish()
    }
}

impl SessionKeys {
    /// Reads `kid:base64url[,kid:base64url…]`, 32 bytes each.
    ///
    /// # Errors
    /// The first thing wrong with the text; there must be at least one key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys: Vec<SessionKey> = Vec::new();
        for one in text.split(',') {
            let (kid, material) = one.trim().split_once(':').ok_or_else(|| {
                KeyError::Document("session keys are `kid:base64url,…`".to_owned())
            })?;
            if !is_kid(kid, SESSION_KID_CHARS_MAX) {
                return Err(KeyError::Id(SESSION_KID_CHARS_MAX));
            }
            let bytes = BASE64URL_NOPAD.decode(material.as_bytes()).ok();
            let bytes: Option<[u8; KEY_BYTES]> = bytes.and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.ok_or_else(|| KeyError::Material(kid.to_owned()))?;
            let mut id = [0; SESSION_KID_CHARS_MAX];
            id.iter_mut().zip(kid.bytes()).for_each(|(to, from)| *to = from);
            if keys.iter().any(|other| other.id == id) {
                return Err(KeyError::Twice(kid.to_owned()));
            }
            if keys.len() == KEYS_MAX {
                return Err(KeyError::Document(format!("more than {KEYS_MAX} session keys")));
            }
            let key = Mac::new(&bytes).of(PURPOSE);
            keys.push(SessionKey { id, mac: Mac::new(&key) });
        }
        Ok(Self { keys })
    }

    /// One key as the text [`SessionKeys::parse`] takes, made of 32 random bytes: a secret, to be stored.
    #[must_use]
    pub fn generate(kid: &str, random: &[u8; KEY_BYTES]) -> String {
        format!("{kid}:{}", BASE64URL_NOPAD.encode(random))
    }

    /// Seals a session with the first key, for a viewer at `ip`.
    ///
    /// # Errors
    /// If it is tied to a network, and there is no address.
    pub fn seal(
        &self,
        session: &SealedSession,
        ip: Option<IpAddr>,
    ) -> Result<String, SessionError> {
        let network = Network::of(session.admitted.bind, ip).ok_or(SessionError::WrongNetwork)?;
        // `parse` is the only way to make one, and it finds at least one key or fails.
        let key = self.keys.first().ok_or(SessionError::Forged)?;
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(VERSION);
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(session.show.as_bytes());
        bytes.extend_from_slice(session.session.as_bytes());
        bytes.extend_from_slice(session.ticket.as_bytes());
        bytes.extend_from_slice(&session.expires_at.to_be_bytes());
        bytes.extend_from_slice(&session.admitted.pack());
        let tag = key.tag(&bytes, &network);
        bytes.extend_from_slice(&tag);
        Ok(BASE64URL_NOPAD.encode(&bytes))
    }

    /// Opens what [`SessionKeys::seal`] wrote, for a viewer at `ip`, at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// In this order: it has not the form, no key of these sealed it (for a viewer there), its time is over.
    pub fn open(
        &self,
        text: &str,
        ip: Option<IpAddr>,
        now: i64,
    ) -> Result<SealedSession, SessionError> {
        let bytes = decode(text).ok_or(SessionError::Malformed)?;
        let (body, sent) = bytes.split_last_chunk().ok_or(SessionError::Malformed)?;
        let (kid, session) = read(body).ok_or(SessionError::Malformed)?;
        let key = self.find(kid).ok_or(SessionError::Forged)?;
        let network = Network::of(session.admitted.bind, ip).ok_or(SessionError::WrongNetwork)?;
        if !equal(&key.tag(body, &network), sent) {
            let is_tied = !network.as_bytes().is_empty();
            return Err(if is_tied { SessionError::WrongNetwork } else { SessionError::Forged });
        }
        if now >= i64::from(session.expires_at) {
            let is_preview = session.admitted.is_preview;
            let over = if is_preview { SessionError::PreviewOver } else { SessionError::Expired };
            return Err(over);
        }
        Ok(session)
    }

    /// What marks objects for a session that was opened; by the same key, so that marks outlive a change of keys.
    #[must_use]
    pub fn marker(&self, opened: &str) -> Option<Marker> {
        let bytes = decode(opened)?;
        let (body, _) = bytes.split_last_chunk::<TAG_BYTES>()?;
        let (kid, session) = read(body)?;
        self.find(kid).map(|key| Marker::new(&key.mac, &session))
    }

    fn find(&self, kid: Kid) -> Option<&SessionKey> {
        self.keys.iter().find(|key| key.id == kid)
    }
}

fn decode(text: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let has_length = text.len() == SESSION_CHARS;
    (has_length && BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes).is_ok()).then_some(bytes)
}

impl SessionKey {
    fn tag(&self, body: &[u8], network: &Network) -> [u8; TAG_BYTES] {
        let mac = self.mac.clone().with(body).with(network.as_bytes()).finish();
        let mut tag = [0; TAG_BYTES];
        tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        tag
    }
}

/// The fields, if the length and the version are right.
fn read(body: &[u8]) -> Option<(Kid, SealedSession)> {
    let rest = body.strip_prefix(&[VERSION])?;
    let (kid, rest) = rest.split_first_chunk()?;
    let (show, rest) = rest.split_first_chunk()?;
    let (session, rest) = rest.split_first_chunk()?;
    let (ticket, rest) = rest.split_first_chunk()?;
    let (expires_at, rest) = rest.split_first_chunk()?;
    let session = SealedSession {
        show: ShowId::from_bytes(*show),
        session: SessionId::from_bytes(*session),
        ticket: TicketId::from_bytes(*ticket),
        expires_at: u32::from_be_bytes(*expires_at),
        admitted: Admitted::unpack(rest.try_into().ok()?)?,
    };
    Some((*kid, session))
}

#[cfg(test)]
mod tests;
