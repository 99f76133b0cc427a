//! A viewer's request, as the decision sees it.
//!
//! In: the request line and a lookup of headers. Out: its parts, checked, and a description that may be logged. Does
//! not know routes.

use data_encoding::HEXLOWER;
use hmac_sha256::Hash;
use shared_wire::{header, is_request_id};

use crate::config::{ConfigError, HEADER_BYTES_MAX, PATH_BYTES_MAX, QUERY_BYTES_MAX};
use crate::token::{PARAMETERS, has_cookie};
use crate::{Answer, Client, Refusal};

/// A viewer's request without its body.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path as it was sent, not decoded.
    pub path: &'a str,
    /// The query as it was sent, without its `?`.
    pub query: Option<&'a str>,
    /// Looks a header up by its name in lower case; `None` also if its value is not text.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// What the host knows of the connection.
    pub client: Client<'a>,
}

/// Bytes of a hash that stand for a secret in a log.
const MARK_BYTES: usize = 4;
/// Longest path that is logged, in characters.
const LOGGED_CHARS_MAX: usize = 1024;
/// Longest method that is logged, in characters.
const METHOD_CHARS_MAX: usize = 8;

impl<'a> Request<'a> {
    /// The id of this request: the viewer's own if it may be taken over, else one made of the random bytes.
    pub(crate) fn id(&self, random: [u8; 16]) -> String {
        let own = (self.header)(header::REQUEST_ID).filter(|id| is_request_id(id));
        own.map_or_else(|| HEXLOWER.encode(&random), str::to_owned)
    }

    /// The answer of an edge that has not been told all it needs.
    #[must_use]
    pub fn misconfigured(&self, errors: &[ConfigError], random: [u8; 16]) -> Answer {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Refusal::Misconfigured(all.join("; ")).answer(&self.id(random))
    }

    /// A header of a length that may go on to the origin.
    pub(crate) fn short_header(&self, name: &str) -> Option<&'a str> {
        (self.header)(name).filter(|value| value.len() <= HEADER_BYTES_MAX)
    }

    /// The site whose script asks (Fetch standard, 3.1).
    pub(crate) fn site(&self) -> Option<&'a str> {
        self.short_header("origin").filter(|site| site.bytes().all(|b| b.is_ascii_graphic()))
    }

    /// The site that asked, if what it asked for depends on a cookie: it alone gets to read the answer.
    pub(crate) fn cookie_site(&self) -> Option<String> {
        let is_live = self.path.starts_with("/live/");
        self.site().filter(|_| is_live && has_cookie(self)).map(str::to_owned)
    }

    /// The path, if every resolver reads it alike: no encoding, no dots to resolve, no empty step. Each object
    /// here has one spelling, so nothing else is ever needed.
    pub(crate) fn plain_path(&self) -> Result<&'a str, Refusal> {
        let form =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_' | b'~');
        let steps = self.path.strip_prefix('/').ok_or(Refusal::BadPath)?;
        let plain = self.path.len() <= PATH_BYTES_MAX && self.path.bytes().all(form);
        let resolved =
            steps.is_empty() || steps.split('/').all(|step| !matches!(step, "" | "." | ".."));
        if plain && resolved { Ok(self.path) } else { Err(Refusal::BadPath) }
    }

    /// The query, empty if there is none or it is longer than anything we read.
    pub(crate) fn short_query(&self) -> Option<&'a str> {
        self.query.filter(|query| query.len() <= QUERY_BYTES_MAX)
    }

    /// The one value of a query parameter; the values of a repeated one are joined to what no one can have signed.
    pub(crate) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut values = self.query.unwrap_or_default().split('&').filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        });
        let first = values.next()?;
        Some(if values.next().is_some() { "twice" } else { first })
    }

    /// The request as it may stand in a log: what lets someone watch is replaced by `~` and a short hash, which
    /// is the same for the same secret; of the query only the delivery directives stay.
    #[must_use]
    pub fn described(&self) -> String {
        let mut is_secret = false;
        let mut steps = Vec::new();
        for step in self.path.split('/') {
            steps.push(if is_secret { mark(step) } else { printable(step, LOGGED_CHARS_MAX) });
            is_secret = matches!(step, "p" | "t") && !is_secret;
        }
        let path: String = steps.join("/").chars().take(LOGGED_CHARS_MAX).collect();
        let token = PARAMETERS.iter().find_map(|name| Some((name, self.parameter(name)?)));
        let query = match token {
            Some((name, token)) => format!("{name}={}", mark(token)),
            None => shared_playlist::Directives::parse(self.short_query().unwrap_or_default())
                .map(|directives| directives.to_string())
                .unwrap_or_default(),
        };
        let question = if query.is_empty() { "" } else { "?" };
        format!("{} {path}{question}{query}", printable(self.method, METHOD_CHARS_MAX))
    }
}

