//! `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`: another proxy between this one and its upstreams.
//!
//! Off unless asked for (H47): an environment variable must not silently send keys through a third party.

use gate_snapshot::{Scheme, Upstream, UpstreamId};
use std::net::{IpAddr, Ipv6Addr};

/// The forward proxies of the environment.
#[derive(Clone, Debug, Default)]
pub struct ForwardProxies {
    http: Option<ForwardProxy>,
    https: Option<ForwardProxy>,
    exempt: Vec<Exemption>,
}

/// A forward proxy, which is spoken to in the clear: http upstreams are asked for in absolute form, https ones through a
/// `CONNECT` tunnel.
#[derive(Clone, Debug)]
pub struct ForwardProxy {
    /// Where it listens.
    pub endpoint: UpstreamId,
    /// The value of `Proxy-Authorization`, from the user information of its URL.
    pub authorization: Option<Box<str>>,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug)]
struct Exemption {
    hosts: Hosts,
    /// Behind `:`; every port without it.
    port: Option<u16>,
}

/// Which hosts an entry of `NO_PROXY` stands for.
#[derive(Clone, Debug)]
enum Hosts {
    /// `*`
    All,
    /// `example.com` and `.example.com`: the name and everything below it.
    Domain(String),
    /// `10.0.0.1`, `::1`, `[::1]`
    Address(IpAddr),
    /// `10.0.0.0/8`
    Network(IpAddr, u8),
}

impl ForwardProxies {
    /// Reads the variables through `variable`, the lower-case name first.
    ///
    /// # Errors
    /// A sentence that names the variable whose value is not the URL of a proxy to be spoken to in the clear. It says nothing
    /// of the value, which may hold a password.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let either = |name: &str| {
            variable(&name.to_lowercase()).or_else(|| variable(name)).filter(|value| !value.trim().is_empty())
        };
        let proxy = |name: &str| {
            let parsed = either(name).map(|url| parse_proxy(url.trim()));
            parsed.transpose().map_err(|error| format!("{name} {error}"))
        };
        let exempt = either("NO_PROXY").unwrap_or_default();
        Ok(ForwardProxies {
            http: proxy("HTTP_PROXY")?,
            https: proxy("HTTPS_PROXY")?,
            exempt: exempt.split(',').filter_map(parse_exemption).collect(),
        })
    }

    /// The proxy in front of this upstream, if there is one.
    pub fn for_upstream(&self, upstream: &UpstreamId) -> Option<&ForwardProxy> {
        let proxy = match upstream.scheme() {
            Scheme::Http => self.http.as_ref(),
            Scheme::Https => self.https.as_ref(),
            Scheme::ControlPlane => None,
        }?;
        (!self.exempt.iter().any(|exemption| exemption.covers(upstream))).then_some(proxy)
    }
}

impl Exemption {
    fn covers(&self, upstream: &UpstreamId) -> bool {
        self.port.is_none_or(|port| port == upstream.port()) && self.hosts.include(upstream)
    }
}

impl Hosts {
    fn include(&self, upstream: &UpstreamId) -> bool {
        match self {
            Hosts::All => true,
            Hosts::Domain(domain) => {
                let below = upstream.host().strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Hosts::Address(address) => upstream.address() == Some(*address),
            Hosts::Network(network, bits) => {
                upstream.address().is_some_and(|address| in_network(address, *network, *bits))
            }
        }
    }
}

/// Why a variable names no proxy that can be used; reads on from the variable's name.
#[derive(Debug, thiserror::Error)]
enum ProxyError {
    /// `https://` above all: the credentials, and what is asked of http upstreams, would travel in the clear all the same.
    #[error("must start with http://: TLS to a forward proxy is not supported")]
    Scheme,
    #[error("is not a proxy URL: it {0}")]
    Url(#[from] gate_snapshot::UpstreamError),
}

fn parse_proxy(url: &str) -> Result<ForwardProxy, ProxyError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(ProxyError::Scheme);
    }
    let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let upstream = Upstream::parse(&format!("http://{host}"))?;
    let authorization = user.map(|user| format!("Basic {}", base64(&percent_decoded(user))).into());
    Ok(ForwardProxy { endpoint: upstream.id, authorization })
}

fn parse_exemption(entry: &str) -> Option<Exemption> {
    let entry = entry.trim().to_ascii_lowercase();
    let (hosts, port) = split_port(&entry);
    Some(Exemption { hosts: parse_hosts(hosts)?, port })
}

