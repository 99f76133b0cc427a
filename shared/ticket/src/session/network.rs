//! Where a viewer's request comes from, as far as a session is tied to it.
//!
//! In: an address, and what of it counts. Out: bytes for the seal. Does not know how the address was found.

use core::net::IpAddr;

use shared_wire::Bind;

/// The longest: a family and the first 64 bits of an IPv6 address.
const BYTES_MAX: usize = 9;

/// What of an address counts, as bytes that differ between families and kinds of binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Network {
    /// What `bind` keeps of `ip`: nothing at all if it ties to nothing; `None` if it does and there is no address.
    pub(super) fn of(bind: Bind, ip: Option<IpAddr>) -> Option<Self> {
        let mut network = Self { bytes: [0; BYTES_MAX], length: 0 };
        // An IPv4 address may come in the clothes of an IPv6 one (RFC 4291, 2.5.5.2).
        match (bind, ip.map(|ip| ip.to_canonical())) {
            (Bind::Nothing, _) => {}
            (_, None) => return None,
            (Bind::Network, Some(IpAddr::V4(ip))) => network.put(1, &ip.octets(), 3),
            (Bind::Network, Some(IpAddr::V6(ip))) => network.put(2, &ip.octets(), 6),
            (Bind::Address, Some(IpAddr::V4(ip))) => network.put(3, &ip.octets(), 4),
            (Bind::Address, Some(IpAddr::V6(ip))) => network.put(4, &ip.octets(), 8),
        }
        Some(network)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn put(&mut self, kind: u8, octets: &[u8], count: usize) {
        let kept = std::iter::once(&kind).chain(octets.iter().take(count));
        self.bytes.iter_mut().zip(kept).for_each(|(to, from)| *to = *from);
        self.length = count.saturating_add(1).min(BYTES_MAX);
    }
}
