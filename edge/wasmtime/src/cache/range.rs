//! One byte range of a whole.
//!
//! In: the value of `Range`, or of `Content-Range`. Out: the bytes it names (RFC 9110, 14). Does not know the bytes.

use std::ops::Range;

/// Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` (RFC 9110, 14.1.2). `None`: to be ignored, such as a second range.
pub(crate) fn satisfy(range: &str, total: usize) -> Option<Result<Range<usize>, ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix: usize = last.parse().ok()?;
        let range = total.saturating_sub(suffix)..total;
        return Some(if range.is_empty() { Err(()) } else { Ok(range) });
    }
    let first: usize = first.parse().ok()?;
    let end = if last.is_empty() {
        total
    } else {
        let last: usize = last.parse().ok()?;
        if last < first {
            return None;
        }
        last.saturating_add(1).min(total)
    };
    Some(if first < end { Ok(first..end) } else { Err(()) })
}

/// Reads `bytes a-b/total` (RFC 9110, 14.4): where a part begins, and how long the whole is.
pub(crate) fn position(content_range: &str) -> Option<(usize, usize)> {
    let (part, total) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = part.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_where_it_begins() {
        assert_eq!(position("bytes 5-9/10"), Some((5, 10)));
        for bad in ["bytes */10", "bytes 5-9/*", "5-9/10", "bytes x-9/10"] {
            assert_eq!(position(bad), None, "{bad}");
        }
    }
}
