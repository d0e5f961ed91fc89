//! The database of a PocketBase on this machine, read and never written.

use super::open::{self, BUSY_TIMEOUT};
use super::pace::Pace;
use crate::directory::FileIdentity;
use crate::error::Cause;
use crate::{OpenError, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row as _, SqliteConnection};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The database of a PocketBase on this machine (contract §1.7, mode 1), version 0.23 or newer.
///
/// Opened anew for every reader, read-only: PocketBase may be stopped, updated or restored from a backup meanwhile.
#[derive(Clone, Debug)]
pub struct PocketBaseDatabase {
    path: PathBuf,
}

/// One connection to it.
#[derive(Debug)]
pub struct PocketBaseReader {
    connection: SqliteConnection,
}

/// A record of one of its auth collections. `Debug` shows which collection and no value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PocketBaseAccount {
    /// The name of the collection.
    pub collection: String,
    /// What tokens of the collection are signed with.
    pub secret: String,
    /// What tokens of the record are signed with.
    pub token_key: String,
    /// Its fields, as PocketBase's API shows them to a superuser.
    pub values: Map<String, Value>,
}

/// Notices that somebody wrote to it.
#[derive(Debug)]
pub struct PocketBaseChanges {
    path: PathBuf,
    /// Says when to look. Made anew with the connection: another database may be in another directory.
    pace: Pace,
    /// `None` after a failure: the next look connects anew.
    connection: Option<(FileIdentity, SqliteConnection)>,
    /// SQLite's counter at the last look, which means something only within one connection.
    seen: Option<i64>,
}

impl PocketBaseDatabase {
    /// Looks at a database file, or at the `data.db` in a data directory.
    ///
    /// # Errors
    /// What is there cannot be read, or is not PocketBase's.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let path = if path.is_dir() { path.join(crate::directory::DATABASE) } else { path.to_owned() };
        let not_readable = |cause| OpenError::NotReadable { path: path.clone(), cause };
        if !open::begins_like_a_database(&path).map_err(not_readable)? {
            return Err(OpenError::NotADatabase { path });
        }
        let connected = connect(&path).await;
        let mut connection = connected.map_err(|error| not_readable(io::Error::other(error)))?;
        let looked = sqlx::query(AssertSqlSafe(COLLECTION)).bind("").fetch_optional(&mut connection).await;
        looked.map_err(|cause| OpenError::NotPocketBase { path: path.clone(), cause: Cause::new(cause) })?;
        Ok(PocketBaseDatabase { path })
    }

    /// Opens a connection.
    pub async fn reader(&self) -> Result<PocketBaseReader, StoreError> {
        let connection = connect(&self.path).await.map_err(unavailable)?;
        Ok(PocketBaseReader { connection })
    }

    /// Notices of changes. The first look always is one.
    pub fn changes(&self) -> PocketBaseChanges {
        let pace = Pace::of(&self.path, POLL_INTERVAL);
        PocketBaseChanges { path: self.path.clone(), pace, connection: None, seen: None }
    }
}

impl PocketBaseReader {
    /// The record with this id in the auth collection with that one.
    pub async fn account(
        &mut self,
        collection_id: &str,
        id: &str,
    ) -> Result<Option<PocketBaseAccount>, StoreError> {
        let found = sqlx::query(AssertSqlSafe(COLLECTION)).bind(collection_id.to_owned());
        let Some(row) = found.fetch_optional(&mut self.connection).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let collection = Collection::read(&row).map_err(unavailable)?;
        let name = collection.name.replace('"', "\"\"");
        let statement = format!("SELECT * FROM \"{name}\" WHERE id = $1");
        let row = sqlx::query(AssertSqlSafe(statement)).bind(id.to_owned());
        let row = row.fetch_optional(&mut self.connection).await.map_err(unavailable)?;
        row.map(|row| collection.account(&row)).transpose().map_err(unavailable)
    }
}

