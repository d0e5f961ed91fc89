//! Bodies that need no memory: a seed and a length say every byte.

use bytes::Bytes;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Bytes made at a time: large enough to fill any buffer on the way.
const BLOCK_BYTES: usize = 64 * 1024;

/// A pseudo-random body, the same for the same seed and length on every machine.
///
/// One random block is repeated with its number written over its first bytes, so that a lost,
/// doubled or swapped block changes the hash and a gigabyte costs no generator time.
#[derive(Clone, Debug)]
pub struct Pattern {
    block: Vec<u8>,
    block_number: u64,
    bytes_left: u64,
}

impl Pattern {
    /// A body of `length` bytes.
    pub fn new(seed: u64, length: u64) -> Self {
        let mut block = vec![0; BLOCK_BYTES];
        SmallRng::seed_from_u64(seed).fill_bytes(&mut block);
        Self { block, block_number: 0, bytes_left: length }
    }

    /// The lower-case hexadecimal SHA-256 of the bytes that are left.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        self.clone().for_each(|block| hash.update(&block));
        hex(&hash.finalize())
    }

    /// All bytes that are left, in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.clone().flat_map(Vec::from).collect()
    }
}

impl Iterator for Pattern {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.bytes_left == 0 {
            return None;
        }
        self.block[..8].copy_from_slice(&self.block_number.to_le_bytes());
        self.block_number += 1;
        let length = usize::try_from(self.bytes_left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
        self.bytes_left -= length as u64;
        Some(Bytes::copy_from_slice(&self.block[..length]))
    }
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every byte");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_the_same_bytes_and_another_seed_others() {
        assert_eq!(Pattern::new(1, 100_000).to_vec(), Pattern::new(1, 100_000).to_vec());
        assert_ne!(Pattern::new(1, 100_000).sha256(), Pattern::new(2, 100_000).sha256());
    }

    #[test]
    fn length_is_exact_and_the_hash_is_that_of_the_bytes() {
        for length in [0, 1, 65_535, 65_536, 65_537] {
            let pattern = Pattern::new(7, length);
            assert_eq!(pattern.to_vec().len() as u64, length);
            assert_eq!(pattern.sha256(), sha256_hex(&pattern.to_vec()));
        }
    }
}
