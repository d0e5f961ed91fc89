//! Who the client is, behind proxies we trust: `X-Forwarded-For` and its kin.

use gate_http::{FieldName, RequestHead};
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
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
#[derive(Clone, Debug)]
pub(crate) struct Forwarded<'a> {
    /// The chain so far.
    pub(crate) chain: Option<Cow<'a, [u8]>>,
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

/// Who the client is, when `peer` is a proxy that is believed: of those it says the request came through, the last one that is
/// not such a proxy itself. What is no address ends the search: whoever wrote it is taken for the client.
pub(crate) fn client_address(
    head: &RequestHead,
    bytes: &[u8],
    peer: IpAddr,
    trusts: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut client = peer;
    let lines = head.fields().iter().rev().filter(|line| line.known == FieldName::XForwardedFor);
    for entry in lines.flat_map(|line| line.value.of(bytes).rsplit(|byte| *byte == b',')) {
        let Some(address) = address(entry) else { break };
        client = address;
        if !trusts(address) {
            break;
        }
    }
    client
}

/// The chain so far. One that came in several lines is one list (RFC 9110 §5.3), and leaves in one line: many a reader looks at the
/// first line alone.
fn chain<'a>(head: &RequestHead, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let lines = head.fields().iter().filter(|line| line.known == FieldName::XForwardedFor);
    let mut lines = lines.map(|line| line.value.of(bytes)).filter(|line| !line.is_empty());
    let mut chain = Cow::Borrowed(lines.next()?);
    for line in lines {
        chain.to_mut().extend_from_slice(b", ");
        chain.to_mut().extend_from_slice(line);
    }
    Some(chain)
}

/// An address, perhaps with a port behind it, an IPv6 address then in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|it| it.ip())).ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    address.or_else(bracketed).map(|address| address.to_canonical())
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
            chain: if trusted { chain(head, bytes) } else { None },
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

    fn parsed(lines: &str) -> (RequestHead, String) {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let mut head = RequestHead::new();
        assert!(matches!(head.parse(bytes.as_bytes()), Ok(gate_http::Progress::Complete { .. })));
        (head, bytes)
    }

    #[track_caller]
    fn check_chain(lines: &str, expected: &str) {
        let (head, bytes) = parsed(lines);
        let chain = Forwarded::of(&head, bytes.as_bytes(), true).chain.unwrap_or_default();
        assert_eq!(str::from_utf8(&chain), Ok(expected), "{lines:?}");
        assert_eq!(Forwarded::of(&head, bytes.as_bytes(), false).chain, None);
    }

    #[test]
    fn a_chain_in_several_lines_is_one_list_in_their_order() {
        check_chain("", "");
        check_chain("X-Forwarded-For:\r\n", "");
        check_chain("X-Forwarded-For: 192.0.2.1, 10.0.0.2\r\n", "192.0.2.1, 10.0.0.2");
        check_chain(
            "X-Forwarded-For: 192.0.2.1\r\nA: b\r\nx-forwarded-for:\r\nX-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n",
            "192.0.2.1, 10.0.0.3, 10.0.0.2",
        );
    }

    #[track_caller]
    fn check_client(lines: &str, expected: &str) {
        let (head, bytes) = parsed(lines);
        let trusted = TrustedProxies::parse(&["10.0.0.0/8"]).unwrap();
        let peer = "10.0.0.1".parse().unwrap();
        let found = client_address(&head, bytes.as_bytes(), peer, |address| trusted.contains(address));
        assert_eq!(found.to_string(), expected, "{lines:?}");
    }

    #[test]
    fn the_client_is_the_last_one_that_is_no_proxy_of_ours() {
        check_client("", "10.0.0.1");
        check_client("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1");
        check_client("X-Forwarded-For: 198.51.100.7, 192.0.2.1, 10.0.0.2\r\n", "192.0.2.1");
        check_client("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n", "192.0.2.2");
        check_client("X-Forwarded-For: 10.0.0.3,10.0.0.2\r\n", "10.0.0.3");
        check_client("X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1");
        check_client("X-Forwarded-For: [2001:db8::1]:4711, [2001:db8::2]\r\n", "2001:db8::2");
        check_client("X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.2\r\n", "10.0.0.2");
    }

    #[test]
    fn other_texts_are_named() {
        for text in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "::/129"] {
            assert!(TrustedProxies::parse(&[text]).is_err(), "{text}");
        }
    }
}
