//! Which addresses may be fetched.
//!
//! In: a URL, and what its host's name stands for. Out: a yes, or why not. Does not know resolvers.
//!
//! A house stands inside a network that trusts it: whoever may name an address for it to fetch must not reach by it
//! what the world cannot reach. So addresses of machines' own and of private networks are refused where the operator
//! has not said otherwise.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::Error;

/// Longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2048;

/// What is named by a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The host's name, or its address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Reads a URL.
///
/// # Errors
/// [`Error::Address`]: it is none of HLS or RTMP.
pub fn read(url: &str) -> Result<Source, Error> {
    if url.len() > URL_BYTES_MAX || url.contains(|c: char| c.is_control() || c == ' ') {
        return Err(Error::Address("is too long, or no URL"));
    }
    let (scheme, rest) = url.split_once("://").ok_or(Error::Address("is no URL"))?;
    let default_port = match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" | "rtmps" => 443,
        "rtmp" => 1935,
        _ => {
            return Err(Error::Address("begins with none of http://, https://, rtmp://, rtmps://"));
        }
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '\\']) {
        return Err(Error::Address("has a user in it, which is not taken"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(Error::Address("has no host"))?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().map_err(|_| Error::Address("has no port that is a number"))?,
        None => default_port,
    };
    if host.is_empty() {
        return Err(Error::Address("has no host"));
    }
    Ok(Source { host: host.to_owned(), port })
}

/// A source of RTMP, without TLS or with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtmp<'a> {
    scheme: &'static str,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Rtmp<'a> {
    /// Reads a URL. `None` for everything else.
    #[must_use]
    pub fn read(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = ["rtmp", "rtmps"].into_iter().find(|one| scheme.eq_ignore_ascii_case(one))?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        Some(Self { scheme, authority, path })
    }

    /// Whether it is under TLS.
    #[must_use]
    pub fn is_secure(self) -> bool {
        self.scheme == "rtmps"
    }

    /// The same by an address, without TLS. Whoever connects by an address cannot be led elsewhere by a name that
    /// stands for something else a moment later.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> String {
        format!("rtmp://{address}{}", self.path)
    }

    /// What the server is told beside it (`tcUrl`), which has the name: servers keep several sites apart by it.
    #[must_use]
    pub fn told(self) -> String {
        format!("{}://{}/{}", self.scheme, self.authority, application(self.path))
    }
}

/// What of a path libavformat takes for the application, the rest being the stream (`rtmp_open` in rtmpproto.c).
fn application(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    let Some(first) = path.find('/') else { return path };
    let rest = &path[first + 1..];
    match (rest.find('/'), rest.find(':')) {
        _ if path.starts_with("ondemand/") => "ondemand",
        (Some(second), colon) if colon.is_none_or(|colon| colon > second) => {
            &path[..first + 1 + second]
        }
        _ => &path[..first],
    }
}

/// Whether all that a host's name stands for may be fetched from.
///
/// # Errors
/// [`Error::Address`]: one of them may not, or there is none.
pub fn check(addresses: &[IpAddr], allow_private: bool) -> Result<(), Error> {
    if addresses.is_empty() {
        return Err(Error::Address("has a host whose name stands for nothing"));
    }
    if !allow_private && !addresses.iter().all(|address| is_public(*address)) {
        return Err(Error::Address("leads into a private network; allow it with --pull-private"));
    }
    Ok(())
}

/// Whether the world can reach it (IANA's registries of special-purpose addresses).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let special = v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_broadcast()
        || v4.is_documentation()
        || a == 0
        || (a == 100 && (64..128).contains(&b)) // shared, of carriers
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)) // benchmarks
        || a >= 224; // multicast, reserved
    !special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, c, ..] = v6.segments();
    // 2000::/3 is all there is; in it, what embeds a v4 address and documentation are not taken.
    let embeds = a == 0x2002 || (a == 0x2001 && b == 0) || (a == 0x64 && b == 0xFF9B);
    let documents = (a == 0x2001 && b == 0xDB8) || (a == 0x3FFF && c < 16);
    (a & 0xE000) == 0x2000 && !embeds && !documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hls_and_rtmp_are_read_and_nothing_else_is() {
        for (url, host, port) in [
            ("https://live.example.com/a/index.m3u8?x=1", "live.example.com", 443),
            ("http://10.0.0.1:8080/x", "10.0.0.1", 8080),
            ("rtmp://[2001:db8::1]/live/key", "2001:db8::1", 1935),
            ("RTMPS://h:1/", "h", 1),
        ] {
            assert_eq!(read(url), Ok(Source { host: host.to_owned(), port }), "{url}");
        }
        let long = format!("http://h/{}", "x".repeat(URL_BYTES_MAX));
        for url in [
            "file:///etc/passwd",
            "concat:a|b",
            "/etc/passwd",
            "http://",
            "http:///x",
            "http://user:secret@h/x",
            "http://h:x/",
            "http://h\\@127.0.0.1/",
            "http://[::1",
            "gopher://h/",
            "http://h/\r\nx",
            &long,
        ] {
            assert!(read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn rtmp_is_reached_by_an_address_and_told_the_name() {
        let v4: SocketAddr = "203.0.114.1:1935".parse().expect("an address");
        let v6: SocketAddr = "[2606:4700::1111]:99".parse().expect("an address");
        for (url, address, at, told) in [
            ("rtmp://h/live/key", v4, "rtmp://203.0.114.1:1935/live/key", "rtmp://h/live"),
            (
                "RTMP://h:99/a/b/c?d=e/f",
                v6,
                "rtmp://[2606:4700::1111]:99/a/b/c?d=e/f",
                "rtmp://h:99/a/b",
            ),
            ("rtmp://h/a/mp4:b/c", v4, "rtmp://203.0.114.1:1935/a/mp4:b/c", "rtmp://h/a"),
            (
                "rtmp://h/ondemand/a/b",
                v4,
                "rtmp://203.0.114.1:1935/ondemand/a/b",
                "rtmp://h/ondemand",
            ),
            ("rtmp://[::2]:9/live", v4, "rtmp://203.0.114.1:1935/live", "rtmp://[::2]:9/live"),
            ("rtmps://h/live/key", v4, "rtmp://203.0.114.1:1935/live/key", "rtmps://h/live"),
            ("rtmp://h", v4, "rtmp://203.0.114.1:1935", "rtmp://h/"),
        ] {
            let read = Rtmp::read(url).expect("one of RTMP");
            assert_eq!((read.at(address), read.told()), (at.to_owned(), told.to_owned()), "{url}");
            assert_eq!(read.is_secure(), url.starts_with("rtmps"), "{url}");
        }
        for other in ["http://h/", "https://h/", "rtmp:", ""] {
            assert_eq!(Rtmp::read(other), None, "{other}");
        }
    }

    #[test]
    fn private_networks_are_closed_unless_they_are_opened() {
        let check = |text: &str, open| check(&[text.parse().expect("an address")], open);
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(check(private, false).is_err(), "{private}");
            assert_eq!(check(private, true), Ok(()), "{private}");
        }
        for public in ["1.1.1.1", "203.0.114.1", "2606:4700::1111"] {
            assert_eq!(check(public, false), Ok(()), "{public}");
        }
        let mixed = ["1.1.1.1", "127.0.0.1"].map(|text| text.parse().expect("an address"));
        assert!(super::check(&mixed, false).is_err(), "one is enough");
        assert!(super::check(&[], true).is_err());
    }
}
