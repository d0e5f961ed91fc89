//! Where the master keys are kept while the gateway runs.

use super::{MasterKey, MasterKeyError, MasterKeys};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The master keys of a gateway that runs, and the file they may change in.
///
/// ## How a key is changed
/// * **In the file**: `pocketgate secrets rotate` puts a new key in front of the others, encrypts every secret with it
///   in one transaction, and takes the others out. A gateway that runs meanwhile reads the file again before it
///   encrypts, and when it meets a secret whose key it does not know.
/// * **In the environment**: a process cannot be given another one. The gateway is started again with the new key in
///   `POCKETGATE_MASTER_KEY` and the old one in `POCKETGATE_MASTER_KEY_PREVIOUS`, reads what either encrypted, and
///   encrypts with the new one; `pocketgate secrets rotate` in the same environment brings everything to the new one,
///   and the old one can go.
/// * **From the file into the environment**: as in the environment; the file stands for the previous keys.
#[derive(Debug)]
pub struct Keyring {
    known: RwLock<Arc<MasterKeys>>,
    /// Keys of the environment, which never change.
    of_environment: Option<MasterKeys>,
    /// The data directory, where the file is.
    directory: PathBuf,
}

/// A change of the key that is under way: nobody else begins one of the same file before this is dropped.
#[derive(Debug)]
pub(super) struct Rotation {
    /// The keys it began with, the one in front that everything is to be encrypted with.
    pub(super) keys: Arc<MasterKeys>,
    /// Locked; `None` where the keys are in the environment, and no file is changed.
    _lock: Option<File>,
}

