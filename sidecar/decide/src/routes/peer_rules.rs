//! Which workloads a route takes connections from, as configured. Never reads a certificate.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use postern_mesh::SpiffeId;

/// Who the connection must come from. The default takes any peer, and any request without one.
#[derive(Debug, Clone, Default)]
pub struct PeerRules {
    /// Trust domains, of which the peer must be in one; any, where empty.
    pub trust_domains: Arc<[Box<str>]>,
    /// IDs, of which the peer must have one; any, where empty.
    pub spiffe_ids: Arc<[SpiffePattern]>,
    /// Whether `source.principal` counts without the certificate that it was read from.
    pub trust_principal: bool,
    /// Whose `x-forwarded-client-cert` counts; nobody's, where empty.
    pub xfcc_from: Arc<[XfccSender]>,
}

impl PeerRules {
    /// Whether the rules name anybody, so that a request without a peer can't meet them.
    pub fn names_peers(&self) -> bool {
        !(self.trust_domains.is_empty() && self.spiffe_ids.is_empty())
    }

    /// Whether `peer` is one of those named; anybody is where nobody is named.
    pub fn admits(&self, peer: &SpiffeId) -> bool {
        let domain = self.trust_domains.is_empty()
            || self
                .trust_domains
                .iter()
                .any(|domain| **domain == *peer.trust_domain());
        let id = self.spiffe_ids.is_empty() || self.spiffe_ids.iter().any(|pattern| pattern.matches(peer));
        domain && id
    }
}

/// One SPIFFE ID, or all below one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffePattern {
    id: SpiffeId,
    below: bool,
}

/// Why a text is no [`SpiffePattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a SPIFFE ID, such as spiffe://prod.example/ns/shop/sa/web, or all below one, spiffe://prod.example/ns/shop/*: {0}"
)]
pub struct SpiffePatternError(#[from] postern_mesh::SpiffeIdError);

impl SpiffePatternError {
    /// The rule of SPIFFE IDs that the text breaks.
    pub fn rule(&self) -> &postern_mesh::SpiffeIdError {
        &self.0
    }
}

impl SpiffePattern {
    /// Reads `spiffe://…`, or `spiffe://…/*` for every ID that goes on after that slash.
    ///
    /// # Errors
    /// Which rule of SPIFFE IDs the text breaks.
    pub fn parse(text: &str) -> Result<Self, SpiffePatternError> {
        let (id, below) = match text.strip_suffix("/*") {
            Some(above) => (above, true),
            None => (text, false),
        };
        Ok(Self {
            id: SpiffeId::parse(id)?,
            below,
        })
    }

    /// Whether `id` is meant.
    pub fn matches(&self, id: &SpiffeId) -> bool {
        if !self.below {
            return *id == self.id;
        }
        id.as_str()
            .strip_prefix(self.id.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    /// The trust domain of all that are meant.
    pub fn trust_domain(&self) -> &str {
        self.id.trust_domain()
    }
}

impl fmt::Display for SpiffePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.id, if self.below { "/*" } else { "" })
    }
}

/// Whose `x-forwarded-client-cert` counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum XfccSender {
    /// Connections from these addresses.
    Addresses(AddressRange),
    /// Peers with such an ID, by their certificate.
    Workload(SpiffePattern),
}

/// A block of addresses (CIDR, RFC 4632 and RFC 4291 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no [`AddressRange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a block of them whose other bits are zero, such as 10.0.0.0/8 or fd00::/8")]
pub struct AddressRangeError;

impl AddressRange {
    /// Reads `address` or `address/bits`.
    ///
    /// # Errors
    /// When it is neither, or when bits beyond the prefix are set: then one of the two is a mistake.
    pub fn parse(text: &str) -> Result<Self, AddressRangeError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let network: IpAddr = address.parse().map_err(|_| AddressRangeError)?;
        let width = width(network);
        let prefix_bits = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().map_err(|_| AddressRangeError)?
            }
            Some(_) => return Err(AddressRangeError),
            None => width,
        };
        if prefix_bits > width || masked(network, prefix_bits) != bits_of(network) {
            return Err(AddressRangeError);
        }
        Ok(Self { network, prefix_bits })
    }

    /// Whether `address` is in the block. An IPv4 address that came as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.network) && masked(address, self.prefix_bits) == bits_of(self.network)
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address at the upper end of 128 bits.
fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn masked(address: IpAddr, prefix_bits: u8) -> u128 {
    let mask = match prefix_bits {
        0 => 0,
        bits => u128::MAX << (128 - u32::from(bits.min(128))),
    };
    bits_of(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SpiffeId {
        SpiffeId::parse(text).unwrap()
    }

    #[test]
    fn a_pattern_means_one_id_or_all_below_one() {
        let one = SpiffePattern::parse("spiffe://prod.example/ns/shop").unwrap();
        assert!(one.matches(&id("spiffe://prod.example/ns/shop")));
        assert!(!one.matches(&id("spiffe://prod.example/ns/shop/sa/web")));
        let below = SpiffePattern::parse("spiffe://prod.example/ns/shop/*").unwrap();
        assert!(below.matches(&id("spiffe://prod.example/ns/shop/sa/web")));
        for other in [
            "spiffe://prod.example/ns/shop",
            "spiffe://prod.example/ns/shopping/sa/web",
            "spiffe://other.example/ns/shop/sa/web",
        ] {
            assert!(!below.matches(&id(other)), "{other}");
        }
        let domain = SpiffePattern::parse("spiffe://prod.example/*").unwrap();
        assert!(domain.matches(&id("spiffe://prod.example/a")));
        assert!(!domain.matches(&id("spiffe://prod.example.evil/a")));
    }

    #[test]
    fn what_is_no_id_is_no_pattern() {
        for text in ["*", "spiffe://*", "spiffe://prod.example/*/a", "prod.example", ""] {
            assert!(SpiffePattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_block_contains_what_shares_its_prefix() {
        let block = AddressRange::parse("10.1.0.0/16").unwrap();
        for (address, expected) in [
            ("10.1.255.1", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd00::1", false),
        ] {
            assert_eq!(block.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(
            AddressRange::parse("0.0.0.0/0")
                .unwrap()
                .contains("1.2.3.4".parse().unwrap())
        );
        assert!(
            !AddressRange::parse("::/0")
                .unwrap()
                .contains("1.2.3.4".parse().unwrap())
        );
        let one = AddressRange::parse("fd00::1").unwrap();
        assert!(one.contains("fd00::1".parse().unwrap()) && !one.contains("fd00::2".parse().unwrap()));
    }

    #[test]
    fn a_block_with_bits_beyond_its_prefix_is_a_mistake() {
        for text in [
            "10.1.0.0/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "a/8",
            "",
            "fd00::/129",
        ] {
            assert_eq!(AddressRange::parse(text), Err(AddressRangeError), "{text}");
        }
    }
}
