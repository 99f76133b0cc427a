//! What a player tells about itself (CTA-5004, Common Media Client Data), as the access log keeps it.
//!
//! In: the query and the headers of a request. Out: the known keys with bounded values. Does not know what they mean.
//!
//! Left out: `nor` and `nrr`, which hold addresses, `cid`, which names content in the site's own words, and `sid`,
//! which names the viewer's session.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::HeaderMap;
use percent_encoding::percent_decode_str;

/// Longest text that is read, in bytes.
const BYTES_MAX: usize = 2048;
/// Longest value that is kept, in characters.
const VALUE_CHARS_MAX: usize = 32;
/// The headers, where a player does not use the query.
const HEADERS: [&str; 4] = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];
/// What is kept: the keys of version 1, and of version 2 those that say how playback goes.
const KEYS: [&str; 21] = [
    "bg", "bl", "br", "bs", "d", "df", "dl", "ltc", "mtp", "ot", "pr", "pt", "rtp", "sf", "st",
    "sta", "su", "tb", "ttfb", "v", "e",
];

/// The keys and values, none if the player tells nothing.
pub(crate) fn read(query: Option<&str>, headers: &HeaderMap) -> BTreeMap<&'static str, String> {
    let mut read = BTreeMap::new();
    let parameter =
        query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("CMCD="));
    if let Some(text) = parameter.filter(|text| text.len() <= BYTES_MAX) {
        take(&percent_decode_str(text).decode_utf8_lossy(), &mut read);
    }
    for name in HEADERS {
        let text = headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(text) = text.filter(|text| text.len() <= BYTES_MAX) {
            take(text, &mut read);
        }
    }
    read
}

fn take(text: &str, into: &mut BTreeMap<&'static str, String>) {
    for pair in pairs(text) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, "true"));
        let Some(key) = KEYS.iter().find(|known| **known == key.trim()) else { continue };
        let value = value.trim().trim_matches('"');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_+:()".contains(c);
        let kept: Cow<'_, str> = match value.chars().nth(VALUE_CHARS_MAX) {
            None if value.chars().all(is_plain) => value.into(),
            _ => value.chars().filter(|c| is_plain(*c)).take(VALUE_CHARS_MAX).collect(),
        };
        into.insert(key, kept.into_owned());
    }
}

/// The pairs of a list whose quoted values may hold commas.
fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        if c == '"' {
            quoted = !quoted;
        }
        c == ',' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_and_headers_are_read_and_nothing_personal_is_kept() {
        let query = "_HLS_msn=5&CMCD=bl%3D21300%2Cbs%2Csid%3D%226e2fb550%22\
            %2Cnor%3D%22..%2Fx%3Ftoken%3Ds%22%2Cot%3Dv";
        let read = read(Some(query), &HeaderMap::new());
        let pairs: Vec<_> = read.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(pairs, [("bl", "21300"), ("bs", "true"), ("ot", "v")]);
        let mut headers = HeaderMap::new();
        headers.insert("cmcd-request", "mtp=25400,cid=\"a,br=1\"".parse().unwrap());
        headers.insert("cmcd-object", "br=3200".parse().unwrap());
        let read = super::read(None, &headers);
        let pairs: Vec<_> = read.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(pairs, [("br", "3200"), ("mtp", "25400")]);
    }

    #[test]
    fn what_means_harm_is_cut() {
        let query = format!("CMCD=pr={},br=%22%0a%7Bx%7D", "9".repeat(500));
        let read = read(Some(&query), &HeaderMap::new());
        assert_eq!(read.get("pr").map(String::len), Some(VALUE_CHARS_MAX));
        assert_eq!(read.get("br").map(String::as_str), Some("x"));
        assert!(
            super::read(Some(&format!("CMCD={}", "a".repeat(3000))), &HeaderMap::new()).is_empty()
        );
    }
}
