//! A playlist as lines, tags and attributes (RFC 8216, 4.1 and 4.2).
//!
//! In: bytes, whoever wrote them. Out: slices of them. Does not know what any tag means. What has not the form of an
//! attribute list ends it; nothing here fails.

use memchr::memchr;

/// What may stand before the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a playlist.
#[derive(Debug, Clone)]
pub(crate) struct Lines<'a> {
    /// What was not read yet.
    pub(crate) rest: &'a [u8],
    is_first: bool,
}

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// All of it, with its end and, where it is the first, the byte order mark.
    pub(crate) whole: &'a [u8],
    /// Without these, and without the blanks before its end.
    pub(crate) text: &'a [u8],
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// Nothing.
    Blank,
    /// A tag's name, without the `#`, and what follows its colon; or a comment, which looks like one.
    Tag(&'a [u8], &'a [u8]),
    /// A URI.
    Uri(&'a [u8]),
}

/// The lines of `playlist`; the last need not have an end.
pub(crate) const fn lines(playlist: &[u8]) -> Lines<'_> {
    Lines { rest: playlist, is_first: true }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.rest).map_or(self.rest.len(), |at| at + 1);
        let (whole, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        let is_first = std::mem::take(&mut self.is_first);
        let text = whole.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first).unwrap_or(whole);
        Some(Line { whole, text: text.trim_ascii_end() })
    }
}

impl<'a> Line<'a> {
    /// What it is. Blanks before it are passed over, as lenient players do.
    pub(crate) fn content(&self) -> Content<'a> {
        let text = self.text.trim_ascii_start();
        if let Some(tag) = text.strip_prefix(b"#") {
            let colon = memchr(b':', tag);
            let (name, value) = colon.and_then(|at| tag.split_at_checked(at)).unwrap_or((tag, b""));
            return Content::Tag(name, value.strip_prefix(b":").unwrap_or(value));
        }
        if text.is_empty() { Content::Blank } else { Content::Uri(text) }
    }
}

/// The attributes of a list: `NAME=value,NAME="value, with commas"`.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    list: &'a [u8],
    at: usize,
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    /// Its name, without the blanks some writers put before it.
    pub(crate) name: &'a [u8],
    /// Its value, without quotes.
    pub(crate) value: &'a [u8],
    /// Whether it had quotes.
    pub(crate) is_quoted: bool,
    /// Where in the list its value begins.
    pub(crate) at: usize,
}

/// The attributes of `list`.
pub(crate) const fn attributes(list: &[u8]) -> Attributes<'_> {
    Attributes { list, at: 0 }
}

/// The attribute of this name.
pub(crate) fn attribute<'a>(list: &'a [u8], name: &str) -> Option<Attribute<'a>> {
    attributes(list).find(|one| one.name == name.as_bytes())
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let rest = self.list.get(self.at..)?;
        let equals = memchr(b'=', rest)?;
        let (name, value) = rest.split_at_checked(equals)?;
        let name = name.trim_ascii();
        let value = value.get(1..)?;
        let value_at = self.at + equals + 1;
        let comma = |text: &[u8]| memchr(b',', text).map_or(text.len(), |at| at + 1);
        if let Some(quoted) = value.strip_prefix(b"\"") {
            // A list whose quote is never closed is none from there on.
            let close = memchr(b'"', quoted)?;
            let (value, after) = quoted.split_at_checked(close)?;
            // What stands between the closing quote and the comma, if anything, belongs to nobody.
            self.at = value_at + 1 + close + comma(after);
            return Some(Attribute { name, value, is_quoted: true, at: value_at + 1 });
        }
        let length = comma(value);
        self.at = value_at + length;
        let value = value.get(..length)?;
        let value = value.strip_suffix(b",").unwrap_or(value);
        Some(Attribute { name, value, is_quoted: false, at: value_at })
    }
}

/// A decimal number; `None` if it has another form or is above 2^64 − 1.
pub(crate) fn integer(text: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| sum.checked_mul(10)?.checked_add(digit(byte)?))
}

/// Decimal seconds as microseconds; what is finer is cut off.
pub(crate) fn micros(seconds: &[u8]) -> Option<u64> {
    let dot = memchr(b'.', seconds).unwrap_or(seconds.len());
    let (whole, fraction) = seconds.split_at_checked(dot)?;
    let fraction = fraction.strip_prefix(b".").unwrap_or(fraction);
    if !fraction.iter().all(u8::is_ascii_digit) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let digits = fraction.iter().copied().chain(std::iter::repeat(b'0')).take(6);
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    let whole = if whole.is_empty() { 0 } else { integer(whole)? };
    whole.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_where_it_stops_being_one() {
        let names = |list: &str| -> Vec<(String, String, bool)> {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let found = attributes(list.as_bytes()).inspect(|one| {
                let from = &list.as_bytes()[one.at..];
                assert!(from.starts_with(one.value), "{list}");
            });
            found.map(|one| (text(one.name), text(one.value), one.is_quoted)).collect()
        };
        let one = |name: &str, value: &str, quoted| (name.to_owned(), value.to_owned(), quoted);
        let (a, c) = (one("A", "b,=", true), one("C", "d", false));
        assert_eq!(names("A=\"b,=\",C=d"), [a.clone(), c.clone()]);
        assert_eq!(names("A=\"b,=\" junk, C=d,"), [a, c.clone()]);
        assert_eq!(names("C=d,A=\"b"), std::slice::from_ref(&c));
        assert_eq!(names("C=d,A"), std::slice::from_ref(&c));
        assert_eq!(names("A=,C=d"), [one("A", "", false), c]);
        assert_eq!(names(""), []);
    }

    #[test]
    fn numbers_are_read_or_refused() {
        for (text, value) in [
            ("2", Some(2_000_000)),
            ("2.002", Some(2_002_000)),
            ("0.3333339", Some(333_333)),
            (".5", Some(500_000)),
            ("5.", Some(5_000_000)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1e3", None),
            ("1.x", None),
            ("99999999999999999999", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(micros(text.as_bytes()), value, "{text}");
        }
        assert_eq!(integer(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(integer(b"18446744073709551616"), None);
        assert_eq!(integer(b""), None);
    }

    #[test]
    fn lines_are_tags_uris_or_blank() {
        let text = b"\xef\xbb\xbf#EXTM3U\r\n#A:b:c \n\n  x y \r\n# note";
        let content: Vec<Content<'_>> = lines(text).map(|line| line.content()).collect();
        let expected = [
            Content::Tag(b"EXTM3U", b""),
            Content::Tag(b"A", b"b:c"),
            Content::Blank,
            Content::Uri(b"x y"),
            Content::Tag(b" note", b""),
        ];
        assert_eq!(content, expected);
        assert!(lines(text).map(|line| line.whole).collect::<Vec<_>>().concat() == text);
    }
}