/// A text without what could break a log line.
fn printable(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

/// What stands for a secret in a log.
fn mark(secret: &str) -> String {
    let hash = Hash::hash(secret.as_bytes());
    let short = hash.get(..MARK_BYTES).unwrap_or_default();
    format!("~{}", HEXLOWER.encode(short))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(path: &'a str, query: Option<&'a str>) -> Request<'a> {
        Request { method: "GET", path, query, header: &|_| None, client: Client::default() }
    }

    #[test]
    fn only_plain_paths_are_read() {
        for path in ["/", "/live/a/index.m3u8", "/assets/index-D_y~z.js", "/a/...", "/a/.b"] {
            assert_eq!(request(path, None).plain_path(), Ok(path));
        }
        let long = format!("/{}", "a".repeat(PATH_BYTES_MAX));
        for path in [
            "",
            "*",
            "a",
            "//",
            "/a//b",
            "/a/",
            "/../a",
            "/a/..",
            "/a/./b",
            "/%2e%2e/a",
            "/a\\b",
            "/ä",
            "/a b",
            &long,
        ] {
            assert_eq!(request(path, None).plain_path(), Err(Refusal::BadPath), "{path}");
        }
    }

    #[test]
    fn a_description_holds_no_secret() {
        let described = request("/live/s/index.m3u8", Some("x=1&token=eyJ.a.b")).described();
        assert_eq!(described, format!("GET /live/s/index.m3u8?token={}", mark("eyJ.a.b")));
        assert_eq!(mark("eyJ.a.b").len(), 9);
        let described = request("/live/s/t/eyJ.a.b/index.m3u8", None).described();
        assert_eq!(described, format!("GET /live/s/t/{}/index.m3u8", mark("eyJ.a.b")));
        let described = request("/live/s/index.m3u8", Some("CAT=2D3.a-b")).described();
        assert_eq!(described, format!("GET /live/s/index.m3u8?CAT={}", mark("2D3.a-b")));
        let described =
            request("/p/SECRET/720p/index.m3u8", Some("_HLS_part=1&_HLS_msn=02&a=b")).described();
        let mark = mark("SECRET");
        assert_eq!(described, format!("GET /p/{mark}/720p/index.m3u8?_HLS_msn=2&_HLS_part=1"));
        assert_eq!(request("/x\n\u{1b}y", None).described(), "GET /x??y");
    }

    #[test]
    fn a_repeated_parameter_has_no_value_of_its_own() {
        assert_eq!(request("/", Some("token=a&b=c")).parameter("token"), Some("a"));
        assert_eq!(request("/", Some("token=a&token=a")).parameter("token"), Some("twice"));
        assert_eq!(request("/", Some("token")).parameter("token"), None);
    }

    #[test]
    fn request_ids_are_taken_over_or_made() {
        let own = |id: &'static str| {
            let header = move |_: &str| Some(id);
            let client = Client::default();
            Request { method: "GET", path: "/", query: None, header: &header, client }.id([10; 16])
        };
        assert_eq!(own("abc-1"), "abc-1");
        assert_eq!(own("a b"), "0a".repeat(16));
    }
}
