//! One line of a playlist, without its line feed.
//!
//! In: the line and a mapping. Out: the line with its URIs moved. Does not know the lines around it.

use super::Mapping;

/// The attributes that hold a URI, by tag (rfc8216bis, 4.4).
pub const ATTRIBUTES: [(&str, &[&str]); 11] = [
    ("EXT-X-MAP", &["URI"]),
    ("EXT-X-KEY", &["URI"]),
    ("EXT-X-SESSION-KEY", &["URI"]),
    ("EXT-X-MEDIA", &["URI"]),
    ("EXT-X-I-FRAME-STREAM-INF", &["URI"]),
    ("EXT-X-PART", &["URI"]),
    ("EXT-X-PRELOAD-HINT", &["URI"]),
    ("EXT-X-RENDITION-REPORT", &["URI"]),
    ("EXT-X-CONTENT-STEERING", &["SERVER-URI"]),
    ("EXT-X-SESSION-DATA", &["URI"]),
    ("EXT-X-DATERANGE", &["X-ASSET-URI", "X-ASSET-LIST"]),
];

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn rewrite(line: &[u8], is_first: bool, mapping: &Mapping, out: &mut Vec<u8>) {
    let mut text = line;
    if let Some(rest) = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| is_first) {
        out.extend_from_slice(BYTE_ORDER_MARK);
        text = rest;
    }
    match text.strip_prefix(b"#") {
        Some(tag) => {
            out.push(b'#');
            tag_line(tag, mapping, out);
        }
        None => uri_line(text, mapping, out),
    }
}

/// A URI line keeps the blanks around it, among them the carriage return.
fn uri_line(text: &[u8], mapping: &Mapping, out: &mut Vec<u8>) {
    let indented = text.trim_ascii_start();
    let uri = indented.trim_ascii_end();
    let (before, _) = text.split_at(text.len() - indented.len());
    let (_, after) = indented.split_at(uri.len());
    out.extend_from_slice(before);
    mapping.put(uri, out);
    out.extend_from_slice(after);
}

fn tag_line(tag: &[u8], mapping: &Mapping, out: &mut Vec<u8>) {
    let colon = tag.iter().position(|byte| *byte == b':');
    let parts = colon.and_then(|at| tag.split_at_checked(at + 1));
    let found = parts.and_then(|(name, list)| {
        let name = name.strip_suffix(b":")?;
        let (_, attributes) = ATTRIBUTES.iter().find(|(tag, _)| tag.as_bytes() == name)?;
        Some((name, *attributes, list))
    });
    let Some((name, attributes, list)) = found else {
        return out.extend_from_slice(tag);
    };
    out.extend_from_slice(name);
    out.push(b':');
    attribute_list(list, attributes, mapping, out);
}

/// An attribute list (RFC 8216, 4.2): `NAME=value,NAME="value, with commas"`. Where it stops being one, the rest is
/// copied as it is.
fn attribute_list(list: &[u8], attributes: &[&str], mapping: &Mapping, out: &mut Vec<u8>) {
    let mut rest = list;
    while let Some((name, value)) = split_after(rest, b'=') {
        out.extend_from_slice(name);
        let Some(quoted) = value.strip_prefix(b"\"") else {
            // An unquoted value runs to the comma; so does a list that is none.
            let Some((plain, next)) = split_after(value, b',') else {
                return out.extend_from_slice(value);
            };
            out.extend_from_slice(plain);
            rest = next;
            continue;
        };
        let Some((text, next)) = split_after(quoted, b'"') else {
            return out.extend_from_slice(value);
        };
        let text = text.strip_suffix(b"\"").unwrap_or(text);
        out.push(b'"');
        if is_one_of(name, attributes) {
            mapping.put(text, out);
        } else {
            out.extend_from_slice(text);
        }
        out.push(b'"');
        // What stands between the closing quote and the comma, if anything, is not ours.
        let Some((gap, next)) = split_after(next, b',') else {
            return out.extend_from_slice(next);
        };
        out.extend_from_slice(gap);
        rest = next;
    }
    out.extend_from_slice(rest);
}

/// Splits after the first `byte`.
fn split_after(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|one| *one == byte)?;
    text.split_at_checked(at + 1)
}

/// Whether `name`, with its `=` and the blanks some writers put before it, is one of these attributes.
fn is_one_of(name: &[u8], attributes: &[&str]) -> bool {
    let name = name.strip_suffix(b"=").unwrap_or(name).trim_ascii();
    attributes.iter().any(|one| one.as_bytes() == name)
}

impl Mapping {
    /// Appends where `uri` goes.
    fn put(&self, uri: &[u8], out: &mut Vec<u8>) {
        if is_ours(uri) {
            out.extend_from_slice(self.prefix.as_bytes());
            let below = uri.strip_prefix(self.root.as_bytes()).filter(|_| !self.root.is_empty());
            let below = below.or_else(|| uri.strip_prefix(b"/"));
            out.extend_from_slice(below.unwrap_or(uri));
        } else {
            out.extend_from_slice(uri);
        }
    }
}

/// Whether a URI resolves on the playlist's host, and to more than the playlist itself (RFC 3986, 4.2).
fn is_ours(uri: &[u8]) -> bool {
    let opens_elsewhere = match uri.first() {
        None | Some(b'?' | b'#') => true,
        _ => uri.starts_with(b"//"),
    };
    let has_variable = uri.windows(2).any(|pair| pair == b"{$");
    !opens_elsewhere && !has_variable && !has_scheme(uri)
}

/// Whether a URI opens with a scheme (RFC 3986, 3.1).
fn has_scheme(uri: &[u8]) -> bool {
    let Some((scheme, _)) = split_after(uri, b':') else { return false };
    let scheme = scheme.strip_suffix(b":").unwrap_or(scheme);
    let form = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    scheme.first().is_some_and(u8::is_ascii_alphabetic) && scheme.iter().all(form)
}
