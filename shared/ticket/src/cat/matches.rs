//! Matches: how `catu` and `cath` describe a text (CTA-5007, "match types").
//!
//! In: a map of match types to values, a text. Out: whether all of them hold. Does not know what the text is part of.
//!
//! Regular expressions run on `regex-lite`, whose time is linear in the text: no backreferences, no lookaround. They
//! are bounded in number, length, compiled size and in the text they see; a pattern beyond that makes the claim
//! malformed. Not refused outright, because other issuers' players need them; not on `regex`, which would double an
//! edge component.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE;
use regex_lite::RegexBuilder;
use sha2::{Digest, Sha256, Sha512, Sha512_256};

use super::Value;
use super::key::Dialect;
use crate::config::{REGEX_BYTES_MAX, REGEX_SIZE_MAX, REGEX_TEXT_BYTES_MAX, REGEXES_MAX};

/// A match that cannot be made: an unknown type, or a value of the wrong form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadMatch;

/// What text is the same as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Its bytes are.
    Plain,
    /// Its bytes are, but for the case of letters. The text itself is given in lower case.
    NoCase,
    /// It has the same parameters, in any order.
    Query,
}

enum Match {
    Exact,
    Prefix,
    Suffix,
    Contains,
    Regex,
    Sha256,
    Sha512Cut,
}

/// Makes the matches of one token.
pub(crate) struct Matcher {
    pub(crate) dialect: Dialect,
    regexes_left: usize,
}

impl Matcher {
    pub(crate) const fn new(dialect: Dialect) -> Self {
        Self { dialect, regexes_left: REGEXES_MAX }
    }

    /// Whether every match holds; there must be one. All are looked at, so that a bad one is never hidden.
    pub(crate) fn all_hold(
        &mut self,
        matches: &Value<'_>,
        text: &str,
        form: Form,
    ) -> Result<bool, BadMatch> {
        let matches = matches.as_map().filter(|matches| !matches.is_empty()).ok_or(BadMatch)?;
        let mut all = true;
        for (kind, value) in matches {
            let kind = self.kind(kind.as_int().ok_or(BadMatch)?)?;
            all &= match value {
                // AWS: any of these.
                Value::Array(values) if self.dialect == Dialect::Aws => {
                    let mut any = false;
                    for value in values {
                        any |= self.holds(&kind, value, text, form)?;
                    }
                    any
                }
                value => self.holds(&kind, value, text, form)?,
            };
        }
        Ok(all)
    }

    fn kind(&self, number: i64) -> Result<Match, BadMatch> {
        match (self.dialect, number) {
            (Dialect::Standard, 0) | (Dialect::Aws, 3) => Ok(Match::Exact),
            (Dialect::Standard | Dialect::Aws, 1) => Ok(Match::Prefix),
            (Dialect::Standard | Dialect::Aws, 2) => Ok(Match::Suffix),
            (Dialect::Standard, 3) => Ok(Match::Contains),
            (Dialect::Standard, 4) => Ok(Match::Regex),
            (Dialect::Standard, -1) => Ok(Match::Sha256),
            (Dialect::Standard, -2) => Ok(Match::Sha512Cut),
            _ => Err(BadMatch),
        }
    }

    fn holds(
        &mut self,
        kind: &Match,
        value: &Value<'_>,
        text: &str,
        form: Form,
    ) -> Result<bool, BadMatch> {
        Ok(match kind {
            Match::Regex => self.regex(value.as_array().ok_or(BadMatch)?, text)?,
            Match::Sha256 => *hash(value)? == Sha256::digest(text)[..],
            Match::Sha512Cut => {
                let sent = hash(value)?;
                let full = Sha512::digest(text.as_bytes());
                // What the name says; what one writer makes of it; what another does.
                let cut = full.get(..32).is_some_and(|cut| cut == sent.as_ref());
                sent == Sha512_256::digest(text.as_bytes()).as_slice()
                    || cut
                    || sent == full.as_slice()
            }
            Match::Exact => {
                let wanted = plain(value, form)?;
                text == wanted || (form == Form::Query && parameters(text) == parameters(&wanted))
            }
            Match::Prefix => text.starts_with(plain(value, form)?.as_ref()),
            Match::Suffix => text.ends_with(plain(value, form)?.as_ref()),
            Match::Contains => text.contains(plain(value, form)?.as_ref()),
        })
    }

    /// `[pattern, group 1 or null, …]`: the pattern is found, and each group that is named matched that text.
    fn regex(&mut self, parts: &[Value<'_>], text: &str) -> Result<bool, BadMatch> {
        self.regexes_left = self.regexes_left.checked_sub(1).ok_or(BadMatch)?;
        let (pattern, groups) = parts.split_first().ok_or(BadMatch)?;
        let pattern = pattern.as_text().filter(|pattern| pattern.len() <= REGEX_BYTES_MAX);
        let regex = RegexBuilder::new(pattern.ok_or(BadMatch)?)
            .size_limit(REGEX_SIZE_MAX)
            .nest_limit(16)
            .build()
            .map_err(|_| BadMatch)?;
        if groups.len() >= regex.captures_len().max(1) {
            return Err(BadMatch);
        }
        if text.len() > REGEX_TEXT_BYTES_MAX {
            return Ok(false);
        }
        let Some(found) = regex.captures(text) else { return Ok(false) };
        let mut all = true;
        for (number, group) in (1..).zip(groups) {
            all &= match group {
                Value::Null => true,
                Value::Text(wanted) => found.get(number).is_some_and(|got| got.as_str() == wanted),
                _ => return Err(BadMatch),
            };
        }
        Ok(all)
    }
}

/// The text a match is made with.
fn plain<'v>(value: &'v Value<'_>, form: Form) -> Result<Cow<'v, str>, BadMatch> {
    let text = match value {
        Value::Text(text) => Cow::Borrowed(text.as_ref()),
        // A port may be a number.
        Value::Int(number) => Cow::Owned(number.to_string()),
        _ => return Err(BadMatch),
    };
    Ok(match form {
        Form::Plain => text,
        Form::NoCase => Cow::Owned(text.to_ascii_lowercase()),
        Form::Query => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.strip_prefix('?').unwrap_or(text)),
            owned @ Cow::Owned(_) => owned,
        },
    })
}

