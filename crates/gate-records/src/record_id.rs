//! The id of a record.

use rand::distr::{Alphanumeric, Distribution};

/// As long as PocketBase's (contract §1.1).
pub(crate) const LENGTH: usize = 15;

/// A new id: 15 random characters of `a-z0-9`, 77 bits, so that two are never the same by chance.
pub(crate) fn new() -> String {
    let mut random = rand::rng();
    std::iter::repeat_with(|| Alphanumeric.sample(&mut random))
        .filter(|character| !character.is_ascii_uppercase())
        .take(LENGTH)
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_are_15_characters_of_a_to_z_and_0_to_9_and_differ() {
        let ids: HashSet<String> = (0..1000).map(|_| new()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 15));
        let used: HashSet<char> = ids.iter().flat_map(|id| id.chars()).collect();
        assert_eq!(used, ('a'..='z').chain('0'..='9').collect());
    }
}
