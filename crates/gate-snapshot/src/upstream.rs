//! The address of an upstream, parsed once from its URL.

use crate::{ForbiddenAddress, UpstreamAddresses};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

/// A parsed upstream URL: scheme, host, port and base path.
///
/// Two proxies with the same scheme, host and port share an [`UpstreamId`] and so their pooled connections.
#[derive(Clone, PartialEq, Eq)]
pub struct Upstream {
    /// What is dialled.
    pub id: UpstreamId,
    /// The path in front of every forwarded path; empty or starting with `/`, never ending with one.
    pub base_path: Box<str>,
}

/// What is dialled: scheme, host, port. The key of connection pools. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(Arc<Endpoint>);

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// HTTP/1.1 in the clear.
    Http,
    /// TLS; HTTP/2 when the upstream offers it (ALPN), HTTP/1.1 otherwise.
    Https,
    /// An in-memory connection to the control plane of this process.
    ControlPlane,
}

/// Why an upstream URL was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamError {
    /// Not an absolute `http://` or `https://` URL.
    Scheme,
    /// No host, or one that is neither a name nor an address.
    Host,
    /// An address no upstream may have.
    Address(ForbiddenAddress),
    /// The port is not a number from 1 to 65535.
    Port,
    /// User information before the host: a secret belongs into a header.
    UserInformation,
    /// A query or a fragment: the client's query is what is forwarded.
    QueryOrFragment,
    /// A character in the path that must not stand in a URL, or a `.` or `..` segment.
    Path,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Endpoint {
    scheme: Scheme,
    /// Lower case, without the brackets of an IPv6 address.
    host: Box<str>,
    port: u16,
    /// The host, with the brackets of an IPv6 address, and the port unless it is the scheme's default.
    authority: Box<str>,
}

impl Upstream {
    /// Parses an absolute `http` or `https` URL without user information, query and fragment (contract D-21).
    ///
    /// # Errors
    /// The first part that is not as it must be.
    pub fn parse(url: &str) -> Result<Self, UpstreamError> {
        let (scheme, rest) = split_scheme(url)?;
        if rest.contains(['?', '#']) {
            return Err(UpstreamError::QueryOrFragment);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        if authority.contains('@') {
            return Err(UpstreamError::UserInformation);
        }
        let (host, port) = split_authority(authority)?;
        if let Ok(address) = host.parse() {
            UpstreamAddresses::default().check(address).map_err(UpstreamError::Address)?;
        }
        let port = port.unwrap_or(scheme.default_port());
        let base_path = path.trim_end_matches('/');
        if !is_base_path(base_path) {
            return Err(UpstreamError::Path);
        }
        Ok(Self::new(scheme, &host, port, base_path))
    }

    /// The control plane of this process.
    pub fn control_plane() -> Self {
        Self::new(Scheme::ControlPlane, "control-plane", 0, "")
    }

    fn new(scheme: Scheme, host: &str, port: u16, base_path: &str) -> Self {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authority = if port == scheme.default_port() { bracketed } else { format!("{bracketed}:{port}") };
        let endpoint = Endpoint { scheme, host: host.into(), port, authority: authority.into() };
        Upstream { id: UpstreamId(Arc::new(endpoint)), base_path: base_path.into() }
    }
}

/// By what the authority is made of.
impl Hash for Endpoint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.scheme, &self.host, self.port).hash(state);
    }
}

impl UpstreamId {
    /// How it is spoken to.
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// The host: a name in lower case, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// The `Host` field sent: the host, and the port unless it is the scheme's default (RFC 9110 §7.2).
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// Whether somebody else has it.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// The address, when the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.host.parse().ok()
    }
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
            Scheme::ControlPlane => 0,
        }
    }
}

impl fmt::Display for UpstreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::ControlPlane => return f.write_str("control plane"),
        };
        write!(f, "{scheme}://{}:{}", self.0.host, self.0.port)
    }
}

impl fmt::Debug for UpstreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.id, self.base_path)
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UpstreamError::Address(reason) => return fmt::Display::fmt(reason, f),
            UpstreamError::Scheme => "must start with http:// or https://",
            UpstreamError::Host => "must name a host",
            UpstreamError::Port => "must have a port from 1 to 65535",
            UpstreamError::UserInformation => {
                "must not contain user information; set an Authorization header instead"
            }
            UpstreamError::QueryOrFragment => "must not contain a query or a fragment",
            UpstreamError::Path => "must have a path of plain segments",
        })
    }
}

