//! Languages of sounds.
//!
//! In: a code of ISO 639-2, as transport streams have it, or a tag of RFC 5646. Out: the tag, and what those who speak
//! the language call it. Does not know tracks.

use std::fmt;

use isolang::Language as Code;
use serde::{Deserialize, Serialize};

/// Longest tag that is taken.
const BYTES_MAX: usize = 35; // RFC 5646, 4.4.1

/// ISO 639-2 has two codes for these: bibliographic, then the one of ISO 639-3 too.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// A language, as a tag of RFC 5646: `de`, `pt-BR`, `gsw`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// The language of a tag, its primary subtag first; `None` if it is not of that form.
    #[must_use]
    pub fn new(tag: &str) -> Option<Self> {
        let mut parts = tag.split('-');
        let primary = parts.next().filter(|primary| matches!(primary.len(), 2..=8))?;
        let is_letters = primary.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_part = |part: &str| {
            matches!(part.len(), 1..=8) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        (tag.len() <= BYTES_MAX && is_letters && parts.all(is_part)).then(|| Self(tag.to_owned()))
    }

    /// The language of a code of ISO 639-2; `None` if it says nothing, as `und`, or is none.
    #[must_use]
    pub fn of_iso_639_2(code: [u8; 3]) -> Option<Self> {
        let code = code.map(|byte| byte.to_ascii_lowercase());
        let code = std::str::from_utf8(&code).ok()?;
        let same = BIBLIOGRAPHIC.iter().find(|(bibliographic, _)| *bibliographic == code);
        let code = same.map_or(code, |(_, code)| code);
        let known =
            Code::from_639_3(code).filter(|_| !matches!(code, "und" | "mul" | "mis" | "zxx"));
        let known = known?;
        Self::new(known.to_639_1().unwrap_or(known.to_639_3()))
    }

    /// Its bibliographic code of ISO 639-2; `None` if it has none.
    #[must_use]
    pub fn iso_639_2(&self) -> Option<&'static str> {
        let primary = self.0.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let code = Code::from_639_1(&primary).or_else(|| Code::from_639_3(&primary))?.to_639_3();
        let same = BIBLIOGRAPHIC.iter().find(|(_, terminological)| *terminological == code);
        Some(same.map_or(code, |(bibliographic, _)| bibliographic))
    }

    /// Its tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What those who speak it call it, or else its English name, or else its tag; with a capital, as in a menu.
    #[must_use]
    pub fn name(&self) -> String {
        let primary = self.0.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let code = Code::from_639_1(&primary).or_else(|| Code::from_639_3(&primary));
        let Some(code) = code else { return self.0.clone() };
        let mut letters = code.to_autonym().unwrap_or(code.to_name()).chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        first.chain(letters).collect()
    }
}

impl TryFrom<String> for Language {
    type Error = String;
    fn try_from(tag: String) -> Result<Self, String> {
        Self::new(&tag).ok_or_else(|| format!("not a language: {tag:?}"))
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_bibliographic_codes() {
        for (tag, code) in [
            ("en-GB", Some("eng")),
            ("de", Some("ger")),
            ("FR", Some("fre")),
            ("gsw", Some("gsw")),
            ("eng", Some("eng")),
            ("qqqq", None),
        ] {
            assert_eq!(Language::new(tag).unwrap().iso_639_2(), code, "{tag}");
        }
    }

    #[test]
    fn codes_of_transport_streams_become_the_shortest_tag() {
        for (code, tag, name) in [
            (b"eng", "en", "English"),
            (b"deu", "de", "Deutsch"),
            (b"GER", "de", "Deutsch"),
            (b"fre", "fr", "Français"),
            (b"gsw", "gsw", "Schwiizertüütsch"),
        ] {
            let language = Language::of_iso_639_2(*code).unwrap();
            assert_eq!((language.as_str(), language.name().as_str()), (tag, name));
        }
        for code in [b"und", b"mul", b"zxx", b"qaa", b"e\0g", b"\xff\xff\xff"] {
            assert_eq!(Language::of_iso_639_2(*code), None);
        }
    }

    #[test]
    fn a_tag_is_a_language_and_what_narrows_it() {
        for tag in ["pt-BR", "zh-Hant-TW", "de-CH-1996"] {
            assert_eq!(Language::new(tag).unwrap().as_str(), tag);
        }
        assert_eq!(Language::new("pt-BR").unwrap().name(), "Português");
        assert_eq!(Language::new("xx").unwrap().name(), "xx");
        for bad in ["", "e", "englishes", "e1", "en-", "en_GB", "en-\"", "en-abcdefghi", "-en"] {
            assert_eq!(Language::new(bad), None, "{bad}");
        }
        assert_eq!(Language::new(&format!("en{}", "-x".repeat(20))), None);
    }
}
