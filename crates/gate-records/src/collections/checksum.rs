//! The checksum PocketBase makes its ids of.

/// CRC-32 as IEEE 802.3 has it: reflected, polynomial 0xEDB88320, all ones in and out.
pub(super) const fn crc32(text: &str) -> u32 {
    let bytes = text.as_bytes();
    let mut remainder = u32::MAX;
    let mut rest: &[u8] = bytes;
    while let [first, after @ ..] = rest {
        remainder ^= *first as u32;
        let mut bit = 0;
        while bit < 8 {
            let divide = remainder & 1 == 1;
            remainder >>= 1;
            if divide {
                remainder ^= 0xEDB8_8320;
            }
            bit += 1;
        }
        rest = after;
    }
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_standard() {
        assert_eq!(crc32("123456789"), 0xCBF4_3926);
        assert_eq!(crc32(""), 0);
    }
}
