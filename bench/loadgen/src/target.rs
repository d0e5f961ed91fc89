//! Where the load goes: a parsed URL, and connections to it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use tokio::net::TcpSocket;

use crate::connection::Connection;

/// The most addresses of 127.0.0.0/8 that connections can be spread over.
pub(crate) const SOURCES_MAX: u8 = 200;

/// A parsed `http://ADDRESS:PORT/path`. Names are refused: resolving them is not what is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub address: SocketAddr,
    pub path: String,
}

/// Why a URL is not a target.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    #[error("the URL does not start with http://")]
    Scheme,
    #[error("the URL needs an IP address and a port, as in http://127.0.0.1:8090/path")]
    Address,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let rest = url.strip_prefix("http://").ok_or(TargetError::Scheme)?;
        let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Ok(Self {
            address: address.parse().map_err(|_| TargetError::Address)?,
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        })
    }
}

impl Target {
    /// The same with `number` for {n} in its path.
    pub(crate) fn numbered(&self, number: usize) -> Self {
        Self { address: self.address, path: self.path.replace("{n}", &number.to_string()) }
    }

    /// The bytes of a GET with these header fields, each `Name: value`.
    pub(crate) fn get(&self, header: &[String]) -> Vec<u8> {
        let (path, host, header) = (&self.path, self.address, lines(header));
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n{header}\r\n").into_bytes()
    }

    /// The bytes of a POST with a JSON string of `length` bytes (at least its two quotes) and these header fields.
    pub(crate) fn post(&self, length: usize, header: &[String]) -> Vec<u8> {
        let body = format!("\"{}\"", "x".repeat(length.saturating_sub(2)));
        let (path, host, length, header) = (&self.path, self.address, body.len(), lines(header));
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{header}\r\n{body}"
        )
        .into_bytes()
    }

    /// Opens connection number `index` of a run that spreads its connections over `sources` loopback
    /// addresses, so that limits per client address are not what is measured. With one source the
    /// system chooses the address.
    pub(crate) async fn connect(&self, index: usize, sources: u8) -> io::Result<Connection> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if sources > 1 {
            socket.bind(source_address(index, sources))?;
        }
        Connection::new(socket.connect(self.address).await?)
    }
}

fn lines(header: &[String]) -> String {
    header.iter().flat_map(|field| [field, "\r\n"]).collect()
}

fn source_address(index: usize, sources: u8) -> SocketAddr {
    let offset = u8::try_from(index % usize::from(sources)).unwrap_or(0);
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, 1 + offset), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::parse_head;

    #[test]
    fn a_url_is_taken_apart() {
        let target: Target = "http://127.0.0.1:8090/b/sse?rate=20".parse().unwrap();
        assert_eq!(target.address, SocketAddr::from(([127, 0, 0, 1], 8090)));
        assert_eq!(target.path, "/b/sse?rate=20");
        assert_eq!("http://127.0.0.1:1".parse::<Target>().unwrap().path, "/");
    }

    #[test]
    fn urls_without_address_or_scheme_are_refused() {
        assert_eq!("https://127.0.0.1:1/".parse::<Target>(), Err(TargetError::Scheme));
        assert_eq!("http://localhost:1/".parse::<Target>(), Err(TargetError::Address));
        assert_eq!("http://127.0.0.1/".parse::<Target>(), Err(TargetError::Address));
    }

    #[test]
    fn a_numbered_target_leads_elsewhere() {
        let target: Target = "http://127.0.0.1:1/b{n}/1k".parse().unwrap();
        assert_eq!(target.numbered(9_999).path, "/b9999/1k");
    }

    #[test]
    fn a_post_carries_exactly_the_body_it_announces() {
        let header = ["Authorization: a".to_owned(), "X-B: c".to_owned()];
        let request = "http://127.0.0.1:1/x".parse::<Target>().unwrap().post(1024, &header);
        let head = parse_head(&request).unwrap().unwrap();
        assert_eq!(head.content_length, Some(1024));
        assert_eq!(request.len() - head.length, 1024);
    }

    #[test]
    fn connections_are_spread_over_the_sources_in_turn() {
        let addresses: Vec<_> = (0..4).map(|index| source_address(index, 3).ip().to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"]);
    }
}
