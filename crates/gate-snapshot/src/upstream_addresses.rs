//! Which addresses an upstream may have (robustness table G).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses an upstream may have. Asked where an address is typed and again where it is connected to, because a
/// name may lead elsewhere by then.
///
/// Loopback and private networks are allowed unless `block_private`: this is a gateway to services beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpstreamAddresses {
    /// Refuse loopback, private and shared networks as well (RFC 1918, RFC 4193, RFC 6598).
    pub block_private: bool,
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenAddress {
    /// 169.254.0.0/16 and fe80::/10: where clouds keep the credentials of their machines.
    #[error("is a link-local address")]
    LinkLocal,
    /// A metadata service that is not link-local.
    #[error("is the address of a metadata service")]
    Metadata,
    /// 0.0.0.0/8 and `::`: no address of anybody, and of this machine where it is taken for one.
    #[error("is no address of a service")]
    Unspecified,
    /// Loopback or private, which the operator does not want.
    #[error("is a private address, which --block-private-upstreams refuses")]
    Private,
}

impl UpstreamAddresses {
    /// Whether an upstream may have this address. An IPv4 address is itself in IPv6 clothes as well.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self, address: IpAddr) -> Result<(), ForbiddenAddress> {
        let is_private = match address.to_canonical() {
            IpAddr::V4(address) => check_v4(address)?,
            IpAddr::V6(address) => check_v6(address)?,
        };
        if is_private && self.block_private { Err(ForbiddenAddress::Private) } else { Ok(()) }
    }
}

/// Whether it is private.
fn check_v4(address: Ipv4Addr) -> Result<bool, ForbiddenAddress> {
    let [first, second, ..] = address.octets();
    if address == METADATA_V4 {
        Err(ForbiddenAddress::Metadata)
    } else if address.is_link_local() {
        Err(ForbiddenAddress::LinkLocal)
    } else if first == 0 {
        Err(ForbiddenAddress::Unspecified)
    } else {
        let is_shared = first == 100 && (64..128).contains(&second);
        Ok(address.is_loopback() || address.is_private() || is_shared)
    }
}

/// Whether it is private.
fn check_v6(address: Ipv6Addr) -> Result<bool, ForbiddenAddress> {
    if address == METADATA_V6 {
        Err(ForbiddenAddress::Metadata)
    } else if address.is_unicast_link_local() {
        Err(ForbiddenAddress::LinkLocal)
    } else if address.is_unspecified() {
        Err(ForbiddenAddress::Unspecified)
    } else {
        Ok(address.is_loopback() || address.is_unique_local())
    }
}

/// Alibaba Cloud's metadata service, in the shared network.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
/// Amazon's, in a private network.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Result<(), ForbiddenAddress>) {
        let address = address.parse().unwrap();
        assert_eq!(UpstreamAddresses::default().check(address), expected, "{address}");
    }

    #[test]
    fn metadata_and_link_local_addresses_are_refused_in_every_spelling() {
        use ForbiddenAddress::*;
        check("169.254.169.254", Err(LinkLocal));
        check("::ffff:169.254.169.254", Err(LinkLocal));
        check("fe80::1", Err(LinkLocal));
        check("febf::1", Err(LinkLocal));
        check("100.100.100.200", Err(Metadata));
        check("fd00:ec2::254", Err(Metadata));
        check("0.0.0.0", Err(Unspecified));
        check("0.1.2.3", Err(Unspecified));
        check("::", Err(Unspecified));
    }

    #[test]
    fn private_addresses_are_allowed_unless_blocked() {
        let strict = UpstreamAddresses { block_private: true };
        for address in ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1"]
        {
            check(address, Ok(()));
            assert_eq!(strict.check(address.parse().unwrap()), Err(ForbiddenAddress::Private), "{address}");
        }
        for address in ["1.1.1.1", "100.128.0.1", "2606:4700::1111"] {
            assert_eq!(strict.check(address.parse().unwrap()), Ok(()), "{address}");
        }
    }
}
