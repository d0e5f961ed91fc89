//! Numbers, durations and addresses as text, without the general machinery of formatting.
//!
//! Short numbers are the rule. They are appended as so many bytes as the longest of them has, which takes one store, and what
//! is too much is taken off again.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Appends a number.
#[inline]
pub(super) fn push_integer(out: &mut Vec<u8>, number: u64) {
    match u32::try_from(number) {
        Ok(number) if number < 10_000 => push_short(out, number),
        _ => push_long(out, number),
    }
}

/// Appends milliseconds with three decimals.
#[inline]
pub(super) fn push_milliseconds(out: &mut Vec<u8>, duration: Duration) {
    if duration.is_zero() {
        return out.extend_from_slice(b"0.000");
    }
    let below_second = duration.subsec_micros();
    let milliseconds = duration.as_secs().saturating_mul(1000).saturating_add((below_second / 1000).into());
    push_integer(out, milliseconds);
    push_thousandths(out, below_second % 1000);
}

/// Appends what stands behind a number's point, and the point.
#[inline]
pub(super) fn push_thousandths(out: &mut Vec<u8>, thousandths: u32) {
    // The first of four digits is none.
    out.extend_from_slice(&(four_digits(thousandths) | THOUSANDTHS).to_le_bytes());
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

/// Appends a number of at most four digits.
#[inline]
fn push_short(out: &mut Vec<u8>, number: u32) {
    push_without_zeros(out, 3, four_digits(number) | ZEROS);
}

fn push_long(out: &mut Vec<u8>, number: u64) {
    push_integer(out, number / 10_000);
    let digits = four_digits((number % 10_000) as u32);
    out.extend_from_slice(&(digits | ZEROS).to_le_bytes());
}

/// Appends four characters, the first of them in the lowest byte, without the zeros at their front, of which there are as many as
/// may be left out.
#[inline]
fn push_without_zeros(out: &mut Vec<u8>, zeros_max: u32, characters: u32) {
    let zeros = ((characters ^ ZEROS).trailing_zeros() / 8).min(zeros_max);
    out.extend_from_slice(&(characters >> (8 * zeros)).to_le_bytes());
    out.truncate(out.len() - zeros as usize);
}

/// The digits of a number below 10,000, each in a byte.
#[inline]
fn four_digits(number: u32) -> u32 {
    let two = |number: u32| PAIRS.get(number as usize).copied().map_or(0, u32::from);
    two(number / 100) | two(number % 100) << 16
}

fn push_ipv4(out: &mut Vec<u8>, address: Ipv4Addr) {
    for octet in address.octets() {
        // The first of four digits is none.
        let characters = (four_digits(octet.into()) | ZEROS) >> 8 | POINT;
        push_without_zeros(out, 2, characters);
    }
    out.truncate(out.len() - 1);
}

/// The digits of the numbers below 100.
#[expect(clippy::indexing_slicing, reason = "it is the compiler that would panic")]
const PAIRS: [u16; 100] = {
    let mut pairs = [0; 100];
    let (mut tens, mut pair) = (0, 0);
    while tens < 10 {
        let mut ones = 0;
        while ones < 10 {
            pairs[pair] = u16::from_le_bytes([tens, ones]);
            (ones, pair) = (ones + 1, pair + 1);
        }
        tens += 1;
    }
    pairs
};
const ZEROS: u32 = u32::from_le_bytes(*b"0000");
const THOUSANDTHS: u32 = u32::from_le_bytes(*b".000");
/// Behind three others.
const POINT: u32 = u32::from_le_bytes(*b"\0\0\0.");

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
        let edges = (0..20).map(|power| 10_u64.pow(power)).flat_map(|power| [power - 1, power, power + 1]);
        for number in edges.chain([12_345, 40_507, u64::MAX - 1, u64::MAX]) {
            check(|out| push_integer(out, number), &number.to_string());
        }
        check(|out| push_thousandths(out, 7), ".007");
    }

    #[test]
    fn durations_are_milliseconds_to_the_microsecond() {
        check(|out| push_milliseconds(out, Duration::ZERO), "0.000");
        check(|out| push_milliseconds(out, Duration::from_nanos(999)), "0.000");
        check(|out| push_milliseconds(out, Duration::from_micros(90)), "0.090");
        check(|out| push_milliseconds(out, Duration::from_nanos(1_002_003_999)), "1002.003");
        check(|out| push_milliseconds(out, Duration::MAX), "18446744073709551615.999");
    }

    #[test]
    fn addresses_are_as_the_standard_library_has_them() {
        for text in ["0.0.0.0", "192.0.2.255", "9.10.99.100", "::1", "2001:db8::7"] {
            check(|out| push_address(out, text.parse().unwrap()), text);
        }
        for text in ["127.0.0.1:80", "[2001:db8::7]:65535"] {
            check(|out| push_socket_address(out, text.parse().unwrap()), text);
        }
    }
}
