//! Where a request came from.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

/// The addresses behind a request, as the data plane wrote them into `X-Forwarded-For`.
///
/// It appends the address of its peer, and it keeps what was there before only from a proxy it was told to trust
/// (`--trusted-proxy`): the one before the last is then what that proxy saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ClientAddress {
    /// The other end of the connection.
    pub(crate) remote: String,
    /// The client, as far as the proxies in front of us are trusted.
    pub(crate) real: String,
}

impl ClientAddress {
    /// Reads it from the fields of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let addresses: Vec<_> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut from_the_right = addresses.iter().rev().map(|address| (*address).to_owned());
        let remote = from_the_right.next().unwrap_or_default();
        let real = from_the_right.next().unwrap_or_else(|| remote.clone());
        ClientAddress { remote, real }
    }

    /// Whose limits it shares. All whose address is not known share one, and so one limit.
    pub(crate) fn ip(&self) -> IpAddr {
        self.real.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(forwarded: &str, remote: &str, real: &str) {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        assert_eq!(ClientAddress::of(&headers), ClientAddress { remote: remote.into(), real: real.into() });
    }

    #[test]
    fn the_last_address_is_the_peer_and_the_one_before_it_what_a_trusted_proxy_saw() {
        check("10.0.0.1", "10.0.0.1", "10.0.0.1");
        check("203.0.113.9, 10.0.0.1", "10.0.0.1", "203.0.113.9");
        check("spoofed, 203.0.113.9, 10.0.0.1", "10.0.0.1", "203.0.113.9");
        assert_eq!(ClientAddress::of(&HeaderMap::new()), ClientAddress::default());
    }
}
