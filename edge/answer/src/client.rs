//! What a host knows of the viewer's connection.
//!
//! In: the host's word, or its headers. Out: [`Client`]. Does not know which host, nor whom it trusts: whoever sets
//! the headers strips them from what comes from outside.

use core::net::IpAddr;

use shared_wire::{Country, header};

/// What a host knows of the viewer's connection; the default is nothing. A rule that needs a fact which is not known
/// refuses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Client<'a> {
    /// How the viewer asked: `https` or `http`.
    pub scheme: Option<&'a str>,
    /// Whom the viewer asked, if that is not in `Host`: HTTP/2 has it elsewhere.
    pub authority: Option<&'a str>,
    /// The viewer's address.
    pub ip: Option<IpAddr>,
    /// The country it is in.
    pub country: Option<Country>,
    /// The number of the network (autonomous system) it belongs to.
    pub asn: Option<u32>,
    /// The protocol that TLS agreed on (RFC 7301), such as `h2`.
    pub alpn: Option<&'a str>,
}

impl<'a> Client<'a> {
    /// What our own host says in its headers.
    #[must_use]
    pub fn from_headers(header: &dyn Fn(&str) -> Option<&'a str>) -> Self {
        let text = |name: &str| header(name).map(str::trim);
        Self {
            ip: text(header::CLIENT_IP).and_then(|text| text.parse().ok()),
            country: text(header::CLIENT_COUNTRY).and_then(|text| text.parse().ok()),
            asn: text(header::CLIENT_ASN).and_then(|text| text.parse().ok()),
            alpn: text(header::CLIENT_ALPN),
            ..Self::default()
        }
    }

    /// What Spin says: the address with its port.
    #[must_use]
    pub fn from_spin(header: &dyn Fn(&str) -> Option<&'a str>) -> Self {
        let text = header("spin-client-addr").map(str::trim).unwrap_or_default();
        let ip = text.parse::<core::net::SocketAddr>().map(|addr| addr.ip());
        Self { ip: ip.or_else(|_| text.parse()).ok(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_a_host_knows() {
        let known = |name: &str| match name {
            "matinee-client-ip" => Some("2001:db8::1"),
            "matinee-client-country" => Some(" de"),
            "matinee-client-asn" => Some("64496"),
            "matinee-client-alpn" => Some("h2"),
            _ => None,
        };
        let client = Client::from_headers(&known);
        assert_eq!(client.ip, "2001:db8::1".parse().ok());
        assert_eq!(client.country, "DE".parse().ok());
        assert_eq!((client.asn, client.alpn), (Some(64496), Some("h2")));
        for nonsense in ["", "x", "1.2.3", "999999999999", "DEU"] {
            let client = Client::from_headers(&|name| {
                Some(nonsense).filter(|_| name != "matinee-client-alpn")
            });
            assert_eq!(client, Client::default(), "{nonsense}");
        }
    }

    #[test]
    fn spin_says_an_address_and_a_port() {
        for text in ["192.0.2.1:4711", "192.0.2.1"] {
            assert_eq!(Client::from_spin(&|_| Some(text)).ip, "192.0.2.1".parse().ok());
        }
        assert_eq!(Client::from_spin(&|_| Some("[::1]:80")).ip, "::1".parse().ok());
        assert_eq!(Client::from_spin(&|_| None), Client::default());
    }
}