impl Keyring {
    /// The keys of the environment, those of the file after them; `None` when there is neither.
    ///
    /// # Errors
    /// When either holds something else than keys.
    pub fn open(
        directory: &Path,
        read_environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, MasterKeyError> {
        let of_environment = MasterKeys::from_environment(read_environment)?;
        let of_file = MasterKeys::from_file(directory)?;
        let known = match (&of_environment, of_file) {
            (Some(keys), Some(of_file)) => keys.followed_by(&of_file),
            (Some(keys), None) => keys.clone(),
            (None, Some(of_file)) => of_file,
            (None, None) => return Ok(None),
        };
        let known = RwLock::new(Arc::new(known));
        Ok(Some(Keyring { known, of_environment, directory: directory.to_owned() }))
    }

    /// The same, and a new key in a new file when there is none: what a data directory that nobody else uses gets at
    /// its first start. Two gateways on one PostgreSQL would make two keys, so theirs has to be in the environment.
    pub fn open_or_create(
        directory: &Path,
        read_environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, MasterKeyError> {
        if let Some(keyring) = Self::open(directory, &read_environment)? {
            return Ok(keyring);
        }
        MasterKeys::new(MasterKey::generate()?, Vec::new()).create_file(directory)?;
        // Whichever of two processes that start together was first: its key is the one.
        let keyring = Self::open(directory, read_environment)?;
        keyring.ok_or_else(|| MasterKeyError::Lost { path: MasterKeys::file(directory) })
    }

    /// The keys as they were last read.
    pub(super) fn keys(&self) -> Arc<MasterKeys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as they are in the file now. A file that went away is no reason to forget what it held.
    pub(super) fn reread(&self) -> Result<Arc<MasterKeys>, MasterKeyError> {
        if let Some(of_file) = MasterKeys::from_file(&self.directory)? {
            let known = match &self.of_environment {
                Some(keys) => keys.followed_by(&of_file),
                None => of_file,
            };
            self.remember(known);
        }
        Ok(self.keys())
    }

    /// Puts a new key in front of those in the file. Where the environment has the keys, its own is the new one.
    ///
    /// # Errors
    /// [`MasterKeyError::Rotating`] while another process, or another call, changes the key of this file: the last one
    /// to write it would take away the key that the other has encrypted with.
    pub(super) fn begin_rotation(&self) -> Result<Rotation, MasterKeyError> {
        if self.of_environment.is_some() {
            return Ok(Rotation { keys: self.reread()?, _lock: None });
        }
        let lock = lock(&self.directory)?;
        let keys = self.reread()?.succeeded_by(MasterKey::generate()?);
        keys.write_file(&self.directory)?;
        self.remember(keys);
        Ok(Rotation { keys: self.keys(), _lock: Some(lock) })
    }

    /// Takes the keys with which nothing is encrypted any more out of the file: those that were known when the rotation
    /// began. One that somebody has put there since stays.
    pub(super) fn end_rotation(&self, rotation: &Rotation) -> Result<(), MasterKeyError> {
        if self.of_environment.is_some() {
            return Ok(());
        }
        let kept = self.reread()?.without_those_before(&rotation.keys);
        kept.write_file(&self.directory)?;
        self.remember(kept);
        Ok(())
    }

    fn remember(&self, keys: MasterKeys) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

/// Locks the file beside the keys that says who changes them: the file of the keys itself is replaced by each change. The
/// lock is the system's, so it goes with the process.
fn lock(directory: &Path) -> Result<File, MasterKeyError> {
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(|cause| MasterKeyError::File { path: path.clone(), cause })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(MasterKeyError::Rotating),
        // A file system without locks: nothing can be kept from happening there.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(cause)) => Err(MasterKeyError::File { path, cause }),
    }
}

/// Who has it locked changes the key.
const LOCK: &str = "master.key.lock";

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn digit(digit: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name| (name == "POCKETGATE_MASTER_KEY").then(|| digit.repeat(64))
    }

    #[test]
    fn a_first_start_makes_a_key_and_later_ones_use_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Keyring::open(directory.path(), nothing).unwrap().is_none());
        let first = Keyring::open_or_create(directory.path(), nothing).unwrap();
        let second = Keyring::open_or_create(directory.path(), nothing).unwrap();
        assert_eq!(first.keys(), second.keys());
    }

    #[test]
    fn with_a_key_in_the_environment_no_file_is_made_and_one_that_is_there_comes_after() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = Keyring::open_or_create(directory.path(), digit("a")).unwrap();
        assert_eq!(keyring.keys().iter().count(), 1);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        let of_file = Keyring::open_or_create(directory.path(), nothing).unwrap().keys();
        let both = Keyring::open(directory.path(), digit("a")).unwrap().unwrap().keys();
        assert_eq!(both.current(), &MasterKey::parse(&"a".repeat(64)).unwrap());
        assert!(both.iter().any(|key| key == of_file.current()));
    }

    #[test]
    fn a_rotation_in_the_file_is_seen_by_others_when_they_look() {
        let directory = tempfile::tempdir().unwrap();
        let running = Keyring::open_or_create(directory.path(), nothing).unwrap();
        let before = running.keys();
        let rotating = Keyring::open(directory.path(), nothing).unwrap().unwrap();
        let rotation = rotating.begin_rotation().unwrap();
        let during = Arc::clone(&rotation.keys);
        assert_ne!(during.current(), before.current());
        assert!(during.with_id(before.current().id()).is_some());
        assert_eq!(running.keys(), before);
        assert_eq!(running.reread().unwrap(), during);
        rotating.end_rotation(&rotation).unwrap();
        assert_eq!(running.reread().unwrap().iter().count(), 1);
        assert_eq!(running.keys().current(), during.current());
    }

    #[test]
    fn two_rotations_of_one_file_do_not_run_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let one = Keyring::open_or_create(directory.path(), nothing).unwrap();
        let other = Keyring::open(directory.path(), nothing).unwrap().unwrap();
        let rotation = one.begin_rotation().unwrap();
        assert!(matches!(other.begin_rotation(), Err(MasterKeyError::Rotating)));
        assert!(matches!(one.begin_rotation(), Err(MasterKeyError::Rotating)));
        one.end_rotation(&rotation).unwrap();
        let first = Arc::clone(&rotation.keys);
        drop(rotation);
        let second = other.begin_rotation().unwrap();
        assert!(second.keys.with_id(first.current().id()).is_some());
    }

    #[test]
    fn a_rotation_takes_only_keys_away_that_it_knew_when_it_began() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = Keyring::open_or_create(directory.path(), nothing).unwrap();
        let before = keyring.keys();
        let rotation = keyring.begin_rotation().unwrap();
        let by_hand = MasterKey::parse(&"a".repeat(64)).unwrap();
        rotation.keys.succeeded_by(by_hand.clone()).write_file(directory.path()).unwrap();
        keyring.end_rotation(&rotation).unwrap();
        let left = keyring.keys();
        assert_eq!(left.current(), &by_hand);
        assert!(left.with_id(rotation.keys.current().id()).is_some());
        assert!(left.with_id(before.current().id()).is_none());
    }

    #[test]
    fn keys_of_a_file_that_went_away_are_remembered() {
        let directory = tempfile::tempdir().unwrap();
        let running = Keyring::open_or_create(directory.path(), nothing).unwrap();
        std::fs::remove_file(directory.path().join("master.key")).unwrap();
        assert_eq!(running.reread().unwrap(), running.keys());
    }
}
