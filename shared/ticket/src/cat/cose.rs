//! The envelope of a CAT: COSE_Mac0 with HMAC-SHA-256, COSE_Sign1 with ES256 (RFC 9052, 4.2 and 6.2).
//!
//! In: the text of a token. Out: its parts, and what a MAC or a signature is over. Does not know keys or claims.
//!
//! Written: tag 61, the tag of the message, the key id in the protected header, unpadded base64url. Read besides, since
//! others write it: no tag 61, the key id in the unprotected header or under the text `4`, base64 of either alphabet
//! with or without padding, and a payload that is the hexadecimal text of the claims.

use std::borrow::Cow;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use sha2::{Digest as _, Sha256};

use super::Value;
use crate::TokenError;
use crate::key::Algorithm;
use crate::mac::{self, Mac, equal};

/// CWT (RFC 8392, 6).
const TAG_CWT: u64 = 61;
/// COSE_Mac0.
const TAG_MAC: u64 = 17;
/// COSE_Sign1.
const TAG_SIGN: u64 = 18;
/// HMAC 256/256 (RFC 9053, 3.1).
const HMAC_256: i64 = 5;
/// ECDSA with SHA-256 (RFC 9053, 2.1).
const ES256: i64 = -7;
/// Labels of headers: the algorithm, those that must be understood, the key id.
const ALG: i64 = 1;
const CRIT: i64 = 2;
const KID: i64 = 4;

/// A token taken apart; nothing of it is vouched for.
pub(crate) struct Envelope<'a> {
    /// What the message's tag and its protected header agree on.
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Cow<'a, [u8]>>,
    protected: Cow<'a, [u8]>,
    payload: Payload<'a>,
    /// The MAC or the signature.
    pub(crate) tag: Cow<'a, [u8]>,
}

/// The claims as they stand in the message.
enum Payload<'a> {
    Bytes(Cow<'a, [u8]>),
    /// In hexadecimal, as a text.
    Text(Cow<'a, str>),
}

/// The bytes of a token's text.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    let text = text.trim_end_matches('=');
    let decoded = if text.bytes().any(|byte| matches!(byte, b'+' | b'/')) {
        let url = |byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            byte => byte,
        };
        BASE64URL_NOPAD.decode(&text.bytes().map(url).collect::<Vec<u8>>())
    } else {
        BASE64URL_NOPAD.decode(text.as_bytes())
    };
    decoded.map_err(|_| TokenError::Malformed)
}

impl<'a> Envelope<'a> {
    /// Takes a message apart.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, TokenError> {
        let mut message = Value::read(bytes).ok_or(TokenError::Malformed)?;
        if let Value::Tag(TAG_CWT, inner) = message {
            message = *inner;
        }
        let Value::Tag(tag @ (TAG_MAC | TAG_SIGN), parts) = message else {
            return Err(TokenError::Malformed);
        };
        let Value::Array(parts) = *parts else { return Err(TokenError::Malformed) };
        let parts: [Value<'a>; 4] = parts.try_into().map_err(|_| TokenError::Malformed)?;
        let [Value::Bytes(protected), unprotected, payload, Value::Bytes(proof)] = parts else {
            return Err(TokenError::Malformed);
        };
        let payload = match payload {
            Value::Bytes(bytes) => Payload::Bytes(bytes),
            Value::Text(text) => Payload::Text(text),
            _ => return Err(TokenError::Malformed),
        };
        let headers = Value::read(&protected).ok_or(TokenError::Malformed)?;
        if headers.as_map().is_none() || unprotected.as_map().is_none() {
            return Err(TokenError::Malformed);
        }
        // The algorithm counts where it is protected, and only there.
        let algorithm = match (tag, headers.get(ALG).and_then(Value::as_int)) {
            (TAG_MAC, Some(HMAC_256)) => Algorithm::Hs256,
            (TAG_SIGN, Some(ES256)) => Algorithm::Es256,
            _ => return Err(TokenError::Forged),
        };
        // RFC 9052, 3.1: we understand none of what must be understood.
        if headers.get(CRIT).is_some() || unprotected.get(CRIT).is_some() {
            return Err(TokenError::Forged);
        }
        let kid = match (kid(&headers), kid(&unprotected)) {
            (Some(_), Some(_)) => return Err(TokenError::Malformed),
            (one, other) => one.or(other).map(|kid| Cow::Owned(kid.to_vec())),
        };
        Ok(Self { algorithm, kid, protected, payload, tag: proof })
    }

