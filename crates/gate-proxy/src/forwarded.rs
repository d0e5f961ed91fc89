//! Who the client is, behind proxies we trust: `X-Forwarded-For` and its kin.

use gate_http::{FieldName, RequestHead};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The networks whose `X-Forwarded-*` fields are believed. Empty by default: what a stranger says about the client's
/// address, host or scheme is replaced (H22).
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
}

/// A text that is not a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxyError(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// How many leading bits count.
    bits: u8,
}

/// What the forwarding fields of one request say, `None` = written anew from what we see ourselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forwarded<'a> {
    /// The chain so far.
    pub(crate) chain: Option<&'a [u8]>,
    /// The host the client asked for.
    pub(crate) host: &'a [u8],
    /// The scheme the client used.
    pub(crate) scheme: &'a [u8],
}

impl TrustedProxies {
    /// Reads networks (`10.0.0.0/8`) and addresses (`::1`).
    ///
    /// # Errors
    /// Names the first text that is neither.
    pub fn parse<T: AsRef<str>>(networks: &[T]) -> Result<Self, TrustedProxyError> {
        let networks =
            networks.iter().map(|network| network.as_ref().trim().parse()).collect::<Result<_, _>>()?;
        Ok(TrustedProxies { networks })
    }

    /// Whether this peer is believed.
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(peer))
    }
}

impl FromStr for Network {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        let refused = || TrustedProxyError(text.to_owned());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| refused())?;
        if bits > width {
            return Err(refused());
        }
        Ok(Network { address, bits })
    }
}

impl Network {
    fn contains(&self, peer: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, peer) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (ours.to_bits().into(), theirs.to_bits().into(), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let ignored = width - u32::from(self.bits);
        let prefix = |bits: u128| bits.checked_shr(ignored).unwrap_or_default();
        prefix(ours) == prefix(theirs)
    }
}

impl fmt::Display for TrustedProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is neither an IP address nor a network such as 10.0.0.0/8", self.0)
    }
}

impl std::error::Error for TrustedProxyError {}

impl<'a> Forwarded<'a> {
    /// What is said on, given whether the peer is believed.
    pub(crate) fn of(head: &RequestHead, bytes: &'a [u8], trusted: bool) -> Self {
        let believed = |name| head.field(name).filter(|_| trusted).map(|line| line.value.of(bytes));
        Forwarded {
            chain: believed(FieldName::XForwardedFor).filter(|chain| !chain.is_empty()),
            host: believed(FieldName::XForwardedHost).unwrap_or_else(|| head.host().of(bytes)),
            scheme: believed(FieldName::XForwardedProto).unwrap_or(b"http"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(networks: &[&str], peer: &str, expected: bool) {
        assert_eq!(TrustedProxies::parse(networks).unwrap().contains(peer.parse().unwrap()), expected);
    }

    #[test]
    fn networks_contain_their_addresses() {
        check(&[], "127.0.0.1", false);
        check(&["127.0.0.1"], "127.0.0.1", true);
        check(&["10.0.0.0/8"], "10.255.0.1", true);
        check(&["10.0.0.0/8"], "11.0.0.1", false);
        check(&["0.0.0.0/0"], "11.0.0.1", true);
        check(&["::/0"], "::1", true);
        check(&["fd00::/8"], "fd12::1", true);
        check(&["::/0"], "127.0.0.1", false);
    }

    #[test]
    fn other_texts_are_named() {
        for text in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "::/129"] {
            assert!(TrustedProxies::parse(&[text]).is_err(), "{text}");
        }
    }
}
