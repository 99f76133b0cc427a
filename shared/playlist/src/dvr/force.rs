//! What is in force at a segment because a line before it said so.
//!
//! In: the lines that go, in order. Out: what the first segment that stays inherits from them. Does not know how many
//! go.

use super::tag;
use super::window::extinf;
use super::{DvrError, KEY_FORMATS_MAX};
use crate::date;
use crate::scan::{Content, Line, Lines, attribute, integer};

/// Ends every key.
const NO_KEY: &[u8] = b"#EXT-X-KEY:METHOD=NONE";

/// What a segment inherits.
#[derive(Debug, Default)]
pub(super) struct Force<'a> {
    keys: Vec<Key<'a>>,
    /// The `EXT-X-MAP` line, and the keys that were in force where it stood: they encrypt it.
    map: Option<(&'a [u8], Vec<Key<'a>>)>,
    bitrate: Option<&'a [u8]>,
    /// The date that was said last, and how many microseconds after it the next segment begins.
    date: Option<(&'a [u8], u64)>,
    /// The resource of the last segment's byte range, and where in it the next begins.
    range: Option<(&'a [u8], u64)>,
    /// The same of the last part.
    part_range: Option<(&'a [u8], u64)>,
    duration_us: u64,
    byte_range: Option<&'a [u8]>,
}

/// An `EXT-X-KEY` line; one is in force per `KEYFORMAT` (4.4.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key<'a> {
    format: &'a [u8],
    is_none: bool,
    line: &'a [u8],
}

impl<'a> Key<'a> {
    fn of(line: &'a [u8], list: &'a [u8]) -> Self {
        let value = |name| attribute(list, name).map(|one| one.value);
        Self {
            format: value("KEYFORMAT").unwrap_or(b"identity"),
            is_none: value("METHOD") == Some(b"NONE"),
            line,
        }
    }

    /// Whether `other` is no longer in force after this.
    fn ends(&self, other: &Self) -> bool {
        self.is_none || other.is_none || self.format == other.format
    }
}

impl<'a> Force<'a> {
    /// Takes a line that goes.
    pub(super) fn take(&mut self, line: &Line<'a>) -> Result<(), DvrError> {
        let (name, value) = match line.content() {
            Content::Tag(name, value) => (name, value),
            Content::Blank => return Ok(()),
            Content::Uri(uri) => {
                self.segment_ends(uri);
                return Ok(());
            }
        };
        match name {
            tag::KEY => {
                let key = Key::of(line.text, value);
                self.keys.retain(|other| !key.ends(other));
                if self.keys.len() >= KEY_FORMATS_MAX {
                    return Err(DvrError::Malformed("too many KEYFORMATs at once"));
                }
                self.keys.push(key);
            }
            tag::MAP => self.map = Some((line.text, self.keys.clone())),
            tag::BITRATE => self.bitrate = Some(line.text),
            tag::DATE => self.date = Some((value, 0)),
            tag::EXTINF => self.duration_us = extinf(value),
            tag::BYTE_RANGE => self.byte_range = Some(value),
            tag::PART => self.part_range = part_range(value, self.part_range),
            _ => {}
        }
        Ok(())
    }

    fn segment_ends(&mut self, uri: &'a [u8]) {
        self.range = self.byte_range.take().and_then(|text| {
            let (length, offset) = byte_range(text)?;
            let inherited = self.range.filter(|(of, _)| *of == uri).map(|(_, next)| next);
            Some((uri, offset.or(inherited)?.saturating_add(length)))
        });
        let duration = std::mem::take(&mut self.duration_us);
        self.date = self.date.map(|(date, since)| (date, since.saturating_add(duration)));
    }

    /// Appends what the segment whose lines come next has not of its own.
    pub(super) fn put(&self, next: Lines<'a>, put: &mut impl FnMut(&[u8])) {
        let own = Own::of(next);
        let stay = |keys: &[Key<'a>]| -> Vec<Key<'a>> {
            let stays = |key: &&Key<'_>| !own.keys.iter().any(|own| own.ends(key));
            keys.iter().filter(stays).copied().collect()
        };
        match self.map.as_ref().filter(|_| !own.has_map) {
            None => stay(&self.keys).iter().for_each(|key| put(key.line)),
            Some((map, map_keys)) => {
                map_keys.iter().for_each(|key| put(key.line));
                put(map);
                if stay(map_keys) != stay(&self.keys) {
                    let is_over = |key: &Key<'_>| self.keys.iter().any(|later| later.ends(key));
                    if !map_keys.iter().all(is_over) {
                        put(NO_KEY);
                    }
                    self.keys.iter().for_each(|key| put(key.line));
                }
            }
        }
        if let Some(bitrate) = self.bitrate.filter(|_| !own.has_bitrate) {
            put(bitrate);
        }
        if let Some(utc) = self.utc_us().filter(|_| !own.has_date) {
            put(format!("#EXT-X-PROGRAM-DATE-TIME:{}", date::utc(utc)).as_bytes());
        }
    }

    /// When the next segment begins, in microseconds since the Unix epoch.
    fn utc_us(&self) -> Option<i64> {
        let (date, since) = self.date?;
        date::parse(date)?.checked_add(i64::try_from(since).ok()?)
    }

    /// `EXT-X-BYTERANGE` of the segment `uri` with its offset, if it inherits that.
    pub(super) fn range(&self, value: &[u8], uri: &[u8]) -> Option<Vec<u8>> {
        let (_, next) = self.range.filter(|(of, _)| *of == uri)?;
        inherits(value).then(|| [b"#EXT-X-BYTERANGE:", value, at(next).as_bytes()].concat())
    }

    /// Whether the next part may inherit an offset.
    pub(super) const fn has_part_range(&self) -> bool {
        self.part_range.is_some()
    }

    /// The line of the next part, with its offset, if it inherits that.
    pub(super) fn part(&self, line: &Line<'_>, list: &[u8]) -> Option<Vec<u8>> {
        let uri = attribute(list, "URI")?.value;
        let (_, next) = self.part_range.filter(|(of, _)| *of == uri)?;
        let range = attribute(list, "BYTERANGE").filter(|one| inherits(one.value))?;
        let list_at = line.text.len().checked_sub(list.len())?;
        let (before, after) = line.text.split_at_checked(list_at + range.at + range.value.len())?;
        Some([before, at(next).as_bytes(), after].concat())
    }
}

/// What a segment has of its own.
#[derive(Default)]
struct Own<'a> {
    /// Its keys, before anything is read with them.
    keys: Vec<Key<'a>>,
    has_map: bool,
    has_bitrate: bool,
    has_date: bool,
}

impl<'a> Own<'a> {
    fn of(lines: Lines<'a>) -> Self {
        let mut own = Self::default();
        let mut is_read = false;
        for line in lines {
            match line.content() {
                Content::Uri(_) => break,
                Content::Tag(tag::KEY, list) if !is_read && own.keys.len() < KEY_FORMATS_MAX => {
                    own.keys.push(Key::of(line.text, list));
                }
                Content::Tag(tag::MAP, _) => {
                    own.has_map |= !is_read;
                    is_read = true;
                }
                Content::Tag(tag::PART, _) => is_read = true,
                Content::Tag(tag::BITRATE, _) => own.has_bitrate = true,
                Content::Tag(tag::DATE, _) => own.has_date = true,
                Content::Tag(..) | Content::Blank => {}
            }
        }
        own
    }
}

/// Length and offset of a byte range, `n[@o]`.
fn byte_range(text: &[u8]) -> Option<(u64, Option<u64>)> {
    let at = memchr::memchr(b'@', text);
    let (length, offset) = at.and_then(|at| text.split_at_checked(at)).unwrap_or((text, b""));
    let offset = offset.strip_prefix(b"@").map(|offset| integer(offset.trim_ascii()));
    match offset {
        Some(None) => None,
        offset => Some((integer(length.trim_ascii())?, offset.flatten())),
    }
}

fn inherits(byte_range_text: &[u8]) -> bool {
    matches!(byte_range(byte_range_text), Some((_, None)))
}

fn at(offset: u64) -> String {
    format!("@{offset}")
}

fn part_range<'a>(list: &'a [u8], last: Option<(&[u8], u64)>) -> Option<(&'a [u8], u64)> {
    let uri = attribute(list, "URI")?.value;
    let (length, offset) = byte_range(attribute(list, "BYTERANGE")?.value)?;
    let inherited = last.filter(|(of, _)| *of == uri).map(|(_, next)| next);
    Some((uri, offset.or(inherited)?.saturating_add(length)))
}
