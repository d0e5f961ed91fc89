//! The proxies as they were last read, kept in the data directory.

use crate::ProxyRow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use tokio::task;

/// The name of the file in the data directory.
const FILE: &str = "last-snapshot.json";

/// The proxies as they were last read from a database elsewhere, for a start while that is away.
///
/// The file is for the owner's eyes only (0600): injected headers may hold keys.
#[derive(Clone, Debug)]
pub struct LastSnapshot {
    path: PathBuf,
}

impl LastSnapshot {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        LastSnapshot { path: directory.join(FILE) }
    }

    /// What was kept; an error of the kind `NotFound` when nothing ever was.
    pub async fn read(&self) -> io::Result<Vec<ProxyRow>> {
        let path = self.path.clone();
        in_background(move || Ok(serde_json::from_reader(BufReader::new(File::open(path)?))?)).await
    }

    /// Keeps these in place of those from before. A process that is killed leaves either behind, and whole.
    pub async fn write(&self, proxies: &[ProxyRow]) -> io::Result<()> {
        let json = serde_json::to_vec(proxies)?;
        let path = self.path.clone();
        in_background(move || replace(&path, &json)).await
    }
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let next = path.with_extension("json.next");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(next, path)
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    task::spawn_blocking(work).await.map_err(io::Error::other)?
}