/// The colons of an IPv6 address are its own unless it stands in brackets.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let (hosts, port) = entry.rsplit_once(':').unwrap_or((entry, ""));
    match port.parse() {
        Ok(port) if entry.parse::<Ipv6Addr>().is_err() => (hosts, Some(port)),
        _ => (entry, None),
    }
}

fn parse_hosts(hosts: &str) -> Option<Hosts> {
    if hosts == "*" {
        return Some(Hosts::All);
    }
    let unbracketed = hosts.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hosts);
    if let Ok(address) = unbracketed.parse() {
        return Some(Hosts::Address(address));
    }
    if let Some((network, bits)) = hosts.split_once('/') {
        return Some(Hosts::Network(network.parse().ok()?, bits.parse().ok()?));
    }
    let domain = hosts.trim_start_matches('.');
    (!domain.is_empty()).then(|| Hosts::Domain(domain.to_owned()))
}

fn in_network(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let shared = |a: u128, b: u128, width: u32| {
        let ignored = width.saturating_sub(u32::from(bits));
        ignored >= width || (a >> ignored) == (b >> ignored)
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shared(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| byte == b'%').and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

/// Base64 (RFC 4648 §4), for the one credential this crate ever sends.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4usize {
            let index = (bits >> (18 - 6 * digit)) & 63;
            let letter = ALPHABET.get(index as usize).copied().unwrap_or_default();
            text.push(if digit <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(no_proxy: &'static str) -> ForwardProxies {
        ForwardProxies::from_environment(|name| match name {
            "http_proxy" => Some("http://proxy:3128".to_owned()),
            "HTTPS_PROXY" => Some("http://us%65r:p%40ss@proxy:3129/".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        })
        .unwrap()
    }

    #[track_caller]
    fn check(no_proxy: &'static str, upstream: &str, expected: Option<&str>) {
        let upstream = Upstream::parse(upstream).unwrap();
        let proxies = proxies(no_proxy);
        let found = proxies.for_upstream(&upstream.id).map(|proxy| proxy.endpoint.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn the_scheme_chooses_the_proxy_and_no_proxy_exempts() {
        check("", "http://a", Some("http://proxy:3128"));
        check("", "https://a", Some("http://proxy:3129"));
        check("*", "http://a", None);
        check("example.com", "http://example.com", None);
        check(".example.com", "http://api.example.com", None);
        check("example.com", "http://notexample.com", Some("http://proxy:3128"));
        check("10.0.0.0/8, ::1", "http://10.2.3.4", None);
        check("10.0.0.0/8, ::1", "http://11.2.3.4", Some("http://proxy:3128"));
        check("10.0.0.0/8, ::1", "http://[::1]", None);
    }

    #[test]
    fn an_exemption_may_be_of_one_port() {
        check("127.0.0.1:9", "http://127.0.0.1:9", None);
        check("127.0.0.1:9", "http://127.0.0.1:10", Some("http://proxy:3128"));
        check("Example.com:443", "https://api.example.com", None);
        check("example.com:443", "http://example.com", Some("http://proxy:3128"));
        check(".example.com:80", "http://example.com", None);
        check("*:8080", "http://a:8080", None);
        check("*:8080", "http://a", Some("http://proxy:3128"));
        check("[::1]:9", "http://[::1]:9", None);
        check("[::1]:9", "http://[::1]", Some("http://proxy:3128"));
        check("[::1]", "http://[::1]:9", None);
        check("::1:9", "http://[::1]:9", Some("http://proxy:3128"));
        check("fd00::/8", "http://[fd00::1]:9", None);
    }

    #[test]
    fn user_information_becomes_basic_credentials() {
        let https = proxies("").https.unwrap();
        assert_eq!(https.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[track_caller]
    fn check_refused(value: &str, expected: &str) {
        let https = |name: &str| (name == "HTTPS_PROXY").then(|| value.to_owned());
        assert_eq!(ForwardProxies::from_environment(https).unwrap_err(), expected);
    }

    #[test]
    fn what_is_no_plain_http_proxy_is_refused_by_the_variables_name() {
        let no_tls = "HTTPS_PROXY must start with http://: TLS to a forward proxy is not supported";
        check_refused("https://user:secret@proxy:3128", no_tls);
        check_refused("HTTPS://proxy", no_tls);
        check_refused("socks5://proxy", no_tls);
        check_refused("http://", "HTTPS_PROXY is not a proxy URL: it must name a host");
    }
}
