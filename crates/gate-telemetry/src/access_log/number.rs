//! Numbers, durations and addresses as text, without the general machinery of formatting.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Appends a number.
pub(super) fn push_integer(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = digit_of(rest % 10);
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

/// Appends a number with so many digits, the first of which may be zeros.
pub(super) fn push_padded<const DIGITS: usize>(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; DIGITS];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = digit_of(rest % 10);
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

/// Appends milliseconds with three decimals.
pub(super) fn push_milliseconds(out: &mut Vec<u8>, duration: Duration) {
    let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    push_integer(out, microseconds / 1000);
    out.push(b'.');
    push_padded::<3>(out, microseconds % 1000);
}

/// Appends an address.
pub(super) fn push_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => push_ipv4(out, address),
        IpAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

/// Appends an address and its port.
pub(super) fn push_socket_address(out: &mut Vec<u8>, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            push_ipv4(out, *address.ip());
            out.push(b':');
            push_integer(out, address.port().into());
        }
        SocketAddr::V6(address) => drop(write!(out, "{address}")),
    }
}

fn push_ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for (number, octet) in address.octets().into_iter().enumerate() {
        if number > 0 {
            out.push(b'.');
        }
        push_integer(out, octet.into());
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder of ten")]
fn digit_of(remainder: u64) -> u8 {
    b'0' + remainder as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(push: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        push(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn integers_are_what_they_are() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX - 1, u64::MAX] {
            check(|out| push_integer(out, number), &number.to_string());
        }
        check(|out| push_padded::<3>(out, 7), "007");
    }

    #[test]
    fn durations_are_milliseconds_to_the_microsecond() {
        check(|out| push_milliseconds(out, Duration::ZERO), "0.000");
        check(|out| push_milliseconds(out, Duration::from_nanos(1_002_003_999)), "1002.003");
        check(|out| push_milliseconds(out, Duration::MAX), "18446744073709551.615");
    }

    #[test]
    fn addresses_are_as_the_standard_library_has_them() {
        for text in ["0.0.0.0", "192.0.2.255", "::1", "2001:db8::7"] {
            check(|out| push_address(out, text.parse().unwrap()), text);
        }
        for text in ["127.0.0.1:80", "[2001:db8::7]:65535"] {
            check(|out| push_socket_address(out, text.parse().unwrap()), text);
        }
    }
}
