//! Date ranges (`EXT-X-DATERANGE`, 4.4.5.1): what is said of a span of time, by whoever runs the show.
//!
//! In: attributes a creator sent. Out: whether they may stand in a playlist together, and the tag. Does not know which
//! playlist, nor the time.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::HEXUPPER_PERMISSIVE;
use serde::{Deserialize, Serialize};

use crate::date;

/// Longest `ID` and `CLASS`, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Most client-defined attributes of one range.
pub const ATTRIBUTES_MAX: usize = 32;
/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 4096;
/// Latest date that has four digits of a year, in milliseconds since the Unix epoch.
const DATE_MS_MAX: i64 = 253_402_300_799_999;
/// Longest duration, in milliseconds: some ten years.
const DURATION_MS_MAX: u64 = 315_360_000_000;

/// A span of time and what is said of it. Times are milliseconds since the Unix epoch, as fine as playlists have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    /// `ID`: one range's in the playlist.
    pub id: String,
    /// `CLASS`: ranges that mean the same have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// `START-DATE`.
    pub start_ms: i64,
    /// `CUE`: when a player is to act, if not at the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cue: Vec<Cue>,
    /// `END-DATE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<i64>,
    /// `DURATION`; 0 is a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// `PLANNED-DURATION`, where the true one is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_duration_ms: Option<u64>,
    /// `END-ON-NEXT`: it ends where the next of its class starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_on_next: bool,
    /// `SCTE35-CMD`: a splice information section, in hexadecimal digits after `0x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scte35_cmd: Option<String>,
    /// `SCTE35-OUT`: the same of a splice out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scte35_out: Option<String>,
    /// `SCTE35-IN`: the same of the splice back in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scte35_in: Option<String>,
    /// The client-defined attributes, by name: `X-…`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Value>,
}

/// When a player is to act on a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Cue {
    /// Before the show plays.
    Pre,
    /// After it.
    Post,
    /// Not again.
    Once,
}

/// The value of a client-defined attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A decimal number.
    Number(Finite),
    /// A quoted string.
    Text(String),
    /// Bytes, …
    Hex {
        /// … in hexadecimal digits after `0x`.
        hex: String,
    },
}

/// A number that is one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

/// None is "not a number": each is equal to itself.
impl Eq for Finite {}

impl TryFrom<f64> for Finite {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        if number.is_finite() { Ok(Self(number)) } else { Err("this is no finite number") }
    }
}

impl From<Finite> for f64 {
    fn from(number: Finite) -> Self {
        number.0
    }
}

/// Why a range may not stand in a playlist: always its author's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct DateRangeError {
    /// Which field.
    pub field: String,
    /// What it must be.
    pub reason: String,
}

fn wrong<T>(field: &str, reason: impl fmt::Display) -> Result<T, DateRangeError> {
    Err(DateRangeError { field: field.to_owned(), reason: reason.to_string() })
}

