//! Whose requests are counted together.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// Whose requests are counted together. A copy costs no allocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CallerKey {
    /// Those of one identity, by a name that no other identity has.
    Identity(Arc<str>),
    /// Those from one address; made by [`CallerKey::address`].
    Address(IpAddr),
    /// Everybody's.
    Everyone,
}

impl CallerKey {
    /// The key of all who call from `ip`: of an IPv6 address its first 64 bits, since whoever has one address has all that
    /// begin like it (RFC 4291 §2.5.1). An IPv4 address written as IPv6 is that IPv4 address.
    pub fn address(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & NETWORK)),
            ip @ IpAddr::V4(_) => ip,
        })
    }
}

/// The bits of an IPv6 address that say which network it is in.
const NETWORK: u128 = !(u64::MAX as u128);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        let expected = CallerKey::Address(expected.parse().unwrap());
        assert_eq!(CallerKey::address(address.parse().unwrap()), expected);
    }

    #[test]
    fn an_ipv6_network_is_one_caller_and_an_ipv4_address_is_one() {
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::");
        check("2001:db8:1:3::1", "2001:db8:1:3::");
        check("::1", "::");
    }
}
