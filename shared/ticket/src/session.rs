//! Sealed sessions: what stands in `/p/<session>/…`, checked with one HMAC per request.
//!
//! In: keys as text, a session, the time. Out: 82 characters of base64url, or the session they hold. Does not know
//! tokens, paths or the deny list.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 8 | key id, padded with zeros |
//! | 10, 10, 10 | show, session, ticket |
//! | 4 | expiry, seconds since the Unix epoch, big-endian |
//! | 2 | policy, big-endian |
//! | 16 | HMAC-SHA-256 of all before, cut to 128 bits |

use std::fmt;
use std::hint::black_box;

use data_encoding::BASE64URL_NOPAD;
use hmac_sha256::HMAC;
use shared_wire::{SessionId, ShowId, TicketId};

use crate::config::{KEYS_MAX, SESSION_CHARS_MAX, SESSION_KID_CHARS_MAX};
use crate::key::is_kid;
use crate::{KeyError, SessionError};

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Keeps this use of a key apart from any other.
const PURPOSE: &[u8] = b"matinee session 1\0";

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
    /// What the ticket admits to; 0 is everything.
    pub policy: u16,
}

/// The keys that seal sessions: the first seals, all of them open. `Debug` shows their ids only.
pub struct SessionKeys {
    keys: Vec<([u8; SESSION_KID_CHARS_MAX], [u8; KEY_BYTES])>,
}

impl fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.keys.iter().map(|(kid, _)| String::from_utf8_lossy(kid).into_owned());
        f.debug_list().entries(names.map(|kid| kid.trim_end_matches('\0').to_owned())).finish()
    }
}

impl SessionKeys {
    /// Reads `kid:base64url[,kid:base64url…]`, each key 32 bytes, each id 1 to 8 of `A-Z a-z 0-9 . _ -`.
    ///
    /// # Errors
    /// The first thing wrong with the text; there must be at least one key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys: Vec<([u8; SESSION_KID_CHARS_MAX], [u8; KEY_BYTES])> = Vec::new();
        for one in text.split(',') {
            let (kid, material) = one.trim().split_once(':').ok_or_else(|| {
                KeyError::Document("session keys are `kid:base64url,…`".to_owned())
            })?;
            if !is_kid(kid, SESSION_KID_CHARS_MAX) {
                return Err(KeyError::Id(SESSION_KID_CHARS_MAX));
            }
            let bytes = BASE64URL_NOPAD.decode(material.as_bytes()).ok();
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            let bytes = bytes.ok_or_else(|| KeyError::Material(kid.to_owned()))?;
            let mut id = [0; SESSION_KID_CHARS_MAX];
            id.iter_mut().zip(kid.bytes()).for_each(|(to, from)| *to = from);
            if keys.iter().any(|(other, _)| *other == id) {
                return Err(KeyError::Twice(kid.to_owned()));
            }
            if keys.len() == KEYS_MAX {
                return Err(KeyError::Document(format!("more than {KEYS_MAX} session keys")));
            }
            keys.push((id, bytes));
        }
        Ok(Self { keys })
    }

    /// One key as the text [`SessionKeys::parse`] takes, made of 32 random bytes: a secret, to be stored.
    #[must_use]
    pub fn generate(kid: &str, random: &[u8; KEY_BYTES]) -> String {
        format!("{kid}:{}", BASE64URL_NOPAD.encode(random))
    }

    /// Seals a session with the first key.
    #[must_use]
    pub fn seal(&self, session: &SealedSession) -> String {
        // `parse` is the only way to make one, and it finds at least one key or fails.
        let Some((kid, key)) = self.keys.first() else { return String::new() };
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(kid);
        bytes.extend_from_slice(session.show.as_bytes());
        bytes.extend_from_slice(session.session.as_bytes());
        bytes.extend_from_slice(session.ticket.as_bytes());
        bytes.extend_from_slice(&session.expires_at.to_be_bytes());
        bytes.extend_from_slice(&session.policy.to_be_bytes());
        let tag = tag(key, &bytes);
        bytes.extend_from_slice(&tag);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Opens what [`SessionKeys::seal`] wrote, at `now` (seconds since the Unix epoch).
    ///
    /// # Errors
    /// If the text has not the form, no key of these sealed it, or its time is over.
    pub fn open(&self, text: &str, now: i64) -> Result<SealedSession, SessionError> {
        if text.len() > SESSION_CHARS_MAX {
            return Err(SessionError::Malformed);
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        let bytes = bytes.map_err(|_| SessionError::Malformed)?;
        let (body, sent) = bytes.split_last_chunk().ok_or(SessionError::Malformed)?;
        let (kid, session) = read(body).ok_or(SessionError::Malformed)?;
        let key = self.keys.iter().find(|(id, _)| *id == kid);
        let (_, key) = key.ok_or(SessionError::Forged)?;
        if !equal(&tag(key, body), sent) {
            return Err(SessionError::Forged);
        }
        if now >= i64::from(session.expires_at) {
            return Err(SessionError::Expired);
        }
        Ok(session)
    }
}

/// The fields, if the length and the version are right.
fn read(body: &[u8]) -> Option<([u8; SESSION_KID_CHARS_MAX], SealedSession)> {
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
        policy: u16::from_be_bytes(rest.try_into().ok()?),
    };
    Some((*kid, session))
}

fn tag(key: &[u8; KEY_BYTES], body: &[u8]) -> [u8; TAG_BYTES] {
    let mut mac = HMAC::new(key);
    mac.update(PURPOSE);
    mac.update(body);
    let mut tag = [0; TAG_BYTES];
    tag.iter_mut().zip(mac.finalize()).for_each(|(to, from)| *to = from);
    tag
}

/// Whether two tags are equal, in a time that does not tell where they differ.
fn equal(ours: &[u8; TAG_BYTES], sent: &[u8; TAG_BYTES]) -> bool {
    let difference = ours.iter().zip(sent).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    black_box(difference) == 0
}

#[cfg(test)]
mod tests;
