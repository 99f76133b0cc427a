//! Signing keys: made from random bytes, kept as text, shown to edges as a key set.
//!
//! In: random bytes or a stored text. Out: [`PrivateKey`] and, of its verifying half, a JWK set (RFC 7517). Does not
//! know a source of randomness or a place to store anything.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use jwt_simple::prelude::{ES256KeyPair, Ed25519KeyPair, HS256Key};
use serde_json::{Value, json};

use crate::KeyError;
use crate::config::{HS256_BYTES_MIN, KID_CHARS_MAX};

/// PKCS #8 of an Ed25519 key (RFC 8410, 7) up to its 32 bytes of seed.
const ED25519_PKCS8: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// Ed25519 (RFC 8037): the default.
    #[default]
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, 3.4).
    Es256,
    /// HMAC with SHA-256 (RFC 7518, 3.2): edges then hold the secret that signs, so prefer the others.
    Hs256,
}

impl Algorithm {
    /// Its name in a token's header (RFC 7518, 3.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256, Self::Hs256].into_iter().find(|one| one.name() == name)
    }
}

/// What a key is for. No key is for both: whoever mints CATs elsewhere must not be able to mint the house's JWTs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Purpose {
    /// JWTs.
    #[default]
    Jwt,
    /// CATs (CTA-5007): the member `use` of the JWK is `cat`.
    Cat,
}

/// The member `use` of a CAT key's JWK (RFC 7517, 4.2, leaves the name to us).
pub(crate) const USE_CAT: &str = "cat";

/// A key that signs tokens. A secret: `Debug` shows its id only.
pub struct PrivateKey {
    pub(crate) kid: String,
    pub(crate) pair: Pair,
    pub(crate) purpose: Purpose,
}

pub(crate) enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(ES256KeyPair),
    Hs256(HS256Key),
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({} {}, secret)", self.algorithm().name(), self.kid)
    }
}

impl PrivateKey {
    /// A key made of 32 random bytes.
    ///
    /// # Errors
    /// If `kid` has not the form of a key id; or, once in 2^32 times for ES256, if the bytes are no key: try others.
    pub fn generate(algorithm: Algorithm, kid: &str, random: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_kid(kid, KID_CHARS_MAX) {
            return Err(KeyError::Id(KID_CHARS_MAX));
        }
        let material = || KeyError::Material(kid.to_owned());
        let pair = match algorithm {
            Algorithm::EdDsa => {
                let der = [ED25519_PKCS8.as_slice(), random].concat();
                let pair = Ed25519KeyPair::from_der(&der).map_err(|_| material())?;
                Pair::EdDsa(pair.with_key_id(kid))
            }
            Algorithm::Es256 => {
                let pair = ES256KeyPair::from_bytes(random).map_err(|_| material())?;
                Pair::Es256(pair.with_key_id(kid))
            }
            Algorithm::Hs256 => Pair::Hs256(HS256Key::from_bytes(random).with_key_id(kid)),
        };
        Ok(Self { kid: kid.to_owned(), pair, purpose: Purpose::Jwt })
    }

    /// The same key for CATs, for [`crate::CatIssuer`].
    ///
    /// # Errors
    /// [`KeyError::Purpose`] if it is EdDSA.
    pub fn for_cat(mut self) -> Result<Self, KeyError> {
        if matches!(self.pair, Pair::EdDsa(_)) {
            return Err(KeyError::Purpose(self.kid));
        }
        self.purpose = Purpose::Cat;
        Ok(self)
    }

    /// Reads what [`PrivateKey::to_text`] wrote.
    ///
    /// # Errors
    /// If the text is no private JWK with `kid` and `alg`.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let jwk: Value =
            serde_json::from_str(text).map_err(|_| KeyError::Document("not JSON".to_owned()))?;
        let (kid, algorithm) = names(&jwk)?;
        let purpose = purpose(&jwk)?;
        let text = bare(&jwk);
        let material = || KeyError::Material(kid.clone());
        let pair = match algorithm {
            Algorithm::EdDsa => {
                Pair::EdDsa(Ed25519KeyPair::from_jwk(&text).map_err(|_| material())?)
            }
            Algorithm::Es256 => Pair::Es256(ES256KeyPair::from_jwk(&text).map_err(|_| material())?),
            Algorithm::Hs256 => Pair::Hs256(secret(&jwk).ok_or_else(material)?.with_key_id(&kid)),
        };
        let key = Self { kid, pair, purpose: Purpose::Jwt };
        if purpose == Purpose::Cat { key.for_cat() } else { Ok(key) }
    }

    /// The key as text, a private JWK: a secret, to be stored with mode 0600.
    #[must_use]
    pub fn to_text(&self) -> String {
        let text = match &self.pair {
            Pair::EdDsa(pair) => pair.to_jwk(),
            Pair::Es256(pair) => pair.to_jwk(),
            Pair::Hs256(key) => self.shared(key).to_string(),
        };
        match self.purpose {
            Purpose::Jwt => text,
            Purpose::Cat => self.with_use(parsed(&text)).to_string(),
        }
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn with_use(&self, mut jwk: Value) -> Value {
        if let (Purpose::Cat, Some(members)) = (self.purpose, jwk.as_object_mut()) {
            members.insert("use".to_owned(), json!(USE_CAT));
        }
        jwk
    }

    /// Its id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::EdDsa(_) => Algorithm::EdDsa,
            Pair::Es256(_) => Algorithm::Es256,
            Pair::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// What an edge needs to verify, as a JWK. For HS256 that is the secret itself.
    fn verifying(&self) -> Value {
        self.with_use(match &self.pair {
            Pair::EdDsa(pair) => parsed(&pair.public_key().to_jwk()),
            Pair::Es256(pair) => parsed(&pair.public_key().to_jwk()),
            Pair::Hs256(key) => self.shared(key),
        })
    }

    fn shared(&self, key: &HS256Key) -> Value {
        let material = BASE64URL_NOPAD.encode(&key.to_bytes());
        json!({ "kty": "oct", "alg": "HS256", "kid": self.kid, "k": material })
    }
}

