//! What a stored secret looks like.
//!
//! | version | text | read | written |
//! |---|---|---|---|
//! | 1 | base64(nonce 12 ‖ ciphertext ‖ tag 16) | yes: the fork's | no |
//! | 2 | `v2:` key id `:` base64(nonce 12 ‖ ciphertext ‖ tag 16) | yes | yes |
//!
//! Both are AES-256-GCM. Version 2 authenticates whose value it is, so that nobody who can write to the database can
//! put the value of one secret under the name of another, and says which master key it was made with, so that the key
//! can be changed while the gateway runs (contract D-23).

use super::{MasterKey, MasterKeys, SecretValue};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

/// Whose value a blob is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) key: &'a str,
    pub(crate) env: &'a str,
}

/// Why a stored secret has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// It was made with a master key that is not at hand.
    #[error("is encrypted with another master key than the gateway has")]
    UnknownKey,
    /// It was changed, cut short, or belongs to another secret.
    #[error("is damaged")]
    Damaged,
    /// The system has no randomness to encrypt with.
    #[error("cannot be encrypted: the system has no randomness")]
    NoRandomness,
}

/// Encrypts a value for its owner.
pub(crate) fn seal(master: &MasterKey, owner: Owner<'_>, value: &SecretValue) -> Result<String, BlobError> {
    let mut nonce = [0; NONCE_BYTES];
    SysRng.try_fill_bytes(&mut nonce).map_err(|_| BlobError::NoRandomness)?;
    let associated = associated(owner);
    let payload = Payload { msg: value.expose().as_bytes(), aad: &associated };
    let sealed = cipher(master).encrypt(&Nonce::from(nonce), payload).map_err(|_| BlobError::Damaged)?;
    let blob = STANDARD.encode([nonce.as_slice(), &sealed].concat());
    Ok(format!("{VERSION_2}{}:{blob}", master.id()))
}

/// Decrypts the value of an owner.
pub(crate) fn open(masters: &MasterKeys, owner: Owner<'_>, blob: &str) -> Result<SecretValue, BlobError> {
    let Some(rest) = blob.strip_prefix(VERSION_2) else {
        return open_version_1(masters, blob);
    };
    let (id, blob) = rest.split_once(':').ok_or(BlobError::Damaged)?;
    let master = masters.with_id(id).ok_or(BlobError::UnknownKey)?;
    decrypt(master, &associated(owner), blob)
}

/// Whether a blob is as [`seal`] would make it with this key now.
pub(crate) fn is_sealed_with(master: &MasterKey, blob: &str) -> bool {
    let id = blob.strip_prefix(VERSION_2).and_then(|rest| rest.split_once(':'));
    id.is_some_and(|(id, _)| id == master.id())
}

/// Version 1 does not say which key it was made with; the right one is the one that opens it.
fn open_version_1(masters: &MasterKeys, blob: &str) -> Result<SecretValue, BlobError> {
    let mut outcomes = masters.iter().map(|master| decrypt(master, &[], blob));
    outcomes.find_map(Result::ok).ok_or(BlobError::UnknownKey)
}

fn decrypt(master: &MasterKey, associated: &[u8], blob: &str) -> Result<SecretValue, BlobError> {
    let bytes = STANDARD.decode(blob).map_err(|_| BlobError::Damaged)?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(BlobError::Damaged)?;
    let payload = Payload { msg: sealed, aad: associated };
    let opened = cipher(master).decrypt(&Nonce::from(*nonce), payload).map_err(|_| BlobError::Damaged)?;
    let opened = Zeroizing::new(opened);
    let text = std::str::from_utf8(&opened).map_err(|_| BlobError::Damaged)?;
    Ok(SecretValue::new(text))
}

fn cipher(master: &MasterKey) -> Aes256Gcm {
    Aes256Gcm::new(master.bytes().into())
}

/// The length of the key comes first: `ab` of `c` is not `a` of `bc`.
fn associated(Owner { key, env }: Owner<'_>) -> Vec<u8> {
    format!("{VERSION_2}{}:{key}{env}", key.len()).into_bytes()
}

/// A colon is in no base64, so version 1 never begins like this.
const VERSION_2: &str = "v2:";
const NONCE_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWNER: Owner<'_> = Owner { key: "OPENAI_KEY", env: "global" };

    fn master(digit: &str) -> MasterKey {
        MasterKey::parse(&digit.repeat(64)).unwrap()
    }

    fn masters(digits: &[&str]) -> MasterKeys {
        MasterKeys::new(master(digits[0]), digits[1..].iter().map(|digit| master(digit)).collect())
    }

    #[test]
    fn what_is_sealed_is_opened_by_its_owner_alone() {
        let value = SecretValue::new("sk-proj-ÄÖÜ");
        let blob = seal(&master("a"), OWNER, &value).unwrap();
        assert!(blob.starts_with(&format!("v2:{}:", master("a").id())), "{blob}");
        assert!(!blob.contains("sk-proj"));
        assert_eq!(open(&masters(&["a"]), OWNER, &blob), Ok(value));
        for other in [
            Owner { key: "OTHER_KEY", env: "global" },
            Owner { key: "OPENAI_KEY", env: "dev" },
            Owner { key: "OPENAI_KE", env: "Yglobal" },
        ] {
            assert_eq!(open(&masters(&["a"]), other, &blob), Err(BlobError::Damaged), "{other:?}");
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let value = SecretValue::new("x");
        let seal = || seal(&master("a"), OWNER, &value).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_blob_names_its_key() {
        let blob = seal(&master("a"), OWNER, &SecretValue::new("x")).unwrap();
        assert!(open(&masters(&["b", "a"]), OWNER, &blob).is_ok());
        assert_eq!(open(&masters(&["b"]), OWNER, &blob), Err(BlobError::UnknownKey));
        assert!(is_sealed_with(&master("a"), &blob));
        assert!(!is_sealed_with(&master("b"), &blob));
    }

    /// Made with Python's `cryptography`, AES-256-GCM without associated data, as the fork does.
    #[test]
    fn a_blob_of_the_fork_is_read() {
        let blob = "AAECAwQFBgcICQoL6bP9kobjnMvDLmNLmFOIslqlctZGZxu1tDaRrluZyBI=";
        assert_eq!(open(&masters(&["a"]), OWNER, blob), Ok(SecretValue::new("sk-from-the-fork")));
        assert_eq!(open(&masters(&["b", "a"]), OWNER, blob), Ok(SecretValue::new("sk-from-the-fork")));
        assert_eq!(open(&masters(&["b"]), OWNER, blob), Err(BlobError::UnknownKey));
        assert!(!is_sealed_with(&master("a"), blob));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let blob = seal(&master("a"), OWNER, &SecretValue::new("value")).unwrap();
        for position in 0..blob.len() {
            let mut changed = blob.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(&masters(&["a"]), OWNER, &changed).is_err(), "{changed}");
            assert!(open(&masters(&["a"]), OWNER, &blob[..position]).is_err(), "{position}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(blob in "\\PC{0,80}") {
            prop_assert!(open(&masters(&["a", "b"]), OWNER, &blob).is_err());
            let blob = format!("v2:{}:{blob}", master("a").id());
            prop_assert!(open(&masters(&["a", "b"]), OWNER, &blob).is_err());
        }

        #[test]
        fn every_value_comes_back(value in "\\PC{0,300}") {
            let value = SecretValue::new(value);
            let blob = seal(&master("a"), OWNER, &value).unwrap();
            prop_assert_eq!(open(&masters(&["a"]), OWNER, &blob), Ok(value));
        }
    }
}