impl PocketBaseChanges {
    /// Waits until somebody wrote since the last call. A database that cannot be read is no change; when it is back, or
    /// another one is in its place, that is one.
    ///
    /// Cancel-safe: a change whose notice was not delivered is delivered by the next call.
    pub async fn changed(&mut self) {
        loop {
            match self.version().await {
                Ok(version) if self.seen.replace(version) != Some(version) => return,
                Ok(_) => {}
                Err(_) => (self.connection, self.seen) = (None, None),
            }
            self.pace.due().await;
        }
    }

    async fn version(&mut self) -> Result<i64, StoreError> {
        let there =
            FileIdentity::of(&self.path).map_err(|error| StoreError::Unavailable(Cause::new(error)))?;
        let connection = match &mut self.connection {
            Some((opened, connection)) if *opened == there => connection,
            other => {
                self.seen = None;
                self.pace = Pace::of(&self.path, POLL_INTERVAL);
                &mut other.insert((there, connect(&self.path).await.map_err(unavailable)?)).1
            }
        };
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await;
        version.map_err(unavailable)
    }
}

/// What PocketBase keeps of an auth collection.
struct Collection {
    name: String,
    secret: String,
    fields: Vec<Field>,
}

/// A field of it, as far as it says how a column is to be read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    max_select: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    auth_token: AuthToken,
}

#[derive(Deserialize)]
struct AuthToken {
    secret: String,
}

impl Collection {
    fn read(row: &SqliteRow) -> sqlx::Result<Self> {
        let json = |column: &str| row.try_get_unchecked::<String, _>(column);
        let no_json = |error: serde_json::Error| sqlx::Error::Decode(Box::new(error));
        let options: Options = serde_json::from_str(&json("options")?).map_err(no_json)?;
        let fields = serde_json::from_str(&json("fields")?).map_err(no_json)?;
        Ok(Collection { name: json("name")?, secret: options.auth_token.secret, fields })
    }

    fn account(self, row: &SqliteRow) -> sqlx::Result<PocketBaseAccount> {
        let token_key = row.try_get_unchecked("tokenKey")?;
        let shown = self.fields.iter().filter(|field| field.kind != "password" && field.name != "tokenKey");
        let values = shown.map(|field| Ok((field.name.clone(), field.value(row)?)));
        let values = values.collect::<sqlx::Result<_>>()?;
        Ok(PocketBaseAccount { collection: self.name, secret: self.secret, token_key, values })
    }
}

impl Field {
    fn value(&self, row: &SqliteRow) -> sqlx::Result<Value> {
        let column = self.name.as_str();
        Ok(match self.kind.as_str() {
            "bool" => row.try_get_unchecked::<Option<bool>, _>(column)?.unwrap_or_default().into(),
            "number" => row.try_get_unchecked::<Option<f64>, _>(column)?.unwrap_or_default().into(),
            kind => {
                let text: Option<String> = row.try_get_unchecked(column)?;
                let text = text.unwrap_or_default();
                if self.is_json(kind) { serde_json::from_str(&text).unwrap_or_default() } else { text.into() }
            }
        })
    }

    /// Whether the column holds JSON: what it is a field of, or several values of one.
    fn is_json(&self, kind: &str) -> bool {
        match kind {
            "json" | "geoPoint" => true,
            "select" | "file" | "relation" => self.max_select > 1.0,
            _ => false,
        }
    }
}

impl fmt::Debug for PocketBaseAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PocketBaseAccount").field("collection", &self.collection).finish_non_exhaustive()
    }
}

/// Neither the journal nor anything else is changed.
async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).create_if_missing(false);
    options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging().connect().await
}

/// Whatever is wrong with a database that is not ours, it may be right again at any moment.
fn unavailable(error: sqlx::Error) -> StoreError {
    StoreError::Unavailable(Cause::new(error))
}

/// An auth collection by its id.
const COLLECTION: &str = "SELECT name, options, fields FROM _collections WHERE id = $1 AND type = 'auth'";
/// Where the system does not tell: a tenth of the second in which a token that was revoked has to be refused.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
