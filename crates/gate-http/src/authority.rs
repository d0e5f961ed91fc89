//! The host and port of a request (RFC 3986 section 3.2, RFC 9110 section 7.2).

use std::net::Ipv6Addr;

use memchr::memchr;

use crate::{grammar, limits};

/// Whether `authority` is a host with or without a port: a name, an IPv4 address or a bracketed IPv6
/// address; a port from 1 to 65535 without leading zeros. User information is not allowed.
pub(crate) fn is_authority(authority: &[u8]) -> bool {
    split(authority).is_some_and(|(host, port)| is_host(host) && port.is_none_or(is_port))
}

/// Whether `authority` is a host and a port, as CONNECT needs it (RFC 9112 section 3.2.3).
pub(crate) fn is_authority_with_port(authority: &[u8]) -> bool {
    is_authority(authority) && split(authority).is_some_and(|(_, port)| port.is_some())
}

/// Takes host and port apart.
fn split(authority: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let host_length = match authority.first() {
        Some(b'[') => memchr(b']', authority)? + 1,
        _ => memchr(b':', authority).unwrap_or(authority.len()),
    };
    match authority.split_at_checked(host_length)? {
        (host, []) => Some((host, None)),
        (host, [b':', port @ ..]) => Some((host, Some(port))),
        _ => None,
    }
}

fn is_host(host: &[u8]) -> bool {
    match host {
        [b'[', address @ .., b']'] => is_ipv6(address),
        _ => (1..=limits::HOST_BYTES_MAX).contains(&host.len()) && grammar::HOST.prefix(host) == host.len(),
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn is_port(port: &[u8]) -> bool {
    let value = port.iter().try_fold(0u32, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        Some(value * 10 + digit).filter(|value| u16::try_from(*value).is_ok())
    });
    !port.starts_with(b"0") && value.is_some_and(|value| value > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: &str, expected: bool) {
        assert_eq!(is_authority(authority.as_bytes()), expected, "{authority:?}");
    }

    #[test]
    fn names_addresses_and_ports_are_accepted() {
        let accepted = [
            "a",
            "localhost",
            "example.com",
            "EXAMPLE.com.",
            "a_b-c~d.test",
            "127.0.0.1",
            "a:1",
            "a:80",
            "a:65535",
            "[::1]",
            "[::1]:8090",
            "[2001:db8::7]",
            "[::ffff:192.0.2.1]:443",
        ];
        for authority in accepted {
            check(authority, true);
        }
        check(&"h".repeat(255), true);
    }

    #[test]
    fn everything_else_is_refused() {
        let refused = [
            "",
            ":",
            ":80",
            "a:",
            "a:0",
            "a:00",
            "a:080",
            "a:65536",
            "a:99999",
            "a:+1",
            "a:-1",
            "a:8 0",
            "a:80:80",
            "a:x",
            "a b",
            " a",
            "a,b",
            "a/b",
            "a@b",
            "u:p@h",
            "a?b",
            "a#b",
            "a\\b",
            "a%41",
            "a;b",
            "a=b",
            "a'b",
            "(a)",
            "a\"",
            "[",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:",
            "[::1]:0",
            "[::g]",
            "[1.2.3.4]",
            "[v1.a]",
            "[fe80::1%25eth0]",
            "[::1]]",
            "[[::1]",
            "é",
            "a\u{7f}",
        ];
        for authority in refused {
            check(authority, false);
        }
        check(&"h".repeat(256), false);
    }

    #[test]
    fn connect_needs_a_port() {
        assert!(is_authority_with_port(b"a:443"));
        assert!(is_authority_with_port(b"[::1]:443"));
        assert!(!is_authority_with_port(b"a"));
        assert!(!is_authority_with_port(b"[::1]"));
    }
}
