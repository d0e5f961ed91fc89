//! The data directory and the database file in it: made for the owner's eyes only.

use crate::OpenError;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{self, Path, PathBuf};

/// The name of the database file.
pub(crate) const DATABASE: &str = "data.db";

/// Makes the data directory (0700) and an empty database file (0600) where they are missing, makes sure that
/// both can be written, and returns the database's absolute path.
///
/// The file is made here and not by SQLite, which would give it the permissions of the umask; the files that
/// SQLite puts beside it take theirs from it. What exists keeps the permissions its owner gave it.
pub(crate) fn prepare(directory: &Path) -> Result<PathBuf, OpenError> {
    create_directory(directory)?;
    let path = path::absolute(directory).unwrap_or_else(|_| directory.to_owned()).join(DATABASE);
    match open_for_writing(&path) {
        Ok(()) => Ok(path),
        Err(_) if path.is_dir() => Err(OpenError::NotADatabase { path }),
        Err(cause) => Err(OpenError::NotWritable { path, cause }),
    }
}

fn create_directory(directory: &Path) -> Result<(), OpenError> {
    match directory.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(OpenError::NotADirectory { path: directory.to_owned() }),
        Err(_) => {}
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(directory)
        .map_err(|cause| OpenError::CreateDirectory { path: directory.to_owned(), cause })
}

/// Opens for reading and writing without changing a byte, because SQLite falls back to reading only and says nothing.
fn open_for_writing(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Which file a path leads to: tells a database from another one put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    number: u64,
}

impl FileIdentity {
    /// Where files have no number that can be asked for, an open file cannot be taken away either:
    /// every file is taken to be the same one.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(FileIdentity { device: metadata.dev(), number: metadata.ino() })
        }
        #[cfg(not(unix))]
        {
            drop(metadata);
            Ok(FileIdentity { device: 0, number: 0 })
        }
    }
}
