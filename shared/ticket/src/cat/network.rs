//! Networks (`catnip`): the addresses, prefixes and autonomous systems a viewer may come from.
//!
//! In: the claim, the viewer's address and network. Out: whether one of them is the viewer's, and how narrowly. Does
//! not know how a host learns either.
//!
//! Read: autonomous systems as numbers; addresses and prefixes of RFC 9164 (tags 52 and 54); and, as other writers have
//! them, as texts.

use core::net::IpAddr;

use shared_wire::Bind;

use super::{Facts, Value};

const TAG_IPV4: u64 = 52;
const TAG_IPV6: u64 = 54;

/// An entry that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadNetwork;

/// What of the viewer's address the claim fixes, or that the viewer is in none of the networks.
pub(crate) fn holds(claim: &Value<'_>, facts: &Facts<'_>) -> Result<Option<Bind>, BadNetwork> {
    let entries = claim.as_array().filter(|entries| !entries.is_empty()).ok_or(BadNetwork)?;
    let mut found = None;
    // All are read, so that a bad one is never hidden.
    for entry in entries {
        let entry = Entry::of(entry)?;
        if found.is_none() && entry.has(facts) {
            found = Some(entry.bind());
        }
    }
    Ok(found)
}

enum Entry {
    System(u32),
    /// The first bits of an address of 4 or 16 bytes.
    Prefix {
        bytes: [u8; 16],
        is_v4: bool,
        bits: u8,
    },
}

impl Entry {
    fn of(value: &Value<'_>) -> Result<Self, BadNetwork> {
        match value {
            Value::Int(number) => u32::try_from(*number).map(Self::System).map_err(|_| BadNetwork),
            Value::Tag(TAG_IPV4, value) => Self::tagged(value, true),
            Value::Tag(TAG_IPV6, value) => Self::tagged(value, false),
            Value::Text(text) => Self::text(text),
            _ => Err(BadNetwork),
        }
    }

    /// RFC 9164, 3.1: an address; 3.1.2: a prefix, without its trailing zeros; 3.1.3: an address on an interface.
    fn tagged(value: &Value<'_>, is_v4: bool) -> Result<Self, BadNetwork> {
        let whole = if is_v4 { 4 } else { 16 };
        let all = if is_v4 { 32 } else { 128 };
        let (sent, bits) = match value {
            Value::Bytes(sent) if sent.len() == whole => (sent, all),
            Value::Array(parts) => match parts.as_slice() {
                [Value::Int(bits), Value::Bytes(sent)] if sent.len() <= whole => {
                    (sent, u8::try_from(*bits).map_err(|_| BadNetwork)?)
                }
                [Value::Bytes(sent), Value::Int(_), ..] if sent.len() == whole => (sent, all),
                _ => return Err(BadNetwork),
            },
            _ => return Err(BadNetwork),
        };
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(sent.iter()).for_each(|(to, from)| *to = *from);
        Self::prefix(bytes, is_v4, bits)
    }

    fn text(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| BadNetwork)?)),
            None => (text, None),
        };
        let mut bytes = [0; 16];
        let address = address.parse().map_err(|_| BadNetwork)?;
        let is_v4 = octets(address, &mut bytes);
        Self::prefix(bytes, is_v4, bits.unwrap_or(if is_v4 { 32 } else { 128 }))
    }

    const fn prefix(bytes: [u8; 16], is_v4: bool, bits: u8) -> Result<Self, BadNetwork> {
        if bits > if is_v4 { 32 } else { 128 } {
            return Err(BadNetwork);
        }
        Ok(Self::Prefix { bytes, is_v4, bits })
    }

    fn has(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::System(number) => facts.asn == Some(*number),
            Self::Prefix { bytes, is_v4, bits } => facts.ip.is_some_and(|ip| {
                let mut viewer = [0; 16];
                octets(ip.to_canonical(), &mut viewer) == *is_v4
                    && (u128::from_be_bytes(viewer) ^ u128::from_be_bytes(*bytes)).leading_zeros()
                        >= u32::from(*bits)
            }),
        }
    }

    const fn bind(&self) -> Bind {
        match self {
            Self::Prefix { bits: 32, is_v4: true, .. } | Self::Prefix { bits: 128, .. } => {
                Bind::Address
            }
            _ => Bind::Network,
        }
    }
}

