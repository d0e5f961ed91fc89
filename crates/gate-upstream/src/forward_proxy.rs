//! `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`: another proxy between this one and its upstreams.
//!
//! Off unless asked for (H47): an environment variable must not silently send keys through a third party.

use gate_snapshot::{Scheme, Upstream, UpstreamId};
use std::net::IpAddr;

/// The forward proxies of the environment.
#[derive(Clone, Debug, Default)]
pub struct ForwardProxies {
    http: Option<ForwardProxy>,
    https: Option<ForwardProxy>,
    exempt: Vec<Exemption>,
}

/// A forward proxy: http upstreams are asked for in absolute form, https ones through a `CONNECT` tunnel.
#[derive(Clone, Debug)]
pub struct ForwardProxy {
    /// Where it listens.
    pub endpoint: UpstreamId,
    /// The value of `Proxy-Authorization`, from the user information of its URL.
    pub authorization: Option<Box<str>>,
}

/// One entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exemption {
    /// `*`
    Everything,
    /// `example.com` and `.example.com`: the name and everything below it.
    Domain(String),
    /// `10.0.0.1`
    Address(IpAddr),
    /// `10.0.0.0/8`
    Network(IpAddr, u8),
}

impl ForwardProxies {
    /// Reads the variables through `variable`, the lower-case name first.
    ///
    /// # Errors
    /// A sentence that names the variable whose value is not a proxy URL.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let either = |name: &str| {
            variable(&name.to_lowercase()).or_else(|| variable(name)).filter(|value| !value.trim().is_empty())
        };
        let proxy = |name: &str| {
            let parsed = either(name).map(|url| parse_proxy(url.trim()));
            parsed.transpose().map_err(|error| format!("{name} is not a proxy URL: it {error}"))
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
        match self {
            Exemption::Everything => true,
            Exemption::Domain(domain) => {
                let below = upstream.host().strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            Exemption::Address(address) => upstream.address() == Some(*address),
            Exemption::Network(network, bits) => {
                upstream.address().is_some_and(|address| in_network(address, *network, *bits))
            }
        }
    }
}

fn parse_proxy(url: &str) -> Result<ForwardProxy, gate_snapshot::UpstreamError> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let upstream = Upstream::parse(&format!("{scheme}://{host}"))?;
    let authorization = user.map(|user| format!("Basic {}", base64(&percent_decoded(user))).into());
    Ok(ForwardProxy { endpoint: upstream.id, authorization })
}

fn parse_exemption(entry: &str) -> Option<Exemption> {
    let entry = entry.trim().trim_start_matches('.').to_ascii_lowercase();
    if entry == "*" {
        return Some(Exemption::Everything);
    }
    if let Ok(address) = entry.parse() {
        return Some(Exemption::Address(address));
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return Some(Exemption::Network(network.parse().ok()?, bits.parse().ok()?));
    }
    (!entry.is_empty()).then_some(Exemption::Domain(entry))
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
    fn user_information_becomes_basic_credentials() {
        let https = proxies("").https.unwrap();
        assert_eq!(https.authorization.as_deref(), Some("Basic dXNlcjpwQHNz"));
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[test]
    fn a_value_that_is_no_url_is_named() {
        let error =
            ForwardProxies::from_environment(|name| (name == "HTTP_PROXY").then(|| "ftp://x".to_owned()));
        assert!(error.unwrap_err().starts_with("HTTP_PROXY is not a proxy URL"));
    }
}
