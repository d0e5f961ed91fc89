//! Every record from one store to another.

use crate::schema::RECORD_TABLES;
use crate::{Row, Select, Store, StoreError, Table, Transaction, Value};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Rows that are read and written at one go.
const ROWS_PER_STEP: u64 = 500;

/// A table that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigratedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 over every value of every row, in hexadecimal; the same in both stores.
    pub sha256: String,
}

/// Why nothing was copied: the target is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There are records in the target, which could be lost or mixed up.
    #[error("the target is not empty: {table} has rows")]
    NotEmpty {
        /// The first table with rows in it.
        table: &'static str,
    },
    /// What was written is not what was read.
    #[error("the copy of {table} differs from the original; nothing was copied")]
    Differs {
        /// The table.
        table: &'static str,
    },
    /// The store that is copied fails.
    #[error("the source cannot be read: {0}")]
    Source(#[source] StoreError),
    /// The store that is copied to fails.
    #[error("the target cannot be written: {0}")]
    Target(#[source] StoreError),
    /// The store that is copied to does not take one of the rows.
    #[error("the record {id} of {table} cannot be written to the target; nothing was copied: {cause}")]
    Row {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

/// Copies every record into an empty store, in one transaction, after making sure that it holds the same as the
/// original. Nobody can write to either in the meantime. Logs stay where they are.
pub async fn migrate(from: &Store, to: &Store) -> Result<Vec<MigratedTable>, MigrateError> {
    let mut source = from.begin().await.map_err(MigrateError::Source)?;
    let mut target = to.begin().await.map_err(MigrateError::Target)?;
    for table in RECORD_TABLES {
        if target.count(table).await.map_err(MigrateError::Target)? > 0 {
            return Err(MigrateError::NotEmpty { table: table.name });
        }
    }
    let mut migrated = Vec::new();
    for table in RECORD_TABLES {
        let read = copy(table, &mut source, &mut target).await?;
        let written = digest(table, &mut target).await.map_err(MigrateError::Target)?;
        if read != written {
            return Err(MigrateError::Differs { table: table.name });
        }
        migrated.push(read);
    }
    target.commit().await.map_err(MigrateError::Target)?;
    Ok(migrated)
}

async fn copy(
    table: &'static Table,
    source: &mut Transaction,
    target: &mut Transaction,
) -> Result<MigratedTable, MigrateError> {
    let mut digest = TableDigest::new(table);
    loop {
        let rows = source.select(&digest.next_step()).await.map_err(MigrateError::Source)?;
        if rows.is_empty() {
            return Ok(digest.finish());
        }
        for row in &rows {
            target.insert(row).await.map_err(|cause| MigrateError::Row {
                table: table.name,
                id: row.id().to_owned(),
                cause,
            })?;
            digest.add(row);
        }
    }
}

async fn digest(table: &'static Table, transaction: &mut Transaction) -> Result<MigratedTable, StoreError> {
    let mut digest = TableDigest::new(table);
    loop {
        let rows = transaction.select(&digest.next_step()).await?;
        if rows.is_empty() {
            return Ok(digest.finish());
        }
        for row in &rows {
            digest.add(row);
        }
    }
}

/// What was seen of a table so far, in the order in which its rows were made.
struct TableDigest {
    table: &'static Table,
    rows: u64,
    sha256: Sha256,
}

impl TableDigest {
    fn new(table: &'static Table) -> Self {
        TableDigest { table, rows: 0, sha256: Sha256::new() }
    }

    fn next_step(&self) -> Select {
        Select { limit: Some(ROWS_PER_STEP), offset: self.rows, ..Select::all(self.table) }
    }

    fn add(&mut self, row: &Row) {
        self.rows += 1;
        for value in row.values() {
            self.add_value(value);
        }
    }

    /// A letter for the kind and, for text, its length: no two rows have the same bytes.
    fn add_value(&mut self, value: &Value) {
        match value {
            Value::Null => self.sha256.update(b"0"),
            Value::Bool(flag) => self.sha256.update([b'b', u8::from(*flag)]),
            Value::Integer(number) => self.add_bytes(b'i', &number.to_be_bytes()),
            Value::Number(number) => self.add_bytes(b'n', &number.to_be_bytes()),
            Value::Text(text) => {
                self.add_bytes(b't', &text.len().to_be_bytes());
                self.sha256.update(text);
            }
        }
    }

    fn add_bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.sha256.update([kind]);
        self.sha256.update(bytes);
    }

    fn finish(self) -> MigratedTable {
        let sha256 = self.sha256.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a String takes everything
            text
        });
        MigratedTable { name: self.table.name, rows: self.rows, sha256 }
    }
}
