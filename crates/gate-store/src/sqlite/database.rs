//! An open SQLite database.

use super::failure::store_error;
use super::{DataVersion, open, rows};
use crate::directory::{self, FileIdentity};
use crate::schema::RECORD_TABLES;
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
}

/// The file a database was opened from.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) path: PathBuf,
    identity: FileIdentity,
}

impl Sqlite {
    pub(crate) async fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory::prepare(directory)?;
        let pool = open::open(&path, RECORD_TABLES).await?;
        let identity =
            FileIdentity::of(&path).map_err(|cause| OpenError::NotWritable { path: path.clone(), cause })?;
        Ok(Sqlite { pool, file: Arc::new(OpenFile { path, identity }) })
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
        rows::rows(&mut connection, table, statement).await
    }

    pub(crate) async fn count(&self, statement: Statement) -> Result<u64, StoreError> {
        self.file.ensure_in_place()?;
        let mut connection = self.pool.acquire().await.map_err(store_error)?;
        rows::count(&mut connection, statement).await
    }

    pub(crate) async fn data_version(&self) -> Result<DataVersion, StoreError> {
        DataVersion::connect(Arc::clone(&self.file)).await
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