/// What edges verify with, as a JWK set: the keys in use and those rotating out or in. `MATINEE_TOKEN_KEYS` takes
/// it. With an HS256 key among them it is a secret.
#[must_use]
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a PrivateKey>) -> String {
    let keys: Vec<Value> = keys.into_iter().map(PrivateKey::verifying).collect();
    json!({ "keys": keys }).to_string()
}

/// What the library wrote: it is JSON.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// What a JWK's key is for.
pub(crate) fn purpose(jwk: &Value) -> Result<Purpose, KeyError> {
    match jwk.get("use").map(Value::as_str) {
        None | Some(Some("sig")) => Ok(Purpose::Jwt),
        Some(Some(USE_CAT)) => Ok(Purpose::Cat),
        Some(_) => Err(KeyError::Document("`use` of a key is `sig`, `cat` or nothing".to_owned())),
    }
}

/// A JWK without the members that are ours alone: the library is strict about what a JWK holds.
pub(crate) fn bare(jwk: &Value) -> String {
    let mut bare = jwk.clone();
    if let Some(members) = bare.as_object_mut() {
        members.retain(|name, _| !OURS.contains(&name.as_str()));
    }
    bare.to_string()
}

/// Members of a JWK that the library does not know.
const OURS: [&str; 6] = ["nbf", "exp", "use", "iss", "aud", "labels"];

/// From when a key is good, and until when (exclusive), in seconds since the Unix epoch; absent: always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Validity {
    not_before: Option<i64>,
    expires_at: Option<i64>,
}

impl Validity {
    /// Reads `nbf` and `exp` of a JWK.
    pub(crate) fn read(jwk: &Value, kid: &str) -> Result<Self, KeyError> {
        let time = |name: &str| match jwk.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| KeyError::Document(format!("key `{kid}`: `{name}` is no time"))),
        };
        Ok(Self { not_before: time("nbf")?, expires_at: time("exp")? })
    }

    /// Whether it is good then.
    pub(crate) fn holds_at(&self, now: i64) -> bool {
        self.not_before.is_none_or(|from| now >= from)
            && self.expires_at.is_none_or(|until| now < until)
    }
}

/// The `kid` and `alg` of a JWK.
pub(crate) fn names(jwk: &Value) -> Result<(String, Algorithm), KeyError> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    // AWS names its key `key:default`.
    let form = |kid: &&str| kid.split(':').all(|part| is_kid(part, KID_CHARS_MAX));
    let kid = text("kid").filter(|kid| kid.len() <= KID_CHARS_MAX).filter(form);
    let kid = kid.ok_or(KeyError::Id(KID_CHARS_MAX))?.to_owned();
    let algorithm = text("alg").and_then(Algorithm::from_name);
    algorithm.map(|algorithm| (kid.clone(), algorithm)).ok_or(KeyError::Algorithm(kid))
}

/// The HS256 key of a JWK of type `oct` (RFC 7518, 6.4).
pub(crate) fn secret(jwk: &Value) -> Option<HS256Key> {
    secret_bytes(jwk).map(|bytes| HS256Key::from_bytes(&bytes))
}

/// Its bytes.
pub(crate) fn secret_bytes(jwk: &Value) -> Option<Vec<u8>> {
    let oct = jwk.get("kty").and_then(Value::as_str) == Some("oct");
    let text = jwk.get("k").and_then(Value::as_str).filter(|_| oct)?;
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    (bytes.len() >= HS256_BYTES_MIN).then_some(bytes)
}

/// Whether a text may name a key.
pub(crate) fn is_kid(text: &str, chars_max: usize) -> bool {
    let form = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=chars_max).contains(&text.len()) && text.bytes().all(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_shows_nothing() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256] {
            let key = PrivateKey::generate(algorithm, "k1", &[9; 32]).unwrap();
            let again = PrivateKey::from_text(&key.to_text()).unwrap();
            assert_eq!(again.to_text(), key.to_text());
            assert_eq!(again.algorithm(), algorithm);
            assert_eq!(format!("{key:?}"), format!("PrivateKey({} k1, secret)", algorithm.name()));
        }
    }

    #[test]
    fn edges_get_no_private_part() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
            let key = PrivateKey::generate(algorithm, "k1", &[9; 32]).unwrap();
            assert!(!jwks([&key]).contains("\"d\""));
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (text, error) in [
            ("", KeyError::Document("not JSON".into())),
            (r#"{"alg":"EdDSA"}"#, KeyError::Id(KID_CHARS_MAX)),
            (r#"{"kid":"a","alg":"none"}"#, KeyError::Algorithm("a".into())),
            (r#"{"kid":"a","alg":"EdDSA"}"#, KeyError::Material("a".into())),
            (r#"{"kid":"a","alg":"HS256","kty":"oct","k":"AAAA"}"#, KeyError::Material("a".into())),
        ] {
            assert_eq!(PrivateKey::from_text(text).unwrap_err(), error, "{text}");
        }
    }
}
