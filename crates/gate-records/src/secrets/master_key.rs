//! The keys that secrets are encrypted with.
//!
//! They come from the environment (`POCKETGATE_MASTER_KEY`, or the fork's `PB_MASTER_KEY`), or else from the file
//! `master.key` in the data directory, which is made at the first start. Several may be known at a time: the first one
//! encrypts, the others only decrypt what an earlier one encrypted. In the environment the others are in
//! `POCKETGATE_MASTER_KEY_PREVIOUS`, separated by commas; in the file, one a line, the newest first.

use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// 256 bits that encrypt and decrypt secrets. Masked by `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    /// What a blob calls it by.
    id: String,
}

/// The master keys that are known: one that encrypts, and those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterKeys {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

/// Why there is no master key. Never shows one.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// A key that is none.
    #[error("{origin} must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints")]
    Invalid {
        /// The variable or the file it is in.
        origin: String,
    },
    /// Keys before one that there is not.
    #[error("{PREVIOUS_VARIABLE} is set, but neither {VARIABLE} nor {FORK_VARIABLE} is")]
    PreviousAlone,
    /// The file cannot be read or made.
    #[error("the master key file {} cannot be used: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file was made and is gone.
    #[error("the master key file {} was taken away while it was made", path.display())]
    Lost {
        /// The file.
        path: PathBuf,
    },
    /// Another process changes the key of the same data directory.
    #[error("the master key is being changed already; try again when that has ended")]
    Rotating,
    /// The system has no randomness to make a key from.
    #[error("no master key can be made: the system has no randomness")]
    NoRandomness,
}

impl MasterKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(digits: &str) -> Option<Self> {
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != KEY_BYTES || !rest.is_empty() {
            return None;
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self::of(bytes))
    }

    /// A new key.
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|_| MasterKeyError::NoRandomness)?;
        Ok(Self::of(bytes))
    }

    /// What blobs call it by: 64 bits that tell nothing about the key.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.bytes
    }

    fn of(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let digest = Sha256::new_with_prefix(ID_PURPOSE).chain_update(bytes.as_slice()).finalize();
        let id = hex(digest.iter().take(ID_BYTES));
        MasterKey { bytes, id }
    }

    fn digits(&self) -> Zeroizing<String> {
        Zeroizing::new(hex(self.bytes.iter()))
    }
}

impl MasterKeys {
    /// One key that encrypts, and those before it, newest first.
    pub fn new(current: MasterKey, previous: Vec<MasterKey>) -> Self {
        MasterKeys { current, previous }
    }

    /// The keys of the environment; `None` when it names none.
    ///
    /// # Errors
    /// When a variable is set to something else than keys: whoever set it meant it.
    pub fn from_environment(read: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, MasterKeyError> {
        let variable = |name: &'static str| {
            read(name).filter(|value| !value.is_empty()).map(|value| (name, Zeroizing::new(value)))
        };
        let previous = variable(PREVIOUS_VARIABLE);
        let Some((name, current)) = variable(VARIABLE).or_else(|| variable(FORK_VARIABLE)) else {
            return if previous.is_some() { Err(MasterKeyError::PreviousAlone) } else { Ok(None) };
        };
        let current = parse(current.trim(), name)?;
        let previous = previous.as_ref().map(|(name, keys)| parse_all(keys.split(','), name)).transpose()?;
        Ok(Some(MasterKeys { current, previous: previous.unwrap_or_default() }))
    }

