//! Headers as decisions take and give them: lines `name:value\n`, names and values by themselves.
//!
//! In: a map, or lines. Out: the other. What is no header is left out. Does not know what they say.
//!
//! Every answer passes here, so names that answers have are not parsed, and values are not copied.

use bytes::Bytes;
use http::header as standard;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared_wire::header::{CACHE, REQUEST_ID};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");
const X_CACHE: HeaderName = HeaderName::from_static(CACHE);
const X_REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID);

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
    // A waiting viewer holds such a map: no larger than it has to be.
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    let mut headers = HeaderMap::with_capacity(count);
    let mut start = 0;
    for line in lines.split(|byte| *byte == b'\n') {
        let end = start + line.len();
        if let Some(colon) = line.iter().position(|byte| *byte == b':')
            && let Some(name) = line.get(..colon)
            && let Some(name) = self::name(name)
            && let Ok(value) = HeaderValue::from_maybe_shared(lines.slice(start + colon + 1..end))
        {
            headers.entry(name).or_insert(value);
        }
        start = end + 1;
    }
    headers
}

/// The headers of a map that are text, for who looks many up: a few comparisons each, where the map would parse and
/// hash the name.
pub(crate) struct Index<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Index<'a> {
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let text = |(name, value): (&'a HeaderName, &'a HeaderValue)| {
            Some((name.as_str(), value.to_str().ok()?))
        };
        Self(headers.iter().filter_map(text).collect())
    }

    pub(crate) fn of_lines(lines: &'a str) -> Self {
        Self(lines.split_terminator('\n').filter_map(|line| line.split_once(':')).collect())
    }

    /// The first value of this name, which is in lower case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }
}

/// A header's name.
pub(crate) fn name(bytes: &[u8]) -> Option<HeaderName> {
    Some(match bytes {
        b"accept-ranges" => standard::ACCEPT_RANGES,
        b"access-control-allow-origin" => standard::ACCESS_CONTROL_ALLOW_ORIGIN,
        b"access-control-expose-headers" => standard::ACCESS_CONTROL_EXPOSE_HEADERS,
        b"age" => standard::AGE,
        b"cache-control" => standard::CACHE_CONTROL,
        b"cache-status" => CACHE_STATUS,
        b"content-encoding" => standard::CONTENT_ENCODING,
        b"content-length" => standard::CONTENT_LENGTH,
        b"content-range" => standard::CONTENT_RANGE,
        b"content-type" => standard::CONTENT_TYPE,
        b"cross-origin-resource-policy" => RESOURCE_POLICY,
        b"date" => standard::DATE,
        b"etag" => standard::ETAG,
        b"last-modified" => standard::LAST_MODIFIED,
        b"timing-allow-origin" => TIMING,
        b"vary" => standard::VARY,
        b"x-content-type-options" => standard::X_CONTENT_TYPE_OPTIONS,
        b"x-cache" => X_CACHE,
        b"x-request-id" => X_REQUEST_ID,
        other => HeaderName::from_bytes(other).ok()?,
    })
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

    #[test]
    fn an_index_finds_what_its_map_has() {
        let mut map = HeaderMap::new();
        map.append("a", HeaderValue::from_static("1"));
        map.append("a", HeaderValue::from_static("2"));
        map.append("latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let index = Index::of(&map);
        assert_eq!((index.get("a"), index.get("latin"), index.get("b")), (Some("1"), None, None));
        let (lines, found) = (of(&map), ["a", "latin", "b"].map(|name| index.get(name)));
        assert_eq!(["a", "latin", "b"].map(|name| Index::of_lines(&lines).get(name)), found);
    }

    #[test]
    fn a_known_name_is_the_same_as_a_parsed_one() {
        for known in ["age", "x-cache", "x-request-id", "cache-status", "vary", "x-other"] {
            assert_eq!(name(known.as_bytes()), HeaderName::from_bytes(known.as_bytes()).ok());
        }
        assert_eq!(name(b"no name"), None);
    }
}