    /// The CBOR of the claims.
    pub(crate) fn claims(&self) -> Result<Cow<'_, [u8]>, TokenError> {
        match &self.payload {
            Payload::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Payload::Text(text) => HEXLOWER_PERMISSIVE
                .decode(text.as_bytes())
                .map(Cow::Owned)
                .map_err(|_| TokenError::Malformed),
        }
    }

    /// Whether the MAC is that of `key`, in a time that does not tell where it differs.
    pub(crate) fn is_mac_of(&self, key: &Mac) -> bool {
        <&[u8; 32]>::try_from(self.tag.as_ref()).is_ok_and(|sent| equal(&mac(self, key), sent))
    }

    /// What the signature is over, hashed.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.feed("Signature1", |bytes| hash.update(bytes));
        hash.finalize().into()
    }

    /// The Sig_structure or MAC_structure: `[context, protected, external_aad, payload]`.
    fn feed(&self, context: &str, mut to: impl FnMut(&[u8])) {
        let (payload, major) = match &self.payload {
            Payload::Bytes(bytes) => (bytes.as_ref(), BYTES),
            Payload::Text(text) => (text.as_bytes(), TEXT),
        };
        to(&[0x84]);
        put(context.as_bytes(), TEXT, &mut to);
        put(&self.protected, BYTES, &mut to);
        put(&[], BYTES, &mut to);
        put(payload, major, &mut to);
    }
}

/// Major types of CBOR, where they stand in the first byte.
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;

/// One string with its head (RFC 8949, 3).
fn put(string: &[u8], major: u8, to: &mut impl FnMut(&[u8])) {
    let length = string.len();
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ 0..24), _) => to(&[major | length]),
        (Ok(length), _) => to(&[major | 24, length]),
        (_, Ok(length)) => {
            let [high, low] = length.to_be_bytes();
            to(&[major | 25, high, low]);
        }
        // Longer than any token: `TOKEN_BYTES_MAX` is 4096.
        _ => {
            to(&[major | 27]);
            to(&(length as u64).to_be_bytes());
        }
    }
    to(string);
}

fn kid<'v>(headers: &'v Value<'_>) -> Option<&'v [u8]> {
    headers.get(KID).or_else(|| headers.get_text("4")).and_then(Value::as_bytes)
}

/// Makes a message: `prove` is given what is to be proven, and makes the MAC or the signature.
pub(crate) fn seal(
    algorithm: Algorithm,
    kid: &str,
    claims: Vec<u8>,
    prove: impl FnOnce(&Envelope<'_>) -> Option<Vec<u8>>,
) -> Option<String> {
    let (tag, name) = match algorithm {
        Algorithm::Hs256 => (TAG_MAC, HMAC_256),
        Algorithm::Es256 => (TAG_SIGN, ES256),
        Algorithm::EdDsa => return None,
    };
    let kid = Value::Bytes(Cow::Borrowed(kid.as_bytes()));
    let protected = Value::map([(ALG, Value::Int(name)), (KID, kid)]).to_bytes();
    let mut envelope = Envelope {
        algorithm,
        kid: None,
        protected: Cow::Owned(protected),
        payload: Payload::Bytes(Cow::Owned(claims)),
        tag: Cow::Borrowed(&[]),
    };
    envelope.tag = Cow::Owned(prove(&envelope)?);
    let Payload::Bytes(payload) = envelope.payload else { return None };
    let parts = [envelope.protected, payload, envelope.tag].map(Value::Bytes);
    let [protected, payload, proof] = parts;
    let parts = vec![protected, Value::Map(Vec::new()), payload, proof];
    let message = Value::Tag(TAG_CWT, Box::new(Value::Tag(tag, Box::new(Value::Array(parts)))));
    Some(BASE64URL_NOPAD.encode(&message.to_bytes()))
}

/// The MAC of a message.
pub(crate) fn mac(envelope: &Envelope<'_>, key: &Mac) -> [u8; mac::BYTES] {
    let mut mac = key.clone();
    envelope.feed("MAC0", |bytes| mac.update(bytes));
    mac.finish()
}
