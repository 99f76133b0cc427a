//! ID3 tags, version 2.4, as far as timed metadata needs them.
//!
//! In: a text, or bytes said to be a tag. Out: a tag, or that it is none. Does not know what frames mean.

/// Longest tag, in bytes.
pub const TAG_BYTES_MAX: usize = 16 << 10;
/// The bytes before the frames.
const HEAD_BYTES: usize = 10;
/// Version 2.4.0, no flags.
const HEAD: [u8; 6] = *b"ID3\x04\0\0";
/// Of a frame: a text with a description.
const TEXT: &[u8; 4] = b"TXXX";
/// Of a text frame: it is in UTF-8.
const UTF_8: u8 = 3;

/// A tag that holds a text under a description (`TXXX`); `None` if it would be too long, or if either holds a zero,
/// which ends it.
#[must_use]
pub fn text(description: &str, value: &str) -> Option<Vec<u8>> {
    if description.contains('\0') || value.contains('\0') {
        return None;
    }
    let body = 1 + description.len() + 1 + value.len();
    let whole = HEAD_BYTES + HEAD_BYTES + body;
    if whole > TAG_BYTES_MAX {
        return None;
    }
    let mut tag = Vec::with_capacity(whole);
    tag.extend_from_slice(&HEAD);
    tag.extend_from_slice(&synchsafe(HEAD_BYTES + body)?);
    tag.extend_from_slice(TEXT);
    tag.extend_from_slice(&synchsafe(body)?);
    tag.extend_from_slice(&[0, 0, UTF_8]);
    tag.extend_from_slice(description.as_bytes());
    tag.push(0);
    tag.extend_from_slice(value.as_bytes());
    Some(tag)
}

/// Whether these bytes are one tag of version 2.3 or 2.4, whole, and not too long.
#[must_use]
pub fn is_tag(bytes: &[u8]) -> bool {
    let Some([b'I', b'D', b'3', 3 | 4, revision, flags, size @ ..]) =
        bytes.first_chunk::<HEAD_BYTES>()
    else {
        return false;
    };
    let footer = if flags & 0x10 == 0 { 0 } else { HEAD_BYTES };
    let size_is_safe = size.iter().all(|byte| *byte < 0x80);
    let stated = size.iter().fold(0, |sum, byte| sum << 7 | usize::from(*byte));
    *revision != 0xFF
        && size_is_safe
        && bytes.len() <= TAG_BYTES_MAX
        && bytes.len() == HEAD_BYTES + stated + footer
}

/// 28 bits in four bytes.
fn synchsafe(number: usize) -> Option<[u8; 4]> {
    let number = u32::try_from(number).ok().filter(|number| *number < 1 << 28)?;
    Some([number >> 21, number >> 14, number >> 7, number].map(|seven| (seven & 0x7F) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_tag() {
        let tag = text("title", "Ouvertüre").unwrap();
        assert!(is_tag(&tag));
        let expected = b"ID3\x04\0\0\0\0\0\x1bTXXX\0\0\0\x11\0\0\x03title\0Ouvert\xc3\xbcre";
        assert_eq!(tag, expected);
        let long = text("", &"x".repeat(300)).unwrap();
        assert_eq!((&long[6..10], is_tag(&long)), (&[0, 0, 2, 0x38][..], true));
        assert_eq!(text("a\0b", ""), None);
        assert_eq!(text("", &"x".repeat(TAG_BYTES_MAX)), None);
    }

    #[test]
    fn nothing_else_is_one() {
        let tag = text("a", "b").unwrap();
        assert!(!is_tag(&tag[..tag.len() - 1]) && !is_tag(&[&tag[..], b"x"].concat()));
        assert!(!is_tag(b"") && !is_tag(b"ID3"));
        for (at, byte) in [(0, b'J'), (3, 2), (4, 0xFF), (6, 0x80)] {
            let mut other = tag.clone();
            other[at] = byte;
            assert!(!is_tag(&other), "{at}");
        }
    }
}