    /// The keys of the file in a data directory; `None` when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else than keys, one a line.
    pub fn from_file(directory: &Path) -> Result<Option<Self>, MasterKeyError> {
        let path = Self::file(directory);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(MasterKeyError::File { path, cause }),
        };
        let origin = format!("each line of {}", path.display());
        let mut keys = parse_all(text.lines(), &origin)?.into_iter();
        let current = keys.next().ok_or(MasterKeyError::Invalid { origin })?;
        Ok(Some(MasterKeys { current, previous: keys.collect() }))
    }

    /// Where the file of a data directory is.
    pub(super) fn file(directory: &Path) -> PathBuf {
        directory.join(FILE)
    }

    /// Puts these keys into a new file of a data directory, for its owner's eyes only (0600), unless there is one:
    /// that is left as it is.
    pub(super) fn create_file(&self, directory: &Path) -> Result<(), MasterKeyError> {
        let path = Self::file(directory);
        // A name of its own for each process: the link is what only one of them makes.
        let new = directory.join(format!("{NEW_FILE}.{}", std::process::id()));
        let linked = write_private(&new, &self.lines()).and_then(|()| match fs::hard_link(&new, &path) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
            _ => fs::remove_file(&new),
        });
        linked.and_then(|()| flush_directory(directory)).map_err(|cause| MasterKeyError::File { path, cause })
    }

    /// Puts these keys into the file of a data directory, for its owner's eyes only (0600). Whoever reads it
    /// meanwhile finds all of the old file or all of the new one, and so does whoever reads it after a loss of power.
    /// Invariant: one caller at a time, who has the lock of a rotation.
    pub(super) fn write_file(&self, directory: &Path) -> Result<(), MasterKeyError> {
        let path = Self::file(directory);
        let new = directory.join(NEW_FILE);
        let written = write_private(&new, &self.lines())
            .and_then(|()| fs::rename(&new, &path))
            .and_then(|()| flush_directory(directory));
        written.map_err(|cause| MasterKeyError::File { path, cause })
    }

    /// The key that encrypts.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// These keys with a new one in front.
    #[must_use]
    pub(super) fn succeeded_by(&self, key: MasterKey) -> Self {
        MasterKeys { current: key, previous: self.iter().cloned().collect() }
    }

    /// These keys, and then others.
    pub(super) fn followed_by(&self, others: &Self) -> Self {
        let previous = self.previous.iter().chain(others.iter()).filter(|key| **key != self.current).cloned();
        MasterKeys { current: self.current.clone(), previous: previous.collect() }
    }

    /// These keys without those that `rotated` has behind its first one, with which nothing is encrypted any more. That
    /// first one is among them whatever happens.
    #[must_use]
    pub(super) fn without_those_before(&self, rotated: &Self) -> Self {
        let is_kept = |key: &&MasterKey| **key != rotated.current && !rotated.previous.contains(key);
        let mut kept: Vec<_> = self.iter().filter(is_kept).cloned().collect();
        if self.current == rotated.current || kept.is_empty() {
            return MasterKeys { current: rotated.current.clone(), previous: kept };
        }
        let current = kept.remove(0);
        kept.push(rotated.current.clone());
        MasterKeys { current, previous: kept }
    }

    /// Every key, newest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    pub(crate) fn with_id(&self, id: &str) -> Option<&MasterKey> {
        self.iter().find(|master| master.id() == id)
    }

    fn lines(&self) -> Zeroizing<String> {
        let digits: Vec<_> = self.iter().map(MasterKey::digits).collect();
        let mut lines = Zeroizing::new(String::with_capacity(digits.len() * (2 * KEY_BYTES + 1)));
        for digits in &digits {
            lines.push_str(digits);
            lines.push('\n');
        }
        lines
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn parse(digits: &str, origin: &str) -> Result<MasterKey, MasterKeyError> {
    MasterKey::parse(digits).ok_or_else(|| MasterKeyError::Invalid { origin: origin.to_owned() })
}

fn parse_all<'a>(
    keys: impl Iterator<Item = &'a str>,
    origin: &str,
) -> Result<Vec<MasterKey>, MasterKeyError> {
    keys.map(str::trim).filter(|digits| !digits.is_empty()).map(|digits| parse(digits, origin)).collect()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// In one allocation: a string that grew would leave what it held behind.
fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    let digits = bytes.flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = String::with_capacity(2 * KEY_BYTES);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    text
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // What an earlier attempt left behind keeps its permissions otherwise.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file that was renamed survives a loss of power when its directory does. Where directories cannot be opened,
/// the system sees to it itself.
fn flush_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// Where the key of the environment is.
const VARIABLE: &str = "POCKETGATE_MASTER_KEY";
/// Where the fork has it.
const FORK_VARIABLE: &str = "PB_MASTER_KEY";
/// Where the keys before it are.
const PREVIOUS_VARIABLE: &str = "POCKETGATE_MASTER_KEY_PREVIOUS";
/// The file in the data directory.
const FILE: &str = "master.key";
/// What it is written as first.
const NEW_FILE: &str = "master.key.new";
/// AES-256.
const KEY_BYTES: usize = 32;
/// 64 bits: two keys of one gateway never have the same id.
const ID_BYTES: usize = 8;
/// Keeps the id apart from everything else that is ever derived from the key.
const ID_PURPOSE: &[u8] = b"pocketgate master key id";

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
    const C: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF";

    fn keys(digits: &[&str]) -> MasterKeys {
        let mut keys = digits.iter().map(|digits| MasterKey::parse(digits).unwrap());
        MasterKeys::new(keys.next().unwrap(), keys.collect())
    }

    #[track_caller]
    fn check_environment(variables: &[(&str, &str)], expected: Result<Option<MasterKeys>, &str>) {
        let read = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let found = MasterKeys::from_environment(read).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        for digits in [A, B, C] {
            assert!(MasterKey::parse(digits).is_some(), "{digits}");
        }
        let long = A.repeat(2);
        let signed = A.replacen("aa", "+a", 1);
        for digits in ["", "a", &A[1..], &long, &signed, &A.replacen('a', "g", 1), &A.replacen("aa", "é", 1)]
        {
            assert!(MasterKey::parse(digits).is_none(), "{digits}");
        }
    }

    #[test]
    fn our_variable_wins_over_the_forks() {
        check_environment(&[], Ok(None));
        check_environment(&[("PB_MASTER_KEY", A)], Ok(Some(keys(&[A]))));
        check_environment(&[("PB_MASTER_KEY", A), ("POCKETGATE_MASTER_KEY", B)], Ok(Some(keys(&[B]))));
        check_environment(&[("PB_MASTER_KEY", A), ("POCKETGATE_MASTER_KEY", "")], Ok(Some(keys(&[A]))));
        let previous = format!("{B}, {C}");
        let variables = [("POCKETGATE_MASTER_KEY", A), ("POCKETGATE_MASTER_KEY_PREVIOUS", &previous)];
        check_environment(&variables, Ok(Some(keys(&[A, B, C]))));
    }

    #[test]
    fn k_a_key_that_is_none_is_a_clear_error_that_does_not_show_it() {
        let form = "must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints";
        check_environment(
            &[("POCKETGATE_MASTER_KEY", "hunter2"), ("PB_MASTER_KEY", A)],
            Err(&format!("POCKETGATE_MASTER_KEY {form}")),
        );
        check_environment(&[("PB_MASTER_KEY", "hunter2")], Err(&format!("PB_MASTER_KEY {form}")));
        check_environment(
            &[("PB_MASTER_KEY", A), ("POCKETGATE_MASTER_KEY_PREVIOUS", "hunter2")],
            Err(&format!("POCKETGATE_MASTER_KEY_PREVIOUS {form}")),
        );
        check_environment(
            &[("POCKETGATE_MASTER_KEY_PREVIOUS", A)],
            Err(
                "POCKETGATE_MASTER_KEY_PREVIOUS is set, but neither POCKETGATE_MASTER_KEY nor PB_MASTER_KEY is",
            ),
        );
    }

    #[test]
    fn k_a_key_is_masked() {
        let shown = format!("{:?}", keys(&[A, B]));
        assert!(!shown.to_ascii_lowercase().contains("aaaa"), "{shown}");
    }

    #[test]
    fn keys_of_a_file_come_back_and_are_the_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(MasterKeys::from_file(directory.path()).unwrap(), None);
        keys(&[A]).write_file(directory.path()).unwrap();
        keys(&[C, B, A]).write_file(directory.path()).unwrap();
        assert_eq!(MasterKeys::from_file(directory.path()).unwrap(), Some(keys(&[C, B, A])));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(directory.path().join("master.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_without_a_key_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        for text in ["", "\n", "hunter2\n", &format!("{A}\nhunter2\n")] {
            fs::write(directory.path().join("master.key"), text).unwrap();
            let error = MasterKeys::from_file(directory.path()).unwrap_err().to_string();
            assert!(error.ends_with("prints") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_successor_encrypts_and_the_others_are_kept_until_they_go() {
        let successor = keys(&[B]).succeeded_by(MasterKey::parse(A).unwrap());
        assert_eq!(successor, keys(&[A, B]));
        assert_eq!(successor.without_those_before(&successor), keys(&[A]));
        assert_ne!(MasterKey::generate().unwrap(), MasterKey::generate().unwrap());
    }
}
