//! One object in one file.
//!
//! In: an object, or a file. Out: the file, or the object, whole and as it was written. Does not know which files there
//! are.
//!
//! A file is `MATCACH1`, the length of the head (32 bits) and of the body (64 bits, both little-endian), the SHA-256 of
//! both, the head as JSON, the body. It is written under another name and then renamed; nothing is synced, because a
//! file that a power cut tore is found out by its digest.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::Key;
use super::super::freshness::Freshness;
use super::super::key::Coding;
use super::super::memory::Stored;
use super::super::object::{Head, Object};

const MAGIC: &[u8; 8] = b"MATCACH1";
const PREFIX_BYTES: usize = 8 + 4 + 8 + 32;
/// Longest head that is read.
const HEAD_BYTES_MAX: u32 = 256 * 1024;

/// The head of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Label {
    path: String,
    coding: Coding,
    status: u16,
    headers: Vec<(String, String)>,
    surrogate_control: Option<String>,
    pub(super) surrogate_keys: Vec<Box<str>>,
    pub(super) at_ms: u64,
    pub(super) freshness: Freshness,
}

/// Why a file is not what it should be.
#[derive(Debug)]
pub(super) enum Flaw {
    /// It cannot be read.
    Io(io::Error),
    /// It is torn, of another make, or another object's.
    Bad,
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file's beginning.
struct Prefix {
    head_bytes: u32,
    body_bytes: u64,
    digest: [u8; 32],
}

impl Prefix {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.head_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.body_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    fn read(file: &mut File) -> Result<Self, Flaw> {
        let mut magic = [0; 8];
        let (mut head, mut body, mut digest) = ([0; 4], [0; 8], [0; 32]);
        for part in [&mut magic[..], &mut head, &mut body, &mut digest] {
            exactly(file, part)?;
        }
        let prefix = Self {
            head_bytes: u32::from_le_bytes(head),
            body_bytes: u64::from_le_bytes(body),
            digest,
        };
        let good = magic == *MAGIC && prefix.head_bytes <= HEAD_BYTES_MAX;
        let whole = prefix.file_bytes() == Some(file.metadata()?.len());
        if good && whole { Ok(prefix) } else { Err(Flaw::Bad) }
    }

    fn file_bytes(&self) -> Option<u64> {
        self.body_bytes.checked_add(PREFIX_BYTES as u64 + u64::from(self.head_bytes))
    }
}

/// A short file is a torn one.
fn exactly(file: &mut File, part: &mut [u8]) -> Result<(), Flaw> {
    file.read_exact(part).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Flaw::Bad,
        _ => Flaw::Io(error),
    })
}

/// Writes an object to `new` and gives it its `name`; its bytes. `None`: it has a header that is no text.
pub(super) fn write(
    new: &Path,
    name: &Path,
    key: &Key,
    stored: &Stored,
) -> io::Result<Option<u64>> {
    let Some(label) = Label::of(key, stored) else { return Ok(None) };
    let head = serde_json::to_vec(&label)?;
    let body = &stored.object.body;
    let digest = Sha256::new().chain_update(&head).chain_update(body).finalize().into();
    let head_bytes = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let prefix = Prefix { head_bytes, body_bytes: body.len() as u64, digest };
    let Some(bytes) = prefix.file_bytes().filter(|_| head_bytes <= HEAD_BYTES_MAX) else {
        return Ok(None);
    };
    let written = (|| {
        let mut file = File::create(new)?;
        file.write_all(&prefix.encode())?;
        file.write_all(&head)?;
        file.write_all(body)?;
        fs::rename(new, name)
    })();
    if written.is_err() {
        // It may not be there at all.
        let _absent = fs::remove_file(new);
    }
    written.map(|()| Some(bytes))
}

/// A file's head and length, its body unread and unproven.
pub(super) fn label(path: &Path) -> Result<(Label, u64), Flaw> {
    let mut file = File::open(path)?;
    let prefix = Prefix::read(&mut file)?;
    let mut head = vec![0; prefix.head_bytes as usize];
    exactly(&mut file, &mut head)?;
    let label = serde_json::from_slice(&head).map_err(|_| Flaw::Bad)?;
    Ok((label, prefix.file_bytes().unwrap_or(u64::MAX)))
}

/// The object of `key`, its bytes proven.
pub(super) fn read(path: &Path, key: &Key, bytes_max: usize) -> Result<Stored, Flaw> {
    let mut file = File::open(path)?;
    let prefix = Prefix::read(&mut file)?;
    let body_bytes = usize::try_from(prefix.body_bytes).map_err(|_| Flaw::Bad)?;
    if body_bytes > bytes_max {
        return Err(Flaw::Bad);
    }
    let mut head = vec![0; prefix.head_bytes as usize];
    exactly(&mut file, &mut head)?;
    let mut body = vec![0; body_bytes];
    exactly(&mut file, &mut body)?;
    let digest: [u8; 32] = Sha256::new().chain_update(&head).chain_update(&body).finalize().into();
    if digest != prefix.digest {
        return Err(Flaw::Bad);
    }
    let label: Label = serde_json::from_slice(&head).map_err(|_| Flaw::Bad)?;
    label.stored(key, body.into()).ok_or(Flaw::Bad)
}

impl Label {
    fn of(key: &Key, stored: &Stored) -> Option<Self> {
        let head = &stored.object.head;
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let headers = head.headers.iter();
        let headers = headers.map(|(name, value)| Some((name.to_string(), text(value)?)));
        Some(Self {
            path: key.path.to_string(),
            coding: key.coding,
            status: head.status.as_u16(),
            headers: headers.collect::<Option<_>>()?,
            surrogate_control: match &head.surrogate_control {
                Some(control) => Some(text(control)?),
                None => None,
            },
            surrogate_keys: head.surrogate_keys.to_vec(),
            at_ms: stored.at_ms,
            freshness: stored.freshness,
        })
    }

    /// The object, if it is that of `key` and all of it makes sense.
    fn stored(self, key: &Key, body: Bytes) -> Option<Stored> {
        if *self.path != *key.path || self.coding != key.coding {
            return None;
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let name: HeaderName = name.parse().ok()?;
            headers.append(name, value.parse().ok()?);
        }
        let surrogate_control = match self.surrogate_control {
            Some(control) => Some(control.parse().ok()?),
            None => None,
        };
        let head = Head {
            status: StatusCode::from_u16(self.status).ok()?,
            headers,
            surrogate_control,
            surrogate_keys: self.surrogate_keys.into(),
        };
        let object = Arc::new(Object::new(Arc::new(head), body));
        Some(Stored { object, at_ms: self.at_ms, freshness: self.freshness, since: 0 })
    }
}
