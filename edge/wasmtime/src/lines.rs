//! Headers as the component's decision takes and gives them: lines `name:value\n`.
//!
//! In: a map, or lines. Out: the other. What is no header is left out. Does not know what they say.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// How many headers most heads have.
const USUAL: usize = 24;
/// Bytes of most heads.
const BYTES_USUAL: usize = 1024;

/// The headers that are text, as lines.
pub(crate) fn of(headers: &HeaderMap) -> String {
    let mut lines = String::with_capacity(BYTES_USUAL);
    for (name, value) in headers {
        if let Ok(value) = value.to_str() {
            for text in [name.as_str(), ":", value, "\n"] {
                lines.push_str(text);
            }
        }
    }
    lines
}

/// The headers in these lines; their values are not copied.
pub(crate) fn read(lines: String) -> HeaderMap {
    let lines = Bytes::from(lines);
    let mut headers = HeaderMap::with_capacity(USUAL);
    let mut start = 0;
    for line in lines.split(|byte| *byte == b'\n') {
        let end = start + line.len();
        if let Some(colon) = line.iter().position(|byte| *byte == b':')
            && let Some(name) = line.get(..colon)
            && let Ok(name) = HeaderName::from_bytes(name)
            && let Ok(value) = HeaderValue::from_maybe_shared(lines.slice(start + colon + 1..end))
        {
            headers.entry(name).or_insert(value);
        }
        start = end + 1;
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_maps_are_the_same_headers() {
        let mut map = HeaderMap::new();
        for (name, value) in
            [("host", "edge.test:8080"), ("x-empty", ""), ("range", "bytes=0-1"), ("vary", "a, b")]
        {
            map.insert(name, value.parse().unwrap());
        }
        assert_eq!(read(of(&map)), map);
        assert_eq!(read(String::new()), HeaderMap::new());
    }

    #[test]
    fn what_is_no_header_is_left_out_and_the_first_counts() {
        let mut map = HeaderMap::new();
        map.insert("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert_eq!(of(&map), "");
        let read = read("bad name:1\nnone\n:2\na:1\na:2\nb:\u{7f}\n\nc:3".to_owned());
        let mut expected = HeaderMap::new();
        expected.insert("a", HeaderValue::from_static("1"));
        expected.insert("c", HeaderValue::from_static("3"));
        assert_eq!(read, expected);
    }
}
