//! A file that is put aside when it is large enough.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file at whose end lines are added. When it would become too large it is put aside as `path.1`, what was `path.1` as
/// `path.2`, and so on; the oldest is deleted.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// How large it is; none for a device or a pipe, which cannot be put aside.
    bytes: Option<u64>,
    /// How large it may become; 0 = as large as it likes.
    rotate_bytes: u64,
    /// How many are kept beside it.
    keep: u32,
}

impl LogFile {
    pub(super) fn open(path: PathBuf, rotate_bytes: u64, keep: u32) -> io::Result<Self> {
        let (file, bytes) = open(&path)?;
        Ok(LogFile { path, file, bytes, rotate_bytes, keep })
    }

    /// Puts the file aside if it would become too large with so many bytes more. Lines that are written together afterwards are in
    /// one file.
    pub(super) fn make_room(&mut self, bytes: usize) {
        let Some(used) = self.bytes.filter(|used| *used > 0 && self.rotate_bytes > 0) else { return };
        if used.saturating_add(bytes as u64) <= self.rotate_bytes {
            return;
        }
        match put_aside(&self.path, self.keep).and_then(|()| open(&self.path)) {
            Ok((file, bytes)) => (self.file, self.bytes) = (file, bytes),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the access log cannot be put aside");
                // It grows on, and the next attempt is made when as much has been added again.
                self.bytes = Some(0);
            }
        }
    }

    /// Opens the file anew: it may have been renamed or deleted. If that fails, the one that is open goes on.
    pub(super) fn reopen(&mut self) {
        match open(&self.path) {
            Ok((file, bytes)) => (self.file, self.bytes) = (file, bytes),
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "the access log cannot be opened anew");
            }
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes = self.bytes.map(|bytes| bytes + written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The file, made if it is missing, and how large it is if it is one.
fn open(path: &Path) -> io::Result<(File, Option<u64>)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
        options.mode(MODE);
        // A pipe that is opened for writing alone makes its opener wait for a reader.
        options.read(fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()));
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    Ok((file, found.is_file().then_some(found.len())))
}

/// Makes room for a new file. Those that are not there need not be moved; without a file in the way nothing needs to be.
fn put_aside(path: &Path, keep: u32) -> io::Result<()> {
    if !fs::exists(path)? {
        return Ok(());
    }
    if keep == 0 {
        return unless_missing(fs::remove_file(path));
    }
    for number in (1..keep).rev() {
        unless_missing(fs::rename(numbered(path, number), numbered(path, number + 1)))?;
    }
    unless_missing(fs::rename(path, numbered(path, 1)))
}

fn unless_missing(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    name.into()
}

/// For its owner, and for the group that collects logs: addresses and paths are nobody else's business.
#[cfg(unix)]
const MODE: u32 = 0o640;

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(directory: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut found: Vec<_> =
            entries.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
        found.sort();
        found
    }

    #[track_caller]
    fn check(rotate_bytes: u64, keep: u32, expected: &[(&str, &str)]) {
        let directory = tempfile::tempdir().unwrap();
        let mut file = LogFile::open(directory.path().join("log"), rotate_bytes, keep).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            file.make_room(line.len());
            file.write_all(line.as_bytes()).unwrap();
        }
        let found = contents(directory.path());
        let found: Vec<_> = found.iter().map(|(name, text)| (&**name, &**text)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_is_full_is_put_aside_and_the_oldest_deleted() {
        check(9, 2, &[("log", "five\n"), ("log.1", "four\n"), ("log.2", "three\n")]);
        check(10, 9, &[("log", "four\nfive\n"), ("log.1", "three\n"), ("log.2", "one\ntwo\n")]);
        check(1, 1, &[("log", "five\n"), ("log.1", "four\n")]);
        check(1, 0, &[("log", "five\n")]);
        check(0, 2, &[("log", "one\ntwo\nthree\nfour\nfive\n")]);
    }

    #[test]
    fn what_was_there_before_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs::write(&path, "before\n").unwrap();
        let mut file = LogFile::open(path, 10, 1).unwrap();
        file.make_room(4);
        file.write_all(b"now\n").unwrap();
        let expected = [("log", "now\n"), ("log.1", "before\n")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(contents(directory.path()), expected);
    }

    #[test]
    fn a_file_that_cannot_be_put_aside_grows_on() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("log.1/in the way")).unwrap();
        let mut file = LogFile::open(directory.path().join("log"), 4, 1).unwrap();
        for _ in 0..3 {
            file.make_room(4);
            file.write_all(b"now\n").unwrap();
        }
        assert_eq!(fs::read_to_string(directory.path().join("log")).unwrap(), "now\nnow\nnow\n");
    }

    #[test]
    fn where_no_new_file_can_be_opened_the_old_one_grows_on() {
        let directory = tempfile::tempdir().unwrap();
        let (there, away) = (directory.path().join("there"), directory.path().join("away"));
        fs::create_dir(&there).unwrap();
        let mut file = LogFile::open(there.join("log"), 8, 2).unwrap();
        file.write_all(b"one\ntwo\n").unwrap();
        fs::rename(&there, &away).unwrap();
        file.make_room(4);
        file.write_all(b"now\n").unwrap();
        fs::rename(&away, &there).unwrap();
        file.make_room(4);
        file.write_all(b"end\n").unwrap();
        assert_eq!(contents(&there), [("log".to_owned(), "one\ntwo\nnow\nend\n".to_owned())]);
    }

    #[test]
    fn what_is_kept_stays_where_there_is_nothing_to_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("log.2");
        let mut file = LogFile::open(directory.path().join("log"), 4, 2).unwrap();
        fs::write(directory.path().join("log.1"), "newer\n").unwrap();
        fs::write(&kept, "older\n").unwrap();
        file.write_all(b"one\n").unwrap();
        fs::remove_file(directory.path().join("log")).unwrap();
        file.make_room(4);
        assert_eq!(fs::read_to_string(kept).unwrap(), "older\n");
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut file = LogFile::open(path.clone(), 4, 1).unwrap();
        file.write_all(b"one\n").unwrap();
        fs::rename(&path, directory.path().join("taken")).unwrap();
        file.reopen();
        file.write_all(b"two\n").unwrap();
        fs::remove_file(&path).unwrap();
        file.make_room(6);
        file.write_all(b"three\n").unwrap();
        let expected = [("log", "three\n"), ("taken", "one\n")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(contents(directory.path()), expected);
    }
}
