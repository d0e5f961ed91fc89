//! What a gateway leaves behind: its database, and everything else in its data directory.

use super::canary::Canaries;
use gate_testkit::PostgreSql;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{Connection as _, PgConnection};
use std::fs;
use std::path::{Path, PathBuf};

/// Hashes, keys of tokens and ciphertext; the last is JSON with keys of tokens in it.
const KEPT: [(&str, &str); 6] = [
    ("a password's hash", r#"SELECT "password" FROM "users""#),
    ("a superuser's password's hash", r#"SELECT "password" FROM "_superusers""#),
    ("a tokenKey", r#"SELECT "tokenKey" FROM "users""#),
    ("a superuser's tokenKey", r#"SELECT "tokenKey" FROM "_superusers""#),
    ("ciphertext", r#"SELECT "value" FROM "_secrets""#),
    ("a collection's token secret", r#"SELECT CAST("value" AS TEXT) FROM "_params""#),
];

/// Where a gateway keeps its records.
pub(super) enum Database {
    Sqlite,
    /// The URL.
    Postgres(String),
}

impl Database {
    /// Learns what is in the database now, to be looked for elsewhere.
    pub(super) async fn teach(&self, directory: &Path, canaries: &mut Canaries) {
        for (what, query) in KEPT {
            for text in self.texts(directory, query).await {
                match serde_json::from_str::<Value>(&text) {
                    Ok(json) => keys_in(&json).into_iter().for_each(|key| canaries.learn_at_rest(what, key)),
                    Err(_) => canaries.learn_at_rest(what, &text),
                }
            }
        }
    }

    async fn texts(&self, directory: &Path, query: &'static str) -> Vec<String> {
        match self {
            Database::Sqlite => {
                let options = SqliteConnectOptions::new().filename(directory.join("data.db"));
                let pool = SqlitePool::connect_with(options).await.unwrap();
                let texts = sqlx::query_scalar(query).fetch_all(&pool).await.unwrap();
                pool.close().await;
                texts
            }
            Database::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Checks every file, of the data directory and of the database itself.
    pub(super) fn check(&self, directory: &Path, canaries: &Canaries) {
        let files = files_below(directory);
        assert!(files.iter().any(|path| is_database(path)), "backups are databases: {files:?}");
        for path in files {
            let origin = path.display().to_string();
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{origin}: {error}"));
            if is_database(&path) || path.ends_with("last-snapshot.json") {
                canaries.check_database(&origin, &bytes);
            } else {
                canaries.check_output(&origin, &bytes);
            }
        }
        if let Database::Postgres(_) = self {
            PostgreSql::shared().each_file(|path, bytes| canaries.check_database(path, bytes));
        }
    }
}

/// Strings of that length in JSON are made by chance, whatever holds them.
const KEY_CHARACTERS_MIN: usize = 30;

fn keys_in(json: &Value) -> Vec<&str> {
    match json {
        Value::String(text) if text.len() >= KEY_CHARACTERS_MIN => vec![text],
        Value::Array(items) => items.iter().flat_map(keys_in).collect(),
        Value::Object(members) => members.values().flat_map(keys_in).collect(),
        _ => Vec::new(),
    }
}

/// `data.db`, its log, a backup; not the database of the request log.
fn is_database(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.contains(".db") && !name.starts_with("auxiliary")
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
