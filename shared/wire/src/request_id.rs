//! Request ids: which of a caller's are taken over.
//!
//! In: a header's text. Out: a yes or no. Does not know how new ones are made.

/// Longest request id taken over from a caller, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// Whether a caller's `X-Request-ID` may be taken over: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can stand in a log
/// line and a header as it is.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    let form = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=REQUEST_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_ids_are_taken_over() {
        assert!(is_request_id("a-B.9_z"));
        for text in ["", "a b", "a\nb", &"x".repeat(65)] {
            assert!(!is_request_id(text));
        }
    }
}
