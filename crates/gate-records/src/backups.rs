//! Copies of the store, made while everything goes on.

use crate::timestamp::Timestamp;
use gate_store::{BackupError, Store};
use serde::Serialize;
use std::fs::DirBuilder;
use std::io;
use std::path::PathBuf;

/// Copies of the store in its data directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backups {
    store: Store,
    /// The data directory.
    directory: PathBuf,
}

/// One copy, as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backup {
    /// The name of its file.
    pub key: String,
    /// When it was made: `2006-01-02 15:04:05.000Z`.
    pub modified: String,
    /// Bytes.
    pub size: u64,
}

/// Why there is no new copy.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is none for a backup: `[a-z0-9_-]+`, perhaps with `.db`.
    #[error("that is no name for a backup")]
    Name,
    /// There is one of that name.
    #[error("there is a backup of that name")]
    Exists,
    /// It cannot be written.
    #[error(transparent)]
    Failed(#[from] BackupError),
}

impl Backups {
    /// The copies of a store with this data directory.
    pub fn new(store: Store, directory: PathBuf) -> Self {
        Backups { store, directory }
    }

    /// Every copy, the newest first.
    pub fn list(&self) -> io::Result<Vec<Backup>> {
        let found = gate_store::backups(&self.directory)?;
        let shown = |backup: gate_store::Backup| Backup {
            key: backup.name,
            modified: Timestamp::from(backup.modified).to_string(),
            size: backup.bytes,
        };
        Ok(found.into_iter().map(shown).collect())
    }

    /// Makes a consistent copy; an empty name stands for one made of the time.
    pub async fn create(&self, name: &str) -> Result<(), CreateError> {
        let name = if name.is_empty() { name_of(&Timestamp::now().to_string()) } else { checked(name)? };
        let folder = gate_store::backup_directory(&self.directory);
        let path = folder.join(name);
        if let Err(cause) = create_folder(&folder) {
            return Err(BackupError::NotWritten { path: folder, cause }.into());
        }
        match self.store.backup(&path).await {
            Err(BackupError::Exists { .. }) => Err(CreateError::Exists),
            outcome => Ok(outcome?),
        }
    }
}

/// Readable for nobody but us: there are password hashes in it.
fn create_folder(folder: &std::path::Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// `pocketgate_20060102_150405000.db`
fn name_of(time: &str) -> String {
    let digit = |c: char| if c == ' ' { Some('_') } else { c.is_ascii_digit().then_some(c) };
    format!("pocketgate_{}.db", time.chars().filter_map(digit).collect::<String>())
}

fn checked(name: &str) -> Result<String, CreateError> {
    let stem = name.strip_suffix(".db").unwrap_or(name);
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if (1..=NAME_BYTES_MAX).contains(&stem.len()) && stem.bytes().all(is_plain) {
        Ok(format!("{stem}.db"))
    } else {
        Err(CreateError::Name)
    }
}

/// What every file system takes, with the ending.
const NAME_BYTES_MAX: usize = 150;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_out_of_the_folder() {
        for name in ["../x", "a/b", "a.zip", ".db", "A", "ü", &"x".repeat(151)] {
            assert!(matches!(checked(name), Err(CreateError::Name)), "{name}");
        }
        assert_eq!(checked("before-upgrade_2").unwrap(), "before-upgrade_2.db");
        assert_eq!(checked("a.db").unwrap(), "a.db");
        assert_eq!(name_of("2006-01-02 15:04:05.000Z"), "pocketgate_20060102_150405000.db");
    }
}
