//! The origin's address.
//!
//! In: a URL. Out: [`Origin`], and the URLs of what is there. Does not know what is asked for.

/// Where the origin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether it is spoken to over TLS.
    pub is_tls: bool,
    /// Its host, with the port if there is one.
    pub authority: String,
}

impl Origin {
    /// Reads `http://host:port` or `https://host`.
    #[must_use]
    pub fn parse(url: &str) -> Option<Self> {
        let (is_tls, rest) = match url.split_once("://")? {
            ("http", rest) => (false, rest),
            ("https", rest) => (true, rest),
            _ => return None,
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let form =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
        let good = !authority.is_empty() && authority.bytes().all(form);
        good.then(|| Self { is_tls, authority: authority.to_owned() })
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        if self.is_tls { "https" } else { "http" }
    }

    /// The URL of a path (and query) on the origin.
    #[must_use]
    pub fn url(&self, path_and_query: &str) -> String {
        format!("{}://{}{path_and_query}", self.scheme(), self.authority)
    }

    /// The host without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            // An IPv6 address without a port ends in its bracket.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.authority,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (url, scheme, host) in [
            ("http://127.0.0.1:8081", "http", "127.0.0.1"),
            ("https://origin.example/", "https", "origin.example"),
            ("http://[::1]:8081", "http", "[::1]"),
            ("http://[::1]", "http", "[::1]"),
        ] {
            let origin = Origin::parse(url).unwrap();
            assert_eq!((origin.scheme(), origin.host()), (scheme, host));
            assert_eq!(origin.url("/a?b"), format!("{}/a?b", url.trim_end_matches('/')));
        }
        for url in ["", "origin", "ftp://a", "http://", "http://a/b", "http://u:p@a", "http://a?b"]
        {
            assert_eq!(Origin::parse(url), None, "{url}");
        }
    }
}