impl std::error::Error for UpstreamError {}

fn split_scheme(url: &str) -> Result<(Scheme, &str), UpstreamError> {
    let (scheme, rest) = url.split_once("://").ok_or(UpstreamError::Scheme)?;
    if scheme.eq_ignore_ascii_case("http") {
        Ok((Scheme::Http, rest))
    } else if scheme.eq_ignore_ascii_case("https") {
        Ok((Scheme::Https, rest))
    } else {
        Err(UpstreamError::Scheme)
    }
}

/// Splits `host[:port]` or `[v6][:port]`; the host comes back in lower case and without brackets.
fn split_authority(authority: &str) -> Result<(String, Option<u16>), UpstreamError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(UpstreamError::Host)?;
        host.parse::<std::net::Ipv6Addr>().map_err(|_| UpstreamError::Host)?;
        (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(UpstreamError::Host)?) })
    } else {
        let (host, port) = authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)));
        if !is_host_name(host) {
            return Err(UpstreamError::Host);
        }
        (host, port)
    };
    let port = port.map(parse_port).transpose()?;
    Ok((host.to_ascii_lowercase(), port))
}

/// A dotted IPv4 address in its one usual form, or a name that cannot be mistaken for an odd form of one
/// (`2130706433`, `0x7f.1` are refused).
fn is_host_name(host: &str) -> bool {
    if host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let last = name.rsplit('.').next().unwrap_or_default();
    let looks_numeric =
        last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    name.len() <= 253 && name.split('.').all(is_label) && !looks_numeric
}

fn parse_port(port: &str) -> Result<u16, UpstreamError> {
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UpstreamError::Port);
    }
    port.parse().ok().filter(|port| *port > 0).ok_or(UpstreamError::Port)
}

fn is_base_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b);
    path.bytes().all(plain) && path.split('/').all(|segment| segment != "." && segment != "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, endpoint: &str, authority: &str, base_path: &str) {
        let upstream = Upstream::parse(url).unwrap();
        assert_eq!(upstream.id.to_string(), endpoint);
        assert_eq!(upstream.id.authority(), authority);
        assert_eq!(&*upstream.base_path, base_path);
    }

    #[track_caller]
    fn refused(url: &str, error: UpstreamError) {
        assert_eq!(Upstream::parse(url), Err(error), "{url}");
    }

    #[test]
    fn urls_are_taken_apart() {
        check("https://api.openai.com/v1/", "https://api.openai.com:443", "api.openai.com", "/v1");
        check("http://LocalHost:8001", "http://localhost:8001", "localhost:8001", "");
        check("http://[::1]:8001/a/b", "http://::1:8001", "[::1]:8001", "/a/b");
        check("HTTP://10.0.0.5:80/", "http://10.0.0.5:80", "10.0.0.5", "");
    }

    #[test]
    fn odd_urls_are_refused() {
        refused("api.openai.com", UpstreamError::Scheme);
        refused("ftp://x", UpstreamError::Scheme);
        refused("http://", UpstreamError::Host);
        refused("http:///v1", UpstreamError::Host);
        refused("http://a b", UpstreamError::Host);
        refused("http://2130706433", UpstreamError::Host);
        refused("http://0x7f.1", UpstreamError::Host);
        refused("http://[::1", UpstreamError::Host);
        refused("http://a\\@b", UpstreamError::UserInformation);
        refused("http://user:pass@host", UpstreamError::UserInformation);
        refused("http://host:0", UpstreamError::Port);
        refused("http://host:65536", UpstreamError::Port);
        refused("http://host:", UpstreamError::Port);
        refused("http://host/?a=b", UpstreamError::QueryOrFragment);
        refused("http://host/#a", UpstreamError::QueryOrFragment);
        refused("http://host/a/../b", UpstreamError::Path);
        refused("http://host/a b", UpstreamError::Path);
    }

    #[test]
    fn the_same_endpoint_is_the_same_pool() {
        let a = Upstream::parse("http://host/a").unwrap();
        let b = Upstream::parse("http://HOST:80/b").unwrap();
        assert_eq!(a.id, b.id);
    }
}
