//! What the gateway last read, kept in the data directory.

use crate::{ProxyRow, Row, SECRETS, Value};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task;

/// The name of the file in the data directory.
const FILE: &str = "last-snapshot.json";

/// What the gateway last read from a database elsewhere, for a start while that is away.
///
/// The file is for the owner's eyes only (0600): injected headers may hold keys. Secrets are encrypted, as in the database.
#[derive(Clone, Debug)]
pub struct LastSnapshot {
    path: PathBuf,
}

/// Everything a snapshot is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The proxies, in the order in which they were made.
    pub proxies: Vec<Arc<ProxyRow>>,
    /// Rows of [`SECRETS`].
    pub secrets: Vec<Row>,
}

impl LastSnapshot {
    pub(crate) fn in_directory(directory: &Path) -> Self {
        LastSnapshot { path: directory.join(FILE) }
    }

    /// What was kept; an error of the kind `NotFound` when nothing ever was.
    pub async fn read(&self) -> io::Result<Kept> {
        let path = self.path.clone();
        in_background(move || {
            let document: Document = serde_json::from_reader(BufReader::new(File::open(path)?))?;
            Ok(document.into())
        })
        .await
    }

    /// Keeps this in place of what was kept before. A process that is killed leaves either behind, and whole.
    pub async fn write(&self, kept: &Kept) -> io::Result<()> {
        let json = serde_json::to_vec(&Document::from(kept))?;
        let path = self.path.clone();
        in_background(move || replace(&path, &json)).await
    }
}

/// The file.
#[derive(Deserialize, Serialize)]
struct Document {
    proxies: Vec<Arc<ProxyRow>>,
    /// The names of the columns, for versions with others.
    secret_columns: Vec<String>,
    secrets: Vec<Vec<Value>>,
}

impl From<&Kept> for Document {
    fn from(kept: &Kept) -> Self {
        Document {
            proxies: kept.proxies.clone(),
            secret_columns: SECRETS.columns.iter().map(|column| column.name.to_owned()).collect(),
            secrets: kept.secrets.iter().map(|row| row.values().to_vec()).collect(),
        }
    }
}

impl From<Document> for Kept {
    fn from(document: Document) -> Self {
        let row = |values: Vec<Value>| {
            let named = document.secret_columns.iter().zip(values);
            let known = named.filter(|(name, _)| SECRETS.column(name).is_some());
            known.fold(Row::new(&SECRETS), |row, (name, value)| row.with(name, value))
        };
        Kept { proxies: document.proxies, secrets: document.secrets.into_iter().map(row).collect() }
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
