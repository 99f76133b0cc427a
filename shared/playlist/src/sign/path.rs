//! Paths of URLs.
//!
//! In: paths as playlists write them. Out: paths without dot segments, in plain ASCII. Does not know hosts.

use memchr::memchr;

/// Splits before the first `byte`.
pub(super) fn split(text: &[u8], byte: u8) -> (&[u8], &[u8]) {
    let at = memchr(byte, text).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, b""))
}

/// What `path` means in `directory`, without dot segments (RFC 3986, 5.2.4), into `out`. What leads above the root
/// stays at the root. Bytes that cannot stand in a URL are percent-encoded.
pub(super) fn resolve(directory: &[u8], path: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for text in [directory, path] {
        for segment in text.split_inclusive(|byte| *byte == b'/') {
            match segment {
                b"." | b"./" => {}
                b".." | b"../" => up(out),
                segment => segment.iter().for_each(|byte| put(*byte, out)),
            }
        }
    }
}

/// Removes the last segment.
fn up(out: &mut Vec<u8>) {
    let parent = out.strip_suffix(b"/").unwrap_or(out);
    let parent = parent.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    out.truncate(parent);
}

fn put(byte: u8, out: &mut Vec<u8>) {
    let is_plain = byte.is_ascii_graphic()
        && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
    if is_plain { out.push(byte) } else { percent(byte, out) }
}

/// Appends `text` with all but RFC 3986's unreserved characters percent-encoded, and `/` where it may stand. What was
/// percent-encoded already is decoded first, so that there is one spelling.
pub(super) fn canonical(text: &[u8], keeps_slash: bool, out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((byte, next)) = rest.split_first() {
        let (byte, next) = match (*byte, decoded(next)) {
            (b'%', Some((byte, next))) => (byte, next),
            (byte, _) => (byte, next),
        };
        rest = next;
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if is_plain || (keeps_slash && byte == b'/') { out.push(byte) } else { percent(byte, out) }
    }
}

/// The byte that two hexadecimal digits stand for, and what follows them.
fn decoded(digits: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = digits.split_at_checked(2)?;
    let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    Some((u8::from_str_radix(text, 16).ok()?, rest))
}

fn percent(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
}

/// The authority and the path of `http(s)://authority[/path]`; the path without a slash at its end.
pub(super) fn base(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (authority, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))?;
    let form = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    let in_path = |b: u8| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'\\');
    let good = !authority.is_empty() && authority.bytes().all(form) && path.bytes().all(in_path);
    good.then_some((authority, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_gone() {
        for (directory, path, resolved) in [
            ("s/720p/", "e/s1.m4s", "s/720p/e/s1.m4s"),
            ("s/720p/", "./../480p/x", "s/480p/x"),
            ("s/720p/", "../../../x", "x"),
            ("s/720p/", "..", "s/"),
            ("s/", "a/./b/../c..d/.e", "s/a/c..d/.e"),
            ("s/", "a b\u{e9}%2f\"", "s/a%20b%C3%A9%2f%22"),
            ("", "", ""),
        ] {
            let mut out = b"old".to_vec();
            resolve(directory.as_bytes(), path.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), resolved);
        }
    }

    #[test]
    fn there_is_one_spelling() {
        for (text, keeps_slash, expected) in [
            ("a/b", true, "a/b"),
            ("a/b", false, "a%2Fb"),
            ("a%20b c%2b+%7e%", true, "a%20b%20c%2B%2B~%25"),
            ("%+1%f", true, "%25%2B1%25f"),
        ] {
            let mut out = Vec::new();
            canonical(text.as_bytes(), keeps_slash, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_base_is_a_host_and_a_path() {
        assert_eq!(base("https://a.example/live/"), Some(("a.example", "/live")));
        assert_eq!(base("http://127.0.0.1:9000"), Some(("127.0.0.1:9000", "")));
        for wrong in
            ["", "a.example", "ftp://a", "https://", "https://u@a/", "https://a/?x", "https:///p"]
        {
            assert_eq!(base(wrong), None, "{wrong}");
        }
    }
}
