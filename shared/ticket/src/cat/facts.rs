//! What an edge knows of a request.
//!
//! In: the host's word. Out: [`Facts`], against which claims are checked. Does not know claims.

use core::net::IpAddr;
use std::fmt;

use shared_wire::Country;

/// A request, as far as tokens may restrict it. A fact which is not known fails the claim that asks for it.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// The time, in seconds since the Unix epoch.
    pub now: i64,
    /// The method, `GET`.
    pub method: &'a str,
    /// `https` or `http`, as the viewer sees it.
    pub scheme: &'a str,
    /// The host the viewer asked, without the port.
    pub host: &'a str,
    /// The port the viewer asked; absent: that of the scheme.
    pub port: Option<u16>,
    /// The path the viewer asked for, from its `/`, without the token if it stands there.
    pub path: &'a str,
    /// The query without `?` and without the token.
    pub query: &'a str,
    /// The request's headers, by lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The viewer's address.
    pub ip: Option<IpAddr>,
    /// The viewer's network (autonomous system).
    pub asn: Option<u32>,
    /// The viewer's country.
    pub country: Option<Country>,
    /// The protocol that TLS agreed on, `h2`.
    pub alpn: Option<&'a str>,
    /// How the token came: a token that renews itself "automatically" goes back the same way.
    pub transport: Transport,
    /// Whether the edge keeps a [`super::ReplayMemory`] from request to request. If not, tokens for one use are
    /// refused.
    pub remembers: bool,
}

/// How a token came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// In the header `CTA-Common-Access-Token`.
    Header,
    /// In the cookie of that name.
    Cookie,
    /// In the query.
    #[default]
    Query,
    /// In the path.
    Path,
}

impl<'a> Facts<'a> {
    /// `GET https://<host><path>` at `now`; nothing else is known.
    #[must_use]
    pub fn get(now: i64, host: &'a str, path: &'a str) -> Self {
        Self {
            now,
            method: "GET",
            scheme: "https",
            host,
            port: None,
            path,
            query: "",
            header: &|_| None,
            ip: None,
            asn: None,
            country: None,
            alpn: None,
            transport: Transport::Query,
            remembers: true,
        }
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the query: it may hold what is nobody's business.
        f.debug_struct("Facts")
            .field("now", &self.now)
            .field("method", &self.method)
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
