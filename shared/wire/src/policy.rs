//! What a ticket's tier admits to.
//!
//! In: a creator's choice. Out: [`Policy`], as it stands in the API and in playback tokens. Does not know who checks
//! it: the edge does, per request; only the number of devices is counted at the origin, where sessions begin.
//!
//! Every field absent is a ticket for everything.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most countries in one list.
pub const COUNTRIES_MAX: usize = 250;

/// What a ticket admits to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The highest picture it may see, as the number of its rung: 720 is 720p and below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height_max: Option<u16>,
    /// How far behind the live edge it may go, in seconds; 0 is the live edge alone. Absent: the whole window, and the
    /// recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dvr_s_max: Option<u32>,
    /// Where the viewer must be.
    #[serde(skip_serializing_if = "Countries::is_everywhere")]
    pub countries: Countries,
    /// What of the viewer's address a session is tied to.
    #[serde(skip_serializing_if = "Bind::is_nothing")]
    pub bind: Bind,
    /// The first so many seconds, from the first time the ticket is used; then the wall.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_s: Option<u32>,
    /// How many sessions may play at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices_max: Option<u16>,
    /// Which of two watermarked forms of the media it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
}

/// Where a viewer must be, or must not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Countries {
    /// Anywhere.
    #[default]
    Everywhere,
    /// In one of these. A viewer whose country is unknown is refused.
    Allow(Vec<Country>),
    /// In none of these. A viewer whose country is unknown is let in.
    Deny(Vec<Country>),
}

/// What of the viewer's address a session is tied to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bind {
    /// Nothing: phones change networks.
    #[default]
    Nothing,
    /// Its network: the first 24 bits of an IPv4, the first 48 of an IPv6 address.
    Network,
    /// All of it; of an IPv6 address the first 64 bits, since hosts change the rest.
    Address,
}

/// One of two watermarked forms of the same media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watermark {
    /// The first.
    A,
    /// The second.
    B,
}

/// A country: ISO 3166-1 alpha-2, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// A text is no country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryError;

impl fmt::Display for CountryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a country is two letters, as in ISO 3166-1")
    }
}

impl std::error::Error for CountryError {}

impl Policy {
    /// Whether it is a ticket for everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Countries {
    /// Whether there is no rule.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        matches!(self, Self::Everywhere)
    }

    /// Whether a viewer there is let in; `None` is a viewer whose country is unknown.
    #[must_use]
    pub fn admit(&self, viewer: Option<Country>) -> bool {
        match (self, viewer) {
            (Self::Everywhere, _) | (Self::Deny(_), None) => true,
            (Self::Allow(list), Some(country)) => list.contains(&country),
            (Self::Allow(_), None) => false,
            (Self::Deny(list), Some(country)) => !list.contains(&country),
        }
    }
}

impl Bind {
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(CountryError),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b]) = *self;
        write!(f, "{}{}", char::from(a), char::from(b))
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(text: String) -> Result<Self, CountryError> {
        text.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_policy_is_a_ticket_for_everything() {
        let policy: Policy = serde_json::from_str("{}").unwrap();
        assert!(policy.is_everything());
        assert_eq!(serde_json::to_string(&policy).unwrap(), "{}");
        assert!(serde_json::from_str::<Policy>(r#"{"heightmax":3}"#).is_err());
    }

    #[test]
    fn a_policy_reads_back() {
        let text = r#"{"height_max":480,"dvr_s_max":0,"countries":{"allow":["DE","AT"]},"#
            .to_owned()
            + r#""bind":"network","preview_s":300,"devices_max":2,"watermark":"b"}"#;
        let policy: Policy = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
    }

    #[test]
    fn who_may_come_from_where() {
        let country = |text: &str| Some(text.parse::<Country>().unwrap());
        let allow = Countries::Allow(vec![country("de").unwrap()]);
        let deny = Countries::Deny(vec![country("DE").unwrap()]);
        for (rule, viewer, expected) in [
            (&Countries::Everywhere, None, true),
            (&allow, country("DE"), true),
            (&allow, country("FR"), false),
            (&allow, None, false),
            (&deny, country("DE"), false),
            (&deny, country("FR"), true),
            (&deny, None, true),
        ] {
            assert_eq!(rule.admit(viewer), expected, "{rule:?} {viewer:?}");
        }
        for wrong in ["", "D", "DEU", "D1", "ÄÖ"] {
            assert_eq!(wrong.parse::<Country>(), Err(CountryError), "{wrong}");
        }
    }
}
