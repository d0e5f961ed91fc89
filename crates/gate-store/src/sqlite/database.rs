//! An open SQLite database.

use super::failure::store_error;
use super::watcher::{Watcher, Watching};
use super::{Contents, open, rows};
use crate::directory::{self, FileIdentity, Hold};
use crate::statement::Statement;
use crate::{OpenError, Row, StoreError, Table};
use sqlx::sqlite::SqlitePool;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open SQLite database. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sqlite {
    pub(super) pool: SqlitePool,
    pub(super) file: Arc<OpenFile>,
    watching: Watching,
}

/// The file a database was opened from.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    /// Keeps the directory from being restored while it is open.
    _hold: Option<Hold>,
    identity: FileIdentity,
}

impl Sqlite {
    pub(crate) async fn open(directory: &Path, contents: &Contents) -> Result<Self, OpenError> {
        let path = directory::prepare(directory, contents.file_name)?;
        let not_writable = |cause| OpenError::NotWritable { path: path.clone(), cause };
        match Hold::shared(directory).await.map_err(not_writable)? {
            Some(hold) => Self::open_file(path, contents, Some(hold)).await,
            None => Err(OpenError::Locked { database: path.display().to_string() }),
        }
    }

    /// Opens a file that is there already.
    pub(crate) async fn open_file(
        path: PathBuf,
        contents: &Contents,
        hold: Option<Hold>,
    ) -> Result<Self, OpenError> {
        let pool = open::open(&path, contents).await?;
        let identity =
            FileIdentity::of(&path).map_err(|cause| OpenError::NotWritable { path: path.clone(), cause })?;
        let file = Arc::new(OpenFile { path, identity, _hold: hold });
        Ok(Sqlite { pool, file, watching: Watching::default() })
    }

    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    pub(crate) async fn rows(
        &self,
        table: &'static Table,
        statement: Statement,
    ) -> Result<Vec<Row>, StoreError> {
        self.file.ensure_in_place()?;
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        rows::rows(&mut connection, table, statement).await.map_err(store_error)
    }

    pub(crate) async fn count(&self, statement: Statement) -> Result<u64, StoreError> {
        self.file.ensure_in_place()?;
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        rows::count(&mut connection, statement).await.map_err(store_error)
    }

    /// Runs all of them, or none; returns how many rows they changed.
    pub(crate) async fn run(&self, statements: Vec<Statement>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let mut changed = 0;
        for statement in statements {
            changed += transaction.run(statement).await?;
        }
        transaction.commit().await?;
        Ok(changed)
    }

    /// Gives the room of deleted rows back to the file system.
    pub(crate) async fn shrink(&self) -> Result<(), StoreError> {
        sqlx::raw_sql("VACUUM").execute(&self.pool).await.map_err(store_error).map(drop)
    }

    /// Writes a copy of the database, as it is at one moment, to an empty file.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        self.file.ensure_in_place()?;
        let path = path.to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO $1").bind(path).execute(&self.pool).await.map_err(store_error).map(drop)
    }

    pub(crate) async fn watcher(&self) -> Result<Watcher, StoreError> {
        self.watching.watcher(&self.file).await
    }
}

impl OpenFile {
    /// Makes sure that the path still leads to the file that was opened:
    /// SQLite goes on writing into one that was taken away, and says that all is well.
    pub(super) fn ensure_in_place(&self) -> Result<(), StoreError> {
        let in_place = FileIdentity::of(&self.path).is_ok_and(|found| found == self.identity);
        if in_place { Ok(()) } else { Err(StoreError::Replaced) }
    }
}
