//! Finds the URIs of one line.
//!
//! In: the line, without its line feed. Out: where in it each URI stands. Does not know the lines around it, nor where
//! a URI goes.

use std::ops::Range;

use super::place::{ATTRIBUTES, Site};
use crate::scan::{self, BYTE_ORDER_MARK};

/// What every tag of [`ATTRIBUTES`] begins with.
const OPENING: &[u8] = b"EXT-X-";

/// Calls `found` with every URI's kind and its place in `line`.
pub(super) fn uris(line: &[u8], is_first: bool, mut found: impl FnMut(Site, Range<usize>)) {
    let mark =
        if is_first && line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let Some(text) = line.get(mark..) else { return };
    let Some(tag) = text.strip_prefix(b"#") else {
        let indented = text.trim_ascii_start();
        let start = mark + (text.len() - indented.len());
        return found(Site::Line, start..start + indented.trim_ascii_end().len());
    };
    if !tag.starts_with(OPENING) {
        return;
    }
    let Some(colon) = memchr::memchr(b':', tag) else { return };
    let Some((name, list)) = tag.split_at_checked(colon) else { return };
    let known = ATTRIBUTES.iter().find(|(tag, ..)| tag.as_bytes() == name);
    let Some((_, site, names)) = known else { return };
    let list = list.get(1..).unwrap_or_default();
    let list_at = mark + colon + 2;
    for one in scan::attributes(list).filter(|one| one.is_quoted) {
        if names.iter().any(|name| name.as_bytes() == one.name) {
            found(*site, list_at + one.at..list_at + one.at + one.value.len());
        }
    }
}
