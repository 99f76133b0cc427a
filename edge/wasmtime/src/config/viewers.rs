//! How viewers are received: TLS, whose word is taken for their address, how often they may ask, what is logged.
//!
//! In: nothing. Out: [`Viewers`]. Does not know sockets.

use std::path::PathBuf;

use crate::facts::Fronts;
use crate::rate::Rate;
use crate::tls::Tls;

/// How viewers are received.
#[derive(Debug, Clone, Default)]
pub struct Viewers {
    /// TLS on the door; without it, plain HTTP/1.1 and HTTP/2 with prior knowledge.
    pub tls: Option<Tls>,
    /// Proxies and CDNs in front.
    pub fronts: Fronts,
    /// Requests of one network: an IPv4 address, or the /64 of an IPv6 address. `None`: as many as it likes.
    pub client_rate: Option<Rate>,
    /// Requests of one session. `None`: as many as it likes.
    pub session_rate: Option<Rate>,
    /// Where each answered request is written.
    pub access: AccessLog,
    /// How much of a viewer's address is written there.
    pub addresses: LoggedAddress,
}

/// Where the access log goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccessLog {
    /// Among the other log lines, with the target `access`.
    #[default]
    Events,
    /// Nowhere.
    Off,
    /// JSON lines on standard output.
    Stdout,
    /// JSON lines at the end of a file, which is opened anew when it was moved away.
    File(PathBuf),
}

/// How much of a viewer's address is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoggedAddress {
    /// All of it.
    #[default]
    Full,
    /// Its network: /24 of IPv4, /48 of IPv6.
    Network,
    /// None of it.
    None,
}