/// Writes an address to the front of `to`; answers whether it is IPv4.
fn octets(ip: IpAddr, to: &mut [u8; 16]) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            to.iter_mut().zip(ip.octets()).for_each(|(to, from)| *to = from);
            true
        }
        IpAddr::V6(ip) => {
            *to = ip.octets();
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(ip: &str) -> Facts<'static> {
        Facts { ip: ip.parse().ok(), asn: Some(64_496), ..Facts::get(0, "a", "/") }
    }

    fn tag(tag: u64, value: impl Into<Value<'static>>) -> Value<'static> {
        Value::Tag(tag, Box::new(value.into()))
    }

    fn bytes(bytes: &'static [u8]) -> Value<'static> {
        Value::from(bytes)
    }

    #[test]
    fn addresses_prefixes_and_systems_are_found() {
        let v6: &[u8] = &[0x20, 1, 0x0d, 0xb8];
        for (entry, viewer, expected) in [
            (tag(52, bytes(&[192, 0, 2, 1])), "192.0.2.1", Some(Bind::Address)),
            (tag(52, bytes(&[192, 0, 2, 1])), "::ffff:192.0.2.1", Some(Bind::Address)),
            (tag(52, bytes(&[192, 0, 2, 1])), "192.0.2.2", None),
            (tag(52, vec![24.into(), bytes(&[192, 0, 2])]), "192.0.2.200", Some(Bind::Network)),
            (tag(52, vec![24.into(), bytes(&[192, 0, 2, 0])]), "192.0.3.1", None),
            (tag(52, vec![0.into(), bytes(&[])]), "8.8.8.8", Some(Bind::Network)),
            (tag(52, vec![0.into(), bytes(&[])]), "2001:db8::1", None),
            (tag(52, vec![bytes(&[192, 0, 2, 1]), 24.into()]), "192.0.2.1", Some(Bind::Address)),
            (tag(54, vec![32.into(), bytes(v6)]), "2001:db8:5::1", Some(Bind::Network)),
            (tag(54, vec![32.into(), bytes(v6)]), "2001:db9::1", None),
            ("192.0.2.1".into(), "192.0.2.1", Some(Bind::Address)),
            ("192.0.2.0/25".into(), "192.0.2.127", Some(Bind::Network)),
            ("192.0.2.0/25".into(), "192.0.2.128", None),
            ("2001:db8::/32".into(), "2001:db8::9", Some(Bind::Network)),
            (64_496.into(), "8.8.8.8", Some(Bind::Network)),
            (64_497.into(), "8.8.8.8", None),
        ] {
            let claim = Value::Array(vec![entry]);
            assert_eq!(holds(&claim, &from(viewer)), Ok(expected), "{claim:?} {viewer}");
        }
        let nobody = Facts::get(0, "a", "/");
        let anywhere = Value::Array(vec![0.into(), "0.0.0.0/0".into(), "::/0".into()]);
        assert_eq!(holds(&anywhere, &nobody), Ok(None), "an unknown viewer is nowhere");
    }

    #[test]
    fn entries_that_are_none_are_bad_wherever_they_stand() {
        for entry in [
            Value::Null,
            (-1).into(),
            "localhost".into(),
            "192.0.2.1/33".into(),
            "192.0.2.1/".into(),
            tag(52, bytes(&[1, 2, 3])),
            tag(52, vec![33.into(), bytes(&[1, 2, 3, 4])]),
            tag(52, vec![8.into(), bytes(&[1, 2, 3, 4, 5])]),
            tag(53, bytes(&[1, 2, 3, 4])),
        ] {
            let claim = Value::Array(vec![64_496.into(), entry]);
            assert_eq!(holds(&claim, &from("8.8.8.8")), Err(BadNetwork), "{claim:?}");
        }
        assert_eq!(holds(&Value::Array(Vec::new()), &from("8.8.8.8")), Err(BadNetwork));
    }
}
