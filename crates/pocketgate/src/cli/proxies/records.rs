//! The records of a data directory, and how what they say is told to a person.

use crate::cli::{DataDirectory, environment, list};
use crate::failure::Failure;
use gate_records::secrets::{ResolvedSecrets, Secrets};
use gate_records::{CheckedProxy, EnvironmentPolicy, FieldErrors, normalise_path};
use gate_store::{Change, ProxyRow, Store, StoreError};
use std::env;
use std::io::{self, Write};

/// Opens the records; makes the data directory when it is missing.
pub(super) async fn open(directory: &DataDirectory) -> Result<Store, Failure> {
    Store::open(directory.location()).await.map_err(Failure::other)
}

/// Opens records that are there.
pub(super) async fn open_existing(directory: &DataDirectory) -> Result<Store, Failure> {
    Store::open(directory.existing()?).await.map_err(Failure::other)
}

/// The proxy with an id or a path.
pub(super) async fn find(store: &Store, path_or_id: &str) -> Result<ProxyRow, Failure> {
    let by_id = store.proxy(path_or_id).await.map_err(Failure::other)?;
    let by_exact_path = store.proxy_by_path(path_or_id).await.map_err(Failure::other)?;
    if let Some(row) = by_id.or(by_exact_path) {
        return Ok(row);
    }
    let normalised = normalise_path(path_or_id).unwrap_or_default();
    let by_path = store.proxy_by_path(&normalised).await.map_err(Failure::other)?;
    by_path.ok_or_else(|| Failure::other(format_args!("there is no proxy with the path or id {path_or_id}")))
}

/// Writes one proxy; its path may be taken by then.
pub(super) async fn save(store: &Store, change: Change, path: &str) -> Result<(), Failure> {
    match store.apply(&[change]).await {
        Err(StoreError::NotUnique { field: "path", .. }) => Err(Failure::other(format_args!(
            "there is a proxy with the path {path} already; `pocketgate proxies update {path}` changes it"
        ))),
        outcome => outcome.map_err(Failure::other),
    }
}

/// The variables of this command; the patterns are those the gateway would read in its place.
pub(super) fn environment_policy() -> EnvironmentPolicy {
    let patterns = env::var(environment::ENV_ALLOW).map(|patterns| list::items(&patterns));
    EnvironmentPolicy::new(patterns.unwrap_or_default())
}

/// Tells on standard error what deserves a look.
pub(super) fn warn(path: &str, warnings: &FieldErrors) {
    for (field, warning) in warnings.iter() {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(
            io::stderr(),
            "warning: {path}: {field}: {} (here; what counts is the gateway's environment)",
            warning.message.trim_end_matches('.')
        );
    }
}

/// Tells what deserves a look about a proxy that is about to be written.
pub(super) async fn warn_about(proxy: &CheckedProxy, store: &Store) -> Result<(), Failure> {
    warn(&proxy.record().path, &proxy.warnings(&environment_policy(), &secret_names(store).await?));
    Ok(())
}

/// The names of the secrets that are stored; whether they can be read, the gateway knows.
pub(super) async fn secret_names(store: &Store) -> Result<ResolvedSecrets, Failure> {
    let default_env = env::var(environment::SECRETS_DEFAULT_ENV).unwrap_or_default();
    Secrets::names(store, &default_env).await.map_err(Failure::other)
}

/// What is wrong with a proxy, one line a field.
pub(super) fn refused(path: &str, errors: &FieldErrors) -> Failure {
    Failure::other(format_args!("the proxy {path} cannot be stored:\n{}", indented(errors)))
}

/// One line a field, moved to the right.
pub(super) fn indented(errors: &FieldErrors) -> String {
    errors.to_string().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