/// A query's parameters, in order.
fn parameters(query: &str) -> Vec<&str> {
    let mut parameters: Vec<&str> = query.split('&').filter(|one| !one.is_empty()).collect();
    parameters.sort_unstable();
    parameters
}

/// A hash: its bytes, or their hexadecimal text.
fn hash<'v>(value: &'v Value<'_>) -> Result<Cow<'v, [u8]>, BadMatch> {
    match value {
        Value::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        Value::Text(text) => {
            HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Cow::Owned).map_err(|_| BadMatch)
        }
        _ => Err(BadMatch),
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Whether a match of that type holds for `abc`.
    fn holds(kind: i64, value: Value<'_>, text: &str) -> Result<bool, BadMatch> {
        let matches = Value::map([(kind, value)]);
        Matcher::new(Dialect::Standard).all_hold(&matches, text, Form::Plain)
    }

    #[test]
    fn texts_match_in_five_ways() {
        for (kind, value, text, expected) in [
            (0, "abc", "abc", true),
            (0, "abc", "abcd", false),
            (1, "ab", "abc", true),
            (1, "bc", "abc", false),
            (2, "bc", "abc", true),
            (2, "ab", "abc", false),
            (3, "b", "abc", true),
            (3, "d", "abc", false),
        ] {
            assert_eq!(holds(kind, value.into(), text), Ok(expected), "{kind} {value} {text}");
        }
        let regex = |parts: &[Value<'static>], text: &str| holds(4, parts.to_vec().into(), text);
        assert_eq!(regex(&["^/live/[0-9]+/".into()], "/live/12/x"), Ok(true));
        assert_eq!(regex(&["^/live/[0-9]+/$".into()], "/live/12/x"), Ok(false));
        assert_eq!(regex(&["/(a)(b)?".into(), "a".into(), Value::Null], "/a"), Ok(true));
        assert_eq!(regex(&["/(a)(b)?".into(), "a".into(), "b".into()], "/a"), Ok(false));
    }

    #[test]
    fn hashes_match_as_bytes_and_as_text() {
        let text = "/live/a.m3u8";
        let sha256 = Sha256::digest(text);
        let full = Sha512::digest(text.as_bytes()).to_vec();
        let fips = Sha512_256::digest(text.as_bytes()).to_vec();
        for (kind, hash) in [
            (-1, sha256.to_vec()),
            (-2, fips),
            (-2, full.clone()),
            (-2, full.get(..32).unwrap().to_vec()),
        ] {
            assert_eq!(holds(kind, hash.as_slice().into(), text), Ok(true));
            assert_eq!(holds(kind, HEXLOWER.encode(&hash).into(), text), Ok(true));
            assert_eq!(holds(kind, hash.as_slice().into(), "/live/b.m3u8"), Ok(false));
        }
    }

    #[test]
    fn what_is_unknown_or_too_large_is_bad_even_beside_what_fails() {
        let long = "a".repeat(REGEX_BYTES_MAX + 1);
        for (kind, value) in [
            (5, Value::from("a")),
            (-3, "a".into()),
            (0, Value::Null),
            (4, "a".into()),
            (4, Value::Array(Vec::new())),
            (4, Value::Array(vec![long.as_str().into()])),
            (4, Value::Array(vec!["(a".into()])),
            (4, Value::Array(vec!["a{1000}".into()])),
            (4, Value::Array(vec!["(a)\\1".into()])),
            (4, Value::Array(vec!["a".into(), "a".into()])),
            (-1, "no hash".into()),
        ] {
            let matches = Value::map([(0, "z".into()), (kind, value)]);
            if matches.as_map().is_some_and(|pairs| pairs.len() == 2) && kind != 0 {
                let mut matcher = Matcher::new(Dialect::Standard);
                assert_eq!(matcher.all_hold(&matches, "a", Form::Plain), Err(BadMatch), "{kind}");
            }
        }
        let empty = Value::Map(Vec::new());
        let mut matcher = Matcher::new(Dialect::Standard);
        assert_eq!(matcher.all_hold(&empty, "a", Form::Plain), Err(BadMatch));
        let regex = Value::map([(4, Value::Array(vec!["a".into()]))]);
        for _ in 0..REGEXES_MAX {
            assert_eq!(matcher.all_hold(&regex, "a", Form::Plain), Ok(true));
        }
        assert_eq!(matcher.all_hold(&regex, "a", Form::Plain), Err(BadMatch));
        let text = "b".repeat(REGEX_TEXT_BYTES_MAX) + "a";
        assert_eq!(holds(4, Value::Array(vec!["a".into()]), &text), Ok(false));
    }
}