impl DateRange {
    /// Whether it may stand in a playlist (4.4.5.1).
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn check(&self) -> Result<(), DateRangeError> {
        name("id", &self.id)?;
        self.class.as_ref().map_or(Ok(()), |class| name("class", class))?;
        self.check_times()?;
        let has = |cue| self.cue.iter().filter(|one| **one == cue).count();
        if has(Cue::Pre) + has(Cue::Post) > 1 || has(Cue::Once) > 1 {
            return wrong("cue", "may name PRE or POST, not both, and nothing twice");
        }
        let scte35 = [
            ("scte35_cmd", &self.scte35_cmd),
            ("scte35_out", &self.scte35_out),
            ("scte35_in", &self.scte35_in),
        ];
        for (field, digits) in scte35 {
            digits.as_ref().map_or(Ok(()), |digits| hex(field, digits))?;
        }
        if self.attributes.len() > ATTRIBUTES_MAX {
            return wrong("attributes", format_args!("may be {ATTRIBUTES_MAX} at most"));
        }
        self.attributes.iter().try_for_each(|(name, value)| attribute(name, value))?;
        let bytes = self.tag().len();
        if bytes > TAG_BYTES_MAX {
            let reason = format!("makes a tag of {bytes} bytes; {TAG_BYTES_MAX} are the most");
            return wrong("attributes", reason);
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), DateRangeError> {
        let years = "must lie between the years 1970 and 9999";
        if !(0..=DATE_MS_MAX).contains(&self.start_ms) {
            return wrong("start_ms", years);
        }
        for (field, duration) in
            [("duration_ms", self.duration_ms), ("planned_duration_ms", self.planned_duration_ms)]
        {
            if duration.is_some_and(|duration| duration > DURATION_MS_MAX) {
                return wrong(field, format_args!("must be {DURATION_MS_MAX} at most"));
            }
        }
        if let Some(end) = self.end_ms {
            if !(self.start_ms..=DATE_MS_MAX).contains(&end) {
                return wrong("end_ms", "must not lie before `start_ms`, nor after the year 9999");
            }
            if self
                .duration_ms
                .is_some_and(|duration| (end - self.start_ms).unsigned_abs() != duration)
            {
                return wrong("end_ms", "must be `start_ms` and `duration_ms` together");
            }
        }
        if self.end_on_next && self.class.is_none() {
            return wrong("end_on_next", "needs a `class`");
        }
        if self.end_on_next && (self.end_ms.is_some() || self.duration_ms.is_some()) {
            return wrong("end_on_next", "may not stand beside `end_ms` or `duration_ms`");
        }
        Ok(())
    }

    /// When it ends, if it says so itself; in milliseconds since the Unix epoch.
    #[must_use]
    pub fn end(&self) -> Option<i64> {
        let after = |duration: u64| self.start_ms.checked_add_unsigned(duration);
        self.end_ms.or_else(|| self.duration_ms.and_then(after))
    }

    /// It with what `newer` says besides. Whatever both say must be the same: two tags with the same `ID` may not
    /// contradict each other, and players keep what they read first (4.4.5.1).
    ///
    /// # Errors
    /// The field that `newer` would change, or what is wrong with both together.
    pub fn merged(&self, newer: Self) -> Result<Self, DateRangeError> {
        let mut both = newer;
        keep("class", &self.class, &mut both.class)?;
        if self.start_ms != both.start_ms {
            return wrong("start_ms", CONFLICT);
        }
        if both.cue.is_empty() {
            both.cue.clone_from(&self.cue);
        } else if !self.cue.is_empty() && self.cue != both.cue {
            return wrong("cue", CONFLICT);
        }
        keep("end_ms", &self.end_ms, &mut both.end_ms)?;
        keep("duration_ms", &self.duration_ms, &mut both.duration_ms)?;
        keep("planned_duration_ms", &self.planned_duration_ms, &mut both.planned_duration_ms)?;
        keep("scte35_cmd", &self.scte35_cmd, &mut both.scte35_cmd)?;
        keep("scte35_out", &self.scte35_out, &mut both.scte35_out)?;
        keep("scte35_in", &self.scte35_in, &mut both.scte35_in)?;
        both.end_on_next |= self.end_on_next;
        for (name, value) in &self.attributes {
            let told = both.attributes.entry(name.clone()).or_insert_with(|| value.clone());
            if told != value {
                return wrong(name, CONFLICT);
            }
        }
        both.check()?;
        Ok(both)
    }

    /// The tag, without the end of its line.
    #[must_use]
    pub fn tag(&self) -> String {
        let mut tag = format!("{TAG}ID=\"{}\"", self.id);
        let mut put = |name: &str, value: String| {
            tag.push_str(&format!(",{name}={value}"));
        };
        let date = |ms: i64| format!("\"{}\"", date::utc(ms.saturating_mul(1000)));
        let seconds = |ms: u64| format!("{}.{:03}", ms / 1000, ms % 1000);
        self.class.iter().for_each(|class| put("CLASS", format!("\"{class}\"")));
        put("START-DATE", date(self.start_ms));
        if !self.cue.is_empty() {
            let names = self.cue.iter().map(|cue| match cue {
                Cue::Pre => "PRE",
                Cue::Post => "POST",
                Cue::Once => "ONCE",
            });
            put("CUE", format!("\"{}\"", names.collect::<Vec<_>>().join(",")));
        }
        self.end_ms.into_iter().for_each(|end| put("END-DATE", date(end)));
        self.duration_ms.into_iter().for_each(|ms| put("DURATION", seconds(ms)));
        self.planned_duration_ms.into_iter().for_each(|ms| put("PLANNED-DURATION", seconds(ms)));
        for (name, value) in &self.attributes {
            match value {
                Value::Number(number) => put(name, number.0.to_string()),
                Value::Text(text) => put(name, format!("\"{text}\"")),
                Value::Hex { hex } => put(name, hex.clone()),
            }
        }
        let scte35 = [
            ("SCTE35-CMD", &self.scte35_cmd),
            ("SCTE35-OUT", &self.scte35_out),
            ("SCTE35-IN", &self.scte35_in),
        ];
        for (name, digits) in scte35 {
            digits.iter().for_each(|digits| put(name, digits.clone()));
        }
        if self.end_on_next {
            put("END-ON-NEXT", "YES".to_owned());
        }
        tag
    }
}

/// How the tag begins.
const TAG: &str = "#EXT-X-DATERANGE:";
const CONFLICT: &str = "is another than the range of this id was given before";

/// The `ID` of a line, if it is the tag as [`DateRange::tag`] writes it.
pub(crate) fn id_of(line: &str) -> Option<&str> {
    line.strip_prefix(TAG)?.strip_prefix("ID=\"")?.split('"').next()
}

fn keep<T: Clone + PartialEq>(
    field: &str,
    old: &Option<T>,
    new: &mut Option<T>,
) -> Result<(), DateRangeError> {
    match (old, &new) {
        (Some(old), Some(new)) if old != new => wrong(field, CONFLICT),
        (Some(old), None) => {
            *new = Some(old.clone());
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A quoted string (4.2) that can stand in the list of removed ranges, which tabs divide.
fn name(field: &str, text: &str) -> Result<(), DateRangeError> {
    if !(1..=NAME_BYTES_MAX).contains(&text.len()) || !is_quotable(text) {
        let reason = "must be 1 to 128 bytes without quotes or control characters";
        return wrong(field, reason);
    }
    Ok(())
}

fn is_quotable(text: &str) -> bool {
    !text.chars().any(|char| char == '"' || char.is_control())
}

fn attribute(name: &str, value: &Value) -> Result<(), DateRangeError> {
    let form = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let own = name.strip_prefix("X-").unwrap_or_default();
    if own.is_empty() || name.len() > NAME_BYTES_MAX || !own.bytes().all(form) {
        return wrong(name, "is no name of A to Z, 0 to 9 and - after `X-`");
    }
    match value {
        Value::Number(_) => Ok(()),
        Value::Text(text) if is_quotable(text) => Ok(()),
        Value::Text(_) => wrong(name, "may have no quotes or control characters"),
        Value::Hex { hex: digits } => hex(name, digits),
    }
}

/// A hexadecimal sequence (4.2): `0x` and whole bytes, here.
fn hex(field: &str, digits: &str) -> Result<(), DateRangeError> {
    let bytes = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let bytes = bytes.filter(|digits| !digits.is_empty());
    match bytes.map(|digits| HEXUPPER_PERMISSIVE.decode(digits.as_bytes())) {
        Some(Ok(_)) => Ok(()),
        _ => wrong(field, "must be `0x` and an even number of hexadecimal digits"),
    }
}

/// The ranges of a playlist at one moment, as their tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DateRanges {
    /// The tags, in the order they were told; with each, whether a delta update may leave it out.
    pub tags: Vec<(std::sync::Arc<str>, bool)>,
    /// The `ID`s of those that were removed lately.
    pub removed: Vec<std::sync::Arc<str>>,
}

#[cfg(test)]
mod tests;
