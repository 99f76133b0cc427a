//! `Upload-Metadata`: pairs of a key and a value in base 64.
//!
//! In: a header's value. Out: [`Metadata`], or what is wrong with it. Does not know what becomes of it.

use data_encoding::BASE64;
use shared_wire::api::{KeepHdr, Priority};

use super::Refusal;

/// The key of whether the film is made before others.
const PRIORITY: &str = "priority";
/// The key of how the range of its HDR is kept.
const KEEP_HDR: &str = "keep_hdr";

/// What was said of a file. Values are bytes of strangers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    pairs: Vec<(String, Vec<u8>)>,
}

impl Metadata {
    /// Reads a header's value.
    ///
    /// # Errors
    /// 400 for whatever the protocol does not allow: an empty key, one that stands there twice, a value that is not
    /// base 64; or more than `bytes_max`.
    pub fn read(text: &str, bytes_max: usize) -> Result<Self, Refusal> {
        if text.len() > bytes_max {
            return Err(wrong("is too long"));
        }
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        for pair in text.split(',') {
            // Clients put a space after the comma, though nothing says they may.
            let pair = pair.trim_matches(' ');
            let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() {
                return Err(wrong("has an empty key"));
            }
            if pairs.iter().any(|(known, _)| known == key) {
                return Err(wrong("has a key twice"));
            }
            let value = BASE64.decode(value.as_bytes());
            let value = value.map_err(|_| wrong("has a value that is not base 64"))?;
            pairs.push((key.to_owned(), value));
        }
        Ok(Self { pairs })
    }

    /// The text of a key: what is a control character, or not UTF-8, is left out.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        let (_, value) = self.pairs.iter().find(|(known, _)| known == key)?;
        let text = String::from_utf8_lossy(value);
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether the film is made before others, if that is said.
    ///
    /// # Errors
    /// 400 for a priority that there is not.
    pub fn priority(&self) -> Result<Option<Priority>, Refusal> {
        self.named(PRIORITY, Priority::named, "`urgent`, `normal` and `bulk`")
    }

    /// How the range of its HDR is kept, if that is said.
    ///
    /// # Errors
    /// 400 for a way that there is not.
    pub fn keep_hdr(&self) -> Result<Option<KeepHdr>, Refusal> {
        self.named(KEEP_HDR, KeepHdr::named, "`none`, `hevc` and `av1`")
    }

    /// What a key names of what there is.
    fn named<T>(
        &self,
        key: &str,
        named: impl Fn(&str) -> Option<T>,
        all: &str,
    ) -> Result<Option<T>, Refusal> {
        let Some(name) = self.text(key) else { return Ok(None) };
        let none = || wrong(&format!("has a `{key}` that is none of {all}"));
        named(&name).map(Some).ok_or_else(none)
    }
}

fn wrong(what: &str) -> Refusal {
    Refusal::new(400, "metadata_malformed", format!("`Upload-Metadata` {what}"))
}
