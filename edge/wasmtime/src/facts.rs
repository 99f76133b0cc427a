//! What is known of a viewer's connection, and what the component is told of it.
//!
//! In: the peer's address, the headers of a request. Out: the viewer's own address, and the headers
//! `matinee-client-…`, which nobody else may set. Does not know why they are asked for.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// Headers that only this host may set.
const OURS: &str = "matinee-client-";
/// The viewer's address.
const IP: HeaderName = HeaderName::from_static("matinee-client-ip");
/// Its country, two capital letters (ISO 3166-1).
const COUNTRY: HeaderName = HeaderName::from_static("matinee-client-country");
/// The number of its autonomous system.
const ASN: HeaderName = HeaderName::from_static("matinee-client-asn");
/// The protocol that was agreed on in the TLS handshake.
const ALPN: HeaderName = HeaderName::from_static("matinee-client-alpn");
/// The way a request came, the nearest last.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// Hops of the way that are looked at.
const HOPS_MAX: usize = 32;
/// What a front writes when it does not know the country.
const NO_COUNTRY: [&[u8]; 2] = [b"XX", b"T1"];

/// Whose word is taken for a viewer's address.
#[derive(Debug, Clone, Default)]
pub struct Fronts {
    /// Networks of proxies and CDNs in front of this host; only what they say is believed.
    pub trusted: Vec<IpNet>,
    /// Where they write the viewer's country, such as `cf-ipcountry`.
    pub country_header: Option<HeaderName>,
    /// Where they write the number of the viewer's autonomous system.
    pub asn_header: Option<HeaderName>,
}

/// What a connection is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Who opened it.
    pub(crate) ip: IpAddr,
    /// The protocol agreed on, where there is TLS.
    pub(crate) alpn: Option<&'static str>,
}

impl Fronts {
    /// Whether this address is one of the proxies'.
    pub(crate) fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&ip))
    }

    /// The viewer's address: the nearest on the way that is no proxy of ours.
    fn viewer(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer;
        let lines = headers.get_all(FORWARDED_FOR);
        let lines: Vec<&str> = lines.iter().filter_map(|line| line.to_str().ok()).collect();
        let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
        for hop in hops.take(HOPS_MAX) {
            if !self.trusts(nearest) {
                break;
            }
            let Some(ip) = address(hop.trim()) else { break };
            nearest = ip;
        }
        nearest
    }

    /// Tells the component what is known, and returns the viewer's address.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, peer: Peer) -> IpAddr {
        let foreign: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().starts_with(OURS)).cloned().collect();
        for name in foreign {
            headers.remove(name);
        }
        let viewer = self.viewer(peer.ip, headers);
        if self.trusts(peer.ip) {
            let said = |name: &Option<HeaderName>| headers.get(name.as_ref()?).cloned();
            let country = said(&self.country_header).filter(is_country);
            let asn = said(&self.asn_header).filter(is_number);
            for (name, value) in [(COUNTRY, country), (ASN, asn)] {
                if let Some(value) = value {
                    headers.insert(name, value);
                }
            }
        }
        if let Ok(value) = HeaderValue::try_from(viewer.to_string()) {
            headers.insert(IP, value);
        }
        if let Some(alpn) = peer.alpn {
            headers.insert(ALPN, HeaderValue::from_static(alpn));
        }
        viewer
    }
}

/// One viewer's network: the address, or the /64 of an IPv6 address, which is one household's.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// An address of a hop, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    let ip = bare.parse::<IpAddr>().ok();
    let with_port = || hop.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    ip.or_else(with_port).map(|ip| ip.to_canonical())
}

fn is_country(value: &HeaderValue) -> bool {
    let text = value.as_bytes();
    text.len() == 2 && text.iter().all(u8::is_ascii_uppercase) && !NO_COUNTRY.contains(&text)
}

fn is_number(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| text.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fronts() -> Fronts {
        Fronts {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            country_header: Some(HeaderName::from_static("cf-ipcountry")),
            asn_header: None,
        }
    }

    fn told(peer: &str, lines: &[(&'static str, &str)]) -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Peer { ip: peer.parse().unwrap(), alpn: None };
        (fronts().tell(&mut headers, peer).to_string(), headers)
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        let way = [("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.2")];
        assert_eq!(told("198.51.100.1", &way).0, "198.51.100.1");
        assert_eq!(told("10.0.0.1", &way).0, "203.0.113.9", "the nearest that is no proxy");
        assert_eq!(told("10.0.0.1", &[]).0, "10.0.0.1");
        let broken = [("x-forwarded-for", "6.6.6.6, nonsense")];
        assert_eq!(told("10.0.0.1", &broken).0, "10.0.0.1", "nothing behind a broken hop");
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "[2001:db8::1]:443")];
        assert_eq!(told("fd00::1", &lines).0, "2001:db8::1");
        assert_eq!(told("10.1.1.1", &[("x-forwarded-for", "192.0.2.1:99")]).0, "192.0.2.1");
    }

    #[test]
    fn nobody_outside_sets_our_headers() {
        let forged = [
            ("matinee-client-ip", "1.1.1.1"),
            ("matinee-client-country", "CH"),
            ("matinee-client-asn", "1"),
            ("matinee-client-else", "x"),
            ("cf-ipcountry", "DE"),
        ];
        let (_, headers) = told("198.51.100.1", &forged);
        assert_eq!(headers.get(IP).unwrap(), "198.51.100.1");
        for gone in ["matinee-client-country", "matinee-client-asn", "matinee-client-else"] {
            assert_eq!(headers.get(gone), None, "{gone}");
        }
        assert_eq!(told("10.0.0.1", &forged).1.get(COUNTRY).unwrap(), "DE");
        for unknown in ["XX", "de", "DEU", "T1"] {
            assert_eq!(told("10.0.0.1", &[("cf-ipcountry", unknown)]).1.get(COUNTRY), None);
        }
    }

    #[test]
    fn a_household_is_one_network() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
