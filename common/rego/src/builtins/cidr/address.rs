//! Addresses as 128 bits, those of IPv4 in their form inside IPv6, and networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where IPv4 lies inside IPv6.
const V4: u128 = 0xffff_0000_0000;

/// Whether Go takes the address to be one of IPv4.
pub(super) fn is_v4(address: u128) -> bool {
    address >> 32 == V4 >> 32
}

/// An address, and whether it was written as one of IPv4. Zones aren't taken.
pub(super) fn parse_ip(text: &str) -> Option<(u128, bool)> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some((V4 | u128::from(u32::from(address)), true)),
        IpAddr::V6(address) => Some((address.into(), false)),
    }
}

/// As Go writes it.
pub(super) fn text(address: u128) -> String {
    if is_v4(address) {
        Ipv4Addr::from(u32::try_from(address & 0xffff_ffff).unwrap_or_default()).to_string()
    } else {
        Ipv6Addr::from(address).to_string()
    }
}

/// A network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// The first address.
    pub(super) first: u128,
    /// How many bits are the network's, counted in 128 bits for IPv4 too.
    pub(super) prefix: u32,
    /// Whether it was written with an address of IPv4.
    pub(super) written_v4: bool,
}

impl Network {
    /// Reads `10.0.0.0/8`; what stands behind the prefix doesn't count.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, written_v4) = parse_ip(address)?;
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        let significant = length.trim_start_matches('0');
        if !is_number || significant.len() > 3 {
            return None;
        }
        let length: u32 = if significant.is_empty() {
            0
        } else {
            significant.parse().ok()?
        };
        if length > if written_v4 { 32 } else { 128 } {
            return None;
        }
        let prefix = if written_v4 { 96 + length } else { length };
        Some(Self {
            first: address & mask(prefix),
            prefix,
            written_v4,
        })
    }

    pub(super) fn mask(&self) -> u128 {
        mask(self.prefix)
    }

    pub(super) fn last(&self) -> u128 {
        self.first | !self.mask()
    }

    /// Whether it has the address. One of IPv4 is in no network of IPv6, unless that lies where IPv4 does.
    pub(super) fn contains(&self, address: u128) -> bool {
        is_v4(self.first) == is_v4(address) && address & self.mask() == self.first
    }

    pub(super) fn is_plain_v6(&self) -> bool {
        !self.written_v4 && !is_v4(self.first)
    }
}

pub(super) fn mask(prefix: u32) -> u128 {
    match prefix {
        0 => 0,
        _ => u128::MAX << 128_u32.saturating_sub(prefix),
    }
}

/// A network's text: address and prefix, as Go counts it.
pub(super) fn network_text(address: u128, prefix: u32) -> String {
    let length = if is_v4(address) {
        prefix.saturating_sub(96)
    } else {
        prefix
    };
    format!("{}/{length}", text(address))
}
